package api

import (
	"fmt"
	"io/fs"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/routing/memstore"
	"github.com/ivrd/ivrd/transcript"
	"github.com/ivrd/ivrd/web"
)

// finals is a script that notes when each final line came into the document, in
// microseconds of the clock that this process has, too.
const finals = `window.__finals = {};
new MutationObserver(() => {
  for (const line of document.querySelectorAll('.said[data-final="true"]')) {
    window.__finals[line.dataset.testid] ??= Math.round(1000 * (performance.timeOrigin + performance.now()));
  }
}).observe(document, {subtree: true, childList: true, attributes: true, attributeFilter: ['data-final']});`

// liveStage is a stage over real sockets and in real time, with the built pages.
func liveStage(t *testing.T) *stage {
	t.Helper()
	if _, err := fs.Stat(web.Pages(), "index.html"); err != nil {
		testkit.Lacks(t, "the pages are not built (hint: make web)")
	}
	h := &stage{house: build(t, Config{}, identity.Config{}), calls: &statuses{words: map[string][]transcript.Segment{}}}
	h.Statuses, h.Pages = h.calls, web.Pages()
	h.desk = routing.New(routing.Config{Policy: routing.DefaultPolicy(), Changed: h.Changes.Tell, Queues: []routing.Queue{{Name: "cards", Ring: time.Minute, Handle: time.Minute}}}, memstore.New())
	h.Desk = h.desk
	h.desk.Start()
	t.Cleanup(h.desk.Close)
	h.listen()
	t.Cleanup(func() { _ = h.Close() })
	return h
}

// TestWordsReachABrowser: what is said is in a supervisor's page soon after it was
// told, interim words give way to final ones, and masked digits stay masked. The
// time is that from a final segment to the document, as it was on this machine.
func TestWordsReachABrowser(t *testing.T) {
	h := liveStage(t)
	h.set(0, func(s *call.Status) {
		s.State, s.Agent, s.Transcribed = call.Talking, "alice", transcript.CoverageConversation
	})
	page := chromium.Start(t, chromium.Options{}).Open(h.url + "/")
	page.Type("signin-name", "sam")
	page.Type("signin-password", password)
	page.Click("signin-submit")
	page.Click("live-call-" + callID(0))
	h.say(0, saidBy(1, transcript.Caller, "my card is ••••1234"))
	page.True("the first words", `document.querySelector('[data-testid="line-1"]')?.textContent.includes("my card is ••••1234")`)
	page.OnLoad(finals)

	const lines = 80
	told := map[int]int64{}
	pace := time.NewTicker(70 * time.Millisecond)
	defer pace.Stop()
	for seq := 2; seq < 2+lines; seq++ {
		draft := saidBy(seq, transcript.Caller, "wor")
		draft.StartMS, draft.Final = int64(1000*seq), false
		h.say(0, draft)
		<-pace.C
		last := saidBy(seq, transcript.Caller, fmt.Sprintf("words %d", seq))
		last.StartMS = draft.StartMS
		told[seq] = time.Now().UnixMicro()
		h.say(0, last)
		<-pace.C
	}
	page.True("the last words", fmt.Sprintf(`window.__finals["line-%d"]`, 1+lines))

	var seen map[string]int64
	if err := page.Eval("window.__finals", &seen); err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for seq, at := range told {
		name := fmt.Sprintf("line-%d", seq)
		if seen[name] == 0 {
			t.Errorf("%s never came", name)
		}
		took = append(took, time.Duration(seen[name]-at)*time.Microsecond)
	}
	if got := page.Text(`[...document.querySelectorAll(".said .what")].slice(1).map((e) => e.textContent).join("|")`); got != spoken(2, lines) {
		t.Errorf("the page says %s", got)
	}
	slices.Sort(took)
	at := func(share float64) time.Duration {
		return took[int(share*float64(len(took)-1))].Round(time.Millisecond)
	}
	t.Logf("final segment to the document, %d of them: half within %v, 95 %% within %v, all within %v", len(took), at(0.5), at(0.95), at(1))
	if at(0.5) > time.Second {
		t.Errorf("half of the words take more than %v: a second is what people are promised", at(0.5))
	}
}

// spoken are the texts of so many segments.
func spoken(from, n int) string {
	var all string
	for seq := from; seq < from+n; seq++ {
		all += fmt.Sprintf("|words %d", seq)
	}
	return all[1:]
}
