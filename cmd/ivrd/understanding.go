package main

import (
	"context"
	"time"

	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/asr/intent/remote"
	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/understand"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/transcript"
)

// newUnderstander is what understands the callers of flows; answered is told which
// engine has.
func newUnderstander(f config.File, set intent.Set, answered func(engine string)) (*understand.Understander, error) {
	o := understand.Options{Answered: answered}
	if c := f.Speech.Understanding; c.Engine != config.UnderstandingEmbedded {
		o.Outside = &remote.Config{Protocol: remote.Protocol(c.Engine), URL: c.URL, Token: c.Key, Model: c.Model, Timeout: c.Limit}
	}
	return understand.New(set, o)
}

// conversations says what is meant in conversations, by the intents that are loaded.
type conversations struct{ *house }

// Understand implements call.Understander.
func (c conversations) Understand(ctx context.Context, text, language string) call.Meaning {
	u, err := c.script.Load().intents.Interpret(ctx, ivr.Utterance{Text: text, Language: language, Now: time.Now()})
	if err != nil {
		return call.Meaning{} // only the end of ctx
	}
	var m call.Meaning
	if u.Intent != "" {
		m.Intent = &transcript.Intent{Name: u.Intent, P: u.P}
	}
	for _, e := range u.Entities {
		m.Entities = append(m.Entities, transcript.Entity{Kind: e.Kind, Value: e.Value})
		e.Private.Wipe()
	}
	return m
}
