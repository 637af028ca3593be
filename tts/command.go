package tts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/media"
)

// CommandConfig configures a Command.
type CommandConfig struct {
	// Argv is the program and its arguments. In an argument {voice}, {language} and
	// {speed} (1 is the usual) are filled in. There is no shell, and the text is not
	// among them: it comes on standard input, where no other user of the machine sees it.
	Argv []string
	// Voices by language.
	Voices map[string]string
	Format Format
	// Patience until the first sound; 0 means DefaultPatience.
	Patience time.Duration
	// Parallel bounds the programs at once; 0 means 2.
	Parallel int
}

// DefaultPatience is how long the first sound of an engine may take: as long as a
// caller waits before they say "hello?".
const DefaultPatience = 3 * time.Second

// Command speaks with any program.
type Command struct {
	program program
	args    []string
	voices  map[string]string
	name    string
}

// NewCommand finds the program. It is not run before it is to speak.
func NewCommand(c CommandConfig) (*Command, error) {
	if len(c.Argv) == 0 {
		return nil, errors.New("make speech command: there is none")
	}
	for _, a := range c.Argv {
		if strings.Contains(a, "{text}") {
			return nil, errors.New("make speech command: {text} cannot be an argument (hint: the text comes on standard input)")
		}
	}
	if err := checkFormat(c.Format); err != nil {
		return nil, fmt.Errorf("make speech command: %w", err)
	}
	path, err := exec.LookPath(c.Argv[0])
	if err != nil {
		return nil, fmt.Errorf("make speech command: %w", err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("make speech command: %w", err)
	}
	return &Command{
		program: program{path: path, format: c.Format, patience: orElse(c.Patience, DefaultPatience), slots: make(slots, orElse(c.Parallel, 2))},
		args:    slices.Clone(c.Argv[1:]),
		voices:  maps.Clone(c.Voices),
		// A program that was replaced is another version.
		name: fmt.Sprintf("command %q %d %d %v %v", c.Argv, info.Size(), info.ModTime().UnixNano(), named(c.Voices), c.Format),
	}, nil
}

func orElse[N int | time.Duration](v, otherwise N) N {
	if v <= 0 {
		return otherwise
	}
	return v
}

func checkFormat(f Format) error {
	switch {
	case !slices.Contains(formats(), f.Name):
		return fmt.Errorf("format %q is not known (hint: %s)", f.Name, strings.Join(formats(), " or "))
	case f.Name == "pcm" && !slices.Contains(media.ResamplerRates(), f.Rate):
		return fmt.Errorf("a rate of %d Hz is not taken (hint: %v)", f.Rate, media.ResamplerRates())
	}
	return nil
}

// named are voices by language, in order.
func named(voices map[string]string) []string {
	var out []string
	for _, language := range slices.Sorted(maps.Keys(voices)) {
		out = append(out, language+"="+voices[language])
	}
	return out
}

// Name says the command line, which program it was, and the voices.
func (c *Command) Name() string { return c.name }

// Speak implements Engine.
func (c *Command) Speak(ctx context.Context, u Utterance, hear Hear) error {
	voice, err := voiceOf(c.voices, u)
	if err != nil {
		return err
	}
	fill := strings.NewReplacer("{voice}", voice, "{language}", u.Language, "{speed}", strconv.FormatFloat(1+u.Prosody.Rate, 'f', 2, 64))
	args := make([]string, len(c.args))
	for i, a := range c.args {
		args[i] = fill.Replace(a)
	}
	if err := c.program.speak(ctx, u.Text, args, hear); err != nil {
		return fmt.Errorf("speak by command: %w", err)
	}
	return nil
}
