package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"github.com/ivrd/ivrd/configs"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/ivr/flowtest"
	"github.com/ivrd/ivrd/tts"
	"github.com/ivrd/ivrd/tts/promptset"
)

type flowCmd struct {
	Test flowTestCmd `cmd:"" help:"Run scenario tests of flows in text, without a phone."`
}

// flowFaults are faults in flows, one a line.
type flowFaults []ivr.Fault

func (fs flowFaults) Error() string {
	lines := make([]string, len(fs))
	for i, f := range fs {
		lines[i] = f.Error()
	}
	return strings.Join(lines, "\n")
}

// loadFlows loads and checks the configured flows (or the demo's), which may ask for
// the intents of these names; nil: for any.
func loadFlows(f config.File, prompts *tts.Library, intents []string) (*ivr.Flows, error) {
	fsys, err := demoOr(f.Flows.Dir, "demo/flows")
	if err != nil {
		return nil, err
	}
	files, err := ivr.Files(fsys)
	if err != nil {
		return nil, fmt.Errorf("read flows: %w", err)
	}
	o := ivr.CheckOptions{Env: flowEnv(f, "http://127.0.0.1"), Queues: queueNames(f), Intents: intents}
	if prompts != nil {
		o.Prompt = prompts.Exists
	}
	flows, faults := ivr.CheckFiles(files, o)
	for i := range faults {
		faults[i].File = filepath.Join(f.Flows.Dir, faults[i].File)
	}
	if len(faults) > 0 {
		return nil, flowFaults(faults)
	}
	return flows, nil
}

// loadPrompts loads the configured prompts (or the demo's).
func loadPrompts(f config.File) (*tts.Library, error) {
	fsys, err := demoOr(f.Flows.Prompts, "demo/prompts")
	if err != nil {
		return nil, err
	}
	return tts.ReadLibrary(fsys)
}

// promptTexts are the words of recorded prompts, where somebody wrote them down: for
// transcripts only, so that without them calls go on.
func promptTexts(f config.File) (promptset.Texts, error) {
	fsys, err := demoOr(f.Flows.Prompts, "demo/prompts")
	if err != nil {
		return promptset.Texts{}, err
	}
	t, err := promptset.ReadTexts(fsys)
	if errors.Is(err, fs.ErrNotExist) {
		return promptset.Texts{}, nil
	}
	return t, err
}

// demoOr is a directory on disk, or a part of the demo that is built in.
func demoOr(dir, demo string) (fs.FS, error) {
	if dir == "" {
		return fs.Sub(configs.Demo, demo)
	}
	if _, err := os.Stat(dir); err != nil {
		return nil, fmt.Errorf("open directory: %w (hint: flows.dir and flows.prompts are relative to where ivrd is started)", err)
	}
	return os.DirFS(dir), nil
}

// flowEnv is what flows see as ${env.NAME}.
func flowEnv(f config.File, backend string) map[string]string {
	env := map[string]string{}
	maps.Copy(env, f.Flows.Env)
	if f.Flows.Backend != "" {
		env["BACKEND"] = backend
	}
	return env
}

type flowTestCmd struct {
	configured `embed:""`
	Files      []string `arg:"" optional:"" help:"Scenario files; without any: all *.test.yaml beside the flows." type:"existingfile"`
	Uncovered  bool     `help:"List the ways from node to node that no scenario has gone."`
}

func (t flowTestCmd) Run(ctx context.Context) error {
	f, err := t.load()
	if err != nil {
		return err
	}
	f.Speech.Understanding.Engine = config.UnderstandingEmbedded // a test asks nobody else
	set, err := loadIntents(f)
	if err != nil {
		return err
	}
	intents, err := newUnderstander(f, set, nil)
	if err != nil {
		return err
	}
	flows, err := loadFlows(f, nil, intentNames(set))
	if err != nil {
		return err
	}
	files, err := t.files(f)
	if err != nil {
		return err
	}
	var all []flowtest.Result
	failed := 0
	for _, file := range files {
		for _, r := range flowtest.RunFile(ctx, flows, file.name, file.data, flowtest.Options{Env: flowEnv(f, "http://backend"), Understander: intents}) {
			fmt.Println(r.Summary())
			if !r.Passed() {
				failed++
			}
			all = append(all, r)
		}
	}
	if t.Uncovered {
		for _, e := range flowtest.Uncovered(flows, all) {
			fmt.Printf("not covered: %s/%s %s → %s\n", e.Flow, e.Node, e.Outcome, e.To)
		}
	}
	fmt.Printf("%d scenarios, %d failed\n", len(all), failed)
	if failed > 0 {
		return errors.New("scenarios failed")
	}
	return nil
}

type scenarioFile struct {
	name string
	data []byte
}

func (t flowTestCmd) files(f config.File) ([]scenarioFile, error) {
	var out []scenarioFile
	for _, path := range t.Files {
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read scenarios: %w", err)
		}
		out = append(out, scenarioFile{path, b})
	}
	if len(t.Files) > 0 {
		return out, nil
	}
	fsys, err := demoOr(f.Flows.Dir, "demo/flows")
	if err != nil {
		return nil, err
	}
	names, err := fs.Glob(fsys, "*.test.yaml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		b, err := fs.ReadFile(fsys, name)
		if err != nil {
			return nil, fmt.Errorf("read scenarios: %w", err)
		}
		out = append(out, scenarioFile{filepath.Join(f.Flows.Dir, name), b})
	}
	if len(out) == 0 {
		return nil, errors.New("no scenarios (hint: they stand beside the flows and end in .test.yaml)")
	}
	return out, nil
}
