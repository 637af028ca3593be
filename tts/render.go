package tts

import (
	"context"

	"github.com/ivrd/ivrd/tts/ssml"
)

// speakContext is who speaks, and in which language.
type speakContext struct {
	context.Context //nolint:containedctx // it lives as long as the call that it is given to

	engine   Engine
	language string
}

// Render speaks a text with an engine and shapes it for the telephone: 8 kHz,
// trimmed, at the house's level, with soft edges.
func Render(ctx context.Context, e Engine, language string, text ssml.Speech) ([]int16, error) {
	r := newRendering(1, nil)
	if _, err := r.speak(speakContext{ctx, e, language}, text); err != nil {
		return nil, err
	}
	pcm, _ := r.whole()
	if len(pcm) == 0 {
		return nil, ErrSilent
	}
	return pcm, nil
}
