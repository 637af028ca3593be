package onnx

import (
	"bytes"
	"context"
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/ivrd/ivrd/asr/emotion/remote"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// fake says what it was told to, and keeps what it was given last.
type fake struct {
	out   []float32
	err   error
	heard []float32
	runs  int
	hold  chan struct{} // nil: it does not wait
}

func (f *fake) Run(ctx context.Context, sound []float32) ([]float32, error) {
	f.heard, f.runs = sound, f.runs+1
	if f.hold != nil {
		select {
		case <-f.hold:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return f.out, f.err
}

func serve(t *testing.T, f *fake, spec Spec) *Server {
	t.Helper()
	s, err := NewServer(f, spec)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestAnswers: what the client makes of an answer, in both formats.
func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		labels           string
		out              []float32
		label            transcript.Feeling
		confidence       float64
		arousal, valence float64 // NaN: not told
	}{
		{"angry,neutral", []float32{2, 0}, transcript.Anger, 1 / (1 + math.Exp(-2)), math.NaN(), math.NaN()},
		{"Angry,happy,angry", []float32{1000, 1000, 1000}, transcript.Anger, 2.0 / 3, math.NaN(), math.NaN()},
		{"angry,sad", []float32{0.25, 0.75}, transcript.Sadness, 0.75, math.NaN(), math.NaN()}, // shares already
		{"arousal,dominance,valence", []float32{0.8, 0.6, 0.25}, transcript.Unknown, 0, 0.8, -0.5},
		{"sad,arousal,angry", []float32{0, 0.4, 5}, transcript.Anger, 1 / (1 + math.Exp(-5)), 0.4, math.NaN()},
	} {
		for _, format := range []remote.Format{remote.WAV, remote.L16} {
			f := &fake{out: c.out}
			srv := httptest.NewServer(serve(t, f, Spec{Name: "m1", Labels: strings.Split(c.labels, ","), Rate: 16000}))
			client, err := remote.New(remote.Config{URL: srv.URL, Format: format})
			if err != nil {
				t.Fatal(err)
			}
			e, err := client.Judge(t.Context(), make([]int16, 4000))
			if err != nil || e.Label != c.label || math.Abs(e.Confidence-c.confidence) > 1e-6 || e.Model != "m1" {
				t.Errorf("%s: %+v, %v", c.labels, e, err)
			}
			for _, m := range []struct {
				got  transcript.Measure
				want float64
			}{{e.Arousal, c.arousal}, {e.Valence, c.valence}} {
				if told := !math.IsNaN(m.want); told != (m.got.Confidence == 1) || told && math.Abs(m.got.Value-m.want) > 1e-6 {
					t.Errorf("%s: a dimension is %+v, want %v", c.labels, m.got, m.want)
				}
			}
			if len(f.heard) != 8000 {
				t.Errorf("half a second comes as %d samples at 16 kHz", len(f.heard))
			}
			client.Close()
			srv.Close()
		}
	}
}

// TestInput: full scale is 1; normalised sound has a mean of 0 and a variance of 1, silence
// stays silent.
func TestInput(t *testing.T) {
	pcm := []int16{math.MinInt16, 0, 16384, 0}
	if got := (Spec{Rate: media.SampleRate}).input(pcm, media.SampleRate); got[0] != -1 || got[2] != 0.5 {
		t.Errorf("%v", got)
	}
	got := Spec{Rate: media.SampleRate, Normalise: true}.input(pcm, media.SampleRate)
	var sum, squares float64
	for _, x := range got {
		sum, squares = sum+float64(x), squares+float64(x)*float64(x)
	}
	if math.Abs(sum) > 1e-5 || math.Abs(squares/4-1) > 1e-5 {
		t.Errorf("normalised: %v", got)
	}
	for _, x := range (Spec{Rate: media.SampleRate, Normalise: true}).input(make([]int16, 100), media.SampleRate) {
		if x != 0 {
			t.Fatalf("silence becomes %v", x)
		}
	}
}

// TestWrongModels are told before anybody is judged by them, or give no answer.
func TestWrongModels(t *testing.T) {
	two := Spec{Labels: []string{"angry", "neutral"}, Rate: 16000}
	if _, err := NewServer(&fake{out: make([]float32, 8)}, two); err == nil || err.Error() != "the model gives 8 values for 2 labels (hint: name each value, in order)" {
		t.Errorf("8 values for 2 labels: %v", err)
	}
	if _, err := NewServer(&fake{err: errors.New("no such shape")}, two); err == nil || err.Error() != "try the model: no such shape" {
		t.Errorf("a model that fails: %v", err)
	}
	f := &fake{out: make([]float32, 2)}
	s := serve(t, f, two)
	for name, out := range map[string][]float32{"NaN": {float32(math.NaN()), 0}, "infinite": {0, float32(math.Inf(1))}, "short": {1}} {
		f.out = out
		if code := post(t.Context(), s, "audio/wav", wav(800)); code != http.StatusInternalServerError {
			t.Errorf("%s: %d", name, code)
		}
	}
}

func wav(samples int) []byte {
	return media.AppendWAV(media.WAVHeader(media.SampleRate, 1, int64(2*samples)), make([]int16, samples))
}

func post(ctx context.Context, s *Server, kind string, body []byte) int {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/", bytes.NewReader(body))
	r.Header.Set("Content-Type", kind)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Code
}

// TestWrongQuestions do not reach the model.
func TestWrongQuestions(t *testing.T) {
	f := &fake{out: make([]float32, 1)}
	s := serve(t, f, Spec{Labels: []string{"angry"}, Rate: 16000})
	for name, c := range map[string]struct {
		kind string
		body []byte
	}{
		"no type": {"", wav(800)}, "text": {"text/plain", wav(800)}, "rubbish": {"audio/wav", []byte("rubbish")},
		"too long": {"audio/L16", make([]byte, longestBody+2)}, "nothing": {"audio/L16", nil}, "a click": {"audio/wav", wav(10)},
	} {
		if code := post(t.Context(), s, c.kind, c.body); code != http.StatusBadRequest {
			t.Errorf("%s: %d", name, code)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || f.runs != 1 {
		t.Errorf("GET: %d; the model has run %d times, want once to try it", w.Code, f.runs)
	}
}

// TestQueue: one question after the other; what is too much is refused at once, and who
// has gone is not answered.
func TestQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{out: make([]float32, 1)}
		s := serve(t, f, Spec{Labels: []string{"angry"}, Rate: 16000})
		f.hold = make(chan struct{})
		gone, leave := context.WithCancel(t.Context())
		codes := make(chan int, queue)
		for i := range queue {
			ctx := t.Context()
			if i == queue-1 {
				ctx = gone
			}
			go func() { codes <- post(ctx, s, "audio/wav", wav(800)) }()
			synctest.Wait()
		}
		if code := post(t.Context(), s, "audio/wav", wav(800)); code != http.StatusServiceUnavailable {
			t.Errorf("one more than the queue takes: %d", code)
		}
		if f.runs != 2 {
			t.Errorf("%d questions at once", f.runs-1)
		}
		leave()
		if code := <-codes; code != http.StatusInternalServerError {
			t.Errorf("who has gone: %d", code)
		}
		for range queue - 1 {
			f.hold <- struct{}{}
			if code := <-codes; code != http.StatusOK {
				t.Errorf("a question: %d", code)
			}
		}
		if f.runs != queue {
			t.Errorf("the model has run %d times for %d", f.runs-1, queue-1)
		}
	})
}
