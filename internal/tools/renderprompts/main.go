// Command renderprompts speaks the texts of a prompts directory with espeak-ng
// and writes them as the sounds that are shipped:
//
//	go run ./internal/tools/renderprompts configs/demo/prompts
//
// texts.yaml names them; each prompt becomes <language>/<name>.wav, each phrase
// a file below <language>/phrases. What is up to date is left as it is, so that
// a prompt that somebody recorded with a real voice survives (its text is in
// rendered.json all the same); sounds that texts.yaml no longer names are
// removed.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/ivrd/ivrd/tts"
	"github.com/ivrd/ivrd/tts/promptset"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "renderprompts:", err)
		os.Exit(1)
	}
}

func run() error {
	if len(os.Args) != 2 {
		return fmt.Errorf("usage: renderprompts DIRECTORY")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	engine, err := tts.NewEspeak(ctx, tts.EspeakConfig{})
	if err != nil {
		return err
	}
	report, err := promptset.Render(ctx, os.Args[1], engine)
	if err != nil {
		return err
	}
	fmt.Printf("renderprompts: %d rendered, %d up to date, %d removed, %d bytes in all\n",
		report.Rendered, report.Kept, report.Removed, report.Bytes)
	return nil
}
