package onnx

import (
	"cmp"
	"context"
	"log/slog"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/asr/emotion/remote"
	"github.com/ivrd/ivrd/internal/helper"
)

// Helper is the program's name.
const Helper = "ivrd-emotion"

// ProcessConfig says which helper is started, and with what.
type ProcessConfig struct {
	Path string // of the helper
	// Model and Library are files: the model, and libonnxruntime.so.
	Model, Library string
	// Output of the model; empty: logits, or the only one.
	Output string
	Spec   Spec
	Limit  time.Duration // of one question
	Log    *slog.Logger
}

const (
	// startTime is how long a helper may load its model, which may have a gigabyte.
	startTime = time.Minute
	// rest after several failures in a row: one that died is back soon.
	rest = 5 * time.Second
)

// Process is a helper that runs, and is started again whenever it ends. Meanwhile its
// questions fail.
type Process struct {
	*remote.Client

	helper *helper.Process
}

var _ emotion.Model = (*Process)(nil)

// Start starts the helper and waits until it has loaded the model.
func Start(ctx context.Context, cfg ProcessConfig) (*Process, error) {
	args := []string{
		"--model", cfg.Model, "--library", cfg.Library, "--output", cfg.Output,
		"--name", cmp.Or(cfg.Spec.Name, strings.TrimSuffix(filepath.Base(cfg.Model), ".onnx")),
		"--labels", strings.Join(cfg.Spec.Labels, ","), "--rate", strconv.Itoa(cfg.Spec.Rate), "--normalise=" + strconv.FormatBool(cfg.Spec.Normalise),
	}
	h, err := helper.Start(ctx, helper.Config{Path: cfg.Path, Args: args, StartTime: startTime, Log: cfg.Log})
	if err != nil {
		return nil, err
	}
	client, err := remote.New(remote.Config{URL: "unix://" + h.Socket(), Timeout: cfg.Limit, InFlight: queue, Rest: rest, Log: cfg.Log})
	if err != nil {
		h.Close()
		return nil, err
	}
	return &Process{client, h}, nil
}

// Close ends the helper.
func (p *Process) Close() {
	p.Client.Close()
	p.helper.Close()
}
