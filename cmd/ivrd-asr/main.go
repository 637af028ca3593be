//go:build pocketsphinx

// Command ivrd-asr recognises the phrases of menus with PocketSphinx. ivrd starts it,
// so that C stays out of the server's process, and talks to it by a socket; it ends
// when its standard input does.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"

	"github.com/ivrd/ivrd/asr/sphinx"
	"github.com/ivrd/ivrd/internal/helper"
)

func main() {
	if err := run(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "ivrd-asr:", err)
		os.Exit(1)
	}
}

func run(parent io.Reader) error {
	socket := flag.String("socket", "", "the Unix socket to listen on; its directory should be ours alone")
	model := flag.String("model", sphinx.Model, "the directory of the model")
	decoders := flag.Int("decoders", 2, "utterances at once; each takes about 40 MB")
	flag.Parse()
	server, err := load(*model, *decoders)
	if err != nil {
		return err
	}
	return helper.Serve(parent, os.Stdout, *socket, server)
}

func load(model string, decoders int) (*sphinx.Server, error) {
	dictionary, err := sphinx.OpenDictionary(model)
	if err != nil {
		return nil, err
	}
	engines := make([]sphinx.Engine, decoders)
	for i := range engines {
		if engines[i], err = sphinx.NewDecoder(model); err != nil {
			return nil, err
		}
	}
	return sphinx.NewServer(dictionary, engines...), nil
}
