package call

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/sip"
)

// visitor is the caller as a flow sees them. Its methods run on the flow's
// goroutine: they prepare the sound there, where they may wait, and post the
// activity to the actor.
type visitor struct {
	c *Call
}

var _ ivr.Caller = visitor{}

// do posts an activity and waits for its result.
func do[T any](ctx context.Context, c *Call, a activity, result <-chan T, failed <-chan error) (T, error) {
	var zero T
	if err := c.post(func() { c.begin(a) }); err != nil {
		return zero, err
	}
	select {
	case r := <-result:
		return r, nil
	case err := <-failed:
		return zero, err
	case <-ctx.Done():
		return zero, context.Cause(ctx)
	case <-c.ended:
		return zero, ivr.ErrHangup
	}
}

// Listen implements ivr.Caller.
func (v visitor) Listen(ctx context.Context, l ivr.Listen) (ivr.Heard, error) {
	sound, err := v.sound(ctx, l.Prompts)
	if err != nil {
		return ivr.Heard{}, err
	}
	t := &turn{Listen: l, sound: sound, result: make(chan ivr.Heard, 1)}
	return do(ctx, v.c, t, t.result, nil)
}

// Record implements ivr.Caller.
func (v visitor) Record(ctx context.Context, r ivr.Record) (ivr.Recorded, error) {
	sound, err := v.sound(ctx, r.Prompts)
	if err != nil {
		return ivr.Recorded{}, err
	}
	if r.Beep {
		sound = append(sound, beep())
	}
	m := &message{Record: r, sound: sound, result: make(chan ivr.Recorded, 1), failed: make(chan error, 1)}
	return do(ctx, v.c, m, m.result, m.failed)
}

// Sounds that all calls share, made when the first one needs them.
//
//nolint:gochecknoglobals // they never change
var (
	// beep is 300 ms of 1 kHz at -15 dBov.
	beep = sync.OnceValue(func() *media.Prompt {
		return media.NewPrompt("beep", media.Tone(1000, -15, 300*time.Millisecond))
	})
	// ringback is what a caller hears where no hold prompt is given: ITU-T E.182,
	// 425 Hz, 1 s in 5 s.
	ringback = sync.OnceValue(func() *media.Prompt {
		return media.NewPrompt("ringback", append(media.Tone(425, -20, time.Second), media.Silence(4*time.Second)...))
	})
)

// Connect implements ivr.Caller.
func (v visitor) Connect(ctx context.Context, r ivr.Connect) (ivr.ConnectResult, error) {
	hold, err := v.hold(ctx, r.Hold)
	if err != nil {
		return "", err
	}
	l, err := v.dial(ctx, v.request(addressed(r), r.CallerID))
	if err != nil {
		v.c.log.Info("connect failed", "err", err)
		return ivr.ConnectFailed, nil
	}
	return v.follow(ctx, &dialled{visitor: v, ask: unqueued(r), connect: &connect{
		talk: newTalk(Connected, hold), Connect: r, party: l, name: r.Target, result: make(chan ivr.ConnectResult, 1),
	}})
}

// hold is what a caller hears who waits for somebody.
func (v visitor) hold(ctx context.Context, prompts []ivr.Prompt) ([]*media.Prompt, error) {
	sound, err := v.sound(ctx, prompts)
	if len(sound) == 0 {
		sound = []*media.Prompt{ringback()}
	}
	return sound, err
}

// addressed tells numbers from people.
func addressed(r ivr.Connect) sip.DialRequest {
	if isNumber(r.Target) {
		return sip.DialRequest{Number: r.Target, Timeout: r.Timeout}
	}
	return sip.DialRequest{User: r.Target, Timeout: r.Timeout}
}

// request adds on whose behalf somebody is rung.
func (v visitor) request(r sip.DialRequest, callerID string) sip.DialRequest {
	caller := v.c.caller.Info()
	if r.From = callerID; callerID == "" {
		r.From = caller.From
	}
	r.DisplayName, r.FromUser = caller.DisplayName, caller.User
	r.Page.CallID, r.Page.Role = v.c.id, roleAgent
	r.Prefer = v.c.codec()
	r.Asserted = callerID != "" || caller.Trusted || caller.User != ""
	r.Options = media.StreamOptions{Name: "other", Track: media.TrackAgent, Activity: v.c.con.cfg.Activity}
	return r
}

// codec is what the caller speaks: whoever is rung had better speak it too.
func (c *Call) codec() media.Codec { return c.caller.Stream().Stats().Codec }

func (v visitor) dial(ctx context.Context, r sip.DialRequest) (leg.Leg, error) {
	return v.c.con.deps.Dialer.Dial(ctx, v.c.session, r)
}

// isNumber tells a telephone number from a person's name.
func isNumber(s string) bool {
	for i, r := range s {
		if (r < '0' || r > '9') && (i != 0 || r != '+') {
			return false
		}
	}
	return s != ""
}

// Recording implements ivr.Caller.
func (v visitor) Recording(_ context.Context, on bool) error {
	result := make(chan error, 1)
	err := v.c.post(func() {
		if !on {
			v.c.pause(pausedOff)
			result <- nil
			return
		}
		result <- refusedToFlow(v.c.record())
	})
	if err != nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-v.c.ended:
		return ivr.ErrHangup
	}
}

// refusedToFlow tells a flow in its own words that it must not go on.
func refusedToFlow(err error) error {
	if errors.Is(err, recordings.ErrRefused) {
		return fmt.Errorf("%w: %w", ivr.ErrUnrecorded, err)
	}
	return err
}

// lastWords is the time that the last frames need to be heard behind the far
// end's jitter buffer.
const lastWords = 200 * time.Millisecond

// Hangup implements ivr.Caller.
func (v visitor) Hangup(ctx context.Context) error {
	select {
	case <-time.After(lastWords):
	case <-ctx.Done():
	}
	v.c.Hangup(leg.FlowHangup)
	<-v.c.ended
	return ivr.ErrHangup
}

// Entered implements ivr.Caller.
func (v visitor) Entered(flow, node string) {
	at := v.c.session.Now().Duration().Milliseconds()
	v.c.visit.Update(func(r *recordings.Call) {
		r.Path = append(r.Path, recordings.Step{Flow: flow, Node: node, AtMS: at})
	})
}

// Understood implements ivr.Caller.
func (v visitor) Understood(u ivr.Understanding) { v.c.scribe.meant(u) }

// sound makes prompts audible, in order.
func (v visitor) sound(ctx context.Context, prompts []ivr.Prompt) ([]*media.Prompt, error) {
	var out []*media.Prompt
	for _, p := range prompts {
		if p.File != "" {
			s, err := v.c.script.Speaker.File(p.Language, p.File)
			if err != nil {
				return nil, fmt.Errorf("play prompt %s/%s: %w", p.Language, p.File, err)
			}
			out = append(out, s)
			continue
		}
		s, err := v.c.script.Speaker.Say(ctx, p.Language, p.Speech())
		if err != nil {
			return nil, fmt.Errorf("say text: %w", err)
		}
		out = append(out, s...)
	}
	return out, nil
}

// runFlow runs what was called, on a goroutine of its own.
func (c *Call) runFlow(ctx context.Context, name string) error {
	info := c.caller.Info()
	run, err := ivr.NewRun(c.script.Flows, name, ivr.Ports{
		Caller: visitor{c}, Fetcher: c.con.deps.Fetcher, Clock: c.con.deps.Clock, Log: c.log, Understander: c.script.Understander,
	}, ivr.Options{From: info.From, To: info.To, Trusted: info.Trusted, Env: c.con.cfg.Env})
	if err != nil {
		return err
	}
	c.visit.Update(func(r *recordings.Call) { r.Flow, r.FlowVer = name, run.Version() })
	end, err := run.Run(ctx)
	c.visit.Update(func(r *recordings.Call) { r.Language = end.Language })
	if end.Reason == ivr.FlowFault {
		return err
	}
	return nil
}
