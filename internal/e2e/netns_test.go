package e2e

import (
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/natbox"
	"github.com/ivrd/ivrd/internal/testkit/netns"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// The parties' tones, in Hz, apart from those of the prompts.
const (
	callerHz  = 400
	earlyHz   = 1000
	calleeHz  = 1200
	strangeHz = 2200
)

// ringbackHz is what a caller hears until another party answers.
const ringbackHz = 425

// The addresses of a site behind translation.
const (
	siteAddress   = "10.0.0.5"
	publicAddress = "203.0.113.10"
)

// trunkConf is what docs/trunks.md tells an operator to write for a trunk that
// wants a registration. The keep-alive is shorter than the router's patience.
const trunkConf = `
sip:
  listen: 0.0.0.0:5060
  allow_clear: true
  advertise: 203.0.113.10
  trunks:
    - name: carrier
      server: 203.0.113.7:5060
      domain: carrier.example
      realm: carrier.example
      username: "075588880000"
      password_file: %s
      register: true
      expires: %s
      trusted: true
      keep_alive: 1s
      codecs: [PCMA]
  outbound:
    - {prefix: "+86", trunk: carrier}
media: {address: 10.0.0.5, advertise: 203.0.113.10, ports: 16384-16483}
calls: {numbers: {"+8675588880000": trunk}}
`

// routerPatience is how long the router keeps an idle mapping: not as long as
// any registration lasts.
const routerPatience = 4 * time.Second

// trunkWorld is a site, the router that translates for it, and a carrier.
type trunkWorld struct {
	network *netns.Network
	site    *netns.Host
	box     *natbox.Box // nil when the kernel translates
	house   *house
	carrier *carrier
}

// newTrunkWorld builds it and waits for the registration.
func newTrunkWorld(t *testing.T, byKernel bool, expires string) *trunkWorld {
	t.Helper()
	n := netns.New(t)
	w := &trunkWorld{network: n, site: n.Host("site")}
	router, outside := n.Host("router"), n.Host("carrier")
	w.translate(t, router, outside, byKernel)
	w.site.DefaultRoute("10.0.0.1")
	w.carrier = startCarrier(t, outside)
	secret := filepath.Join(t.TempDir(), "carrier")
	if err := os.WriteFile(secret, []byte(trunkSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.house = openSite(t, w.site, fmt.Sprintf(trunkConf, secret, expires))
	w.up(1)
	return w
}

func (w *trunkWorld) translate(t *testing.T, router, outside *netns.Host, byKernel bool) {
	t.Helper()
	inner, outer := "", ""
	if byKernel {
		inner, outer = "10.0.0.1/24", publicAddress+"/24"
	}
	_, lan := w.network.Link(w.site, siteAddress+"/24", router, inner)
	wan, _ := w.network.Link(router, outer, outside, carrierAddress+"/24")
	if !byKernel {
		w.box = natbox.Start(t, lan, wan, natbox.Config{
			Inside: netip.MustParseAddr("10.0.0.1"), Outside: netip.MustParseAddr(publicAddress), UDPTimeout: routerPatience,
		})
		return
	}
	if err := wan.Masquerade(); err != nil {
		t.Skip(err) // the relay's test has been run
	}
}

// up waits until the metric of the trunk has a value.
func (w *trunkWorld) up(want float64) {
	w.house.t.Helper()
	testkit.Eventually(w.house.t, 30*time.Second, fmt.Sprintf("ivrd_trunk_up %v", want), func() bool {
		got, there := w.house.metrics()[`ivrd_trunk_up{trunk="carrier"}`]
		return there && got == want
	})
}

// call calls the site, which answers, and speaks the caller's tone.
func (w *trunkWorld) call(t *testing.T) *carrierCall {
	t.Helper()
	call := w.carrier.call(ourNumber)
	if call.answer.status() != 200 {
		t.Fatalf("the call was answered %s", call.answer.first)
	}
	call.phone.Send(netip.AddrPort{}, media.PCMA, callerHz)
	return call
}

// sounds is what can be heard one after the other, such as "500 700" for two
// prompts and "400+700" for two parties at once; pauses and what lasts less
// than 300 ms are left out. So is the ringback: how long it sounds is how long a
// party takes to answer, and a few milliseconds of it have no pitch and would be
// read as the tone next to it.
func sounds(pcm []int16) string {
	const window, hop = media.SampleRate / 10, media.SampleRate / 20
	var out []string
	last, times := "", 0
	for ; len(pcm) >= window; pcm = pcm[hop:] {
		heard := tone.Heard(pcm[:window], 20, append(knownTones(), ringbackHz)...)
		if slices.Contains(heard, ringbackHz) {
			heard = nil
		}
		now := strings.ReplaceAll(strings.Trim(fmt.Sprint(heard), "[]"), " ", "+")
		if now != last {
			last, times = now, 0
		}
		least := 3
		if len(heard) > 1 {
			least = 4
		}
		if times++; times == least && now != "" && (len(out) == 0 || out[len(out)-1] != now) {
			out = append(out, now)
		}
	}
	return strings.Join(out, " ")
}

// TestSounds: what is heard does not depend on how long a party takes to
// answer.
func TestSounds(t *testing.T) {
	t.Parallel()
	for ring := time.Duration(0); ring <= 400*time.Millisecond; ring += 20 * time.Millisecond {
		heard := slices.Concat(media.Tone(700, -15, 600*time.Millisecond), media.Silence(90*time.Millisecond),
			media.Tone(ringbackHz, -20, ring), media.Silence(170*time.Millisecond), media.Tone(calleeHz, -15, time.Second))
		checkSound(t, fmt.Sprintf("a ring of %v", ring), heard, "700 1200")
	}
	for at := time.Duration(0); at < 100*time.Millisecond; at += 10 * time.Millisecond {
		heard := slices.Concat(media.Tone(earlyHz, -15, 700*time.Millisecond+at), media.Tone(calleeHz, -15, 700*time.Millisecond))
		checkSound(t, fmt.Sprintf("one after the other, after %v", at), heard, "1000 1200")
	}
	both := media.Tone(callerHz, -15, time.Second)
	for i, s := range media.Tone(700, -20, time.Second) {
		both[i] += s
	}
	checkSound(t, "two at once", slices.Concat(media.Tone(500, -15, time.Second), both), "500 700+400")
}

// knownTones are all that prompts and parties of these tests may sound.
func knownTones() []float64 {
	return []float64{500, 600, 700, 900, 1100, 1700, 1900, callerHz, earlyHz, calleeHz, strangeHz}
}

// checkSound compares what was heard.
func checkSound(t *testing.T, who string, pcm []int16, want string) {
	t.Helper()
	if got := sounds(pcm); got != want {
		t.Errorf("%s: %q in %v of sound, want %q", who, got, media.Time(len(pcm)).Duration(), want)
	}
}

// checkRecording compares both channels: the caller's and ours.
func checkRecording(t *testing.T, h *house, id, left, right string) {
	t.Helper()
	l, r := h.recording(id, "")
	checkSound(t, "recording, left", l, left)
	checkSound(t, "recording, right", r, right)
}

// waitHeard waits until nothing but one of the known tones has been heard for
// 300 ms, which is half a prompt.
func waitHeard(t *testing.T, p *tone.Phone, freq float64) {
	t.Helper()
	waitSteady(t, p, freq, 300*time.Millisecond)
}

// waitSteady is waitHeard for a tone that lasts.
func waitSteady(t *testing.T, p *tone.Phone, freq float64, d time.Duration) {
	t.Helper()
	testkit.Eventually(t, 20*time.Second, fmt.Sprintf("%v of %v Hz", d, freq), func() bool {
		return slices.Equal(p.Tones(-d, 0, knownTones()...), []float64{freq})
	})
}

// press presses keys, each packet of them once.
func press(t *testing.T, p *tone.Phone, keys string) {
	t.Helper()
	if err := p.Press(keys, 1); err != nil {
		t.Fatal(err)
	}
}

// TestTrunkBehindTranslation is a carrier that ivrd registers with from behind
// a router that knows nothing of SIP: calls in, a call out with early media.
func TestTrunkBehindTranslation(t *testing.T) {
	for name, byKernel := range map[string]bool{"relay": false, "kernel": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newTrunkWorld(t, byKernel, "5m")
			call := w.call(t)
			checkAnswer(t, call.answer)
			waitHeard(t, call.phone, 500)
			waitHeard(t, call.phone, 700)
			press(t, call.phone, "2")
			w.callOut(t, call)
			call.phone.Send(netip.AddrPort{}, media.PCMA, callerHz)
			waitHeard(t, call.phone, 700)
			press(t, call.phone, "9")
			waitHeard(t, call.phone, 1900)
			call.ended()
			if c := call.phone.Counts(); c.Sources != 1 || c.SSRCs != 1 || c.Missing > c.Packets/10 { // a bridge begins with a frame that is not there yet, a starved machine leaves some out
				t.Errorf("the caller got %+v", c)
			}
			w.checkRecord(t)
		})
	}
}

// checkAnswer: the site names what it was told to advertise, although its
// packets come from another port.
func checkAnswer(t *testing.T, m message) {
	t.Helper()
	for _, want := range []string{"c=IN IP4 " + publicAddress + "\r\n", " RTP/AVP 8 101\r\n"} {
		if !strings.Contains(m.body, want) {
			t.Errorf("the answer lacks %q:\n%s", want, m.body)
		}
	}
	if contact := m.get("Contact"); !strings.Contains(contact, "@"+publicAddress+":5060") {
		t.Errorf("Contact: %s", contact)
	}
}

// callOut is the other side of a call that the flow makes through the trunk:
// early media by a reliable 183, then the answer, and talk.
func (w *trunkWorld) callOut(t *testing.T, caller *carrierCall) {
	t.Helper()
	callee := <-w.carrier.dials
	if uri := callee.invite.uri(); uri != "sip:+8675588881234@carrier.example" {
		t.Errorf("Request-URI %s", uri)
	}
	if id := callee.invite.get("P-Asserted-Identity"); !strings.Contains(id, customerNumber) {
		t.Errorf("P-Asserted-Identity %s", id)
	}
	callee.phone.Send(netip.AddrPort{}, media.PCMA, earlyHz)
	sdp := describe(carrierAddress, callee.phone.Addr().Port())
	callee.reply(callee.invite, "183 Session Progress", sdp, "Require: 100rel", "RSeq: 7")
	prack := callee.expect("PRACK")
	if rack, want := prack.get("RAck"), "7 "+callee.invite.get("CSeq"); rack != want {
		t.Errorf("RAck %q, want %q", rack, want)
	}
	callee.reply(prack, "200 OK", "")
	waitSteady(t, caller.phone, earlyHz, 700*time.Millisecond)

	callee.reply(callee.invite, "200 OK", sdp)
	callee.expect("ACK")
	callee.phone.Send(netip.AddrPort{}, media.PCMA, calleeHz)
	waitSteady(t, caller.phone, calleeHz, 700*time.Millisecond)
	waitSteady(t, callee.phone, callerHz, 700*time.Millisecond)
	callee.hangup()
}

// checkRecord: the caller is on the left, our side on the right.
func (w *trunkWorld) checkRecord(t *testing.T) {
	t.Helper()
	h := w.house
	c := h.ended(1)[0]
	if c.Trunk != "carrier" || c.End != leg.FlowHangup || c.Recording.State != "complete" || c.Connected == "" || c.Agent != "" {
		t.Errorf("record: %+v", c)
	}
	checkRecording(t, h, c.ID, "400", "700 1000 1200 700 1900")
	h.verify()
}

// TestTrunkRegistration: it is refreshed; keep-alives hold the router's mapping
// between; lost, it shows, and no call comes in; it comes back by itself.
func TestTrunkRegistration(t *testing.T) {
	t.Parallel()
	w := newTrunkWorld(t, false, "10s")
	first, before := w.carrier.registrations()
	testkit.Eventually(t, 20*time.Second, "a refresh", func() bool {
		n, _ := w.carrier.registrations()
		return n > first
	})
	if _, after := w.carrier.registrations(); after != before {
		t.Errorf("the router forgot the mapping: seen as %s, then as %s", before, after)
	}
	w.carrier.refuse(true)
	w.up(0)
	if call := w.carrier.call(ourNumber); call.answer.status() != 403 {
		t.Errorf("a call without a registration was answered %s", call.answer.first)
	}
	w.box.Forget() // a router that was switched off and on
	w.carrier.refuse(false)
	w.up(1)
	if _, now := w.carrier.registrations(); now == before {
		t.Error("the new registration came by the old mapping")
	}
	call := w.call(t)
	waitHeard(t, call.phone, 700)
	call.hangup()
	w.house.ended(1)
}

// TestTrunkOverBadLine: with packets lost, late and overtaken, each key still
// counts once and the sound is still that of the parties.
func TestTrunkOverBadLine(t *testing.T) {
	t.Parallel()
	w := newTrunkWorld(t, false, "5m")
	call := w.call(t)
	waitHeard(t, call.phone, 700)
	w.box.Impair(natbox.Impairment{Loss: 0.05, Delay: 20 * time.Millisecond, Jitter: 25 * time.Millisecond})
	press(t, call.phone, "1")
	waitHeard(t, call.phone, 900)
	press(t, call.phone, "13579024")
	waitHeard(t, call.phone, 1100)
	waitHeard(t, call.phone, 700)
	if w.box.Dropped() == 0 {
		t.Error("the line lost nothing")
	}
	w.box.Impair(natbox.Impairment{})
	call.hangup()
	c := w.house.ended(1)[0]
	var path []string
	for _, s := range c.Path {
		path = append(path, s.Node)
	}
	if got := strings.Join(path, " "); got != "greet top digits check thanks top" {
		t.Errorf("the keys led by %s", got)
	}
	left, _ := w.house.recording(c.ID, "")
	checkSound(t, "recording, left", left, "400")
	// Concealment keeps the tone going through what was lost.
	if gaps := tone.Gaps(left[media.SampleRate/2:], -50, 200*time.Millisecond); len(gaps) > 10 {
		t.Errorf("%d gaps: %v", len(gaps), gaps)
	}
}

// TestStrangerIsNotHeard: a host that is no party reaches the site's very
// sockets, past the router, and gets 403 for its calls and nothing for its RTP.
func TestStrangerIsNotHeard(t *testing.T) {
	t.Parallel()
	w := newTrunkWorld(t, false, "5m")
	host := w.network.Host("stranger")
	w.network.Link(w.site, "192.0.2.1/24", host, "192.0.2.66/24")
	host.DefaultRoute("192.0.2.1")
	call := w.call(t)
	waitHeard(t, call.phone, 700)
	press(t, call.phone, "5")
	waitHeard(t, call.phone, 600)
	foreign := w.house.metrics()["ivrd_rtp_foreign_total"]

	if got := strangerCalls(t, host); got != "SIP/2.0 403 Forbidden" {
		t.Errorf("a stranger's call was answered %q", got)
	}
	phone, err := tone.NewPhone(hostNetwork{host}, netip.MustParseAddr("192.0.2.66"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = phone.Close() })
	phone.Send(netip.AddrPortFrom(netip.MustParseAddr(siteAddress), portOf(t, call.answer.body)), media.PCMA, strangeHz)
	press(t, phone, "9") // as if it were the caller
	testkit.Eventually(t, 20*time.Second, "a second of the stranger's packets", func() bool {
		return w.house.metrics()["ivrd_rtp_foreign_total"] >= foreign+50
	})
	waitHeard(t, call.phone, 600)
	if c := phone.Counts(); c.Packets != 0 {
		t.Errorf("the stranger was sent %d packets", c.Packets)
	}
	call.hangup()
	c := w.house.ended(1)[0]
	checkRecording(t, w.house, c.ID, "400", "700 600")
}

// portOf is the port of an SDP's sound.
func portOf(t *testing.T, sdp string) uint16 {
	t.Helper()
	var port uint16
	_, rest, _ := strings.Cut(sdp, "m=audio ")
	if _, err := fmt.Sscanf(rest, "%d ", &port); err != nil {
		t.Fatalf("no port in %q", sdp)
	}
	return port
}

// strangerCalls calls the site's number from a host that is nobody's.
func strangerCalls(t *testing.T, host *netns.Host) string {
	t.Helper()
	conn, err := host.Dial("udp4", "192.0.2.1:5060")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	return ask(t, conn, message{
		first: "INVITE sip:" + ourNumber + "@192.0.2.1 SIP/2.0",
		headers: []string{
			"Via: SIP/2.0/UDP 192.0.2.66;rport;branch=z9hG4bK" + random(), "Max-Forwards: 70",
			"From: <sip:" + customerNumber + "@carrier.example>;tag=s", "To: <sip:" + ourNumber + "@carrier.example>",
			"Call-ID: " + random(), "CSeq: 1 INVITE", "Contact: <sip:192.0.2.66>",
		},
		body: describe("192.0.2.66", 40000),
	}).first
}

// ask sends a request and returns the first answer.
func ask(t *testing.T, conn net.Conn, m message) message {
	t.Helper()
	b := make([]byte, 65536)
	err := conn.SetDeadline(time.Now().Add(10 * time.Second))
	if err == nil {
		_, err = conn.Write(m.bytes())
	}
	n := 0
	if err == nil {
		n, err = conn.Read(b)
	}
	if err != nil {
		t.Fatalf("ask: %v", err)
	}
	return parseMessage(b[:n])
}

// phoneConf is a site with a public address and phones behind translation.
const phoneConf = `
sip: {listen: "203.0.113.7:5060", allow_clear: true, trunks: []}
media: {address: 203.0.113.7, ports: 16384-16483}
calls: {numbers: {"1000": trunk}}
`

// TestPhonesBehindTranslation: phones whose SIP and SDP name private addresses
// register, call, hear the menu, and are called back through their bindings.
func TestPhonesBehindTranslation(t *testing.T) {
	t.Parallel()
	n := netns.New(t)
	office, router, site := n.Host("office"), n.Host("router"), n.Host("site")
	_, lan := n.Link(office, siteAddress+"/24", router, "")
	wan, _ := n.Link(router, "", site, carrierAddress+"/24")
	office.DefaultRoute("10.0.0.1")
	natbox.Start(t, lan, wan, natbox.Config{Inside: netip.MustParseAddr("10.0.0.1"), Outside: netip.MustParseAddr(publicAddress)})
	h := openSite(t, site, phoneConf)
	for _, name := range []string{"alice", "bob"} {
		h.add("staple-battery-8", name, "--role", "agent")
	}
	alice := h.deskPhone(office, "alice", "tcp", calleeHz)
	bob := h.deskPhone(office, "bob", "udp", callerHz)

	bob.Call("sip:1000@203.0.113.7")
	bob.WaitEstablished()
	bob.WaitHeard(1500*time.Millisecond, 20*time.Second)
	bob.Press('3')
	alice.WaitEstablished()
	alice.WaitHeard(2*time.Second, 20*time.Second)
	bob.Hangup()
	alice.WaitClosed()
	bob.WaitClosed()

	checkSound(t, "bob", testkit.ReadWAV(t, bob.Heard()[0]), "500 700 1200")
	checkSound(t, "alice", testkit.ReadWAV(t, alice.Heard()[0]), "400")
	checkRecording(t, h, h.ended(1)[0].ID, "400", "700 1200")
}

// deskPhone is an agent's registered phone that speaks a tone.
func (h *house) deskPhone(host *netns.Host, name, transport string, freq float64) *testkit.Phone {
	h.t.Helper()
	p := testkit.Baresip{
		User: name, Domain: carrierAddress + ":5060", Password: h.sipSecret(name), Transport: transport,
		Mouth: testkit.Tone(freq, time.Minute), Address: siteAddress, Command: host.Exec, Dial: host.Dial,
	}.Start(h.t)
	p.WaitRegistered()
	return p
}
