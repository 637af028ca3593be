package tts

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/tts/ssml"
)

// synthesisMax is far more than espeak-ng needs, which speaks a minute in 50 ms.
const synthesisMax = 20 * time.Second

// EspeakConfig configures Espeak; its zero value is good.
type EspeakConfig struct {
	// Path of the program; empty means espeak-ng from PATH.
	Path string
	// Voices by language; nil means DefaultVoices.
	Voices map[string]Voice
	// Parallel bounds the child processes at once; 0 means 2.
	Parallel int
}

// Voice is how a language is spoken.
type Voice struct {
	// Name is espeak-ng's, such as en-us, or cmn for Mandarin.
	Name string
	// Speed is what espeak-ng counts as words a minute. At 230, cmn says four
	// syllables a second; at 150 it drawls. 0 means espeak-ng's own.
	Speed int
}

// DefaultVoices speak English and Mandarin at the pace of a clear speaker on
// the telephone.
func DefaultVoices() map[string]Voice {
	return map[string]Voice{"en": {"en-us", 160}, "zh": {"cmn", 230}}
}

// espeakSpeed is espeak-ng's own.
const espeakSpeed = 175

// Espeak speaks with espeak-ng as a child process, one for each text. It is a
// process and not a library because of its licence (GPL-3) and because a crash
// in it must not be ours.
type Espeak struct {
	program program
	name    string
	voices  map[string]Voice
}

// NewEspeak finds the program and asks for its version. Without it the error
// is ErrNoEngine.
func NewEspeak(ctx context.Context, c EspeakConfig) (*Espeak, error) {
	if c.Path == "" {
		c.Path = "espeak-ng"
	}
	if c.Voices == nil {
		c.Voices = DefaultVoices()
	}
	if c.Parallel <= 0 {
		c.Parallel = 2
	}
	path, err := exec.LookPath(c.Path)
	if err != nil {
		return nil, fmt.Errorf("find %s: %w", c.Path, ErrNoEngine)
	}
	e := &Espeak{
		program: program{path: path, format: Format{Name: "wav"}, patience: synthesisMax, slots: make(slots, c.Parallel)},
		voices:  voices(c.Voices),
	}
	version, err := e.version(ctx)
	if err != nil {
		return nil, err
	}
	e.name = e.describe(version)
	return e, nil
}

// voices is a copy in which every voice has its speed.
func voices(given map[string]Voice) map[string]Voice {
	out := maps.Clone(given)
	for language, v := range out {
		if v.Speed == 0 {
			v.Speed = espeakSpeed
			out[language] = v
		}
	}
	return out
}

// Check finds voices that the program does not have: it would speak nothing in
// their languages. It costs a child process of some 10 ms for each.
func (e *Espeak) Check(ctx context.Context) error {
	var errs []error
	for _, language := range slices.Sorted(maps.Keys(e.voices)) {
		name := e.voices[language].Name
		_, err := e.ask(ctx, "--stdin", "-q", "-v", name)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil || name == "" {
			errs = append(errs, fmt.Errorf("find voice %q of language %s: %w (hint: espeak-ng --voices lists them)", name, language, ErrNoVoice))
		}
	}
	return errors.Join(errs...)
}

// version reads "eSpeak NG text-to-speech: 1.51  Data at: …".
func (e *Espeak) version(ctx context.Context) (string, error) {
	out, err := e.ask(ctx, "--version")
	if err != nil {
		return "", fmt.Errorf("ask espeak-ng for its version: %w", err)
	}
	_, rest, _ := strings.Cut(string(out), ": ")
	version, _, _ := strings.Cut(rest, " ")
	return version, nil
}

func (e *Espeak) describe(version string) string {
	parts := []string{"espeak-ng", version}
	for _, language := range slices.Sorted(maps.Keys(e.voices)) {
		v := e.voices[language]
		parts = append(parts, fmt.Sprintf("%s=%s/%d", language, v.Name, v.Speed))
	}
	return strings.Join(parts, " ")
}

// Name says the version and the voices.
func (e *Espeak) Name() string { return e.name }

// Speak implements Engine. It waits for a free slot.
func (e *Espeak) Speak(ctx context.Context, u Utterance, hear Hear) error {
	voice, err := voiceOf(e.voices, u)
	if err != nil {
		return err
	}
	if err := e.program.speak(ctx, u.Text, voice.args(u.Prosody), hear); err != nil {
		return fmt.Errorf("speak with espeak-ng: %w", err)
	}
	return nil
}

// args are espeak-ng's. Its pitch goes from 0 to 99 by two octaves, with 50 in the
// middle.
func (v Voice) args(p ssml.Prosody) []string {
	speed := int(math.Round(float64(v.Speed) * (1 + p.Rate)))
	args := []string{"--stdin", "--stdout", "-b", "1", "-v", v.Name, "-s", strconv.Itoa(speed)} // -b 1: the text is UTF-8
	if p.Pitch != 0 {
		args = append(args, "-p", strconv.Itoa(min(max(int(math.Round(50+50*p.Pitch/12)), 0), 99)))
	}
	return args
}

// ask runs the program for what it says of itself.
func (e *Espeak) ask(ctx context.Context, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, synthesisMax)
	defer cancel()
	out, err := e.program.command(ctx, args).Output()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	return out, err
}
