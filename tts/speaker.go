package tts

import (
	"context"
	"errors"
	"fmt"

	"github.com/ivrd/ivrd/media"
)

// Errors of a Speaker.
var (
	// ErrUnspeakable says that a text is not covered by recorded phrases and
	// that no engine can speak it.
	ErrUnspeakable = errors.New("text is not in the recorded phrases, and there is no speech engine (hint: install espeak-ng)")
	// ErrSilent says that an engine returned no sound for a text.
	ErrSilent = errors.New("the speech engine returned silence")
)

// Speaker gives a call what it plays: recorded prompts, sentences built of
// recorded phrases, and speech. It is safe for all calls at once. No error of
// it holds a text, which may be personal.
type Speaker struct {
	library *Library
	cache   *Cache
}

// NewSpeaker makes a speaker; without an engine, cache is nil.
func NewSpeaker(library *Library, cache *Cache) *Speaker {
	return &Speaker{library: library, cache: cache}
}

// File is a recorded prompt; its error is ErrNoPrompt.
func (s *Speaker) File(language, name string) (*media.Prompt, error) {
	return s.library.Prompt(language, name)
}

// Exists reports whether a prompt is recorded in a language.
func (s *Speaker) Exists(language, name string) bool { return s.library.Exists(language, name) }

// Say is the sound of a text: recorded phrases where they cover all of it,
// else the engine's. A text without words is no sound at all.
func (s *Speaker) Say(ctx context.Context, language, text string) ([]*media.Prompt, error) {
	if len(words(text)) == 0 {
		return nil, nil
	}
	if prompts, ok := s.library.Phrases(language, text); ok {
		return prompts, nil
	}
	if s.cache == nil {
		return nil, fmt.Errorf("speak in %q: %w", language, ErrUnspeakable)
	}
	p, err := s.cache.Say(ctx, language, text)
	if err != nil {
		return nil, err
	}
	return []*media.Prompt{p}, nil
}

// Prepare makes ready a text that is the same for every caller, so that the
// first of them does not wait for it. Only such texts may be given: their
// sounds are kept on disk, in clear.
func (s *Speaker) Prepare(ctx context.Context, language, text string) error {
	if len(words(text)) == 0 {
		return nil
	}
	if _, ok := s.library.Phrases(language, text); ok {
		return nil
	}
	if s.cache == nil {
		return fmt.Errorf("speak in %q: %w", language, ErrUnspeakable)
	}
	return s.cache.Keep(ctx, language, text)
}

// Render speaks a text with an engine and shapes it for the telephone: 8 kHz,
// trimmed, at the house's level, with soft edges.
func Render(ctx context.Context, e Engine, language, text string) ([]int16, error) {
	pcm, rate, err := e.Synthesize(ctx, text, language)
	if err != nil {
		return nil, err
	}
	if rate != media.SampleRate {
		pcm = media.Resample(pcm, rate, media.SampleRate)
	}
	if pcm = shape(pcm); len(pcm) == 0 {
		return nil, ErrSilent
	}
	return pcm, nil
}
