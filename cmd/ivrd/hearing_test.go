package main

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/sphinx"
	"github.com/ivrd/ivrd/internal/config"
)

// The embedded engine is the last, unless it has a place; conversations are for those
// that take dictation.
func TestWhoHears(t *testing.T) {
	embedded := &sphinx.Process{Recognizer: phrasesOnly{}}
	vosk := config.Recognizer{Name: "house", Kind: config.KindVosk, URL: "ws://127.0.0.1:2700", Languages: []string{"en", "zh"}}
	menus := config.Recognizer{Name: "menus", Kind: config.KindJambonz, URL: "ws://127.0.0.1:2701", PhrasesOnly: true}
	cloud := config.Recognizer{Name: "cloud", Kind: config.KindDeepgram, PhrasesOnly: true}
	place := config.Recognizer{Name: "pocketsphinx", Kind: config.KindPocketSphinx}
	for _, tt := range []struct {
		list      []config.Recognizer
		embedded  *sphinx.Process
		want, log string
		dictation bool
	}{
		{nil, nil, "", `engines="" menus="keys only" conversation="conversation not transcribed"`, false},
		{nil, embedded, "pocketsphinx", `engines="pocketsphinx (en)" menus="keys and phrases" conversation="conversation not transcribed"`, false},
		{[]config.Recognizer{vosk, menus}, embedded, "house, menus, pocketsphinx", `engines="house (en zh), menus, pocketsphinx (en)" menus="keys and phrases" conversation="transcribed by house"`, true},
		{[]config.Recognizer{place, vosk}, embedded, "pocketsphinx, house", `conversation="transcribed by house"`, true},
		{[]config.Recognizer{place, vosk}, nil, "house", `conversation="transcribed by house"`, true},
		{[]config.Recognizer{menus, cloud}, nil, "menus, cloud", `conversation="conversation not transcribed"`, false},
	} {
		list, err := recognizers(config.Speech{Recognizers: tt.list}, tt.embedded)
		if err != nil {
			t.Fatal(err)
		}
		var names []string
		for _, r := range list {
			names = append(names, r.Name())
		}
		if got := strings.Join(names, ", "); got != tt.want {
			t.Errorf("engines %q, want %q", got, tt.want)
		}
		var log bytes.Buffer
		sayWhoHears(slog.New(slog.NewTextHandler(&log, nil)), list, true)
		if !strings.Contains(log.String(), tt.log) {
			t.Errorf("the log says %s, want %s", &log, tt.log)
		}
		h := hearing{activity: true}
		if len(list) > 0 {
			if h.engines, err = asr.NewFailover(asr.FailoverConfig{Recognizers: list}); err != nil {
				t.Fatal(err)
			}
		}
		if (h.menus() != nil) != (len(list) > 0) || (h.dictation() != nil) != tt.dictation {
			t.Errorf("%s: menus %v, dictation %v", tt.want, h.menus(), h.dictation())
		}
		h.activity = false
		if h.menus() != nil {
			t.Errorf("%s: menus are heard although nobody looks for speech", tt.want)
		}
	}
}

// phrasesOnly stands for the embedded engine's client.
type phrasesOnly struct{ asr.Recognizer }

func (phrasesOnly) Name() string { return "pocketsphinx" }
func (phrasesOnly) Traits() asr.Traits {
	return asr.Traits{Grammar: true, Interim: true, Languages: []string{"en"}}
}

// An engine that fails is named until its pause is over.
func TestSpeechIsUnwell(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url := "ws://" + l.Addr().String()
	if err := l.Close(); err != nil { // nobody listens there any more
		t.Fatal(err)
	}
	list, err := recognizers(config.Speech{Recognizers: []config.Recognizer{{Name: "house", Kind: config.KindVosk, URL: url}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var h hearing
	if h.well(t.Context()) != nil {
		t.Error("nobody is unwell")
	}
	if h.engines, err = asr.NewFailover(asr.FailoverConfig{Recognizers: list}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := h.well(t.Context()); err != nil {
			t.Errorf("before its third failure: %v", err)
		}
		s, err := h.engines.Open(context.Background(), asr.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Finish(t.Context()); !errors.Is(err, asr.ErrNoEngine) {
			t.Errorf("the session ends with %v", err)
		}
	}
	if err := h.well(t.Context()); err == nil || !strings.HasPrefix(err.Error(), "recognizer house is left out for now: house: refused") {
		t.Errorf("well: %v", err)
	}
	if c := h.engines.Counters(); !slices.ContainsFunc(c, func(c asr.EngineCounters) bool { return c.Failed == 3 && c.Switches == 0 && c.Open == 0 }) {
		t.Errorf("counters %+v", c)
	}
}
