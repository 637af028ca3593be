package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

const (
	firstRetry = 5 * time.Second
	lastRetry  = 5 * time.Minute
	// failuresDown is how many OPTIONS in a row must fail before a trunk is
	// taken for down: one lost datagram series is no outage.
	failuresDown = 2
)

// trunk is a configured trunk and what is known of it.
type trunk struct {
	Trunk

	mu     sync.Mutex
	until  time.Time // our registration holds, whatever becomes of the next try
	up     bool
	server netip.AddrPort // resolved; where that registration is
	stop   context.CancelFunc
	done   sync.WaitGroup
}

func newTrunk(t Trunk) *trunk { return &trunk{Trunk: t, up: true} }

// limit works on nil, which is a call without a trunk.
func (t *trunk) limit() int {
	if t == nil {
		return 0
	}
	return t.MaxCalls
}

func (t *trunk) account() account {
	return account{user: t.Username, secret: t.Password, realm: t.Realm}
}

// place is the configured server; New has checked it.
func (t *trunk) place() place {
	host, port, _ := net.SplitHostPort(t.Server)
	n, _ := strconv.Atoi(port)
	return place{transport: t.Transport, host: host, port: n}
}

// flow is the way to the trunk, looked up anew for each call.
func (t *trunk) flow(s *Server) func(context.Context) (flow, error) {
	return func(ctx context.Context) (flow, error) { return s.flowTo(ctx, t.place()) }
}

func (s *Server) trunkNamed(name string) *trunk {
	for _, t := range s.trunks {
		if t.Name == name {
			return t
		}
	}
	return nil
}

// trunkAt is the trunk that a source address belongs to: configured, or the
// server that we have registered with.
func (s *Server) trunkAt(f flow) *trunk {
	for _, t := range s.trunks {
		if t.matches(f.source.Addr()) || t.registeredAt(f.source) {
			return t
		}
	}
	return nil
}

func (t *trunk) registeredAt(source netip.AddrPort) bool {
	return len(t.Match) == 0 && t.holdsAt(source)
}

// holdsAt reports whether our registration with a server holds.
func (t *trunk) holdsAt(server netip.AddrPort) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.server == server && time.Now().Before(t.until)
}

// trunkUser is the trunk that proves itself by a user name of our digest.
func (s *Server) trunkUser(user string) *trunk {
	for _, t := range s.trunks {
		if t.byDigest() && t.Username.Reveal() == user {
			return t
		}
	}
	return nil
}

// TrunkStates says how the trunks are.
func (s *Server) TrunkStates() []TrunkState {
	var out []TrunkState
	for _, t := range s.trunks {
		t.mu.Lock()
		out = append(out, TrunkState{Name: t.Name, Registers: t.Register, Registered: time.Now().Before(t.until), Up: t.up, Calls: s.caps.count(capKey{"trunk", t.Name})})
		t.mu.Unlock()
	}
	return out
}

func (s *Server) startTrunk(t *trunk) {
	ctx, cancel := context.WithCancel(s.ctx)
	t.stop = cancel
	if t.Register {
		t.done.Go(func() { s.keepRegistered(ctx, t) })
	}
	if t.KeepAlive > 0 {
		t.done.Go(func() { s.keepAlive(ctx, t) })
	}
}

// stopTrunks unregisters, briefly.
func (s *Server) stopTrunks() {
	var wg sync.WaitGroup
	for _, t := range s.trunks {
		if t.stop == nil {
			continue
		}
		t.stop()
		wg.Go(t.done.Wait)
	}
	wg.Wait()
}

// registration is one series of REGISTERs with growing CSeq (§10.2.4).
type registration struct {
	t      *trunk
	callID string
	tag    string
	seq    uint32
	server netip.AddrPort // where the last one went
}

// keepRegistered refreshes at half of what the trunk grants, and comes back
// ever later after failures.
func (s *Server) keepRegistered(ctx context.Context, t *trunk) {
	r := &registration{t: t, callID: token() + "@ivrd", tag: token()}
	retry := firstRetry
	for {
		granted, err := s.registerOnce(ctx, r, t.Expires)
		wait := granted / 2
		if err != nil {
			s.log.Warn("trunk registration failed", "trunk", t.Name, "reason", AsReason(err).Slug, "status", AsReason(err).Status, "retry_in", retry)
			wait = retry + rand.N(retry/4) //nolint:gosec // spreads load
			retry = min(2*retry, lastRetry)
		} else {
			retry = firstRetry
			t.hold(r.server, granted)
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			if t.isRegistered() {
				bye, cancel := context.WithTimeout(s.ctx, farewellTime)
				_, _ = s.registerOnce(bye, r, 0) // it runs out by itself otherwise
				cancel()
			}
			return
		}
	}
}

// hold notes what a registrar has granted.
func (t *trunk) hold(server netip.AddrPort, granted time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.server, t.until = server, time.Now().Add(granted)
}

func (t *trunk) isRegistered() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return time.Now().Before(t.until)
}

// registerOnce sends REGISTER, with credentials when asked, and returns the
// time that was granted.
func (s *Server) registerOnce(ctx context.Context, r *registration, expires time.Duration) (time.Duration, error) {
	f, err := s.flowTo(ctx, r.t.place())
	if err != nil {
		return 0, err
	}
	r.server = f.source
	var extra []wire.Header
	for range maxTries {
		m := s.registerRequest(r, f, expires, extra)
		res, err := s.roundTrip(ctx, m, f)
		switch {
		case err != nil:
			return 0, err
		case res.Status < 300:
			return grantedTime(res, s.contact(f, r.t.Username.Reveal()), expires), nil
		case res.Status == 423:
			floor, ok := seconds(res.Get("Min-Expires"))
			if !ok || floor <= expires || floor > 24*time.Hour {
				return 0, &Error{Reason: reasonOf(423), Err: fmt.Errorf("register: interval too brief")}
			}
			expires = floor
		case res.Status == 401 || res.Status == 407:
			h, err := r.t.account().header(res, m, len(extra) > 0)
			if err != nil {
				return 0, &Error{Reason: reasonOf(res.Status), Err: err}
			}
			extra = []wire.Header{h}
		default:
			return 0, &Error{Reason: reasonOf(res.Status), Err: fmt.Errorf("register: refused")}
		}
	}
	return 0, failure(leg.Refused, "register: asked for credentials again and again")
}

func (s *Server) registerRequest(r *registration, f flow, expires time.Duration, extra []wire.Header) *wire.Message {
	r.seq++
	domain := hostInBrackets(r.t.Domain)
	self := "<" + wire.URI{Scheme: "sip", User: escapeUser(r.t.Username.Reveal()), Host: domain}.String() + ">"
	m := &wire.Message{Method: "REGISTER", URI: "sip:" + domain, CSeq: r.seq}
	m.Headers = append([]wire.Header{
		{Name: "Max-Forwards", Value: "70"},
		{Name: "From", Value: self + ";tag=" + r.tag},
		{Name: "To", Value: self},
		{Name: "Call-ID", Value: r.callID},
		{Name: "CSeq", Value: strconv.Itoa(int(r.seq)) + " REGISTER"},
		{Name: "Contact", Value: s.contact(f, r.t.Username.Reveal()) + ";expires=" + secondsText(expires)},
		{Name: "Expires", Value: secondsText(expires)},
		{Name: "User-Agent", Value: "ivrd"},
	}, extra...)
	return m
}

// grantedTime is what the registrar gave our contact (§10.2.4), kept within reason.
func grantedTime(res *wire.Message, contact string, asked time.Duration) time.Duration {
	granted := asked
	if d, ok := seconds(res.Get("Expires")); ok {
		granted = d
	}
	for _, v := range res.Values("Contact") {
		a, ok := wire.ParseAddress(v)
		if e, has := a.Param("expires"); ok && has && strings.EqualFold("<"+a.URI.String()+">", contact) {
			if d, ok := seconds(e); ok {
				granted = d
			}
		}
	}
	return max(granted, 10*time.Second)
}

// keepAlive asks the trunk from time to time whether it is there. Any answer
// but 408 and 503 says yes.
func (s *Server) keepAlive(ctx context.Context, t *trunk) {
	failed := 0
	for {
		if s.optionsOnce(ctx, t) {
			failed = 0
		} else if failed++; failed == failuresDown {
			s.log.Warn("trunk does not answer", "trunk", t.Name)
		}
		t.mu.Lock()
		t.up = failed < failuresDown
		t.mu.Unlock()
		select {
		case <-time.After(t.KeepAlive):
		case <-ctx.Done():
			return
		}
	}
}

func (s *Server) optionsOnce(ctx context.Context, t *trunk) bool {
	ctx, cancel := context.WithTimeout(ctx, max(t.KeepAlive, 8*time.Second))
	defer cancel()
	f, err := s.flowTo(ctx, t.place())
	if err != nil {
		return false
	}
	domain := hostInBrackets(t.Domain)
	m := &wire.Message{Method: "OPTIONS", URI: "sip:" + domain}
	m.Headers = []wire.Header{
		{Name: "Max-Forwards", Value: "70"},
		{Name: "From", Value: "<sip:" + domain + ">;tag=" + token()},
		{Name: "To", Value: "<sip:" + domain + ">"},
		{Name: "Call-ID", Value: token() + "@ivrd"},
		{Name: "CSeq", Value: "1 OPTIONS"},
		{Name: "Contact", Value: s.contact(f, "ivrd")},
		{Name: "Accept", Value: "application/sdp"},
		{Name: "User-Agent", Value: "ivrd"},
	}
	res, err := s.roundTrip(ctx, m, f)
	return err == nil && res.Status != 408 && res.Status != 503
}
