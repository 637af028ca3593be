package main

import (
	"context"
	"errors"
	"log/slog"
	"net/url"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/asr/emotion/remote"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/obs"
)

// feeling is the model that judges callers' utterances after the rules have. The zero
// value is none.
type feeling struct{ client *remote.Client }

// model is what calls ask; nil when there is none.
func (f feeling) model() emotion.Model {
	if f.client == nil {
		return nil
	}
	return f.client
}

// openFeeling makes the client of the model, if there is one, and says who judges.
func (h *house) openFeeling() error {
	s := h.file.Speech
	if !s.Emotion {
		return nil
	}
	judges := "rules"
	if s.EmotionModel.Used() {
		client, err := newEmotionClient(s.EmotionModel, h.log)
		if err != nil {
			return err
		}
		h.feeling.client = client
		h.opened(func() error { client.Close(); return nil })
		judges += ", then the model at " + place(s.EmotionModel.URL)
	}
	h.log.Info("callers' emotion is judged", "by", judges)
	return nil
}

// newEmotionClient trusts the configuration in where voices may travel in clear.
func newEmotionClient(c config.EmotionModel, log *slog.Logger) (*remote.Client, error) {
	format := remote.WAV
	if c.Format == config.FormatL16 {
		format = remote.L16
	}
	return remote.New(remote.Config{URL: c.URL, Plain: true, Token: c.Key, Format: format, Timeout: c.Limit, Log: log})
}

// place is what of a URL holds no secret.
func place(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	if u.Scheme == "unix" {
		return u.Path
	}
	return u.Host
}

// well fails while the model rests for its faults: the rules judge.
func (f feeling) well(context.Context) error {
	if f.client != nil && f.client.Resting() {
		return errors.New("the emotion model has failed several times and is left out for now")
	}
	return nil
}

// measure exposes what has become of questions.
func (f feeling) measure(m *obs.Metrics) {
	if f.client == nil {
		return
	}
	count := func(name, help string, value func(remote.Counters) uint64) {
		m.CounterFunc(name, help, func() float64 { return float64(value(f.client.Counters())) })
	}
	count("emotion_model_asked_total", "Utterances that the emotion model was asked about.", func(c remote.Counters) uint64 { return c.Asked })
	count("emotion_model_failed_total", "Utterances that the emotion model did not judge: it was late, wrong or gone.", func(c remote.Counters) uint64 { return c.Failed })
	count("emotion_model_skipped_total", "Utterances that the emotion model was not asked about: it was busy, or rested.", func(c remote.Counters) uint64 { return c.Skipped })
	m.GaugeFunc("emotion_model_up", "0 while the emotion model is left out for its faults.", func() float64 { return truth(!f.client.Resting()) })
}
