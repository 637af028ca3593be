package tts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

func espeak(t *testing.T) *Espeak {
	t.Helper()
	testkit.Need(t, "espeak-ng")
	e, err := NewEspeak(t.Context(), EspeakConfig{})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestEspeakSpeaksBothLanguages(t *testing.T) {
	e := espeak(t)
	if !strings.HasPrefix(e.Name(), "espeak-ng 1.") || !strings.HasSuffix(e.Name(), "en=en-us/160 zh=cmn/230") {
		t.Errorf("name %q", e.Name())
	}
	for language, text := range map[string]string{"en": "You have twelve yuan.", "zh": "您的余额是十二元。"} {
		pcm, err := Render(t.Context(), e, language, ssml.Plain(text))
		if err != nil {
			t.Fatal(err)
		}
		length := media.Time(len(pcm)).Duration()
		if length < 700*time.Millisecond || length > 5*time.Second || dBov(activeLevel(pcm)) < targetLevel-3 {
			t.Errorf("%s: %v at %.1f dBov", language, length, dBov(activeLevel(pcm)))
		}
		again, err := Render(t.Context(), e, language, ssml.Plain(text))
		if err != nil || !slices.Equal(pcm, again) {
			t.Errorf("%s: not the same sound twice (%v)", language, err)
		}
	}
}

func TestEspeakTakesNoCommandsFromText(t *testing.T) {
	e := espeak(t)
	plain, err := Render(t.Context(), e, "en", ssml.Plain(" 400s hello"))
	if err != nil {
		t.Fatal(err)
	}
	// Ctrl-A 400s would set the speed.
	got, err := Render(t.Context(), e, "en", ssml.Plain("\x01400s hello"))
	if err != nil || !slices.Equal(plain, got) {
		t.Errorf("a control character was obeyed (%v)", err)
	}
	// What looks like an option is text.
	if _, err := Render(t.Context(), e, "en", ssml.Plain("--version")); err != nil {
		t.Error(err)
	}
}

func TestEspeakRefuses(t *testing.T) {
	e := espeak(t)
	if err := e.Speak(t.Context(), Utterance{Text: "bonjour", Language: "fr"}, unheard); !errors.Is(err, ErrNoVoice) {
		t.Errorf("unknown language: %v", err)
	}
	if err := e.Speak(t.Context(), Utterance{Text: strings.Repeat("a ", maxText), Language: "en"}, unheard); !errors.Is(err, ErrTooLong) {
		t.Errorf("long text: %v", err)
	}
	if _, err := NewEspeak(t.Context(), EspeakConfig{Path: "/none/espeak-ng"}); !errors.Is(err, ErrNoEngine) {
		t.Errorf("no program: %v", err)
	}
}

func TestEspeakChecksItsVoices(t *testing.T) {
	if err := espeak(t).Check(t.Context()); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"nonsuch", ""} {
		e, err := NewEspeak(t.Context(), EspeakConfig{Voices: map[string]Voice{"en": {"en-us", 160}, "xx": {Name: name}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := e.Check(t.Context()); !errors.Is(err, ErrNoVoice) || strings.Contains(err.Error(), "language en:") || !strings.Contains(err.Error(), "language xx:") {
			t.Errorf("voice %q: %v", name, err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := espeak(t).Check(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("when stopped: %v", err)
	}
}

// script is an engine whose program is a shell script.
func script(t *testing.T, body string) *Espeak {
	t.Helper()
	path := filepath.Join(t.TempDir(), "espeak-ng")
	text := "#!/bin/sh\n[ \"$1\" = --version ] && echo 'eSpeak NG text-to-speech: 9.9  Data at: /' && exit 0\n" + body
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	e, err := NewEspeak(t.Context(), EspeakConfig{Path: path, Parallel: 1})
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// unheard takes sound that nobody hears.
func unheard([]int16, int) error { return nil }

// endless is a script that writes silence at 8 kHz and does not stop.
const endless = `printf 'RIFF\377\377\377\377WAVEfmt \020\000\000\000\001\000\001\000\100\037\000\000\200\076\000\000\002\000\020\000data\377\377\377\377'
exec cat /dev/zero
`

func TestEspeakIsKilledWithItsContext(t *testing.T) {
	e := script(t, "exec sleep 1000\n")
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.Speak(ctx, Utterance{Text: "hello", Language: "en"}, unheard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	// The slot is free again, or this would wait for ever.
	ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := e.Speak(ctx, Utterance{Text: "hello", Language: "en"}, unheard); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if len(e.program.slots) != 0 {
		t.Error("a slot is still taken")
	}
}

func TestEspeakWaitsForASlot(t *testing.T) {
	e := script(t, "cat\n")
	e.program.slots <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Speak(ctx, Utterance{Text: "hello", Language: "en"}, unheard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestEspeakOutputIsBounded(t *testing.T) {
	e := script(t, endless)
	if err := e.Speak(t.Context(), Utterance{Text: "hello", Language: "en"}, unheard); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
}

func TestEspeakFailures(t *testing.T) {
	if err := script(t, "echo secret words >&2; exit 1\n").Speak(t.Context(), Utterance{Text: "secret words", Language: "en"}, unheard); err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("failed program: %v", err)
	}
	if err := script(t, "echo no sound\n").Speak(t.Context(), Utterance{Text: "hello", Language: "en"}, unheard); err == nil {
		t.Error("what is no WAV file was taken for sound")
	}
}
