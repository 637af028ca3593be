package sip

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/wire"
)

// info is an INFO of the dialog with a body of some type.
func (p *phone) info(contentType, body string, headers ...string) string {
	return strings.Replace(p.request("INFO", body, headers...), "Content-Type: application/sdp", "Content-Type: "+contentType, 1)
}

func relayed(key string) string { return "Signal=" + key + "\r\nDuration=160\r\n" }

func TestKeysByInfo(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, _ leg.Leg, s *fakeSession) {
		for _, body := range []struct{ contentType, text string }{
			{"application/dtmf-relay", relayed("5")},
			{"application/dtmf-relay", relayed("*")},
			{"application/dtmf-relay", "Signal= 7\r\nDuration= 100"},
			{"Application/DTMF-Relay;charset=utf-8", "signal=d\nduration=160\nx-other=1\n"},
			{"application/dtmf-relay", "Signal=11\r\n"},
			{"application/dtmf", "0"},
			{"application/dtmf", "#\r\n"},
			{"application/dtmf-relay", relayed("16")}, // a flash is answered, and is no key
			{"application/dtmf", "10"},
		} {
			p.send(p.info(body.contentType, body.text))
			p.expect(200)
		}
		synctest.Wait()
		if got := s.streams[0].keys(); got != "5*7D#0#*" {
			t.Errorf("the call got %q", got)
		}
	})
}

func TestInfoThatIsRepeatedIsOneKey(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, _ leg.Leg, s *fakeSession) {
		raw := p.info("application/dtmf-relay", relayed("5"))
		for range 3 {
			p.send(raw)
			p.expect(200)
		}
		synctest.Wait()
		if got := s.streams[0].keys(); got != "5" {
			t.Errorf("the call got %q", got)
		}
	})
}

func TestInfoThatIsNoKey(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, l leg.Leg, s *fakeSession) {
		for _, bad := range []struct{ contentType, text string }{
			{"application/dtmf-relay", "Duration=160\r\n"},
			{"application/dtmf-relay", "Signal=\r\n"},
			{"application/dtmf-relay", "Signal=55\r\n"},
			{"application/dtmf-relay", "Signal=E\r\n"},
			{"application/dtmf-relay", "Signal=5\r\nSignal=6\r\n"},
			{"application/dtmf-relay", "Signal=5\r\nDuration=long\r\n"},
			{"application/dtmf-relay", "5"},
			{"application/dtmf", "Signal=5"},
			{"application/dtmf", strings.Repeat(" ", 300) + "5"},
		} {
			p.send(p.info(bad.contentType, bad.text))
			p.expect(400)
		}
		for _, other := range []string{"application/sdp", "text/plain", "application/media_control+xml"} {
			p.send(p.info(other, relayed("5")))
			if accept := p.expect(415).Values("Accept"); !slices.Equal(accept, []string{"application/dtmf-relay", "application/dtmf"}) {
				t.Errorf("415 to %s accepts %v", other, accept)
			}
		}
		p.send(p.info("application/dtmf-relay", relayed("5"), "Info-Package: foo"))
		if m := p.expect(469); !m.Has("Recv-Info") || m.Get("Recv-Info") != "" {
			t.Errorf("469 is %+v", m.Headers)
		}
		synctest.Wait()
		if got := s.streams[0].keys(); got != "" {
			t.Errorf("the call got %q", got)
		}
		p.send(p.request("BYE", ""))
		p.expect(200)
		endsWith(t, l, leg.CallerHangup)
	})
}

func TestInfoHasARate(t *testing.T) {
	inCall(t, func(t *testing.T, _ *world, p *phone, _ leg.Leg, s *fakeSession) {
		press := func() *wire.Message {
			p.send(p.info("application/dtmf", "5"))
			return p.recv()
		}
		refused := 0
		for range 2 * infoBurst {
			if m := press(); m.Status == 500 && m.Get("Retry-After") != "" {
				refused++
			}
		}
		synctest.Wait()
		if got := len(s.streams[0].keys()); got != infoBurst || refused != infoBurst {
			t.Errorf("%d keys came through at once and %d were refused", got, refused)
		}
		time.Sleep(time.Second)
		for range infoRate {
			if m := press(); m.Status != 200 {
				t.Fatalf("a second later a key is answered %d", m.Status)
			}
		}
	})
}

// withDTMF is testConfig with the trunk's option.
func withDTMF(way string) Config {
	c := testConfig()
	c.Trunks[0].DTMF = way
	return c
}

func TestWaysOfKeys(t *testing.T) {
	events := sdpAt("198.51.100.7", 4000)
	none := strings.Replace(events, "RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000", "RTP/AVP 0 8", 1)
	for _, tt := range []struct {
		way, offer      string
		event           uint8
		inBand, sendKey bool
	}{
		{"", events, 101, false, false},
		{"", none, 0, true, false},
		{"auto", events, 101, false, false},
		{"auto", none, 0, true, false},
		{"rfc4733", events, 101, false, false},
		{"rfc4733", none, 0, false, false},
		{"info", events, 0, false, true},
		{"info", none, 0, false, true},
		{"inband", events, 0, true, false},
		{"inband", none, 0, true, false},
	} {
		check := func(t *testing.T, what, description string, r media.Remote) {
			t.Helper()
			if r.EventType != tt.event || r.InBand != tt.inBand || (r.SendKey != nil) != tt.sendKey {
				t.Errorf("%s: event %d, in band %v, by signalling %v", what, r.EventType, r.InBand, r.SendKey != nil)
			}
			wanted := tt.way == "" || tt.way == "auto" || tt.way == "rfc4733"
			if what == "out" && strings.Contains(description, "telephone-event") != wanted || what == "in" && strings.Contains(description, "telephone-event") != (tt.event > 0) {
				t.Errorf("%s: described as\n%s", what, description)
			}
		}
		t.Run(tt.way, func(t *testing.T) {
			inWorld(t, withDTMF(tt.way), func(t *testing.T, w *world, p *phone) {
				session, legs := &fakeSession{}, make(chan leg.Leg, 1)
				w.h.calls = answering(session, legs)
				ok := p.call(tt.offer)
				await(t, <-legs, leg.Answered)
				check(t, "in", string(ok.Body), session.streams[0].last(t))
			})
			inWorld(t, withDTMF(tt.way), func(t *testing.T, w *world, p *phone) {
				l, session := w.dial(DialRequest{Number: "+8613900000000"})
				inv := p.expectRequest("INVITE")
				p.reply(inv, 200, tt.offer)
				p.expectRequest("ACK")
				await(t, l, leg.Answered)
				check(t, "out", string(inv.Body), session.streams[0].last(t))
			})
		})
	}
}

func TestUnknownWayOfKeysIsRefused(t *testing.T) {
	if _, err := New(withDTMF("morse"), Deps{Handler: &handler{}}); err == nil || !strings.Contains(err.Error(), `dtmf "morse" is unknown`) {
		t.Errorf("New = %v", err)
	}
}

func TestKeysAreSentByInfo(t *testing.T) {
	inWorld(t, withDTMF("info"), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		p.call(sdpAt("198.51.100.7", 4000))
		l := <-legs
		await(t, l, leg.Answered)
		send := session.streams[0].last(t).SendKey
		for _, key := range "5#0" {
			send(byte(key))
		}
		var last uint32
		for i, want := range []string{"5", "#", "0"} {
			m := p.expectRequest("INFO")
			if m.Get("Content-Type") != "application/dtmf-relay" || string(m.Body) != "Signal="+want+"\r\nDuration=100\r\n" {
				t.Errorf("INFO %d is %s: %q", i, m.Get("Content-Type"), m.Body)
			}
			if m.CSeq <= last || m.From.Tag() != p.toTag || m.To.Tag() != p.tag {
				t.Errorf("INFO %d is not of the dialog: %+v", i, m.Headers)
			}
			last = m.CSeq
			if early := p.tryRecv(400 * time.Millisecond); early != nil {
				t.Fatalf("%s %d came before the answer", early.Method, early.CSeq)
			}
			p.reply(m, []int{200, 405, 200}[i], "")
		}
		if m := p.tryRecv(time.Second); m != nil {
			t.Fatalf("%s %s came after the last key", m.Method, m.Body)
		}
		if log := w.log.String(); strings.Count(log, "does not take keys by INFO") != 1 || !strings.Contains(log, "status=405") || strings.Contains(log, "Signal=") {
			t.Errorf("log is %s", log)
		}
		l.End(leg.FlowHangup)
		p.reply(p.expectRequest("BYE"), 200, "")
		endsWith(t, l, leg.FlowHangup)
		send('1') // harmless
	})
}

// FuzzParseKey: what is read is a key, a flash or one of two errors, and reads
// the same when it is written as we write it.
func FuzzParseKey(f *testing.F) {
	f.Add("application/dtmf-relay", []byte("Signal=5\r\nDuration=160\r\n"))
	f.Add("application/dtmf", []byte("#"))
	f.Add("application/dtmf ; x=y", []byte(" 12\n"))
	f.Add("text/plain", []byte("5"))
	f.Fuzz(func(t *testing.T, contentType string, body []byte) {
		key, err := parseKey(contentType, body)
		switch {
		case err != nil:
			if key != 0 || !errors.Is(err, errInfoBody) && !errors.Is(err, errInfoType) {
				t.Errorf("key %q with error %v", key, err)
			}
		case key != 0:
			if !strings.Contains("0123456789*#ABCD", string(rune(key))) {
				t.Fatalf("%q is no key", key)
			}
			if again, err := parseKey(relayType, []byte(relayed(string(rune(key))))); again != key || err != nil {
				t.Errorf("%c reads as %c (%v)", key, again, err)
			}
		}
	})
}
