//go:build onnx

package onnx

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	ort "github.com/yalue/onnxruntime_go"
)

// Session is a model in ONNX Runtime, an Engine.
type Session struct {
	session *ort.DynamicAdvancedSession
	rank    int // of the input: all of its dimensions but the last are 1
}

// Open loads the runtime, which a process can do once, and a model, which has one input: the
// samples. Its output is that of the name, or else logits, or else the only one.
func Open(library, model, output string) (*Session, error) {
	ort.SetSharedLibraryPath(library)
	if err := ort.InitializeEnvironment(ort.WithLogLevelError()); err != nil {
		return nil, fmt.Errorf("load ONNX Runtime: %w (hint: libonnxruntime.so of version 1.24 or newer is wanted)", err)
	}
	options, err := modest()
	if err != nil {
		return nil, err
	}
	defer func() { _ = options.Destroy() }()
	inputs, outputs, err := ort.GetInputOutputInfoWithOptions(model, options)
	if err != nil {
		return nil, fmt.Errorf("load the model: %w", err)
	}
	if len(inputs) != 1 || inputs[0].DataType != ort.TensorElementDataTypeFloat || len(inputs[0].Dimensions) == 0 {
		return nil, fmt.Errorf("the model takes %s (hint: a model with one input, of samples as float32, is wanted)", told(inputs))
	}
	name, err := choose(outputs, output)
	if err != nil {
		return nil, err
	}
	session, err := ort.NewDynamicAdvancedSession(model, []string{inputs[0].Name}, []string{name}, options)
	if err != nil {
		return nil, fmt.Errorf("load the model: %w", err)
	}
	return &Session{session: session, rank: len(inputs[0].Dimensions)}, nil
}

// modest takes one thread, which does not spin, and plans no memory for each length of
// sound that comes.
func modest() (*ort.SessionOptions, error) {
	o, err := ort.NewSessionOptions()
	if err != nil {
		return nil, err
	}
	return o, errors.Join(
		o.SetIntraOpNumThreads(1), o.SetInterOpNumThreads(1), o.SetMemPattern(false),
		o.AddSessionConfigEntry("session.intra_op.allow_spinning", "0"),
	)
}

func choose(outputs []ort.InputOutputInfo, wanted string) (string, error) {
	has := func(name string) bool {
		return slices.ContainsFunc(outputs, func(o ort.InputOutputInfo) bool { return o.Name == name })
	}
	switch {
	case wanted != "" && has(wanted):
		return wanted, nil
	case wanted == "" && has("logits"):
		return "logits", nil
	case wanted == "" && len(outputs) == 1:
		return outputs[0].Name, nil
	}
	return "", fmt.Errorf("the model gives %s (hint: name one as output)", told(outputs))
}

// told are the names and shapes of what a model takes or gives.
func told(all []ort.InputOutputInfo) string {
	var out []string
	for _, i := range all {
		out = append(out, i.String())
	}
	return strings.Join(out, ", ")
}

// Run implements Engine.
func (s *Session) Run(ctx context.Context, sound []float32) ([]float32, error) {
	shape := make(ort.Shape, s.rank)
	for i := range shape {
		shape[i] = 1
	}
	shape[s.rank-1] = int64(len(sound))
	in, err := ort.NewTensor(shape, sound)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Destroy() }()
	options, err := ort.NewRunOptions()
	if err != nil {
		return nil, err
	}
	defer func() { _ = options.Destroy() }()
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() { _ = options.Terminate(); close(stopped) })
	out := []ort.Value{nil}
	err = s.session.RunWithOptions([]ort.Value{in}, out, options)
	if !stop() {
		<-stopped // it uses the options
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = out[0].Destroy() }()
	t, ok := out[0].(*ort.Tensor[float32])
	if !ok {
		return nil, errors.New("the output is no float32")
	}
	return slices.Clone(t.GetData()), nil
}
