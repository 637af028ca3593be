package tts

import (
	"context"
	"errors"
	"fmt"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
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
// else the engine's, which may still be growing. A text without words and pauses is
// no sound at all.
func (s *Speaker) Say(ctx context.Context, language string, text ssml.Speech) ([]*media.Prompt, error) {
	if prompts, ok := s.phrases(language, text); ok {
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

// phrases builds a text of what is recorded and of pauses. A text of neither is
// nothing, which needs no engine.
func (s *Speaker) phrases(language string, text ssml.Speech) ([]*media.Prompt, bool) {
	var out []*media.Prompt
	for _, p := range text {
		switch {
		case p.Pause > 0:
			out = append(out, media.NewPrompt("pause", media.Silence(p.Pause)))
		case len(words(p.Text)) > 0:
			prompts, ok := s.library.Phrases(language, p.Text)
			if !ok || p.Prosody != (ssml.Prosody{}) {
				return nil, false
			}
			out = append(out, prompts...)
		}
	}
	return out, true
}

// Prepare makes ready a text that is the same for every caller, so that the
// first of them does not wait for it. Only such texts may be given: their
// sounds are kept on disk, in clear.
func (s *Speaker) Prepare(ctx context.Context, language string, text ssml.Speech) error {
	if _, ok := s.phrases(language, text); ok {
		return nil
	}
	if s.cache == nil {
		return fmt.Errorf("speak in %q: %w", language, ErrUnspeakable)
	}
	return s.cache.Keep(ctx, language, text)
}
