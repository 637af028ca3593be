package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/asr/emotion/onnx"
	"github.com/ivrd/ivrd/asr/emotion/remote"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/helper"
	"github.com/ivrd/ivrd/internal/obs"
)

// feeling is the model that judges callers' utterances after the rules have. The zero
// value is none.
type feeling struct{ client emotionClient }

// emotionClient is of a model elsewhere, or of the helper.
type emotionClient interface {
	emotion.Model
	Counters() remote.Counters
	Resting() bool
	Close()
}

// model is what calls ask; nil when there is none.
func (f feeling) model() emotion.Model {
	if f.client == nil {
		return nil
	}
	return f.client
}

// openFeeling makes the client of the model, if there is one, or starts the helper, and
// says who judges.
func (h *house) openFeeling(ctx context.Context) error {
	s := h.file.Speech
	if !s.Emotion {
		return nil
	}
	judges := "rules"
	if s.EmotionModel.Used() {
		client, err := newEmotionClient(ctx, s.EmotionModel, h.log)
		if err != nil {
			return err
		}
		h.feeling.client = client
		h.opened(func() error { client.Close(); return nil })
		judges += ", then the model " + place(s.EmotionModel)
	}
	h.log.Info("callers' emotion is judged", "by", judges)
	return nil
}

// newEmotionClient trusts the configuration in where voices may travel in clear.
func newEmotionClient(ctx context.Context, c config.EmotionModel, log *slog.Logger) (emotionClient, error) {
	if c.ONNX != "" {
		path, err := findEmotionHelper(c)
		if err != nil {
			return nil, err
		}
		return onnx.Start(ctx, onnx.ProcessConfig{
			Path: path, Model: c.ONNX, Library: c.Library, Output: c.Output, Limit: c.Limit, Log: log,
			Spec: onnx.Spec{Labels: c.Labels, Rate: c.Rate, Normalise: c.Normalise},
		})
	}
	format := remote.WAV
	if c.Format == config.FormatL16 {
		format = remote.L16
	}
	return remote.New(remote.Config{URL: c.URL, Plain: true, Token: c.Key, Format: format, Timeout: c.Limit, Log: log})
}

// findEmotionHelper finds the program that an ONNX model needs.
func findEmotionHelper(c config.EmotionModel) (string, error) {
	if c.ONNX == "" {
		return "", nil
	}
	path, err := helper.Find(onnx.Helper)
	if err != nil {
		return "", fmt.Errorf("speech.emotion_model.onnx: %w (hint: make build-emotion)", err)
	}
	return path, nil
}

// place is where a model is, as far as that holds no secret.
func place(c config.EmotionModel) string {
	u, err := url.Parse(c.URL)
	switch {
	case c.ONNX != "":
		return c.ONNX
	case err != nil:
		return "elsewhere"
	}
	if u.Scheme == "unix" {
		return "at " + u.Path
	}
	return "at " + u.Host
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
