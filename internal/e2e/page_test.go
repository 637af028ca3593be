package e2e

import (
	"slices"
	"strconv"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/routing"
)

const (
	demoHz  = 425.0 // the demo caller's microphone
	aliceHz = 760.0 // alice's
)

// TestPages are the other tests of pages, two at a time: a browser works as long as it
// hears something. make test has a process of their own for them.
func TestPages(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(*testing.T)
	}{
		{"DoesNotComeBack", pageDoesNotComeBack}, // waits most of its time
		{"Screens", pageScreens},
		{"Killed", pageKilled},
		{"Monitor", pagesMonitor},
		{"Words", pageWords},
		{"Conversation", pageConversation},
		{"Transfer", pagesTransfer},
		{"Keys", pageKeys},
		{"JsSIP", pageOfJsSIP},
		{"BeforePhone", pageBeforePhone},
		{"AndNarrowPhone", pageAndNarrowPhone},
		{"TLS", pagesTLS},
	} {
		t.Run(test.name, test.run)
	}
}

// pageSlots are for the tests whose browsers are busy all the time.
var pageSlots = make(chan struct{}, 2)

// takeSlot waits until a busy test may run; it does until its end.
func takeSlot(t *testing.T) {
	t.Helper()
	t.Parallel()
	pageSlots <- struct{}{}
	t.Cleanup(func() { <-pageSlots })
}

// remote is what a page of ours hears.
const remote = "window.ivrd.phone.remoteStream"

// password is the demo's for its people, and one that is long enough for others.
func password(who string) string {
	if slices.Contains([]string{"alice", "bob", "sue"}, who) {
		return "demo"
	}
	return "the password of " + who
}

// signInBy signs a person in by the page itself, which opens their first page.
func (h *house) signInBy(b *chromium.Browser, who, path string) *chromium.Page {
	h.t.Helper()
	p := b.Open(h.origin() + "/?raw=1")
	p.Type("signin-name", who)
	p.Type("signin-password", password(who))
	p.Click("signin-submit")
	p.True("the first page of "+who, "location.pathname === "+strconv.Quote(path))
	return p
}

// enterPage is signInBy for somebody who is not in a call yet.
func (h *house) enterPage(b *chromium.Browser, who, path string) *chromium.Page {
	h.t.Helper()
	p := h.signInBy(b, who, path)
	p.True("the phone of "+who, `window.ivrd?.phone?.state === "ready"`)
	return p
}

// deskPage opens an agent's desk.
func (h *house) deskPage(b *chromium.Browser, who string) *chromium.Page {
	h.t.Helper()
	return h.enterPage(b, who, "/agent")
}

// callerPage opens the page of the demo's callers.
func (h *house) callerPage(b *chromium.Browser) *chromium.Page {
	h.t.Helper()
	return b.Open(h.origin() + "/phone?raw=1")
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
	return talkIn(openQueue(t, sets...), chromium.Options{})
}

// talkIn is talkingPages in a house that is open.
func talkIn(h *house, o chromium.Options) *pages {
	h.t.Helper()
	mic := func(hertz float64) *chromium.Browser {
		o.Mic = hertz
		return chromium.Start(h.t, o)
	}
	p := &pages{house: h, desks: mic(aliceHz), callers: mic(demoHz)}
	p.alice = h.deskPage(p.desks, "alice")
	h.ready(p.alice)
	p.caller = h.callerPage(p.callers)
	p.caller.Click("phone-call-1000")
	p.alice.Click("ring-answer")
	p.both()
	return p
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

	second := h.desks.Open(h.origin() + "/agent?raw=1")
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
	for _, l := range rec.Legs { // one for each time that the desk was rung
		if l.Codec != "G722" {
			t.Errorf("the %s spoke %s: two pages have wideband between them", l.Party, l.Codec)
		}
	}
	h.verify()
}
