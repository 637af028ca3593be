package sip

import (
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// TestOfferedCodecs: what is offered first is what the other party speaks,
// where the trunk allows it.
func TestOfferedCodecs(t *testing.T) {
	for _, c := range []struct {
		name   string
		trunk  []media.Codec
		prefer media.Codec
		want   string
	}{
		{"no wish", nil, 0, "0 8 9 101"},
		{"a narrow caller", nil, media.PCMA, "8 0 9 101"},
		{"a wide caller", nil, media.G722, "9 0 8 101"},
		{"a narrow trunk", []media.Codec{media.PCMA, media.PCMU}, media.G722, "8 0 101"},
		{"a trunk that may have L16", []media.Codec{media.L16, media.PCMA}, media.PCMU, "96 8 101"},
		{"a caller in L16 on a trunk that may not", nil, media.L16, "0 8 9 101"},
		{"a trunk's order", []media.Codec{media.PCMA, media.G722, media.PCMU}, media.PCMU, "0 8 9 101"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := testConfig()
			config.Trunks[0].Codecs = c.trunk
			inWorld(t, config, func(t *testing.T, w *world, p *phone) {
				l, _ := w.dial(DialRequest{Number: "+8613900000000", Prefer: c.prefer})
				inv := p.expectRequest("INVITE")
				if body := string(inv.Body); !strings.Contains(body, " RTP/AVP "+c.want+"\r\n") {
					t.Errorf("offered %s", body)
				}
				p.reply(inv, 486, "")
				p.expectRequest("ACK")
				endsWith(t, l, leg.Busy)
			})
		})
	}
}

// TestWidebandIsAnswered: of an offer the first codec is taken that is ours.
func TestWidebandIsAnswered(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		session, legs := &fakeSession{}, make(chan leg.Leg, 1)
		w.h.calls = answering(session, legs)
		p.send(p.request("INVITE", strings.Replace(sdpAt("198.51.100.7", 4000), "0 8 101", "111 9 0 101", 1)))
		answer := string(p.expect(200).Body)
		<-legs
		if r := session.streams[0].last(t); r.Codec != media.G722 || r.PayloadType != 9 || !strings.Contains(answer, "a=rtpmap:9 G722/8000\r\n") {
			t.Errorf("media speaks %v (%d); answered %s", r.Codec, r.PayloadType, answer)
		}
	})
}

// TestLinearIsAskedFor: L16 is taken where it is listed, by the number that the
// offer gives it, at 8 kHz and mono only, and passed over where it is not.
func TestLinearIsAskedFor(t *testing.T) {
	const (
		wanted  = "a=rtpmap:97 L16/8000\r\n"
		stereo  = "a=rtpmap:98 L16/8000/2\r\n"
		faster  = "a=rtpmap:99 L16/16000\r\n"
		offered = "98 99 97 0 101"
	)
	for _, c := range []struct {
		name   string
		codecs []media.Codec
		codec  media.Codec
		pt     uint8
	}{
		{"listed", []media.Codec{media.PCMA, media.L16}, media.L16, 97},
		{"not listed", nil, media.PCMU, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := testConfig()
			config.Trunks[0].Codecs = c.codecs
			inWorld(t, config, func(t *testing.T, w *world, p *phone) {
				session, legs := &fakeSession{}, make(chan leg.Leg, 1)
				w.h.calls = answering(session, legs)
				p.send(p.request("INVITE", strings.Replace(sdpAt("198.51.100.7", 4000), "0 8 101", offered, 1)+wanted+stereo+faster))
				answer := string(p.expect(200).Body)
				<-legs
				if r := session.streams[0].last(t); r.Codec != c.codec || r.PayloadType != c.pt {
					t.Errorf("media speaks %v (%d); answered %s", r.Codec, r.PayloadType, answer)
				}
				if got := strings.Contains(answer, wanted); got != (c.codec == media.L16) {
					t.Errorf("answered %s", answer)
				}
			})
		})
	}
}

// TestCodecsOfPhones: those of desk phones are theirs, of pages and trunks not.
func TestCodecsOfPhones(t *testing.T) {
	s := &Server{cfg: Config{PhoneCodecs: []media.Codec{media.L16}}}
	tr := newTrunk(Trunk{Codecs: []media.Codec{media.PCMA}})
	for _, c := range []struct {
		name  string
		trunk *trunk
		user  string
		web   bool
		want  []media.Codec
	}{
		{"a phone", nil, "alice", false, []media.Codec{media.L16}},
		{"a page", nil, "alice", true, nil},
		{"nobody", nil, "", false, nil},
		{"a trunk", tr, "", false, []media.Codec{media.PCMA}},
	} {
		if got := s.codecsOf(c.trunk, c.user, c.web); !slices.Equal(got, c.want) {
			t.Errorf("%s may have %v, want %v", c.name, got, c.want)
		}
	}
}

func TestUnknownSRTPOfPhonesIsRefused(t *testing.T) {
	for _, c := range []Config{{PhoneSRTP: "zrtp"}, {PhoneSRTPOf: map[string]SRTP{"alice": "zrtp"}}} {
		c.UDP = "127.0.0.1:0"
		c.setDefaults()
		if err := c.check(); err == nil || !strings.Contains(err.Error(), `srtp "zrtp" is unknown (hint: `) {
			t.Errorf("the check says %v", err)
		}
	}
}
