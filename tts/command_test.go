package tts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

// shell is a command whose program is a shell script.
func shell(t *testing.T, body string, f Format, args ...string) *Command {
	t.Helper()
	path := filepath.Join(t.TempDir(), "voice")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body), 0o700); err != nil {
		t.Fatal(err)
	}
	c, err := NewCommand(CommandConfig{Argv: append([]string{path}, args...), Voices: map[string]string{"en": "v $(id)"}, Format: f})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A command is given its arguments as they are, without a shell, and the text on its
// standard input only.
func TestCommandIsGivenWhatItNeeds(t *testing.T) {
	dir := t.TempDir()
	c := shell(t, `printf '%s|' "$@" >"`+dir+`/args"; cat >"`+dir+`/text"; head -c 1600 /dev/zero`, Format{"pcm", 16000}, "--voice={voice}", "{language}", "{speed}", "$HOME")
	pcm, rate, err := heard(t, c, Utterance{Text: "`id`; $(id)\n--help", Language: "en", Prosody: ssml.Prosody{Rate: -0.25}})
	if err != nil || rate != 16000 || len(pcm) != 800 {
		t.Fatalf("%d samples at %d Hz, %v", len(pcm), rate, err)
	}
	args, _ := os.ReadFile(filepath.Join(dir, "args"))
	text, _ := os.ReadFile(filepath.Join(dir, "text"))
	if string(args) != "--voice=v $(id)|en|0.75|$HOME|" || string(text) != "`id`; $(id) --help" {
		t.Errorf("arguments %q, text %q", args, text)
	}
}

func TestCommandFailures(t *testing.T) {
	pcm := Format{"pcm", 8000}
	for name, c := range map[string]struct {
		body   string
		format Format
		want   error
	}{
		"fails":     {"echo secret words >&2; exit 3", pcm, nil},
		"no sound":  {"cat", Format{Name: "wav"}, nil},
		"half":      {"printf abc", pcm, nil},
		"endless":   {"exec cat /dev/zero", pcm, ErrTooLong},
		"not there": {"exec /no/such", pcm, nil},
	} {
		_, _, err := heard(t, shell(t, c.body, c.format), Utterance{Text: "secret words", Language: "en"})
		if err == nil || strings.Contains(err.Error(), "secret") || c.want != nil && !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, _, err := heard(t, shell(t, "true", pcm), Utterance{Text: "un", Language: "fr"}); !errors.Is(err, ErrNoVoice) {
		t.Errorf("a language without a voice: %v", err)
	}
}

// A command that says nothing is killed with all that it has started.
func TestCommandIsKilledWithItsGroup(t *testing.T) {
	pipe := filepath.Join(t.TempDir(), "alive")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	c := shell(t, `sleep 1000 >"`+pipe+`" & wait`, Format{"pcm", 8000})
	c.program.patience = 300 * time.Millisecond
	done := make(chan error, 1)
	go func() {
		// Whoever opens the pipe to read sees its end when nobody holds it any more.
		_, err := os.ReadFile(pipe)
		done <- err
	}()
	if _, _, err := heard(t, c, Utterance{Text: "hello", Language: "en"}); !errors.Is(err, ErrLate) {
		t.Errorf("got %v", err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Speak(ctx, Utterance{Text: "hello", Language: "en"}, unheard); !errors.Is(err, context.Canceled) {
		t.Errorf("when stopped: %v", err)
	}
}

func TestCommandRefusesItsConfiguration(t *testing.T) {
	good := CommandConfig{Argv: []string{"cat"}, Format: Format{Name: "wav"}}
	for name, change := range map[string]func(*CommandConfig){
		"none":   func(c *CommandConfig) { c.Argv = nil },
		"gone":   func(c *CommandConfig) { c.Argv = []string{"/no/such"} },
		"text":   func(c *CommandConfig) { c.Argv = []string{"cat", "say={text}"} },
		"format": func(c *CommandConfig) { c.Format = Format{"ogg", 8000} },
		"rate":   func(c *CommandConfig) { c.Format = Format{"pcm", 8001} },
	} {
		c := good
		change(&c)
		if _, err := NewCommand(c); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// Whatever an engine writes, what comes of it is within the limits, or an error.
func FuzzListen(f *testing.F) {
	f.Add(append(media.WAVHeader(24000, 1, 4), 1, 2, 3, 4), true)
	f.Add([]byte{1, 2, 3}, false)
	f.Fuzz(func(t *testing.T, body []byte, wav bool) {
		ctx, pace := newPace(t.Context(), time.Minute)
		defer pace.stop()
		format := Format{Name: "pcm", Rate: 8000}
		if wav {
			format.Name = "wav"
		}
		samples := 0
		err := format.listen(strings.NewReader(string(body)), pace, func(pcm []int16, rate int) error {
			samples += len(pcm)
			l := newLive(1, nil)
			l.begin(0)
			return l.hear(pcm, rate)
		})
		if ctx.Err() != nil || samples > len(body) || err == nil && !wav && samples != len(body)/2 {
			t.Fatalf("%d bytes became %d samples, %v", len(body), samples, err)
		}
	})
}
