package e2e

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // what SRTP authenticates with (RFC 3711)
	"encoding/base64"
	be "encoding/binary"
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/rtpio"
)

// TestSRTPCall: `ivrd call --srtp` is heard and hears.
func TestSRTPCall(t *testing.T) {
	t.Parallel()
	h := open(t)
	r, heard, err := headless(t, "", "sip:1000@"+h.sip, "--srtp", "--dtmf", "w1.5,5", "--duration", "5s")
	if err != nil || r.End != leg.CallerHangup {
		t.Errorf("the call: %v %+v", err, r)
	}
	checkHeadless(t, h, heard)
	h.verify()
}

// TestSRTPPhone: an independent phone that talks by SRTP only.
func TestSRTPPhone(t *testing.T) {
	t.Parallel()
	h := open(t)
	bob := testkit.Baresip{User: "bob", Encryption: "srtp-mand", Mouth: testkit.Tone(callerHz, time.Minute)}.Start(t)
	bob.Call("sip:1000@" + h.sip)
	bob.WaitEstablished()
	bob.WaitHeard(1500*time.Millisecond, 20*time.Second)
	bob.Press('5')
	bob.WaitHeard(4*time.Second, 20*time.Second)
	bob.Hangup()
	bob.WaitClosed()
	checkHeadless(t, h, testkit.ReadWAV(t, bob.Heard()[0]))
}

// TestSRTPOnTheWire is a peer whose SRTP was written from RFC 3711 alone: what
// travels is not the sound, opens with the keys of the SDP, and a flood of bad
// packets from the peer's own address harms nothing.
func TestSRTPOnTheWire(t *testing.T) {
	t.Parallel()
	h := open(t)
	conn := &sealedConn{}
	p, err := tone.NewPhone(conn, netip.MustParseAddr("127.0.0.1"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	c := callSealed(t, h, conn, p.Addr().Port())
	p.Send(c.rtp, media.PCMU, callerHz)
	waitHeard(t, p, 700)
	press(t, p, "5")
	waitHeard(t, p, 600)
	if tune, wire := share(conn.plain(), 600), share(conn.wire(), 600); tune < -3 || wire > -10 {
		t.Errorf("600 Hz is at %.0f dB of what was opened, at %.0f dB of what was on the wire", tune, wire)
	}

	conn.flood(t, c.rtp)
	after := p.Counts().Packets
	testkit.Eventually(t, 20*time.Second, "a second of sound after the flood", func() bool { return p.Counts().Packets >= after+50 })
	waitHeard(t, p, 600)
	if n := conn.refused(); n != 0 {
		t.Errorf("%d packets that came could not be opened", n)
	}
	c.hangup(t)
	r := h.ended(1)[0]
	if r.End != leg.CallerHangup || r.Recording.State != "complete" {
		t.Errorf("record: %+v", r)
	}
	checkRecording(t, h, r.ID, "400", "700 600")
	left, _ := h.recording(r.ID, "")
	if noise := tone.Power(left[media.SampleRate/2:]); noise > -17 {
		t.Errorf("the caller's side of the recording is at %.0f dBov", noise)
	}
	h.verify()
}

// sealedCall is the signalling of a call with SRTP.
type sealedCall struct {
	conn         net.Conn
	id, to, uri  string
	rtp          netip.AddrPort
	local        string
	transactions int
}

// inviteSealed calls the menu with an offer, and returns its answer, which is still
// to be acknowledged.
func inviteSealed(t *testing.T, h *house, offer string) (c *sealedCall, answer message) {
	t.Helper()
	conn, err := net.Dial("udp", h.sip)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	c = &sealedCall{conn: conn, id: random(), to: "<sip:1000@" + h.sip + ">", uri: "sip:1000@" + h.sip, local: conn.LocalAddr().String()}
	r := ask(t, conn, c.request("INVITE", offer))
	for r.status() < 200 {
		r = await(t, conn)
	}
	if r.status() != 200 {
		t.Fatalf("answer %s\n%s", r.first, r.body)
	}
	c.to, c.uri = r.get("To"), angled(r.get("Contact"))
	c.rtp = netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), portOf(t, r.body))
	return c, r
}

// ack acknowledges the answer.
func (c *sealedCall) ack(t *testing.T) {
	t.Helper()
	if _, err := c.conn.Write(c.request("ACK", "").bytes()); err != nil {
		t.Fatal(err)
	}
}

// callSealed calls the menu, offering SRTP by SDES.
func callSealed(t *testing.T, h *house, sealed *sealedConn, port uint16) *sealedCall {
	t.Helper()
	secret := make([]byte, 30)
	_, _ = rand.Read(secret)
	offer := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/SAVP 0 101\r\n"+
		"a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:%s\r\n",
		port, base64.StdEncoding.EncodeToString(secret))
	c, r := inviteSealed(t, h, offer)
	found := regexp.MustCompile(`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:([^|\r]+)`).FindStringSubmatch(r.body)
	if found == nil || !strings.Contains(r.body, " RTP/SAVP 0 101\r\n") {
		t.Fatalf("answer %s\n%s", r.first, r.body)
	}
	theirs, err := base64.StdEncoding.DecodeString(found[1])
	if err != nil || len(theirs) != 30 || slices.Equal(theirs, secret) {
		t.Fatalf("the answer's key has %d bytes: %v", len(theirs), err)
	}
	sealed.unlock(newSealer(t, secret), newSealer(t, theirs))
	c.ack(t)
	return c
}

func (c *sealedCall) request(method, body string) message {
	if method != "ACK" {
		c.transactions++
	}
	return message{first: method + " " + c.uri + " SIP/2.0", body: body, headers: []string{
		"Via: SIP/2.0/UDP " + c.local + ";rport;branch=z9hG4bK" + random(), "Max-Forwards: 70",
		"From: <sip:caller@" + c.local + ">;tag=c", "To: " + c.to, "Call-ID: " + c.id,
		fmt.Sprintf("CSeq: %d %s", c.transactions, method), "Contact: <sip:caller@" + c.local + ">",
	}}
}

func (c *sealedCall) hangup(t *testing.T) {
	t.Helper()
	if r := ask(t, c.conn, c.request("BYE", "")); r.status() != 200 {
		t.Errorf("BYE was answered %s", r.first)
	}
}

// sealedConn is an RTP socket that seals what a phone sends and opens what it
// gets. It is its own network.
type sealedConn struct {
	rtpio.PacketConn

	mu        sync.Mutex
	seal      *sealer
	open      *sealer
	last      []byte // as sent
	rejected  int
	seen, got []int16 // the payloads as they came, and opened
}

func (c *sealedConn) Listen(a netip.AddrPort) (rtpio.PacketConn, error) {
	var err error
	c.PacketConn, err = rtpio.UDP{}.Listen(a)
	return c, err
}

func (c *sealedConn) Prefixes() ([]netip.Prefix, error) { return nil, nil }

func (c *sealedConn) unlock(seal, open *sealer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seal, c.open = seal, open
}

func (c *sealedConn) WriteTo(b []byte, to netip.AddrPort) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.seal.protect(b)
	return c.PacketConn.WriteTo(c.last, to)
}

// ReadFrom drops what does not open.
func (c *sealedConn) ReadFrom(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := c.PacketConn.ReadFrom(b)
		if err != nil {
			return n, from, err
		}
		if m := c.take(b[:n]); m > 0 {
			return m, from, nil
		}
	}
}

func (c *sealedConn) take(b []byte) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	const header, tag = 12, 10
	if c.open == nil || len(b) != header+media.FrameSamples+tag { // not sound
		return 0
	}
	raw := tone.Decode(media.PCMU, b[header:header+media.FrameSamples])
	plain, ok := c.open.unprotect(b)
	if !ok {
		c.rejected++
		return 0
	}
	c.seen = append(c.seen, raw...)
	c.got = append(c.got, tone.Decode(media.PCMU, plain[header:])...)
	return copy(b, plain)
}

// wire is the end of what came, as long as waitHeard hears, as it travelled;
// plain is the same as it was opened.
func (c *sealedConn) wire() []int16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(last300(c.seen))
}

func (c *sealedConn) plain() []int16 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(last300(c.got))
}

func (c *sealedConn) refused() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rejected
}

func last300(pcm []int16) []int16 { return pcm[max(len(pcm)-3*media.SampleRate/10, 0):] }

// share of one frequency in all that sounds, in dB. Of noise it is about
// -29 dB in 300 ms, and more than -10 dB once in 10^34 times.
func share(pcm []int16, freqHz float64) float64 { return tone.Level(pcm, freqHz) - tone.Power(pcm) }

// flood sends bad packets of each kind: forged, repeated, cut, not sealed.
func (c *sealedConn) flood(t *testing.T, to netip.AddrPort) {
	t.Helper()
	for range 1000 {
		c.mu.Lock()
		good := slices.Clone(c.last)
		c.mu.Unlock()
		forged := slices.Clone(good)
		be.BigEndian.PutUint16(forged[2:], be.BigEndian.Uint16(forged[2:])+100)
		for _, b := range [][]byte{forged, good, good[:len(good)-10], good[:13]} {
			if err := c.PacketConn.WriteTo(b, to); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// sealer is one direction of SRTP with AES_CM_128_HMAC_SHA1_80 (RFC 3711), for
// one source.
type sealer struct {
	block    cipher.Block
	salt     []byte // 14 bytes
	auth     []byte
	roc      uint32 // how often the sequence number has begun anew
	sequence uint16
}

// newSealer derives the session keys of a master key and salt (§4.3.1).
func newSealer(t *testing.T, secret []byte) *sealer {
	t.Helper()
	master, err := aes.NewCipher(secret[:16])
	if err != nil {
		t.Fatal(err)
	}
	derive := func(label byte, length int) []byte {
		var iv [16]byte
		copy(iv[:], secret[16:])
		iv[7] ^= label
		out := make([]byte, length)
		cipher.NewCTR(master, iv[:]).XORKeyStream(out, out)
		return out
	}
	block, err := aes.NewCipher(derive(0, 16))
	if err != nil {
		t.Fatal(err)
	}
	return &sealer{block: block, auth: derive(1, 20), salt: derive(2, 14)}
}

// count follows the sequence number over its end.
func (s *sealer) count(sequence uint16) {
	if sequence < 0x4000 && s.sequence > 0xc000 {
		s.roc++
	}
	s.sequence = sequence
}

// crypt encrypts or decrypts a packet's payload in place (§4.1.1).
func (s *sealer) crypt(packet []byte) {
	var iv [16]byte
	copy(iv[:], s.salt)
	for i := range 4 {
		iv[4+i] ^= packet[8+i] // SSRC
	}
	var index [8]byte
	be.BigEndian.PutUint32(index[2:], s.roc)
	copy(index[6:], packet[2:4])
	for i := range 6 {
		iv[8+i] ^= index[2+i]
	}
	cipher.NewCTR(s.block, iv[:]).XORKeyStream(packet[12:], packet[12:])
}

func (s *sealer) tag(packet []byte) []byte {
	h := hmac.New(sha1.New, s.auth)
	h.Write(packet)
	h.Write(be.BigEndian.AppendUint32(nil, s.roc))
	return h.Sum(nil)[:10]
}

func (s *sealer) protect(packet []byte) []byte {
	out := slices.Clone(packet)
	s.count(be.BigEndian.Uint16(out[2:]))
	s.crypt(out)
	return append(out, s.tag(out)...)
}

func (s *sealer) unprotect(packet []byte) ([]byte, bool) {
	body := slices.Clone(packet[:len(packet)-10])
	s.count(be.BigEndian.Uint16(body[2:]))
	if !hmac.Equal(s.tag(body), packet[len(body):]) {
		return nil, false
	}
	s.crypt(body)
	return body, true
}
