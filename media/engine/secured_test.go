package engine_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// logged is a log that is read while it is written.
type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

type doubt struct {
	Time    time.Time `json:"time"`
	Msg     string    `json:"msg"`
	CallID  string    `json:"call_id"`
	Stream  string    `json:"stream"`
	Packets int       `json:"packets"`
}

// doubts are the lines on SRTP that did not authenticate.
func (l *logged) doubts(t *testing.T) []doubt {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var out []doubt
	for line := range strings.Lines(l.String()) {
		var d doubt
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(d.Msg, "does not authenticate") {
			out = append(out, d)
		}
	}
	return out
}

// TestBadSRTP: packets that do not authenticate end no call, are counted, and are
// told of once a second in all, with the call that they came to and no address.
func TestBadSRTP(t *testing.T) {
	log := &logged{}
	config := engine.Config{Log: slog.New(slog.NewJSONHandler(log, nil)), NoMediaTimeout: time.Hour}
	inMemory(t, config, func(l *lab) {
		var legs []*leg
		for range 3 {
			g := l.open(l.session(), media.StreamOptions{Name: "caller"})
			r := remote(g.phone, media.PCMU)
			r.SRTP = &media.SRTPKeys{Suite: "AEAD_AES_128_GCM", Send: make([]byte, 28), Receive: bytes.Repeat([]byte{1}, 28)}
			if err := g.Connect(r); err != nil {
				l.Fatal(err)
			}
			g.phone.Send(g.Local(), media.PCMU, 400) // in clear
			legs = append(legs, g)
		}
		l.pass(10 * time.Second)
		told := log.doubts(l.T)
		if len(told) < 9 || len(told) > 11 {
			t.Errorf("%d lines in 10 s", len(told))
		}
		for i, d := range told {
			if d.CallID != "test" || d.Stream != "caller" || d.Packets < 1 || i > 0 && d.Time.Sub(told[i-1].Time) < time.Second {
				t.Errorf("line %d: %+v", i, d)
			}
		}
		for _, g := range legs {
			if s := g.Stats(); s.Invalid < 490 || s.Received != 0 {
				t.Errorf("%+v", s)
			}
			if n := len(g.events(media.EventFailed)); n != 0 {
				t.Errorf("%d failures are told", n)
			}
		}
		if text := log.String(); strings.Contains(text, "10.0.0.") {
			t.Error("an address is in the log")
		}
	})
}

// TestDTLS joins two engines by DTLS-SRTP without ICE, each with a phone behind
// it, and listens; on hold and when resumed.
func TestDTLS(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		far := l.other("10.0.0.200")
		defer far.Close()
		here, there := l.securedPair(l.engine, 400), l.securedPair(far, 700)
		l.join(here, there, true)
		l.join(there, here, false)
		l.pass(2 * time.Second)
		l.hears(here.plain, 700)
		l.hears(there.plain, 400)
		here.remote.Direction, there.remote.Direction = media.SendOnly, media.RecvOnly
		l.again(here, there)
		l.pass(time.Second)
		l.hears(here.plain)
		l.hears(there.plain, 400)
		here.remote.Direction, there.remote.Direction = media.SendRecv, media.SendRecv
		l.again(here, there)
		l.pass(time.Second)
		l.hears(here.plain, 700)
		for _, g := range []*securedPair{here, there} {
			if s := g.secured.Stats(); s.Invalid+s.Foreign > 0 || s.Received == 0 || len(g.secured.events(media.EventFailed)) > 0 {
				t.Errorf("%+v", s)
			}
		}
	})
}

// TestDTLSOfAnother: a peer whose certificate is not the one that was signalled
// is heard in nothing, and its stream's owner is told why.
func TestDTLSOfAnother(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		far := l.other("10.0.0.200")
		defer far.Close()
		here, there := l.securedPair(l.engine, 400), l.securedPair(far, 700)
		l.join(there, here, false)
		there.local.Fingerprint = strings.Repeat("AB:", 31) + "AB"
		l.join(here, there, true)
		l.pass(2 * time.Second)
		l.hears(here.plain)
		failed := here.secured.events(media.EventFailed)
		if len(failed) != 1 || failed[0].Failure != media.FailedFingerprint || here.secured.Stats().Received > 0 {
			t.Errorf("told %+v, %+v", failed, here.secured.Stats())
		}
	})
}

// securedPair is a session of a DTLS stream that is bridged with a plain one.
type securedPair struct {
	secured, plain *leg
	local          media.WebLocal
	remote         media.Remote
}

func (l *lab) securedPair(e *engine.Engine, hz float64) *securedPair {
	l.Helper()
	s, err := e.NewSession("test")
	if err != nil {
		l.Fatal(err)
	}
	p := &securedPair{secured: l.open(s, media.StreamOptions{Name: "secured", DTLS: true}), plain: l.connect(s, media.StreamOptions{}, media.PCMU, hz)}
	p.local = p.secured.Stream.(media.WebStream).Web()
	if p.local.Ufrag != "" || p.local.Fingerprint == "" {
		l.Fatalf("the stream is %+v", p.local)
	}
	if _, err := s.Bridge(p.secured.Stream, p.plain.Stream); err != nil {
		l.Fatal(err)
	}
	return p
}

// join tells one end of the other.
func (l *lab) join(one, other *securedPair, client bool) {
	l.Helper()
	at := other.secured.Local()
	one.remote = media.Remote{
		Addr: at, Signalling: at.Addr(), Codec: media.PCMU, RTCPMux: true,
		Web: &media.WebRemote{Fingerprint: other.local.Fingerprint, Client: client},
	}
	if err := one.secured.Connect(one.remote); err != nil {
		l.Fatal(err)
	}
}

func (l *lab) again(all ...*securedPair) {
	l.Helper()
	for _, p := range all {
		if err := p.secured.Connect(p.remote); err != nil {
			l.Fatal(err)
		}
	}
}
