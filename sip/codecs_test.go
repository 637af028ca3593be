package sip

import (
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
