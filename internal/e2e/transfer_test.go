package e2e

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/routing"
)

// desk is a person of the demo who works by HTTP, beside their phone.
type desk struct {
	h      *house
	client *http.Client
}

func (h *house) desk(name string) desk {
	h.t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		h.t.Fatal(err)
	}
	d := desk{h, &http.Client{Jar: jar, Timeout: 30 * time.Second}}
	d.posts("/api/v1/login", `{"username":"`+name+`","password":"demo"}`, http.StatusOK, "")
	return d
}

// posts sends JSON and wants a status, and a word in the answer.
func (d desk) posts(path, body string, status int, word string) {
	d.h.t.Helper()
	res, err := d.client.Post("http://"+d.h.http+path, "application/json", strings.NewReader(body))
	if err != nil {
		d.h.t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status || !strings.Contains(string(got), word) {
		d.h.t.Fatalf("POST %s: %s %s %v", path, res.Status, got, err)
	}
}

// TestHoldAndTransferByPhone: alice holds, takes back, cannot send the caller
// where no rule leads, and sends them to bob's queue: on three phones, by sound.
func TestHoldAndTransferByPhone(t *testing.T) {
	t.Parallel()
	const callerTone, aliceTone, bobTone = 1000, 440, 2300
	h := open(t, `calls.numbers={"1000": queue}`, "queues=[{name: payments, ring: 5s, wrap_up: 2s}, {name: fraud, ring: 10s, wrap_up: 2s}]")
	phone := func(name string, freq float64) *testkit.Phone {
		p := testkit.Baresip{User: name, Domain: h.sip, Password: h.sipSecret(name), Mouth: testkit.Tone(freq, time.Minute)}.Start(t)
		says(t, p, "200 OK (ivrd)")
		return p
	}
	alice, bob := phone("alice", aliceTone), phone("bob", bobTone)
	h.wish("alice", "ready")
	c := newExchange(t).call("sip:1000@" + h.sip)
	c.hears(t, 500, aliceTone)
	c.say(callerTone)
	alice.WaitHeard(2*time.Second, patience)
	id, hers := h.calls("state=live")[0].ID, h.desk("alice")
	call := "/api/v1/calls/" + id

	hers.posts(call+"/hold", `{"on":true}`, http.StatusNoContent, "")
	c.hears(t, 600)
	c.steady(t, 600, 2*time.Second)
	h.desk("bob").posts(call+"/hold", `{"on":false}`, http.StatusNotFound, "not-found")
	hers.posts(call+"/hold", `{"on":false}`, http.StatusNoContent, "")
	c.hears(t, aliceTone)
	hers.posts(call+"/transfer", `{"number":"+861012345678"}`, http.StatusUnprocessableEntity, "No outbound rule")
	c.steady(t, aliceTone, time.Second)

	hers.posts(call+"/transfer", `{"queue":"fraud"}`, http.StatusNoContent, "")
	alice.WaitClosed()
	c.hears(t, 600)
	h.agentIs("alice", routing.Ready, "") // after her wrap-up, while the caller waits
	h.wish("bob", "ready")
	c.hears(t, bobTone)
	bob.WaitHeard(2*time.Second, patience)
	bob.Hangup()
	c.hears(t, 1100)
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	h.handedOver(alice, bob, callerTone)
}

// handedOver checks what the phones have heard and what was kept.
func (h *house) handedOver(alice, bob *testkit.Phone, callerTone float64) {
	h.t.Helper()
	bob.WaitClosed()
	for who, p := range map[string]*testkit.Phone{"alice": alice, "bob": bob} {
		if got := tone.Heard(h.lastHeard(p), 25, 440, 600, 1000, 2300); !slices.Equal(got, []float64{callerTone}) {
			h.t.Errorf("%s has heard %v", who, got)
		}
	}
	heard := h.lastHeard(alice)
	first, _ := find(heard, 0, callerTone)
	if gaps := tone.Gaps(heard[first:], -50, 1500*time.Millisecond); len(gaps) != 1 || !slices.Equal(tone.Heard(heard[first+int(gaps[0].To.Seconds()*8000):], 25, callerTone), []float64{callerTone}) {
		h.t.Errorf("alice was on hold in %v, and then hears the caller again", gaps)
	}
	rec := h.ended(1)[0]
	if rec.Queue != "fraud" || rec.Agent != "bob" || path(rec) != "greet wait thanks" {
		h.t.Errorf("record: queue %q, agent %q, path %s", rec.Queue, rec.Agent, path(rec))
	}
	if len(rec.Transfers) != 1 || rec.Transfers[0].By != "alice" || rec.Transfers[0].Queue != "fraud" {
		h.t.Errorf("transfers %+v", rec.Transfers)
	}
	_, right := h.recording(rec.ID, "")
	h.hearsAll("right", right, 440, 600, 440, 600, 2300, 1100)
	h.verify()
}
