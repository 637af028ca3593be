package tts

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/ivrd/ivrd/media"
)

// Limits of one synthesis. A flow's longest text is a notice of a minute or so.
const (
	maxText      = 4000             // bytes of text
	maxSpeech    = 16 << 20         // bytes of sound: 6 minutes at 22.05 kHz
	synthesisMax = 20 * time.Second // espeak-ng speaks a minute in 50 ms
)

// Errors that a caller may act upon.
var (
	// ErrNoEngine says that there is no speech engine on this machine.
	ErrNoEngine = errors.New("no speech engine (hint: install espeak-ng)")
	// ErrNoVoice says that the engine has no voice for the language.
	ErrNoVoice = errors.New("no voice for this language")
	// ErrTooLong says that a text, or its sound, is beyond the limits.
	ErrTooLong = errors.New("text too long to speak")
)

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
	path   string
	name   string
	voices map[string]Voice
	slots  chan struct{}
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
	e := &Espeak{path: path, voices: voices(c.Voices), slots: make(chan struct{}, c.Parallel)}
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
		_, err := e.run(ctx, "", "--stdin", "-q", "-v", name)
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
	out, err := e.run(ctx, "", "--version")
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

// Synthesize speaks one text. It waits for a free slot, and kills its process
// when the context ends.
func (e *Espeak) Synthesize(ctx context.Context, text, language string) ([]int16, int, error) {
	voice, ok := e.voices[language]
	if !ok {
		return nil, 0, fmt.Errorf("speak %q: %w", language, ErrNoVoice)
	}
	if len(text) > maxText {
		return nil, 0, fmt.Errorf("speak %d bytes: %w", len(text), ErrTooLong)
	}
	select {
	case e.slots <- struct{}{}:
		defer func() { <-e.slots }()
	case <-ctx.Done():
		return nil, 0, ctx.Err()
	}
	// -b 1: the text is UTF-8.
	out, err := e.run(ctx, printable(text), "--stdin", "--stdout", "-b", "1", "-v", voice.Name, "-s", strconv.Itoa(voice.Speed))
	if err != nil {
		return nil, 0, fmt.Errorf("speak with espeak-ng: %w", err)
	}
	return media.ReadWAV(bytes.NewReader(out))
}

// printable replaces control characters: espeak-ng takes Ctrl-A as the start
// of a command inside the text.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

// run runs the program to its end and returns what it wrote. What it says on
// stderr may quote the text and is dropped.
func (e *Espeak) run(ctx context.Context, input string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, synthesisMax)
	defer cancel()
	cmd := exec.CommandContext(ctx, e.path, args...)
	cmd.Env = append(cmd.Env, "LC_ALL=C.UTF-8", "PATH="+os.Getenv("PATH"))
	cmd.Stdin = strings.NewReader(input)
	cmd.WaitDelay = time.Second
	out := &limited{max: maxSpeech}
	cmd.Stdout = out
	err := cmd.Run()
	if ctx.Err() != nil {
		return nil, ctx.Err()
	}
	if out.full {
		return nil, ErrTooLong
	}
	return out.buf.Bytes(), err
}

// limited is a buffer that refuses to grow beyond max, which ends the child by
// a broken pipe. The buffer is not embedded: its ReadFrom would know no limit.
type limited struct {
	buf  bytes.Buffer
	max  int
	full bool
}

func (l *limited) Write(p []byte) (int, error) {
	if l.buf.Len()+len(p) > l.max {
		l.full = true
		return 0, io.ErrShortWrite
	}
	return l.buf.Write(p)
}
