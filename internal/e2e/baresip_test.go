package e2e

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
)

// baresip is an independent SIP phone: what works with it does not only work
// with our own.

func TestBaresip(t *testing.T) {
	t.Parallel()
	for _, transport := range []string{"udp", "tcp"} {
		t.Run(transport, func(t *testing.T) {
			t.Parallel()
			h := open(t)
			h.baresipBothWays(testkit.Baresip{Transport: transport})
			h.verify()
		})
	}
}

// TestBaresipInWideband: it takes nothing but G.722. The caller whom it talks with
// in the second call has G.711, which becomes G.722 and back.
func TestBaresipInWideband(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.baresipBothWays(testkit.Baresip{Codec: "G722"})
	h.spoke(h.ended(2)[1], "G722")
	h.spoke(h.ended(2)[0], "PCMU", "G722")
	h.verify()
}

// TestBaresipInLinear: it takes nothing but L16, which phones are allowed here; its
// caller in the second call has G.711. Both calls are recorded and played.
func TestBaresipInLinear(t *testing.T) {
	t.Parallel()
	h := open(t, "sip.phones.codecs=[L16, PCMU]")
	h.baresipBothWays(testkit.Baresip{Codec: "L16"})
	h.spoke(h.ended(2)[1], "L16")
	h.spoke(h.ended(2)[0], "PCMU", "L16")
	h.verify()
}

// spoke checks the codecs of a call's parties, in order of their coming.
func (h *house) spoke(rec recordings.Call, want ...string) {
	h.t.Helper()
	var got []string
	for _, l := range rec.Legs {
		got = append(got, l.Codec)
	}
	if !slices.Equal(got, want) {
		h.t.Errorf("the parties spoke %v, want %v", got, want)
	}
}

// says waits for a line of the phone's. Its events are not told before it can
// be commanded, and it registers earlier.
func says(t *testing.T, p *testkit.Phone, text string) {
	t.Helper()
	testkit.Eventually(t, patience, "baresip to say "+text, func() bool { return strings.Contains(p.Output(), text) })
}

// baresipBothWays registers alice's phone, which is as b says, and has it call and
// be called.
func (h *house) baresipBothWays(b testkit.Baresip) *testkit.Phone {
	h.t.Helper()
	b.User, b.Domain, b.Password, b.Mouth = "alice", h.sip, h.sipSecret("alice"), testkit.Tone(440, time.Minute)
	alice := b.Start(h.t)
	says(h.t, alice, "200 OK (ivrd)")
	h.baresipCalls(alice)
	h.baresipIsCalled(alice)
	return alice
}

// baresipCalls is a visit to the menu.
func (h *house) baresipCalls(alice *testkit.Phone) {
	h.t.Helper()
	alice.Call("sip:1000@" + h.sip) // by the transport of the account
	alice.WaitEstablished()
	alice.WaitHeard(time.Second, patience)
	alice.Press('5')
	alice.WaitHeard(4*time.Second, patience)
	alice.Hangup()
	alice.WaitClosed()
	rec := h.ended(1)[0]
	if rec.End != leg.CallerHangup || rec.From != "alice" || lastNode(rec) != "stay" {
		h.t.Errorf("record: from %s, end %s, path %v", rec.From, rec.End, rec.Path)
	}
	h.hearsAll("baresip", h.lastHeard(alice), 500, 700, 600)
	left, right := h.recording(rec.ID, "")
	h.hearsAll("left", left, 440)
	h.hearsAll("right", right, 700, 600)
}

// baresipIsCalled lets a caller talk to alice by the flow's connect.
func (h *house) baresipIsCalled(alice *testkit.Phone) {
	h.t.Helper()
	c := newExchange(h.t).call("sip:1000@" + h.sip)
	c.hears(h.t, 500, 700)
	c.press(h.t, "2")
	alice.Wait("CALL_ESTABLISHED", 1, patience)
	c.hears(h.t, 440)
	c.say(1000)
	alice.WaitHeard(2*time.Second, patience)
	c.press(h.t, "7")
	alice.WaitDigit('7', 1, patience)
	c.steady(h.t, 440, time.Second)
	alice.Hangup()
	c.hears(h.t, 1900)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		h.t.Error(err)
	}
	alice.Wait("CALL_CLOSED", 1, patience)
	rec := h.ended(2)[0]
	if rec.End != leg.FlowHangup || rec.TalkMS < 1000 || len(rec.Recording.Gaps) > 0 {
		h.t.Errorf("record: end %s, talk %d ms, gaps %v", rec.End, rec.TalkMS, rec.Recording.Gaps)
	}
	h.hearsAll("baresip", h.lastHeard(alice), 1000)
	left, right := h.recording(rec.ID, "")
	h.hearsAll("left", left, 1000)
	h.hearsAll("right", right, 700, 440, 1900)
	if _, found := find(left, 0, 440); found {
		h.t.Error("the agent is heard on the caller's channel")
	}
}

// lastHeard is what the phone heard in its last call.
func (h *house) lastHeard(p *testkit.Phone) []int16 {
	h.t.Helper()
	files := p.Heard()
	if len(files) == 0 {
		h.t.Fatal("the phone has recorded nothing")
	}
	return testkit.ReadWAV(h.t, files[len(files)-1])
}

// hearsAll finds tones in their order.
func (h *house) hearsAll(who string, pcm []int16, freqs ...float64) {
	h.t.Helper()
	at := 0
	for _, f := range freqs {
		next, found := find(pcm, at, f)
		if !found {
			h.t.Errorf("%s: no %v Hz after %d samples of %d (level of all: %.0f dBov)", who, f, at, len(pcm), tone.Level(pcm, f))
			return
		}
		at = next
	}
}

// TestBaresipWrongSecret must not get in.
func TestBaresipWrongSecret(t *testing.T) {
	t.Parallel()
	h := open(t)
	h.sipSecret("alice")
	alice := testkit.Baresip{User: "alice", Domain: h.sip, Password: "wrong-secret"}.Start(t)
	says(t, alice, "403 Forbidden") // it tries until it is shut out
	if strings.Contains(alice.Output(), "200 OK") {
		t.Error("a wrong secret was accepted")
	}
	c := newExchange(t).call("sip:1000@" + h.sip)
	c.hears(t, 500, 700)
	c.press(t, "2")
	c.hears(t, 1500) // nobody is there: leave a message
	if strings.Contains(h.process.Output(), "wrong-secret") {
		t.Error("the secret is in the log")
	}
}
