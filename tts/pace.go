package tts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/ivrd/ivrd/media"
)

// pace ends a context when sound comes too slowly: the first within the patience, and
// all of it at half the speed of speech at least. Who dribbles is late, too.
type pace struct {
	patience time.Duration
	began    time.Time
	cancel   context.CancelCauseFunc

	mu    sync.Mutex
	timer *time.Timer
	sound time.Duration
}

func newPace(ctx context.Context, patience time.Duration) (context.Context, *pace) {
	ctx, cancel := context.WithCancelCause(ctx)
	p := &pace{patience: patience, began: time.Now(), cancel: cancel}
	p.timer = time.AfterFunc(patience, func() { cancel(ErrLate) })
	return ctx, p
}

// heard says that more sound has come.
func (p *pace) heard(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sound += d
	p.timer.Reset(time.Until(p.began.Add(p.patience + 2*p.sound)))
}

func (p *pace) stop() {
	p.timer.Stop()
	p.cancel(nil)
}

// Format is how an engine writes sound.
type Format struct {
	// Name is "wav", or "pcm" for bare 16-bit little-endian mono.
	Name string
	// Rate of bare PCM, in Hz; a WAV file tells its own.
	Rate int
}

// formats are their names.
func formats() []string { return []string{"wav", "pcm"} }

// maxSoundBytes is maxSpeech at 48 kHz.
const maxSoundBytes = int64(maxSpeech/time.Second) * 48000 * 2

// listen gives the sound in r to hear until it ends.
func (f Format) listen(r io.Reader, p *pace, hear Hear) error {
	bounded := &io.LimitedReader{R: r, N: maxSoundBytes + 1}
	s := media.NewPCMReader(bounded, f.Rate)
	if f.Name == "wav" {
		var err error
		if s, err = media.NewWAVReader(bounded); err != nil {
			return err
		}
	}
	var samples int
	for {
		pcm, err := s.Next()
		if bounded.N <= 0 {
			return ErrTooLong
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		samples += len(pcm)
		if samples/s.Rate() > int(maxSpeech/time.Second) {
			return ErrTooLong
		}
		p.heard(time.Duration(len(pcm)) * time.Second / time.Duration(s.Rate()))
		if err := hear(pcm, s.Rate()); err != nil {
			return err
		}
	}
}

// why is what ended the context, rather than what that broke.
func why(ctx context.Context, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return fmt.Errorf("%s: %w", what, err)
}

// slots bound how many utterances an engine speaks at once.
type slots chan struct{}

func (s slots) take(ctx context.Context) error {
	select {
	case s <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s slots) give() { <-s }
