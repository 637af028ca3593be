// Package onnx judges callers' emotion by an ONNX model of the operator's, in a helper
// process: the runtime is C, and takes what it takes of the machine. Server is the
// helper's side, Process the server's; they talk by the protocol of asr/emotion/remote.
package onnx

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strings"

	"github.com/ivrd/ivrd/asr/emotion/remote"
	"github.com/ivrd/ivrd/media"
)

// Engine runs a model. It is used by one goroutine at a time.
type Engine interface {
	// Run takes mono sound, -1 to 1, at the model's rate, and returns the model's output.
	// It gives up at the end of ctx.
	Run(ctx context.Context, sound []float32) ([]float32, error)
}

// Spec says what a model takes and gives.
type Spec struct {
	Name string
	// Labels name the values of the output, in order: feelings, or the dimensions below.
	Labels []string
	// Rate of the sound, in Hz.
	Rate int
	// Normalise brings the sound to a mean of 0 and a variance of 1, as feature extractors
	// of wav2vec 2.0 do.
	Normalise bool
}

// The labels that are no feelings; each is 0 to 1.
const (
	arousal   = "arousal"
	valence   = "valence"
	dominance = "dominance" // which nobody asks for
)

// queue is how many questions may be open: one is answered, the others wait.
const queue = 4

// shortest is the part of a second that sound must have at least: networks fail on less than
// one of their windows.
const shortest = 20

// longestBody is more than the longest sound takes.
const longestBody = 1 << 20

// Server answers one question after the other.
type Server struct {
	spec   Spec
	engine Engine
	open   chan struct{}
	turn   chan struct{}
}

// NewServer tries the model with a second of silence: it must give as many values as
// there are labels.
func NewServer(engine Engine, spec Spec) (*Server, error) {
	s := &Server{spec: spec, engine: engine, open: make(chan struct{}, queue), turn: make(chan struct{}, 1)}
	out, err := engine.Run(context.Background(), make([]float32, spec.Rate))
	if err != nil {
		return nil, fmt.Errorf("try the model: %w", err)
	}
	if len(out) != len(spec.Labels) {
		return nil, fmt.Errorf("the model gives %d values for %d labels (hint: name each value, in order)", len(out), len(spec.Labels))
	}
	return s, nil
}

// ServeHTTP implements http.Handler. Answers to what is wrong quote nothing.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	select {
	case s.open <- struct{}{}:
		defer func() { <-s.open }()
	default:
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	pcm, rate, err := sound(http.MaxBytesReader(w, r.Body, longestBody), r.Header.Get("Content-Type"))
	if err != nil || len(pcm) < rate/shortest {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	answer, err := s.judge(r.Context(), pcm, rate)
	if err != nil {
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // fails when nobody waits any more
}

// sound of a request, and its rate in Hz.
func sound(body io.Reader, contentType string) ([]int16, int, error) {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, 0, err
	}
	switch kind {
	case string(remote.WAV):
		return media.ReadWAV(body)
	case strings.ToLower(string(remote.L16)):
		b, err := io.ReadAll(body)
		pcm := make([]int16, len(b)/2)
		for i := range pcm {
			pcm[i] = int16(binary.BigEndian.Uint16(b[2*i:])) //nolint:gosec // the same bits
		}
		return pcm, media.SampleRate, err
	}
	return nil, 0, errors.New("it is no sound")
}

// judge waits for its turn.
func (s *Server) judge(ctx context.Context, pcm []int16, rate int) (remote.Answer, error) {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return remote.Answer{}, ctx.Err()
	}
	out, err := s.engine.Run(ctx, s.spec.input(pcm, rate))
	if err != nil {
		return remote.Answer{}, err
	}
	return s.spec.answer(out)
}

// input is what the model takes.
func (s Spec) input(pcm []int16, rate int) []float32 {
	pcm = media.Resample(pcm, rate, s.Rate)
	out := make([]float32, len(pcm))
	var sum, squares float64
	for i, v := range pcm {
		x := float64(v) / (math.MaxInt16 + 1)
		sum, squares = sum+x, squares+x*x
		out[i] = float32(x)
	}
	if !s.Normalise || len(out) == 0 {
		return out
	}
	n := float64(len(out))
	mean := sum / n
	deviation := math.Sqrt(max(squares/n-mean*mean, 0) + 1e-7) // as Wav2Vec2FeatureExtractor
	for i, x := range out {
		out[i] = float32((float64(x) - mean) / deviation)
	}
	return out
}

// answer says what an output means: shares of the feelings among its labels, and the
// dimensions. Without a feeling the label is unknown.
func (s Spec) answer(out []float32) (remote.Answer, error) {
	a := remote.Answer{Model: s.Name, Scores: map[string]float64{}}
	var names []string
	var values []float64
	if len(out) != len(s.Labels) {
		return a, errors.New("the model gives another number of values than before")
	}
	for i, label := range s.Labels {
		v := float64(out[i])
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return a, errors.New("the model gives what is no number")
		}
		switch strings.ToLower(label) {
		case arousal:
			a.Arousal = &v
		case valence:
			v = 2*v - 1
			a.Valence = &v
		case dominance:
		default:
			names, values = append(names, label), append(values, v)
		}
	}
	for i, share := range shares(values) {
		a.Scores[names[i]] += share
	}
	if len(names) == 0 {
		a.Scores["unknown"] = 1
	}
	return a, nil
}

// shares are the softmax of logits; what adds up to 1 already is taken as it is.
func shares(values []float64) []float64 {
	most, sum := math.Inf(-1), 0.0
	are := true
	for _, v := range values {
		most, sum, are = max(most, v), sum+v, are && v >= 0
	}
	if are && math.Abs(sum-1) < 1e-3 {
		return values
	}
	out := make([]float64, len(values))
	sum = 0
	for i, v := range values {
		out[i] = math.Exp(v - most)
		sum += out[i]
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}
