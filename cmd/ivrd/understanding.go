package main

import (
	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/asr/intent/remote"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/understand"
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
