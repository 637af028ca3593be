package main

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/obs"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/tts"
	"github.com/ivrd/ivrd/tts/ssml"
)

// A server speaks at the pace that each language was tuned to, whoever speaks.
func TestServerSpeaksAtTheTunedPace(t *testing.T) {
	testkit.Need(t, "espeak-ng")
	f := config.Default()
	f.Speech.Voices = map[string]string{"en": "en-gb", "zh": "cmn", "de": "de"}
	engine, _, err := newEngines(t.Context(), f)
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
	if engine, _, err := newEngines(t.Context(), f); engine != nil || err != nil {
		t.Errorf("auto: %v %v", engine, err)
	}
	f.Speech.Engine = "espeak-ng"
	if _, _, err := newEngines(t.Context(), f); !errors.Is(err, tts.ErrNoEngine) {
		t.Errorf("espeak-ng: %v", err)
	}
}

// What is configured speaks, and espeak-ng behind it where it is installed.
func TestEnginesOfOthers(t *testing.T) {
	testkit.Need(t, "espeak-ng")
	f := config.Default()
	f.Speech.HTTP.URL, f.Speech.HTTP.Model, f.Speech.HTTP.Voices = "http://127.0.0.1:1/v1", "tts-1", map[string]string{"en": "alloy"}
	f.Speech.Command.Argv, f.Speech.Command.Voices = []string{"espeak-ng", "--stdin", "--stdout"}, map[string]string{"en": "en-us"}
	for name, kind := range map[string]tts.Engine{"http": &tts.HTTP{}, "command": &tts.Command{}} {
		f.Speech.Engine = name
		engine, fallback, err := newEngines(t.Context(), f)
		if err != nil || fmt.Sprintf("%T", engine) != fmt.Sprintf("%T", kind) || fmt.Sprintf("%T", fallback) != "*tts.Espeak" {
			t.Errorf("%s: %T, %T, %v", name, engine, fallback, err)
		}
	}
	f.Speech.Engine, f.Speech.Command.Argv[0] = "command", "/no/such"
	const want = "speech.command: make speech command: exec: "
	if _, _, err := newEngines(t.Context(), f); err == nil || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s…", err, want)
	}
	t.Setenv("PATH", t.TempDir())
	f.Speech.Engine = "http"
	if engine, fallback, err := newEngines(t.Context(), f); engine == nil || fallback != nil || err != nil {
		t.Errorf("without espeak-ng: %v, %v, %v", engine, fallback, err)
	}
}

// What becomes of texts is among the metrics.
func TestSpeechIsMeasured(t *testing.T) {
	testkit.Need(t, "espeak-ng")
	f := config.Default()
	f.Data.Dir = t.TempDir()
	f.Speech.Engine = "http"
	f.Speech.HTTP.URL, f.Speech.HTTP.Model, f.Speech.HTTP.Voices = "http://127.0.0.1:1/v1", "tts-1", map[string]string{"en": "alloy"}
	h := &house{metrics: obs.NewMetrics()}
	var err error
	if h.speech, err = newSpeech(t.Context(), f, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	h.measureSpeech()
	if _, err := h.speech.Say(t.Context(), "en", ssml.Plain("Nobody listens at that port.")); err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"voice_syntheses_total 2", "voice_failures_total 1", "voice_fallbacks_total 1", "voice_cache_hits_total 0", "voice_starved_total 0"} {
		if !strings.Contains(w.Body.String(), "\nivrd_"+want+"\n") {
			t.Errorf("no %s", want)
		}
	}
}
