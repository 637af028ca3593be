// Package onnxkit writes ONNX models whose answers are known, and finds the runtime that
// runs them. The files are protocol buffers as onnx.proto of ONNX 1.16 numbers their fields.
package onnxkit

import (
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
)

// Loudness is a model with an output, logits, of as many values as there are weights: each is
// its weight times the mean square of the sound, plus its bias.
type Loudness struct {
	Weights, Biases []float32
	// Rank of the input, signal: 1 for [n], 2 for [1, n].
	Rank int
	// Extra outputs have the mean square.
	Extra []string
	// Slow is how many products of large matrices are worked out before the answer.
	Slow int
}

// Angry says anger of sound above some -33 dBov, and else neutral; its labels are these two.
func Angry() Loudness {
	return Loudness{Weights: []float32{1e4, 0}, Biases: []float32{0, 5}, Rank: 2}
}

// Write writes the model to a file of the test's own.
func (l Loudness) Write(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "loudness.onnx")
	if err := os.WriteFile(path, l.model(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Runtime is the library that scripts/setup fetches for tests.
func Runtime(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; dir != "/"; dir = filepath.Dir(dir) {
		found, _ := filepath.Glob(filepath.Join(dir, ".tools", "onnxruntime-*", "libonnxruntime.so.1"))
		if len(found) > 0 {
			return found[len(found)-1]
		}
	}
	testkit.Lacks(t, "ONNX Runtime is not there (hint: scripts/setup test)")
	return ""
}

const (
	float = 1 // TensorProto.DataType
	// large matrices are of so many rows and columns.
	large = 1000
)

func (l Loudness) model() []byte {
	k := int64(len(l.Weights))
	graph := slices.Concat(
		node("Mul", []string{"signal", "signal"}, "squares"),
		node("ReduceMean", []string{"squares"}, "mean", ints("axes", int64(l.Rank-1))),
	)
	last := "mean"
	if l.Slow > 0 {
		graph = slices.Concat(graph, node("Expand", []string{"mean", "large"}, "product"), tensor("large", []int64{2}, 7, int64s(large, large)))
		last = "product"
	}
	for range l.Slow {
		graph = slices.Concat(graph, node("MatMul", []string{last, last}, last+"'"))
		last += "'"
	}
	if l.Slow > 0 {
		graph = slices.Concat(graph, node("ReduceMin", []string{last}, "least"))
		last = "least"
	}
	graph = slices.Concat(graph,
		node("Mul", []string{last, "weights"}, "weighted"),
		node("Add", []string{"weighted", "biases"}, "logits"),
		text(2, "loudness"),
		tensor("weights", []int64{1, k}, float, floats(l.Weights)),
		tensor("biases", []int64{1, k}, float, floats(l.Biases)),
		value(11, "signal", l.Rank), value(12, "logits", 2),
	)
	for _, name := range l.Extra {
		graph = slices.Concat(graph, node("Identity", []string{"mean"}, name), value(12, name, l.Rank))
	}
	opset := number(2, 13)
	return slices.Concat(number(1, 8), message(7, graph), message(8, opset))
}

func node(op string, inputs []string, output string, attributes ...[]byte) []byte {
	var b []byte
	for _, in := range inputs {
		b = append(b, text(1, in)...)
	}
	b = slices.Concat(b, text(2, output), text(4, op))
	for _, a := range attributes {
		b = append(b, message(5, a)...)
	}
	return message(1, b)
}

// ints is an attribute.
func ints(name string, values ...int64) []byte {
	b := slices.Concat(text(1, name), number(20, 7))
	for _, v := range values {
		b = append(b, number(8, v)...)
	}
	return b
}

func tensor(name string, shape []int64, kind int64, raw []byte) []byte {
	var b []byte
	for _, n := range shape {
		b = append(b, number(1, n)...)
	}
	return message(5, slices.Concat(b, number(2, kind), text(8, name), message(9, raw)))
}

// value is an input (11) or an output (12) of floats, its dimensions open.
func value(field int, name string, rank int) []byte {
	var shape []byte
	for i := range rank {
		shape = append(shape, message(1, text(2, "n"+strconv.Itoa(i)))...)
	}
	kind := slices.Concat(number(1, float), message(2, shape))
	return message(field, slices.Concat(text(1, name), message(2, message(1, kind))))
}

func floats(values []float32) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
	}
	return b
}

func int64s(values ...uint64) []byte {
	var b []byte
	for _, v := range values {
		b = binary.LittleEndian.AppendUint64(b, v)
	}
	return b
}

// The wire format of protocol buffers.

func number(field int, v int64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3), uint64(v)) //nolint:gosec // none is negative
}

func message(field int, b []byte) []byte {
	head := binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3|2), uint64(len(b))) //nolint:gosec // as above
	return append(head, b...)
}

func text(field int, s string) []byte { return message(field, []byte(s)) }
