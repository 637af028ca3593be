package e2e

import (
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/chromium"
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

// TestPagesTalk: the demo caller's page calls, waits, alice's desk rings, both
// hear each other's microphone.
func TestPagesTalk(t *testing.T) {
	h := openQueue(t)
	alice := h.deskPage(chromium.Start(t, chromium.Options{Mic: aliceHz}), "alice")
	h.ready(alice)
	caller := chromium.Start(t, chromium.Options{Mic: demoHz}).Open("http://" + h.http + "/phone?raw=1")
	caller.Click("phone-call-1000")
	alice.Click("ring-answer")
	alice.Hears(remote, demoHz)
	caller.Hears(remote, aliceHz)
}
