package e2e

import (
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/leg"
)

// pageKeys: the demo's caller goes through the menu of the demo, as it is
// shipped, with the keys of the page: a balance for an account and a PIN, which
// are nowhere kept.
func pageKeys(t *testing.T) {
	takeSlot(t)
	h := open(t, "flows.dir=", "flows.prompts=", "speech.engine=none", `calls.numbers={"1000": main, "echo": echo}`)
	caller := h.callerPage(chromium.Start(t, chromium.Options{Mic: demoHz}))
	caller.Click("phone-call-1000")
	// at waits until the flow is at a node and speaks, and presses keys into that.
	at := func(node, keys string) {
		t.Helper()
		testkit.Eventually(t, patience, "the flow to be at "+node, each(block, func() bool {
			for _, c := range h.calls("state=live") {
				return strings.HasSuffix(path(c), node)
			}
			return false
		}))
		caller.True("a voice", `window.ivrd.phone.state === "talking"`)
		caller.Speaks(remote)
		for _, k := range keys {
			caller.Click("phone-key-" + string(k))
		}
	}
	at("language", "1")
	at("top", "1")
	at("account", demoAccount+"#")
	at("pin", demoPIN)
	at("anything_else", "9")
	rec := h.ended(1)[0]
	if got, want := path(rec), "welcome language notice top begin_balance account pin balance tell_balance anything_else goodbye"; got != want || rec.End != leg.FlowHangup {
		t.Errorf("record: path %s, end %s", got, rec.End)
	}
	caller.True("the end", `window.ivrd.phone.state === "ready"`)
	left, _ := h.recording(rec.ID, "")
	h.hearsAll("left", left, demoHz)
	h.verify()
	h.keptSecret(demoAccount, demoPIN)
}
