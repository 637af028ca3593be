package sphinx

import (
	"context"
	"log/slog"
	"strconv"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/helper"
)

// Helper is the program's name.
const Helper = "ivrd-asr"

// ProcessConfig says which helper is started, and how.
type ProcessConfig struct {
	Path     string // of the helper
	Model    string // directory of the model; empty for Debian's
	Decoders int    // utterances at once; each takes about 40 MB
	Log      *slog.Logger
}

// startTime is how long a helper may load its model.
const startTime = 30 * time.Second

// Process is a helper that runs, and is started again whenever it ends. Meanwhile its
// sessions fail: who listens goes on with keys.
type Process struct {
	asr.Recognizer

	helper *helper.Process
}

// Start starts the helper and waits until it is ready.
func Start(ctx context.Context, cfg ProcessConfig) (*Process, error) {
	args := []string{"--decoders", strconv.Itoa(cfg.Decoders)}
	if cfg.Model != "" {
		args = append(args, "--model", cfg.Model)
	}
	h, err := helper.Start(ctx, helper.Config{Path: cfg.Path, Args: args, StartTime: startTime, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	client, err := asr.NewJambonz(asr.JambonzConfig{Name: "pocketsphinx", Link: asr.Link{URL: "unix://" + h.Socket()}, PhrasesOnly: true, Languages: []string{"en"}})
	if err != nil {
		h.Close()
		return nil, err
	}
	return &Process{client, h}, nil
}

// Close ends the helper.
func (p *Process) Close() { p.helper.Close() }
