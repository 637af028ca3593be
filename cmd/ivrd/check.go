package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/ivr"
)

type checkCmd struct {
	configured `embed:""`
}

// Run names every fault of configuration, keys, people, voices, prompts, intents,
// flows and their phrases, and warns of what will be understood badly; one kind's faults do not hide another's.
func (c checkCmd) Run(ctx context.Context) error {
	f, err := c.load()
	if err != nil {
		return err
	}
	prompts, promptErr := loadPrompts(f)
	intents, intentErr := loadIntents(f)
	var names []string // nil: any, so that faulty intents are told once
	if intentErr == nil {
		names = intentNames(intents)
	}
	flows, flowErr := loadFlows(f, prompts, names)
	_, _, speechErr := newEngines(ctx, f)
	_, helperErr := findEmotionHelper(f.Speech.EmotionModel)
	err = errors.Join(checkKeys(f), checkPeople(ctx, f), speechErr, helperErr, promptErr, flowErr, intentErr)
	var warnings []string
	if flowErr == nil {
		var phraseErr error
		warnings, phraseErr = checkPhrases(f, flows)
		err = errors.Join(err, checkNumbers(f, flows), phraseErr)
	}
	if err != nil {
		return err
	}
	for _, w := range warnings {
		fmt.Printf("warning: %s\n", w)
	}
	for _, w := range intents.Check() {
		fmt.Printf("warning: %s: %v\n", cmp.Or(f.Flows.Intents, "intents of the demo"), w)
	}
	fmt.Printf("well: %d flows, %d intents, %d numbers, %d trunks\n", len(flows.Names()), len(intents.Intents), len(f.Calls.Numbers), len(f.SIP.Trunks))
	return nil
}

// checkKeys opens the key file if it has been made.
func checkKeys(f config.File) error {
	if f.Data.KeyFile == "" {
		return nil // made at the first start
	}
	_, err := seal.OpenRootFile(f.Data.KeyFile)
	return err
}

// checkPeople finds people whom production would not start with. It needs no
// keys: a demo password is known by its mark.
func checkPeople(ctx context.Context, f config.File) (err error) {
	if f.Mode != config.ModeProduction {
		return nil
	}
	if _, err := os.Stat(filepath.Join(f.Data.Dir, peopleDatabase)); errors.Is(err, os.ErrNotExist) {
		return nil // nobody has been added, and nothing is made here
	}
	d := &data{file: f}
	defer func() { err = errors.Join(err, d.Close()) }()
	if err := d.openPeople(ctx); err != nil {
		return err
	}
	return d.people.CheckProduction(ctx)
}

// checkNumbers finds numbers that lead to no flow.
func checkNumbers(f config.File, flows *ivr.Flows) error {
	var faults config.Faults
	for _, number := range slices.Sorted(maps.Keys(f.Calls.Numbers)) {
		name := f.Calls.Numbers[number]
		if name != echoTarget && flows.Flow(name) == nil {
			hint := fmt.Sprintf("flows are %v", flows.Names())
			faults = append(faults, f.Fault("calls.numbers."+number, hint, "no flow is called %q", name))
		}
	}
	if len(faults) > 0 {
		return faults
	}
	return nil
}

// echoTarget is what calls.numbers calls the echo line.
const echoTarget = "echo"
