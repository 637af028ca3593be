//go:build onnx

// Command ivrd-emotion judges the sound of utterances by an ONNX model. ivrd starts it,
// so that C stays out of the server's process, and talks to it by a socket; it ends
// when its standard input does. It takes one thread, and yields to calls.
package main

import (
	"flag"
	"fmt"
	"os"
	"strings"

	"github.com/ivrd/ivrd/asr/emotion/onnx"
	"github.com/ivrd/ivrd/internal/helper"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	socket := flag.String("socket", "", "the Unix socket to listen on; its directory should be ours alone")
	model := flag.String("model", "", "the ONNX file")
	library := flag.String("library", "", "libonnxruntime.so")
	output := flag.String("output", "", "the output with a value for each label; empty: logits, or the only one")
	labels := flag.String("labels", "", "what the values are, in order, with commas between them")
	var spec onnx.Spec
	flag.StringVar(&spec.Name, "name", "", "what the model is called")
	flag.IntVar(&spec.Rate, "rate", 16000, "of the sound that the model takes, in Hz")
	flag.BoolVar(&spec.Normalise, "normalise", false, "bring the sound to a mean of 0 and a variance of 1")
	flag.Parse()
	spec.Labels = strings.Split(*labels, ",")
	if err := helper.Yield(); err != nil {
		return err
	}
	session, err := onnx.Open(*library, *model, *output)
	if err != nil {
		return err
	}
	server, err := onnx.NewServer(session, spec)
	if err != nil {
		return err
	}
	return helper.Serve(os.Stdin, os.Stdout, *socket, server)
}
