//go:build drill

package e2e

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/routing"
)

// watch is a script that notes when a page's phone changes its state, and that
// tells when a tone begins and ends in what it hears, within 10 ms.
const watch = `window.__marks = {};
window.ivrd.phone.subscribe(() => { window.__marks[window.ivrd.phone.state] ??= Date.now() });
window.__tone = (hz, there, steady = 0, limit = 15000) => new Promise((done, fail) => {
  let since = 0; const begun = Date.now(), w = (window.__watch ??= { ctx: new AudioContext() });
  const timer = setInterval(() => {
    const s = window.ivrd.phone.remoteStream;
    if (s && s !== w.of && s.getAudioTracks().length) {
      w.of = s; w.a = w.ctx.createAnalyser(); w.a.fftSize = 1024; w.a.smoothingTimeConstant = 0;
      w.bins = new Float32Array(w.a.frequencyBinCount);
      w.ctx.createMediaStreamSource(s).connect(w.a);
    }
    let loud = false;
    if (w.a) { w.a.getFloatFrequencyData(w.bins); loud = w.bins[Math.round(hz * w.a.fftSize / w.ctx.sampleRate)] > -55 }
    since = loud === there ? since || Date.now() : 0;
    if (since && Date.now() - since >= steady) { clearInterval(timer); done(since) }
    else if (Date.now() - begun > limit) { clearInterval(timer); fail(new Error('no change of ' + hz + ' Hz')) }
  }, 5);
}); 0`

// timings are milliseconds of several tries.
type timings []float64

func (x timings) at(p float64) float64 {
	slices.Sort(x)
	return x[min(len(x)-1, int(p*float64(len(x))))]
}

func (x timings) report(t *testing.T, name string) {
	t.Logf("%s: p50 %.0f ms, p95 %.0f ms of %d: %.0f", name, x.at(.5), x.at(.95), len(x), []float64(x))
}

// pageCalls is how many calls are measured.
const pageCalls = 30

// TestPageFigures measures what a caller and an agent wait for: ring, sound
// after the answer, and the call's return after a reload.
func TestPageFigures(t *testing.T) {
	h := open(t, `calls.numbers={"1000": queue}`, "queues=[{name: payments, ring: 20s, wrap_up: 0s}]")
	alice := h.deskPage(chromium.Start(t, chromium.Options{Mic: aliceHz}), "alice")
	caller := chromium.Start(t, chromium.Options{Mic: demoHz}).Open("http://" + h.http + "/phone?raw=1")
	caller.True("the caller's phone", `window.ivrd?.phone?.state === "ready"`)
	alice.Must(watch)
	caller.Must(watch)
	var ring, sound, agents, callers, back timings
	for range pageCalls {
		h.ready(alice)
		h.agentIs("alice", routing.Ready, "")
		alice.Must("window.__marks = {}")
		caller.Click("phone-call-1000")
		alice.True("the ring", `window.__marks.ringing`)
		ring = append(ring, number(t, alice, "window.__marks.ringing")-h.lastLogged("ringing another party"))
		heard := promised(t, caller, fmt.Sprintf("window.__tone(%f, true, 40)", aliceHz))
		at := number(t, alice, `(document.querySelector('[data-testid="ring-answer"]').click(), Date.now())`)
		here := number(t, alice, fmt.Sprintf("window.__tone(%f, true)", demoHz))
		there := <-heard
		sound, agents, callers = append(sound, max(here, there)-at), append(agents, here-at), append(callers, there-at)
		caller.True("the caller to be watched", fmt.Sprintf("window.__tone(%f, true)", aliceHz))
		gone := promised(t, caller, fmt.Sprintf("(async (hz) => { await window.__tone(600, true, 40); return window.__tone(hz, true) })(%f)", aliceHz))
		began := float64(time.Now().UnixMilli())
		alice.Reload()
		back = append(back, <-gone-began)
		alice.True("the page to be back", `window.ivrd?.phone?.state === "talking"`)
		alice.Must(watch)
		alice.Click("hangup")
		caller.True("the end", `window.ivrd.phone.state === "ready"`)
	}
	ring.report(t, "ring")
	sound.report(t, "answer to sound, both ways")
	agents.report(t, "the agent's ear")
	callers.report(t, "the caller's ear")
	back.report(t, "reload-to-sound")
}

func number(t *testing.T, p *chromium.Page, expression string) float64 {
	t.Helper()
	var n float64
	if err := p.Eval(expression, &n); err != nil {
		t.Fatal(err)
	}
	return n
}

// promised runs an expression meanwhile.
func promised(t *testing.T, p *chromium.Page, expression string) <-chan float64 {
	t.Helper()
	out := make(chan float64, 1)
	go func() {
		var n float64
		if err := p.Eval(expression, &n); err != nil {
			t.Error(err)
		}
		out <- n
	}()
	return out
}

// lastLogged is when the server has last written a message, in ms of Unix time.
func (h *house) lastLogged(message string) float64 {
	h.t.Helper()
	var at time.Time
	testkit.Eventually(h.t, soon, message, func() bool {
		for line := range strings.Lines(h.process.Output()) {
			var entry struct {
				Time time.Time `json:"time"`
				Msg  string    `json:"msg"`
			}
			if json.Unmarshal([]byte(line), &entry) == nil && entry.Msg == message {
				at = entry.Time
			}
		}
		return !at.IsZero()
	})
	return float64(at.UnixMicro()) / 1000
}
