package e2e

import (
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/routing"
)

const (
	demoHz  = 425.0 // the demo caller's microphone
	aliceHz = 640.0 // alice's
)

// remote is what a page of ours hears.
const remote = "window.ivrd.phone.remoteStream"

// desk opens alice's desk: signed in by the page itself, and ready.
func (h *house) deskPage(b *chromium.Browser, who string) *chromium.Page {
	h.t.Helper()
	p := b.Open("http://" + h.http + "/?raw=1")
	p.Type("signin-name", who)
	p.Type("signin-password", "demo")
	p.Click("signin-submit")
	p.True("the desk", `location.pathname === "/agent"`)
	p.True("the desk's phone", `window.ivrd?.phone?.state === "ready"`)
	return p
}

func (h *house) ready(p *chromium.Page) {
	h.t.Helper()
	p.Click("agent-state")
	p.Click("state-ready")
}

// pages are a caller's page and alice's desk that talk to each other.
type pages struct {
	*house

	alice, caller  *chromium.Page
	desks, callers *chromium.Browser
}

// talkingPages lets the demo caller's page call, wait, and alice answer.
func talkingPages(t *testing.T, sets ...string) *pages {
	t.Helper()
	h := &pages{house: openQueue(t, sets...)}
	h.desks, h.callers = chromium.Start(t, chromium.Options{Mic: aliceHz}), chromium.Start(t, chromium.Options{Mic: demoHz})
	h.alice = h.deskPage(h.desks, "alice")
	h.ready(h.alice)
	h.caller = h.callers.Open("http://" + h.http + "/phone?raw=1")
	h.caller.Click("phone-call-1000")
	h.alice.Click("ring-answer")
	h.both()
	return h
}

// both waits until the two hear each other's microphone.
func (h *pages) both() {
	h.t.Helper()
	h.alice.Hears(remote, demoHz)
	h.caller.Hears(remote, aliceHz)
}

// TestPagesTalk: the demo caller's page calls, waits, alice's desk rings, both
// hear each other's microphone; mute and hold; a reload, and another tab, bring
// the call back; the recording holds each voice.
func TestPagesTalk(t *testing.T) {
	h := talkingPages(t)
	h.alice.Click("mute")
	h.caller.Hears(remote, 0)
	h.alice.Hears(remote, demoHz)
	h.alice.Click("mute")
	h.both()
	h.alice.Click("hold")
	h.caller.Hears(remote, 600) // the music
	h.alice.Hears(remote, 0)
	h.alice.Click("hold")
	h.both()

	h.alice.Reload()
	h.alice.True("the call to be back", `window.ivrd?.phone?.state === "talking"`)
	h.both()

	second := h.desks.Open("http://" + h.http + "/agent?raw=1")
	second.Click("move-here")
	second.True("the call to be here", `window.ivrd?.phone?.state === "talking"`)
	h.alice.True("the old tab to say where the sound is", `document.querySelector('[data-testid="sound-elsewhere"]')`)
	second.Hears(remote, demoHz)
	h.caller.Hears(remote, aliceHz)

	beside := h.desks.Open("http://" + h.http + "/phone?raw=1") // with alice's cookie
	beside.Click("phone-call-echo")
	beside.Hears(remote, aliceHz)
	beside.Close()

	second.Click("hangup")
	h.caller.Hears(remote, 1100)
	h.agentIs("alice", routing.WrapUp, "")
	second.True("the wrap-up", `document.querySelector('[data-testid="wrapup"]')`)
	rec := h.ended(2)[0]
	if rec.Queue == "" { // the echo's is the other
		rec = h.ended(2)[1]
	}
	left, right := h.recording(rec.ID, "")
	h.hearsAll("left", left, demoHz)
	h.hearsAll("right", right, 600, aliceHz, 600, aliceHz, 600, aliceHz, 1100)
	h.verify()
}
