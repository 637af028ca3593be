package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/tts"
)

// newEngines are the speech engine that is configured and the one that speaks when it
// fails; nil where there is none and none is demanded.
func newEngines(ctx context.Context, f config.File) (engine, fallback tts.Engine, err error) {
	switch f.Speech.Engine {
	case "none":
		return nil, nil, nil
	case "http":
		engine, err = newHTTPEngine(f.Speech.HTTP)
	case "command":
		engine, err = newCommandEngine(f.Speech.Command)
	default:
		engine, err = newEspeak(ctx, f, f.Speech.Engine == "espeak-ng")
		return engine, nil, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("speech.%s: %w", f.Speech.Engine, err)
	}
	fallback, err = newEspeak(ctx, f, false)
	return engine, fallback, err
}

func newHTTPEngine(c config.SpeechHTTP) (tts.Engine, error) {
	return tts.NewHTTP(tts.HTTPConfig{
		URL: c.URL, Key: c.Key, Model: c.Model, Voices: c.Voices,
		Format: tts.Format{Name: c.Format, Rate: c.Rate}, Patience: c.Timeout,
	})
}

func newCommandEngine(c config.SpeechCommand) (tts.Engine, error) {
	return tts.NewCommand(tts.CommandConfig{
		Argv: c.Argv, Voices: c.Voices, Format: tts.Format{Name: c.Format, Rate: c.Rate}, Patience: c.Timeout, Parallel: min(maxVoices, spare()),
	})
}

// newEspeak is espeak-ng with the configured voices, which it has; nil when it is not
// installed and not demanded.
func newEspeak(ctx context.Context, f config.File, demanded bool) (tts.Engine, error) {
	engine, err := tts.NewEspeak(ctx, tts.EspeakConfig{Voices: voices(f), Parallel: min(maxVoices, spare())})
	if errors.Is(err, tts.ErrNoEngine) && !demanded {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("speech.engine: %w", err)
	}
	if err := engine.Check(ctx); err != nil {
		return nil, fmt.Errorf("speech.voices: %w", err)
	}
	return engine, nil
}

// voices are the configured ones at the speed that suits their language.
func voices(f config.File) map[string]tts.Voice {
	out, defaults := map[string]tts.Voice{}, tts.DefaultVoices()
	for language, name := range f.Speech.Voices {
		v := defaults[language]
		v.Name = name
		out[language] = v
	}
	return out
}
