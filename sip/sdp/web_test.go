package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"
)

// print256 is a fingerprint as browsers write it.
const print256 = "6B:8B:F0:65:5F:78:E2:51:3B:AC:6F:F3:3F:46:1B:35:DC:B8:5F:64:1A:24:C2:43:F0:A1:58:D0:A1:2C:19:08"

// chromiumOffer is what Chromium 156 offers for one microphone.
var chromiumOffer = strings.ReplaceAll(`v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS 2b1e3d63-7a0e-4b0e-8f6a-0c9d1a0b0b0b
m=audio 50422 UDP/TLS/RTP/SAVPF 111 63 9 0 8 13 110 126
c=IN IP4 192.0.2.2
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3286520187 1 udp 2122260223 192.0.2.2 50422 typ host generation 0 network-id 1
a=candidate:842163049 1 udp 1677729535 198.51.100.7 50422 typ srflx raddr 192.0.2.2 rport 50422 generation 0 network-id 1
a=candidate:2100263471 1 udp 2122129151 e1b9b9c6-1f5a-4a0e-9d6b-7f0f4f0c0d0e.local 50423 typ host generation 0
a=candidate:1007520403 1 tcp 1518280447 192.0.2.2 9 typ host tcptype active generation 0 network-id 1
a=ice-ufrag:EsAw
a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1
a=ice-options:trickle
a=fingerprint:sha-256 `+print256+`
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:2 http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time
a=sendrecv
a=msid:2b1e3d63-7a0e-4b0e-8f6a-0c9d1a0b0b0b 8c7d6e5f-0000-4000-8000-000000000001
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1
a=rtpmap:63 red/48000/2
a=fmtp:63 111/111
a=rtpmap:9 G722/8000
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000
a=rtpmap:13 CN/8000
a=rtpmap:110 telephone-event/48000
a=rtpmap:126 telephone-event/8000
a=ssrc:3510681183 cname:TlUcVHQ9qTxqHQGQ
a=ssrc:3510681183 msid:2b1e3d63-7a0e-4b0e-8f6a-0c9d1a0b0b0b 8c7d6e5f-0000-4000-8000-000000000001
`, "\n", "\r\n")

// chromiumAnswer is what it answers to an offer of ours.
var chromiumAnswer = strings.ReplaceAll(`v=0
o=- 5227130741930103340 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=extmap-allow-mixed
a=msid-semantic: WMS -
m=audio 50424 UDP/TLS/RTP/SAVPF 0 101
c=IN IP4 192.0.2.2
a=rtcp:9 IN IP4 0.0.0.0
a=candidate:3286520187 1 udp 2122260223 192.0.2.2 50424 typ host generation 0 network-id 1
a=ice-ufrag:9Fb1
a=ice-pwd:q0f3aLr2i0zUjMFUoWPuRRS2
a=ice-options:trickle
a=fingerprint:sha-256 `+print256+`
a=setup:active
a=mid:0
a=sendrecv
a=msid:- 8c7d6e5f-0000-4000-8000-000000000001
a=rtcp-mux
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000
a=ssrc:1713411120 cname:TlUcVHQ9qTxqHQGQ
`, "\n", "\r\n")

func webLocal() Local {
	l := local()
	l.Web = &Web{Ufrag: "ours", Pwd: strings.Repeat("o", 24), Fingerprint: print256, Candidates: []netip.AddrPort{netip.MustParseAddrPort("192.0.2.1:16383")}}
	return l
}

// answerWeb answers a browser's offer with l; line gives the values of an
// attribute in the answer.
func answerWeb(t *testing.T, offer string, l Local) (text string, a *Agreed, line func(string) []string) {
	t.Helper()
	s, err := Parse([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	if !s.OfWeb() {
		t.Fatal("it is not taken for a browser's")
	}
	answer, a, err := Answer(s, l)
	if err != nil {
		t.Fatal(err)
	}
	text = string(answer.Bytes())
	return text, a, func(name string) []string { return attributes(text, name) }
}

func attributes(text, name string) []string {
	var out []string
	for _, m := range regexp.MustCompile(`(?m)^a=`+name+`:(.*)\r$`).FindAllStringSubmatch(text, -1) {
		out = append(out, m[1])
	}
	return out
}

func TestChromiumIsAnswered(t *testing.T) {
	text, a, line := answerWeb(t, chromiumOffer, webLocal())
	if !strings.Contains(text, "m=audio 20000 UDP/TLS/RTP/SAVPF 0 126\r\n") {
		t.Errorf("not one codec and digits of 8000 Hz:\n%s", text)
	}
	for name, want := range map[string]string{
		"mid": "0", "setup": "active", "ice-ufrag": "ours", "group": "BUNDLE 0", "fingerprint": "sha-256 " + print256,
		"candidate": "1 1 udp 2130706431 192.0.2.1 16383 typ host",
	} {
		if got := line(name); len(got) != 1 || got[0] != want {
			t.Errorf("a=%s is %q, want %q", name, got, want)
		}
	}
	if a.EventPT != 126 || a.Codec.Name != "PCMU" || a.Setup != "active" || a.Web.Ufrag != "EsAw" || a.Web.Fingerprint != print256 || a.Remote.IsValid() {
		t.Errorf("agreed on %+v %+v", a, a.Web)
	}
	if got := fmt.Sprint(a.Web.Candidates); got != "[192.0.2.2:50422 198.51.100.7:50422]" { // addresses of UDP only
		t.Errorf("candidates are %s", got)
	}
	if !strings.Contains(text, "a=rtcp-mux\r\n") || !strings.Contains(text, "a=end-of-candidates\r\n") {
		t.Errorf("answer lacks something:\n%s", text)
	}
}

func TestChromiumAnswers(t *testing.T) {
	l := webLocal()
	mine := Offer(l)
	if text := string(mine.Bytes()); !strings.Contains(text, "a=setup:actpass\r\n") || !strings.Contains(text, "a=mid:0\r\n") {
		t.Errorf("we offer\n%s", text)
	}
	accept := func(text string) (*Agreed, error) {
		t.Helper()
		s, err := Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return Accept(mine, s, l)
	}
	a, err := accept(chromiumAnswer)
	if err != nil || a.Setup != "passive" || a.Codec.Name != "PCMU" || a.EventPT != 101 || a.Web.Ufrag != "9Fb1" {
		t.Fatalf("%v, agreed on %+v", err, a)
	}
	if a, err := accept(strings.Replace(chromiumAnswer, "setup:active", "setup:passive", 1)); err != nil || a.Setup != "active" {
		t.Errorf("passive: %v, %+v", err, a)
	}
	for what, text := range map[string]string{
		"undecided":   strings.Replace(chromiumAnswer, "setup:active", "setup:actpass", 1),
		"no setup":    strings.Replace(chromiumAnswer, "a=setup:active\r\n", "", 1),
		"plain sound": strings.Replace(chromiumAnswer, "UDP/TLS/RTP/SAVPF", "RTP/AVP", 1),
		"no proof":    strings.Replace(chromiumAnswer, "a=fingerprint:sha-256 "+print256+"\r\n", "", 1),
		"two streams": chromiumAnswer + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n",
	} {
		if _, err := accept(text); !errors.Is(err, ErrAnswer) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestWebOffersThatAreRefused(t *testing.T) {
	for what, change := range map[string][2]string{
		"no fingerprint":        {"a=fingerprint:sha-256 " + print256 + "\r\n", ""},
		"sha-1 only":            {"sha-256 " + print256, "sha-1 4A:AD:B9:B1:3F:82:18:3B:54:02:12:DF:3E:5D:49:6B:19:E5:7C:AB"},
		"half a fingerprint":    {print256, print256[:47]},
		"fingerprint of others": {print256, "ZZ" + print256[2:]},
		"no ufrag":              {"a=ice-ufrag:EsAw\r\n", ""},
		"no password":           {"a=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n", ""},
		"short password":        {"P2uYro0UCOQ4zxjKXaWCBui1", "P2uYro0UCO"},
		"ufrag of two words":    {"ice-ufrag:EsAw", "ice-ufrag:Es Aw"},
		"ufrag with a colon":    {"ice-ufrag:EsAw", "ice-ufrag:EsAw:x"},
		"no setup":              {"a=setup:actpass\r\n", ""},
		"holdconn":              {"a=setup:actpass", "a=setup:holdconn"},
		"opus only":             {"SAVPF 111 63 9 0 8 13 110 126", "SAVPF 111"},
		"not for browsers":      {"UDP/TLS/RTP/SAVPF", "RTP/SAVP"},
	} {
		s, err := Parse([]byte(strings.Replace(chromiumOffer, change[0], change[1], 1)))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := Answer(s, webLocal()); !errors.Is(err, ErrNoCodec) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

func TestRoles(t *testing.T) {
	for _, c := range []struct{ offered, have, want string }{
		{"actpass", "", "active"},
		{"active", "", "passive"},
		{"passive", "", "active"},
		{"actpass", "passive", "passive"},
		{"actpass", "active", "active"}, // a re-offer keeps the roles
	} {
		l := webLocal()
		l.Web.Setup = c.have
		_, a, line := answerWeb(t, strings.Replace(chromiumOffer, "setup:actpass", "setup:"+c.offered, 1), l)
		if got := line("setup"); len(got) != 1 || got[0] != c.want || a.Setup != c.want {
			t.Errorf("%s when we are %q: %q", c.offered, c.have, got)
		}
	}
}

// TestSoundAndPicture: of a page's sections only its sound is taken, also where
// it is not the first.
func TestSoundAndPicture(t *testing.T) {
	video := "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:EsAw\r\na=ice-pwd:P2uYro0UCOQ4zxjKXaWCBui1\r\n" +
		"a=fingerprint:sha-256 " + print256 + "\r\na=setup:actpass\r\na=mid:1\r\na=sendrecv\r\na=rtcp-mux\r\na=rtpmap:96 VP8/90000\r\n"
	head, sound, _ := strings.Cut(strings.Replace(chromiumOffer, "BUNDLE 0", "BUNDLE 0 1", 1), "m=audio")
	sound = "m=audio" + sound
	for what, offer := range map[string]string{"behind": head + sound + video, "before": head + video + sound} {
		text, _, line := answerWeb(t, offer, webLocal())
		if !strings.Contains(text, "m=video 0 UDP/TLS/RTP/SAVPF 96 97\r\n") || strings.Count(text, "m=") != 2 {
			t.Errorf("video %s: answered\n%s", what, text)
		}
		if g, m := line("group"), line("mid"); len(g) != 1 || g[0] != "BUNDLE 0" || len(m) != 1 || m[0] != "0" {
			t.Errorf("video %s: group %q of mids %q", what, g, m)
		}
	}
}

func TestCandidates(t *testing.T) {
	for text, want := range map[string]string{
		"1 1 udp 1 192.0.2.2 5000 typ host":                             "192.0.2.2:5000",
		"1 1 UDP 1 2001:db8::1 5000 typ host":                           "[2001:db8::1]:5000",
		"1 1 udp 1 ::ffff:192.0.2.2 5000 typ host":                      "192.0.2.2:5000",
		"1 2 udp 1 192.0.2.2 5000 typ host":                             "",
		"1 1 tcp 1 192.0.2.2 5000 typ host":                             "",
		"1 1 udp 1 host.example 5000 typ host":                          "",
		"1 1 udp 1 fe80::1%eth0 5000 typ host":                          "",
		"1 1 udp 1 192.0.2.2 0 typ host":                                "",
		"1 1 udp 1 192.0.2.2 65536 typ host":                            "",
		"1 1 udp 1 192.0.2.2 5000":                                      "",
		"1 1 udp 1 192.0.2.2 5000 typ host" + strings.Repeat(" x", 200): "",
	} {
		var w Web
		w.attribute("candidate", text)
		got := ""
		if len(w.Candidates) > 0 {
			got = w.Candidates[0].String()
		}
		if got != want {
			t.Errorf("%.60q: %q, want %q", text, got, want)
		}
	}
	var w Web
	for i := range 100 {
		w.attribute("candidate", fmt.Sprintf("1 1 udp 1 192.0.2.2 %d typ host", 5000+i))
	}
	if len(w.Candidates) != maxCandidates {
		t.Errorf("%d candidates are kept", len(w.Candidates))
	}
}

// FuzzWeb: a browser's description reads the same when it is written again; an
// answer has one codec, a role, our proof and nothing of the peer's but its mid.
func FuzzWeb(f *testing.F) {
	f.Add([]byte(chromiumOffer), "")
	f.Add([]byte(chromiumAnswer), "active")
	f.Add([]byte(strings.Replace(chromiumOffer, "setup:actpass", "setup:active", 1)), "passive")
	f.Add([]byte(strings.Replace(chromiumOffer, "sha-256", "sha-1", 1)), "")
	f.Add([]byte(chromiumOffer+"m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\na=ice-ufrag:b\r\n"), "active")
	f.Add(Offer(webLocal()).Bytes(), "")
	f.Fuzz(func(t *testing.T, data []byte, have string) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		first := s.Bytes()
		if again, err := Parse(first); err == nil && string(again.Bytes()) != string(first) {
			t.Fatalf("writing changes:\n%q\n%q", first, again.Bytes())
		}
		l := webLocal()
		if have == "active" || have == "passive" {
			l.Web.Setup = have
		}
		answer, a, err := Answer(s, l)
		if err != nil {
			return
		}
		checkWebAnswer(t, s, answer, a)
	})
}

func checkWebAnswer(t *testing.T, offer, answer *Session, a *Agreed) {
	t.Helper()
	if len(answer.Media) != len(offer.Media) || a.Web == nil || a.Setup != "active" && a.Setup != "passive" {
		t.Fatalf("agreed on %+v", a)
	}
	text := string(answer.Bytes())
	back, err := Parse([]byte(text))
	if err != nil {
		t.Fatalf("our answer cannot be read: %v\n%q", err, text)
	}
	taken := 0
	for i, m := range back.Media {
		if m.Port == 0 {
			continue
		}
		taken++
		codecs := 0
		for _, f := range m.Formats {
			if f.Name != event {
				codecs++
			}
		}
		if codecs != 1 || m.Web.Ufrag != "ours" || m.Web.Fingerprint != print256 || m.Web.Setup != a.Setup || m.Web.Mid != offer.Media[i].Web.Mid {
			t.Fatalf("section %d is\n%q", i, text)
		}
	}
	if taken != 1 || strings.Count(text, "a=candidate:") != 1 {
		t.Fatalf("%d sections are taken:\n%q", taken, text)
	}
}
