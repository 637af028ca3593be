package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/routing"
)

// monitor asks for a mode as sue.
func (h *house) monitor(id, mode string) {
	h.t.Helper()
	res, err := h.client.Post("http://"+h.http+"/api/v1/calls/"+id+"/monitor", "application/json", strings.NewReader(fmt.Sprintf(`{"mode":%q,"reason":"test"}`, mode)))
	if err != nil {
		h.t.Fatal(err)
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusNoContent {
		h.t.Fatalf("monitor %s: %s", mode, res.Status)
	}
}

// TestMonitorByPhone: caller, agent and supervisor on three phones, by sound: a
// caller hears the supervisor neither when listening nor when whispering; then
// barge and takeover.
func TestMonitorByPhone(t *testing.T) {
	t.Parallel()
	const callerTone, aliceTone, sueTone = 1000, 440, 2300
	h := openQueue(t)
	desk := func(name string, freq float64) *testkit.Phone {
		p := testkit.Baresip{User: name, Domain: h.sip, Password: h.sipSecret(name), Mouth: testkit.Tone(freq, time.Minute)}.Start(t)
		says(t, p, "200 OK (ivrd)")
		return p
	}
	alice, sue := desk("alice", aliceTone), desk("sue", sueTone)
	h.wish("alice", "ready")
	c := newExchange(t).call("sip:1000@" + h.sip)
	c.hears(t, 500, aliceTone)
	c.say(callerTone)
	var id string
	testkit.Eventually(t, soon, "the live call", func() bool {
		calls := h.calls("state=live")
		if len(calls) == 1 {
			id = calls[0].ID
		}
		return id != ""
	})
	h.monitor(id, "listen")
	sue.WaitEstablished()
	sue.WaitHeard(2*time.Second, patience)
	c.steady(t, aliceTone, time.Second)
	h.monitor(id, "whisper")
	c.steady(t, aliceTone, 2*time.Second)
	h.monitor(id, "barge")
	sue.WaitHeard(6*time.Second, patience)
	h.monitor(id, "takeover")
	alice.WaitClosed()
	c.hears(t, sueTone)
	h.agentIs("alice", routing.Ready, "") // after her wrap-up, while sue talks
	sue.Hangup()
	c.hears(t, 1100)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	for who, want := range map[*testkit.Phone][]float64{alice: {callerTone, sueTone}, sue: {callerTone, aliceTone}} {
		who.WaitClosed()
		if got := tone.Heard(h.lastHeard(who), 25, callerTone, aliceTone, sueTone); !slices.Equal(got, want) {
			t.Errorf("a phone has heard %v, want %v", got, want)
		}
	}
	for track, want := range map[string]float64{"caller": callerTone, "agent": aliceTone, "supervisor": sueTone} {
		pcm, _ := h.recording(id, track)
		if got := tone.Heard(pcm, 30, callerTone, aliceTone, sueTone); !slices.Equal(got, []float64{want}) {
			t.Errorf("track %s holds %v, want %v", track, got, want)
		}
	}
	h.verify()
}
