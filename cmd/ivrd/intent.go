package main

import (
	"fmt"
	"io/fs"
	"os"

	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/asr/intent/examples"
	"github.com/ivrd/ivrd/configs"
	"github.com/ivrd/ivrd/internal/config"
)

type intentCmd struct {
	Test intentTestCmd `cmd:"" help:"Tell how well intents are told apart: a confusion table by cross-validation."`
}

// loadIntents reads the configured intents (or the demo's).
func loadIntents(f config.File) (intent.Set, error) {
	if f.Flows.Intents != "" {
		return readIntents(f.Flows.Intents)
	}
	b, err := fs.ReadFile(configs.Demo, "demo/intents.yaml")
	if err != nil {
		return intent.Set{}, fmt.Errorf("read intents: %w", err)
	}
	return examples.Read(b)
}

func readIntents(path string) (intent.Set, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return intent.Set{}, fmt.Errorf("read intents: %w", err)
	}
	set, err := examples.Read(b)
	if err != nil {
		return set, fmt.Errorf("%s: %w", path, err)
	}
	return set, nil
}

// intentNames are those that flows may ask for.
func intentNames(set intent.Set) []string {
	names := []string{}
	for _, i := range set.Intents {
		names = append(names, i.Name)
	}
	return names
}

type intentTestCmd struct {
	File     string  `arg:"" help:"File of intents." type:"existingfile"`
	Against  string  `help:"Judge by the examples of another file instead of cross-validation." placeholder:"FILE" type:"existingfile"`
	Least    float64 `help:"Exit with 1 when a smaller share is understood." default:"0.8"`
	Mistakes bool    `help:"List every utterance that was misunderstood."`
}

// Run prints warnings, the table and its figures.
func (t intentTestCmd) Run() error {
	set, err := readIntents(t.File)
	if err != nil {
		return err
	}
	for _, w := range set.Check() {
		fmt.Printf("warning: %s: %v\n", t.File, w)
	}
	c, err := t.judge(set)
	if err != nil {
		return err
	}
	if err := c.Write(os.Stdout); err != nil {
		return err
	}
	if t.Mistakes {
		if err := c.WriteMistakes(os.Stdout); err != nil {
			return err
		}
	}
	if share, n := c.Accuracy(); n > 0 && share < t.Least {
		return fmt.Errorf("%.1f %% understood, less than %.1f %% (hint: --mistakes shows where examples are missing)", 100*share, 100*t.Least)
	}
	return nil
}

func (t intentTestCmd) judge(set intent.Set) (*intent.Confusion, error) {
	if t.Against == "" {
		return intent.CrossValidate(set), nil
	}
	held, err := readIntents(t.Against)
	if err != nil {
		return nil, err
	}
	return intent.Train(set).Judge(held), nil
}
