package main

import (
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/tts"
)

// A server speaks at the pace that each language was tuned to, whoever speaks.
func TestServerSpeaksAtTheTunedPace(t *testing.T) {
	testkit.Need(t, "espeak-ng")
	f := config.Default()
	f.Speech.Voices = map[string]string{"en": "en-gb", "zh": "cmn", "de": "de"}
	engine, err := newEngine(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasSuffix(engine.Name(), " de=de/175 en=en-gb/160 zh=cmn/230") {
		t.Errorf("the voices are %s", engine.Name())
	}
}

func TestUnknownVoice(t *testing.T) {
	testkit.Need(t, "espeak-ng")
	f := config.Default()
	f.Data.Dir = t.TempDir()
	f.Speech.Voices = map[string]string{"en": "en-us", "zh": "nonsuch"}
	const want = `speech.voices: find voice "nonsuch" of language zh: no voice for this language (hint: espeak-ng --voices lists them)`
	if _, err := newSpeech(t.Context(), f, slog.New(slog.DiscardHandler)); err == nil || err.Error() != want {
		t.Errorf("newSpeech: %v\nwant %s", err, want)
	}
	f.Speech.Engine = "none"
	if speech, err := newSpeech(t.Context(), f, slog.New(slog.DiscardHandler)); speech != nil || err != nil {
		t.Errorf("without an engine: %v %v", speech, err)
	}
}

func TestNoSpeechEngine(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	f := config.Default()
	if engine, err := newEngine(t.Context(), f); engine != nil || err != nil {
		t.Errorf("auto: %v %v", engine, err)
	}
	f.Speech.Engine = "espeak-ng"
	if _, err := newEngine(t.Context(), f); !errors.Is(err, tts.ErrNoEngine) {
		t.Errorf("espeak-ng: %v", err)
	}
}
