// Package tts turns text into prompts: by files that were rendered ahead, by
// concatenation of recorded phrases, and by a speech engine, whose results
// are cached by text, language, voice and engine version. What an engine needs
// long for is played while it comes.
package tts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ivrd/ivrd/tts/ssml"
)

// Engine speaks text. It may be used by several goroutines at once.
type Engine interface {
	// Name identifies engine, version and voices; it is part of the cache key, and
	// holds no secret.
	Name() string
	// Speak gives the sound of an utterance to hear, in order and as it comes, and
	// returns when there is no more. An error of hear ends it and is returned. It
	// must stop when the context ends, and be late (ErrLate) rather than wait for ever.
	Speak(ctx context.Context, u Utterance, hear Hear) error
}

// Utterance is what an engine speaks at a time: words, no markup.
type Utterance struct {
	Text, Language string
	// Prosody: Rate and Pitch are the engine's business, as far as it can; Volume
	// is not.
	Prosody ssml.Prosody
}

// voiceOf is the voice that an engine has for an utterance, which is not too long.
func voiceOf[V any](voices map[string]V, u Utterance) (V, error) {
	v, ok := voices[u.Language]
	switch {
	case !ok:
		return v, fmt.Errorf("speak %q: %w", u.Language, ErrNoVoice)
	case len(u.Text) > maxText:
		return v, fmt.Errorf("speak %d bytes: %w", len(u.Text), ErrTooLong)
	}
	return v, nil
}

// Hear takes mono PCM, which is the engine's again after the call. The rate is the
// same for all of an utterance.
type Hear func(pcm []int16, rateHz int) error

// Limits of one utterance. A flow's longest text is a notice of a minute or so.
const (
	maxText   = 4000            // bytes of text
	maxSpeech = 5 * time.Minute // of sound
)

// Errors that a caller may act upon.
var (
	// ErrNoEngine says that there is no speech engine on this machine.
	ErrNoEngine = errors.New("no speech engine (hint: install espeak-ng)")
	// ErrNoVoice says that the engine has no voice for the language.
	ErrNoVoice = errors.New("no voice for this language")
	// ErrTooLong says that a text, or its sound, is beyond the limits.
	ErrTooLong = errors.New("text too long to speak")
	// ErrLate says that sound came slower than a caller can wait for.
	ErrLate = errors.New("the speech engine is late")
	// ErrResting says that an engine has failed several times and is not asked.
	ErrResting = errors.New("the speech engine has failed and rests")
)
