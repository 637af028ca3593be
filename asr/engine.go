package asr

import "context"

// engine is a Recognizer behind a WebSocket.
type engine struct {
	name   string
	traits Traits
	link   dialer
	speak  func(Options) protocol
}

func newEngine(name string, l Link, scheme string, t Traits, speak func(Options) protocol) (Recognizer, error) {
	d, err := l.dialer(scheme)
	if err != nil {
		return nil, &Error{name, ErrRefused, err.Error()}
	}
	return &engine{name, t, d, speak}, nil
}

func named(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

func (e *engine) Name() string   { return e.name }
func (e *engine) Traits() Traits { return e.traits }

func (e *engine) Open(ctx context.Context, o Options) (Session, error) {
	if err := o.check(e.name, e.traits); err != nil {
		return nil, err
	}
	o.Language, _ = e.traits.tongue(o.Language)
	return openStream(ctx, e.name, e.link, o, e.traits.Progress, e.speak(o)), nil
}
