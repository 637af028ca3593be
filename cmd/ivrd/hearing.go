package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/sphinx"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/helper"
	"github.com/ivrd/ivrd/internal/obs"
)

// hearing is who hears words: all engines behind one fail-over, so that menus and
// conversations know of the same faults. The zero value is nobody.
type hearing struct {
	engines *asr.Failover
	// activity: it is looked for where speech begins, which menus need.
	activity bool
}

// menus is what hears the phrases of menus; nil when nobody does.
func (h hearing) menus() asr.Recognizer {
	if h.engines == nil || !h.activity {
		return nil
	}
	return h.engines
}

// dictation is what writes conversations down; nil when nobody does.
func (h hearing) dictation() asr.Recognizer {
	if h.engines == nil || !h.engines.Traits().Dictation {
		return nil
	}
	return h.engines
}

// openHearing starts the embedded recognizer, if there is one, and makes clients of
// the others: they connect when somebody speaks.
func (h *house) openHearing(ctx context.Context) error {
	h.hearing.activity = h.file.Speech.Activity
	embedded, err := newEmbedded(ctx, h.file, h.log)
	if err != nil {
		return err
	}
	if embedded != nil {
		h.opened(func() error { embedded.Close(); return nil })
	}
	list, err := recognizers(h.file.Speech, embedded)
	if err != nil {
		return err
	}
	sayWhoHears(h.log, list, h.file.Speech.Activity)
	if len(list) == 0 {
		return nil
	}
	h.hearing.engines, err = asr.NewFailover(asr.FailoverConfig{Recognizers: list, Log: h.log})
	return err
}

// newEmbedded is the embedded recognizer; nil when there is none and none is demanded.
func newEmbedded(ctx context.Context, f config.File, log *slog.Logger) (*sphinx.Process, error) {
	if f.Speech.Recognizer == "none" || !f.Speech.Activity {
		return nil, nil
	}
	path, err := helper.Find(sphinx.Helper)
	var p *sphinx.Process
	if err == nil {
		p, err = sphinx.Start(ctx, sphinx.ProcessConfig{Path: path, Decoders: f.Speech.Listeners, Log: log})
	}
	switch {
	case err == nil:
		return p, nil
	case f.Speech.Recognizer == "auto":
		log.Info("no embedded speech recognizer", "err", err)
		return nil, nil
	default:
		return nil, fmt.Errorf("speech.recognizer: %w (hint: make build-asr)", err)
	}
}

// recognizers are all engines, best first: the embedded one, which may be nil, where
// the list has its place, else last.
func recognizers(s config.Speech, embedded *sphinx.Process) ([]asr.Recognizer, error) {
	var out []asr.Recognizer
	place := func() {
		if embedded != nil {
			out, embedded = append(out, embedded), nil
		}
	}
	for _, c := range s.Recognizers {
		if c.Kind == config.KindPocketSphinx {
			place()
			continue
		}
		r, err := newClient(c)
		if err != nil {
			return nil, fmt.Errorf("speech.recognizers: %w", err)
		}
		out = append(out, r)
	}
	place()
	return out, nil
}

// newClient makes the client of an engine that runs elsewhere.
func newClient(c config.Recognizer) (asr.Recognizer, error) {
	link := asr.Link{URL: c.URL, Token: c.Key}
	switch c.Kind {
	case config.KindVosk:
		return asr.NewVosk(asr.VoskConfig{Name: c.Name, Link: link, Languages: c.Languages, PhrasesOnly: c.PhrasesOnly})
	case config.KindDeepgram:
		return asr.NewDeepgram(asr.DeepgramConfig{Name: c.Name, Link: link, Model: c.Model, Languages: c.Languages, PhrasesOnly: c.PhrasesOnly})
	default:
		return asr.NewJambonz(asr.JambonzConfig{Name: c.Name, Link: link, Languages: c.Languages, PhrasesOnly: c.PhrasesOnly})
	}
}

// sayWhoHears tells which engines there are, and what is not heard.
func sayWhoHears(log *slog.Logger, list []asr.Recognizer, activity bool) {
	engines, dictate := []string{}, []string{}
	for _, r := range list {
		t := r.Traits()
		name := r.Name()
		if len(t.Languages) > 0 {
			name += " (" + strings.Join(t.Languages, " ") + ")"
		}
		engines = append(engines, name)
		if t.Dictation {
			dictate = append(dictate, r.Name())
		}
	}
	menus, conversation := "keys only", "conversation not transcribed"
	if len(list) > 0 && activity {
		menus = "keys and phrases"
	}
	if len(dictate) > 0 {
		conversation = "transcribed by " + strings.Join(dictate, ", then ")
	}
	log.Info("speech recognition", "engines", strings.Join(engines, ", "), "menus", menus, "conversation", conversation)
}

// well fails while an engine is paused for its faults: others, or keys, do its work.
func (h hearing) well(context.Context) error {
	for _, c := range h.counters() {
		if c.Paused {
			return fmt.Errorf("recognizer %s is left out for now: %s", c.Engine, c.LastError)
		}
	}
	return nil
}

func (h hearing) counters() []asr.EngineCounters {
	if h.engines == nil {
		return nil
	}
	return h.engines.Counters()
}

// measure exposes what each engine has done.
func (h hearing) measure(m *obs.Metrics) {
	for i, c := range h.counters() {
		read := func(f func(asr.EngineCounters) float64) func() float64 {
			return func() float64 { return f(h.engines.Counters()[i]) }
		}
		for _, g := range []struct {
			name, help string
			value      func(asr.EngineCounters) float64
		}{
			{"speech_sessions", "Streams that the recognizer hears now.", func(c asr.EngineCounters) float64 { return float64(c.Open) }},
			{"speech_behind_seconds", "Sound that waits for the recognizer, in the stream where it is most.", func(c asr.EngineCounters) float64 { return c.Behind.Duration().Seconds() }},
			{"speech_up", "0 while the recognizer is left out for its faults.", func(c asr.EngineCounters) float64 { return truth(!c.Paused) }},
		} {
			m.GaugeOf(g.name, g.help, "engine", c.Engine, read(g.value))
		}
		for _, n := range []struct {
			name, help string
			value      func(asr.EngineCounters) uint64
		}{
			{"speech_streams_total", "Streams that were opened.", func(c asr.EngineCounters) uint64 { return c.Opened }},
			{"speech_failures_total", "Streams that ended by a fault of the recognizer.", func(c asr.EngineCounters) uint64 { return c.Failed }},
			{"speech_declined_total", "Streams that the recognizer declined: it was full, or cannot hear the phrases.", func(c asr.EngineCounters) uint64 { return c.Declined }},
			{"speech_late_total", "Streams that were given up because the recognizer was too far behind.", func(c asr.EngineCounters) uint64 { return c.Late }},
			{"speech_restarts_total", "Streams that were opened again because nothing came while somebody spoke.", func(c asr.EngineCounters) uint64 { return c.Restarts }},
			{"speech_switches_total", "Streams that another recognizer took over from this one.", func(c asr.EngineCounters) uint64 { return c.Switches }},
			{"speech_lost_frames_total", "Frames of sound, of 20 ms, that the recognizer did not take in time.", func(c asr.EngineCounters) uint64 { return c.Lost }},
			{"speech_results_total", "Final results with words.", func(c asr.EngineCounters) uint64 { return c.Finals }},
		} {
			m.CounterOf(n.name, n.help, "engine", c.Engine, read(func(c asr.EngineCounters) float64 { return float64(n.value(c)) }))
		}
	}
}
