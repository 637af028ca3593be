package e2e

import (
	"os"
	"os/exec"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
)

// pageWords: what a caller says to a menu is on the supervisor's monitor while it
// rings, on the desk of the agent who answers, with what is not written down said, and
// after the call on its page, read by an act of its own.
func pageWords(t *testing.T) {
	takeSlot(t)
	s := newScreens(t)
	helper := buildHelper(t)
	h := prepare(t, `calls.numbers={"3000": wanted}`, "speech.recognizer=pocketsphinx", "queues=[{name: payments, ring: 30s, wrap_up: 2s}]")
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	alice := h.deskPage(chromium.Start(t, chromium.Options{Mic: aliceHz}), "alice")
	h.ready(alice)
	sue := h.enterPage(chromium.Start(t, chromium.Options{}), "sue", "/monitor")

	caller := testkit.Start(t, exec.Command(binary, "call", "sip:3000@"+h.sip, "--play", speaks(t, "en-us", "my bill"), "--duration", "10m"))
	alice.Click("ring-answer")
	alice.True("the caller's choice", choice)
	alice.True("what is not written down", `document.querySelector('[data-testid="not-transcribed"]')`)
	id := alice.Text("window.ivrd.phone.callId")
	sue.True("the caller's choice in the list", `document.querySelector('[data-testid="row-words-`+id+`"]')?.textContent.includes("bill")`)
	sue.Click("live-call-" + id)
	sue.True("the caller's choice beside the four modes", choice)
	s.take(alice, "desk-words", true)
	s.take(sue, "monitor-words", false)

	alice.Click("hangup")
	<-caller.Done()
	h.ended(1)
	sue.Go(h.origin() + "/calls/" + id)
	sue.Click("show-words")
	sue.True("the caller's choice in the record", choice)
	s.take(sue, "call-words", false)
	alice.Go(h.origin() + "/calls/" + id)
	alice.True("the choice of her own caller", choice)
	s.report()
	h.verify()
}

// choice is a line that says what the caller chose.
const choice = `document.querySelector('[data-testid="transcript"] .said.caller.choice .what')?.textContent.includes("bill")`
