package sdp

import (
	"bytes"
	"errors"
	"net/netip"
	"strings"
	"testing"
)

func local() Local {
	return Local{
		Addr:    netip.MustParseAddrPort("192.0.2.1:20000"),
		Codecs:  []Format{{PT: 0, Name: "PCMU", Rate: 8000, Channels: 1}, {PT: 8, Name: "PCMA", Rate: 8000, Channels: 1}},
		EventPT: 101,
		Key:     func(suite string) []byte { return bytes.Repeat([]byte{7}, keyLength(suite)) },
		Origin:  Origin{User: "ivrd", ID: 1, Version: 1, Addr: netip.MustParseAddr("192.0.2.1")},
	}
}

func offer(lines ...string) string {
	return "v=0\r\no=- 5 6 IN IP4 198.51.100.1\r\ns=-\r\nc=IN IP4 198.51.100.1\r\nt=0 0\r\n" + strings.Join(append(lines, ""), "\r\n")
}

func answerTo(t *testing.T, text string) (string, *Agreed, error) {
	t.Helper()
	s, err := Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	a, agreed, err := Answer(s, local())
	if err != nil {
		return "", nil, err
	}
	return string(a.Bytes()), agreed, nil
}

func TestAnswers(t *testing.T) {
	key := strings.Repeat("QUJD", 10)
	for name, c := range map[string]struct {
		offer     []string
		want      []string // in the answer
		codec     string
		event     uint8
		direction Direction
		err       error
	}{
		"plain":       {offer: []string{"m=audio 4000 RTP/AVP 8 0 96", "a=rtpmap:96 telephone-event/8000"}, want: []string{"m=audio 20000 RTP/AVP 8 96\r\n", "a=sendrecv"}, codec: "PCMA", event: 96, direction: SendRecv},
		"their pt":    {offer: []string{"m=audio 4000 RTP/AVP 120", "a=rtpmap:120 pcmu/8000"}, want: []string{"RTP/AVP 120\r\n", "a=rtpmap:120 PCMU/8000"}, codec: "PCMU", direction: SendRecv},
		"video first": {offer: []string{"m=video 5000 RTP/AVP 31", "m=audio 4000 RTP/AVP 0", "m=audio 4002 RTP/AVP 8"}, want: []string{"m=video 0 RTP/AVP 31\r\n", "m=audio 20000 RTP/AVP 0", "m=audio 0 RTP/AVP 8"}, codec: "PCMU", direction: SendRecv},
		"own c=":      {offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 198.51.100.9", "a=rtcp:4444"}, codec: "PCMU", direction: SendRecv},
		"sendonly":    {offer: []string{"m=audio 4000 RTP/AVP 0", "a=sendonly"}, want: []string{"a=recvonly"}, codec: "PCMU", direction: RecvOnly},
		"session dir": {offer: []string{"a=inactive", "m=audio 4000 RTP/AVP 0"}, want: []string{"a=inactive"}, codec: "PCMU", direction: Inactive},
		"old hold":    {offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 0.0.0.0"}, want: []string{"a=recvonly"}, codec: "PCMU", direction: RecvOnly},
		"secure": {
			offer: []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:" + key, "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^31"},
			want:  []string{"RTP/SAVP 0", "a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:"}, codec: "PCMU", direction: SendRecv,
		},
		"no usable key": {offer: []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:1 F8_128_HMAC_SHA1_80 inline:" + key}, err: ErrNoCodec},
		"mki":           {offer: []string{"m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + key + "|2^20|1:4"}, err: ErrNoCodec},
		"dtls":          {offer: []string{"m=audio 4000 UDP/TLS/RTP/SAVPF 0"}, err: ErrNoCodec},
		"g729 only":     {offer: []string{"m=audio 4000 RTP/AVP 18"}, err: ErrNoCodec},
		"port 0":        {offer: []string{"m=audio 0 RTP/AVP 0"}, err: ErrNoCodec},
		"no media":      {err: ErrNoCodec},
		"multicast":     {offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 224.2.1.1/127"}, err: ErrAddress},
		"broadcast":     {offer: []string{"m=audio 4000 RTP/AVP 0", "c=IN IP4 255.255.255.255"}, err: ErrAddress},
		"ourselves":     {offer: []string{"m=audio 20000 RTP/AVP 0", "c=IN IP4 192.0.2.1"}, err: ErrAddress},
		"rtcp crowd":    {offer: []string{"m=audio 4000 RTP/AVP 0", "a=rtcp:53 IN IP4 239.0.0.1"}, err: ErrAddress},
	} {
		t.Run(name, func(t *testing.T) {
			text, agreed, err := answerTo(t, offer(c.offer...))
			if !errors.Is(err, c.err) {
				t.Fatalf("error is %v, want %v", err, c.err)
			}
			if err != nil {
				return
			}
			for _, part := range c.want {
				if !strings.Contains(text, part) {
					t.Errorf("answer lacks %q:\n%s", part, text)
				}
			}
			if agreed.Codec.Name != c.codec || agreed.EventPT != c.event || agreed.Direction != c.direction {
				t.Errorf("agreed on %+v", agreed)
			}
		})
	}
}

func TestRefusedDescriptions(t *testing.T) {
	for name, text := range map[string]string{
		"empty": "", "no version": "o=- 1 1 IN IP4 1.2.3.4\r\n", "no origin": "v=0\r\ns=-\r\n", "two origins": offer("o=- 1 1 IN IP4 1.2.3.4"),
		"rubbish": "v=0\r\nxyz", "bad port": offer("m=audio 99999 RTP/AVP 0"), "host name": offer("m=audio 4000 RTP/AVP 0", "c=IN IP4 evil.example"),
		"wrong family": offer("m=audio 4000 RTP/AVP 0", "c=IN IP4 ::1"), "bad rtpmap": offer("m=audio 4000 RTP/AVP 96", "a=rtpmap:96 x/0"),
		"too many media": offer(strings.Repeat("m=audio 4000 RTP/AVP 0\r\n", 40)), "too long": offer(strings.Repeat("a=x\r\n", 600)), "too large": offer("a=" + strings.Repeat("x", 20000)),
	} {
		if _, err := Parse([]byte(text)); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOwnOfferIsAnswered(t *testing.T) {
	l := local()
	l.Secure = true
	mine := Offer(l)
	theirs := local()
	theirs.Addr = netip.MustParseAddrPort("198.51.100.5:30000")
	theirs.Key = NewKey
	read, err := Parse(mine.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	answer, there, err := Answer(read, theirs)
	if err != nil {
		t.Fatal(err)
	}
	back, err := Parse(answer.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	here, err := Accept(mine, back, l)
	if err != nil {
		t.Fatal(err)
	}
	if here.Suite != "AEAD_AES_256_GCM" || !bytes.Equal(here.Send, there.Receive) || !bytes.Equal(here.Receive, there.Send) || bytes.Equal(here.Send, here.Receive) {
		t.Errorf("keys do not meet: %+v %+v", here, there)
	}
}

// FuzzParse: what is read and written again reads the same, and no answer
// ever sends media to a crowd or to us.
func FuzzParse(f *testing.F) {
	f.Add([]byte(offer("m=audio 4000 RTP/AVP 0 8 101", "a=rtpmap:101 telephone-event/8000", "a=fmtp:101 0-16", "a=ptime:20")))
	f.Add([]byte(offer("m=video 1 RTP/AVP 31", "m=audio 4000 RTP/SAVP 0", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:"+strings.Repeat("QUJD", 10), "a=sendonly")))
	f.Add([]byte(offer("m=audio 4000 RTP/AVP 0", "c=IN IP6 2001:db8::1", "a=rtcp:4001 IN IP6 2001:db8::2")))
	f.Add([]byte(offer("m=audio 4000 RTP/AVP 0", "c=IN IP4 224.0.0.1/3")))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse(data)
		if err != nil {
			return
		}
		first := s.Bytes()
		again, err := Parse(first)
		if err != nil {
			if len(first) > MaxSize || bytes.Count(first, []byte("\n")) > MaxLines {
				return // each section's own lines can make a long description longer
			}
			t.Fatalf("own writing is refused: %v\n%q", err, first)
		}
		if second := again.Bytes(); !bytes.Equal(first, second) {
			t.Fatalf("writing changes:\n%q\n%q", first, second)
		}
		_, agreed, err := Answer(s, local())
		if err != nil {
			return
		}
		if a := agreed.Remote.Addr(); a.IsMulticast() || a.IsUnspecified() && !agreed.Hold || agreed.Remote == local().Addr {
			t.Fatalf("media would go to %s", agreed.Remote)
		}
	})
}
