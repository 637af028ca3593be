//go:build onnx

package onnx

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	ort "github.com/yalue/onnxruntime_go"

	"github.com/ivrd/ivrd/internal/testkit/onnxkit"
)

// loading is one at a time: a process has one runtime.
var loading sync.Mutex

// load is Open for one test.
func load(t *testing.T, library, model, output string) (*Session, error) {
	t.Helper()
	loading.Lock()
	t.Cleanup(func() {
		if ort.IsInitialized() {
			if err := ort.DestroyEnvironment(); err != nil {
				t.Error(err)
			}
		}
		loading.Unlock()
	})
	s, err := Open(library, model, output)
	if err == nil {
		t.Cleanup(func() {
			if err := s.session.Destroy(); err != nil {
				t.Error(err)
			}
		})
	}
	return s, err
}

// level is a second of sound of a mean square.
func level(square float64) []float32 {
	out := make([]float32, 16000)
	for i := range out {
		out[i] = float32(math.Copysign(math.Sqrt(square), float64(i%2)-0.5))
	}
	return out
}

// TestModels have one input of any rank, and an output that is named or known.
func TestModels(t *testing.T) {
	library := onnxkit.Runtime(t)
	model := onnxkit.Loudness{Weights: []float32{100, -100}, Biases: []float32{1, 2}, Rank: 2}
	flat, many := model, model
	flat.Rank = 1
	many.Extra = []string{"hidden_states"}
	for name, c := range map[string]struct {
		model  onnxkit.Loudness
		output string
		want   []float32
	}{
		"the only output": {model, "", []float32{26, -23}},
		"no batch":        {flat, "", []float32{26, -23}},
		"logits":          {many, "", []float32{26, -23}},
		"named":           {many, "hidden_states", []float32{0.25}},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := load(t, library, c.model.Write(t), c.output)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 { // sound of any length
				got, err := s.Run(t.Context(), level(0.25)[:8000])
				if err != nil || len(got) != len(c.want) {
					t.Fatalf("%v, %v", got, err)
				}
				for i := range got {
					if math.Abs(float64(got[i]-c.want[i])) > 1e-3 {
						t.Errorf("%v, want %v", got, c.want)
					}
				}
			}
		})
	}
}

// TestWhatCannotBeLoaded is told in one sentence.
func TestWhatCannotBeLoaded(t *testing.T) {
	library := onnxkit.Runtime(t)
	rubbish := filepath.Join(t.TempDir(), "rubbish.onnx")
	if err := os.WriteFile(rubbish, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	model := onnxkit.Angry()
	two := model
	two.Extra = []string{"hidden"}
	for name, c := range map[string]struct{ library, model, output, want string }{
		"no library":       {"/no/such.so", model.Write(t), "", "cannot open shared object file: No such file or directory (hint: libonnxruntime.so of version 1.24 or newer is wanted)"},
		"another library":  {"libc.so.6", model.Write(t), "", "(hint: libonnxruntime.so of version 1.24 or newer is wanted)"},
		"no model":         {library, "/no/such.onnx", "", "load the model: "},
		"no ONNX":          {library, rubbish, "", "load the model: "},
		"no such output":   {library, two.Write(t), "probabilities", `the model gives Tensor "logits"`},
		"which of the two": {library, renamed(t, two), "", "(hint: name one as output)"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := load(t, c.library, c.model, c.output); err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("%v, want %s", err, c.want)
			}
		})
	}
}

// renamed is a model that has no output called logits.
func renamed(t *testing.T, m onnxkit.Loudness) string {
	t.Helper()
	path := m.Write(t)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(string(b), "logits", "scores")), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestGivenUp: nobody waits for the rest of an answer that nobody wants.
func TestGivenUp(t *testing.T) {
	slow := onnxkit.Angry()
	slow.Slow = 10
	s, err := load(t, onnxkit.Runtime(t), slow.Write(t), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Run(t.Context(), level(0.25)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if out, err := s.Run(ctx, level(0.25)); err == nil {
		t.Errorf("it has answered: %v", out)
	}
}
