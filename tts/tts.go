// Package tts turns text into prompts: by files that were rendered ahead, by
// concatenation of recorded phrases, and by a speech engine, whose results
// are cached by text, language, voice and engine version.
package tts

import "context"

// Engine speaks text. Synthesize returns mono PCM and its sample rate in Hz;
// it must stop when the context ends. An Engine may be used by several
// goroutines at once.
type Engine interface {
	// Name identifies engine, version and voice; it is part of the cache key.
	Name() string
	Synthesize(ctx context.Context, text, language string) (pcm []int16, rate int, err error)
}
