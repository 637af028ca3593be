package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/obs"
	"github.com/ivrd/ivrd/transcript"
)

// judging is a house with what is configured.
func judging(t *testing.T, s config.Speech) (h *house, log *bytes.Buffer) {
	t.Helper()
	log = &bytes.Buffer{}
	h = &house{file: config.File{Speech: s}, log: slog.New(slog.NewTextHandler(log, nil))}
	t.Cleanup(func() {
		if err := h.close(); err != nil {
			t.Error(err)
		}
	})
	if err := h.openFeeling(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h, log
}

// TestWhoJudges: the log says which model there is, but no secret; while it rests that is
// told; metrics count.
func TestWhoJudges(t *testing.T) {
	fails := true
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if fails {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(`{"scores": {"sad": 1}}`))
	}))
	defer srv.Close()
	s := config.Default().Speech
	s.EmotionModel.URL = srv.URL + "/?key=canary"
	h, log := judging(t, s)
	if !strings.Contains(log.String(), `by="rules, then the model at 127.0.0.1:`) {
		t.Errorf("the log says %s", log)
	}
	fails = false
	if e, err := h.feeling.model().Judge(t.Context(), make([]int16, 8000)); err != nil || e.Label != transcript.Sadness || h.feeling.well(t.Context()) != nil {
		t.Errorf("%+v, %v", e, err)
	}
	fails = true
	for range 6 {
		if _, err := h.feeling.model().Judge(t.Context(), make([]int16, 8000)); err == nil {
			t.Fatal("a failure is an answer")
		}
	}
	if h.feeling.well(t.Context()) == nil {
		t.Error("a model that rests is well")
	}
	metrics := obs.NewMetrics()
	h.feeling.measure(metrics)
	page := httptest.NewRecorder()
	metrics.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	for _, want := range []string{"ivrd_emotion_model_asked_total 6", "ivrd_emotion_model_failed_total 5", "ivrd_emotion_model_skipped_total 1", "ivrd_emotion_model_up 0"} {
		if !strings.Contains(page.Body.String(), want+"\n") {
			t.Errorf("metrics do not have %s", want)
		}
	}
	if strings.Contains(log.String(), "canary") {
		t.Errorf("a key in the log: %s", log)
	}
}

// TestRulesJudgeAlone unless a model is configured.
func TestRulesJudgeAlone(t *testing.T) {
	h, log := judging(t, config.Default().Speech)
	if h.feeling.model() != nil || h.feeling.well(t.Context()) != nil || !strings.Contains(log.String(), " by=rules\n") {
		t.Errorf("model %v, log %s", h.feeling.model(), log)
	}
	h, log = judging(t, config.Speech{})
	if h.feeling.model() != nil || log.Len() > 0 {
		t.Errorf("nobody judges: %s", log)
	}
}
