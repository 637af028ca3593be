// Package phone is the headless phone of `ivrd call`: it calls one URI, plays
// or says something, presses keys by a script, records what it hears, and
// reports. It is built on the house's own sip and media.
package phone

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/sip"
)

// Options are what to do on the call.
type Options struct {
	URI, From string
	// Username and Password answer a challenge.
	Username string
	Password secret.Text
	// Sound is played once the call is answered; nil sends silence.
	Sound *media.Prompt
	// Script of keys: see parseScript.
	Script string
	// Duration ends the call after the answer; 0: when the far end does, or
	// 2 s after script and sound are over if there are any.
	Duration time.Duration
	// Ring bounds the wait for an answer; 0 means 30 s.
	Ring time.Duration
	SRTP sip.SRTP
	// Codecs are offered in this order; empty means all.
	Codecs []media.Codec
	Log    *slog.Logger
}

// Report is what happened; its JSON form is public.
type Report struct {
	Answered     bool          `json:"answered"`
	SetupMS      int64         `json:"setup_ms"`       // INVITE to 200
	FirstAudioMS int64         `json:"first_audio_ms"` // answer to the first sound above silence; -1: none
	DurationMS   int64         `json:"duration_ms"`
	RTP          RTPReport     `json:"rtp"`
	End          leg.EndReason `json:"end"`
	// Heard is what was received, 8 kHz mono, losses as silence.
	Heard []int16 `json:"-"`
}

// RTPReport counts packets as this phone saw them.
type RTPReport struct {
	Sent     uint64  `json:"sent"`
	Received uint64  `json:"received"`
	Lost     uint64  `json:"lost"`
	JitterMS float64 `json:"jitter_ms"`
}

// Call makes the call and returns when it is over. An error means that no
// call could be tried; a refused call is a report.
func Call(ctx context.Context, o Options) (Report, error) {
	steps, err := parseScript(o.Script)
	if err != nil {
		return Report{}, err
	}
	local, err := localAddress(ctx, o.URI)
	if err != nil {
		return Report{}, err
	}
	eng, err := engine.New(engine.Config{Workers: 1, Address: local, Log: o.Log})
	if err != nil {
		return Report{}, err
	}
	if err := eng.Start(); err != nil {
		return Report{}, err
	}
	defer eng.Close() //nolint:errcheck // the process ends with it
	bind := netip.AddrPortFrom(local, 0).String()
	ua, err := sip.New(sip.Config{UDP: bind, TCP: bind}, sip.Deps{Handler: deaf{}, Log: o.Log})
	if err != nil {
		return Report{}, err
	}
	if err := ua.Start(ctx); err != nil {
		return Report{}, err
	}
	defer ua.Close()
	session, err := eng.NewSession("phone")
	if err != nil {
		return Report{}, err
	}
	defer session.Close() //nolint:errcheck // the process ends with it
	c := &call{opts: o, steps: steps, session: session, ear: newEar()}
	return c.run(ctx, ua)
}

// localAddress is ours on the way to the URI's host; nothing is sent.
func localAddress(ctx context.Context, uri string) (netip.Addr, error) {
	host, err := sip.HostPort(uri)
	if err != nil {
		return netip.Addr{}, err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "udp", host)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("find the way to %s: %w", host, err)
	}
	defer conn.Close() //nolint:errcheck // nothing was sent
	addr, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return addr.Addr().Unmap(), err
}

// deaf takes no calls.
type deaf struct{}

func (deaf) Known(string) bool                            { return false }
func (deaf) Full() time.Duration                          { return 0 }
func (deaf) Incoming(_ context.Context, in *sip.Incoming) { in.Reject(leg.UnknownNumber) }

// call is one call under way.
type call struct {
	opts    Options
	steps   []step
	session media.Session
	ear     *ear
	leg     leg.Leg

	report   Report
	dialled  time.Time
	answered time.Time
	script   *time.Timer // the next step
	limit    *time.Timer // the end
	playing  bool
}

// afterwards is how long a call without a duration goes on when everything
// was said.
const afterwards = 2 * time.Second

var errNoAnswer = errors.New("no end was reported")

func (c *call) run(ctx context.Context, ua sip.Dialer) (Report, error) {
	c.script, c.limit = stoppedTimer(), stoppedTimer()
	c.report.FirstAudioMS = -1
	c.session.SetTap(c.ear)
	c.dialled = time.Now()
	ring := c.opts.Ring
	if ring == 0 {
		ring = 30 * time.Second
	}
	l, err := ua.Dial(ctx, c.session, sip.DialRequest{
		URI: c.opts.URI, AllowURI: true, From: c.opts.From, Timeout: ring,
		Username: c.opts.Username, Password: c.opts.Password, SRTP: c.opts.SRTP,
		Options: media.StreamOptions{Name: "phone", Track: media.TrackAgent, Codecs: c.opts.Codecs},
	})
	if err != nil {
		return c.report, fmt.Errorf("call: %w", err)
	}
	c.leg = l
	return c.loop(ctx)
}

func stoppedTimer() *time.Timer {
	t := time.NewTimer(time.Hour)
	t.Stop()
	return t
}

func (c *call) loop(ctx context.Context) (Report, error) {
	sounds := c.leg.Stream().Events()
	done := ctx.Done()
	for {
		select {
		case ev, ok := <-c.leg.Events():
			if !ok {
				return c.report, errNoAnswer
			}
			if c.event(ev) {
				return c.report, nil
			}
		case ev, ok := <-sounds:
			switch {
			case !ok:
				sounds = nil
			case ev.Kind == media.EventPlayed:
				c.playing = false
				c.maybeOver()
			}
		case <-c.script.C:
			c.next()
		case <-c.limit.C:
			c.leg.End(leg.CallerHangup)
		case <-done:
			done = nil
			c.leg.End(leg.CallerHangup)
		}
	}
}

// event handles one event of the leg and reports whether it was the last.
func (c *call) event(ev leg.Event) bool {
	switch ev.Kind {
	case leg.Answered:
		c.up()
	case leg.Ended:
		c.finish(ev.Reason)
		return true
	}
	return false
}

func (c *call) up() {
	c.answered = time.Now()
	c.report.Answered = true
	c.report.SetupMS = c.answered.Sub(c.dialled).Milliseconds()
	c.ear.answeredAt(c.session.Now())
	if c.opts.Sound != nil {
		c.playing = true
		c.leg.Stream().Play(media.Play{Prompts: []*media.Prompt{c.opts.Sound}})
	}
	if c.opts.Duration > 0 {
		c.limit.Reset(c.opts.Duration)
	}
	if len(c.steps) > 0 {
		c.next()
	}
}

// keyTime is what one key takes on the wire: 100 ms and as much silence.
const keyTime = 200 * time.Millisecond

// next does the next step of the script.
func (c *call) next() {
	if len(c.steps) == 0 {
		c.maybeOver()
		return
	}
	s := c.steps[0]
	c.steps = c.steps[1:]
	if s.keys != "" {
		if err := c.leg.Stream().SendDigits(s.keys); err != nil {
			c.opts.Log.Warn("send keys", "err", err)
		}
		s.wait = time.Duration(len(s.keys)) * keyTime
	}
	c.script.Reset(s.wait)
}

// maybeOver ends a call without a set duration once all was said.
func (c *call) maybeOver() {
	if c.opts.Duration == 0 && len(c.steps) == 0 && !c.playing {
		c.limit.Reset(afterwards)
	}
}

func (c *call) finish(r leg.EndReason) {
	s := c.leg.Stream().Stats()
	c.session.SetTap(nil)
	if r == leg.AgentHangup { // to this phone, whoever it has called is just the other side
		r.Slug = "remote-hangup"
	}
	c.report.End = r
	c.report.Heard, c.report.FirstAudioMS = c.ear.heard()
	c.report.RTP = RTPReport{Sent: s.Sent, Received: s.Received, Lost: s.Lost, JitterMS: float64(s.Jitter.Microseconds()) / 1000}
	if !c.answered.IsZero() {
		c.report.DurationMS = time.Since(c.answered).Milliseconds()
	}
}
