package e2e

import (
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/routing"
)

const sueHz = 1450.0 // sue's microphone, which her page sends always where tests ask it to

// pagesMonitor: who hears whom when a supervisor takes part by her page.
func pagesMonitor(t *testing.T) {
	takeSlot(t)
	h := talkingPages(t)
	id := h.live().ID
	sue := h.enterPage(chromium.Start(t, chromium.Options{Mic: sueHz}), "sue", "/monitor")
	sue.Click("live-call-" + id)

	// hear checks all three ears at once, each for a while.
	hear := func(caller, alice, supervisor []float64) {
		t.Helper()
		const while = 1500 * time.Millisecond
		h.caller.Mix(remote, while, voices, caller...)
		h.alice.Mix(remote, while, voices, alice...)
		sue.Mix(remote, while, voices, supervisor...)
	}
	sue.Click("mode-listen")
	sue.Type("reason", "complaint")
	sue.Click("reason-go")
	sue.True("the sound", `window.ivrd.phone.state === "talking" && !window.ivrd.phone.getState().muted`)
	hear([]float64{aliceHz}, []float64{demoHz}, []float64{demoHz, aliceHz})
	h.alice.True("alice to be told", `document.querySelector(".flags")?.textContent.includes("sue")`)

	sue.Click("mode-whisper")
	sue.True("whisper", `document.querySelector('[data-testid="mode-whisper"]').getAttribute("aria-pressed") === "true"`)
	hear([]float64{aliceHz}, []float64{demoHz, sueHz}, []float64{demoHz, aliceHz})

	sue.Click("mode-barge")
	hear([]float64{aliceHz, sueHz}, []float64{demoHz, sueHz}, []float64{demoHz, aliceHz})

	sue.Click("mode-takeover")
	sue.True("no second question", `!document.querySelector('[data-testid="reason"]')`)
	h.caller.Mix(remote, time.Second, voices, sueHz)
	sue.Mix(remote, time.Second, voices, demoHz)
	h.alice.True("the end for alice", `window.ivrd.phone.state === "ready"`)
	h.agentIs("alice", routing.Ready, "") // after her wrap-up, while sue talks

	sue.Click("mode-stop") // she hangs up
	h.caller.Hears(remote, 1100)
	rec := h.ended(1)[0]
	for track, want := range map[string]float64{"caller": demoHz, "agent": aliceHz, "supervisor": sueHz} {
		pcm, _ := h.recording(id, track)
		if got := tone.Heard(pcm, 30, voices...); !slices.Equal(got, []float64{want}) {
			t.Errorf("track %s holds %v, want %v", track, got, want)
		}
	}
	if rec.Agent != "alice" {
		t.Errorf("record: agent %q", rec.Agent)
	}
	h.verify()
}
