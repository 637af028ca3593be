package e2e

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/routing"
)

// screens takes pictures of the pages and looks for what keeps people from using
// them.
type screens struct {
	t    *testing.T
	dir  string // for the pictures
	axe  string // the script of axe-core
	bad  map[string][]string
	runs int
}

// newScreens puts the pictures where IVRD_SCREENS says.
func newScreens(t *testing.T) *screens {
	t.Helper()
	axe, err := os.ReadFile(webModules + "axe-core/axe.min.js")
	if err != nil {
		testkit.Lacks(t, "the packages of the pages are not installed (hint: make web)")
	}
	dir := os.Getenv("IVRD_SCREENS")
	if dir == "" {
		dir = t.TempDir()
	}
	return &screens{t: t, dir: dir, axe: string(axe), bad: map[string][]string{}}
}

// view is how somebody sees a page.
type view struct {
	width, height int
	language      string // of the page, as in its lang
	dark          bool
}

func (v view) String() string {
	scheme := "light"
	if v.dark {
		scheme = "dark"
	}
	return fmt.Sprintf("%s-%s-%dx%d", v.language[:2], scheme, v.width, v.height)
}

// views are all that are looked at; the dark ones are there for what people look
// at all day.
func views(dark bool) (all []view) {
	schemes := []bool{false}
	if dark {
		schemes = append(schemes, true)
	}
	for _, d := range schemes {
		for _, language := range []string{"en", "zh-CN"} {
			for _, size := range [][2]int{{1280, 800}, {1024, 768}, {390, 844}} {
				all = append(all, view{size[0], size[1], language, d})
			}
		}
	}
	return all
}

// take takes all pictures of a page that shows what it should.
func (s *screens) take(p *chromium.Page, name string, dark bool) {
	s.t.Helper()
	for _, v := range views(dark) {
		p.Size(v.width, v.height)
		p.Dark(v.dark)
		if p.Text("document.documentElement.lang") != v.language {
			p.Click("language")
			p.True(v.language, fmt.Sprintf("document.documentElement.lang === %q", v.language))
		}
		p.Drawn()
		p.Screenshot(filepath.Join(s.dir, name+"-"+v.String()+".png"))
		s.check(p, name, v)
	}
	p.Click("language") // English again
}

// check looks for what axe-core calls serious or critical, and for what is out
// of sight. What axe-core finds depends on the language least.
func (s *screens) check(p *chromium.Page, name string, v view) {
	s.t.Helper()
	if p.Text("document.documentElement.scrollWidth > innerWidth") == "true" {
		s.found(name, v, "wider than the window: "+p.Text(`[...document.querySelectorAll('body *')].filter((e) => e.getBoundingClientRect().right > innerWidth + 1).map((e) => e.tagName + '.' + e.className).slice(0, 5).join(' ')`))
	}
	if v.language != "en" && v.width != 390 {
		return
	}
	if p.Text("typeof axe") != "object" {
		p.Must(s.axe)
	}
	var violations []struct {
		Rule, Impact, Target, Why string
	}
	err := p.Eval(`axe.run(document, {resultTypes: ['violations']}).then(({violations}) => violations
		.filter((v) => v.impact === 'serious' || v.impact === 'critical')
		.flatMap((v) => v.nodes.map((n) => ({Rule: v.id, Impact: v.impact, Target: n.target.join(' '), Why: n.failureSummary}))))`, &violations)
	if err != nil {
		s.t.Fatal(err)
	}
	s.runs++
	for _, x := range violations {
		s.found(name, v, fmt.Sprintf("%s %s at %s: %s", x.Impact, x.Rule, x.Target, strings.Join(strings.Fields(x.Why), " ")))
	}
}

func (s *screens) found(name string, v view, what string) {
	what = name + ": " + what
	s.bad[what] = append(s.bad[what], v.String())
}

// report fails the test for each fault once.
func (s *screens) report() {
	s.t.Helper()
	for _, what := range slices.Sorted(maps.Keys(s.bad)) {
		s.t.Errorf("%s (in %s)", what, strings.Join(s.bad[what], ", "))
	}
	s.t.Logf("axe-core looked %d times", s.runs)
}

// pageScreens: every page with what a running server shows it, in both languages,
// on a desk, on a small screen and on a telephone.
func pageScreens(t *testing.T) {
	takeSlot(t)
	s := newScreens(t)
	h := open(t, `calls.numbers={"1000": queue}`, "flows.dir="+patientFlows(t),
		"queues=[{name: payments, ring: 2m, wrap_up: 5m}, {name: fraud, ring: 20s, wrap_up: 1m}]")
	x := newExchange(t)
	for range 3 { // who does not wait
		c := x.call("sip:1000@" + h.sip)
		c.hears(t, 500)
		c.close()
	}
	phone := chromium.Start(t, chromium.Options{Mic: demoHz}).Open(h.origin() + "/phone?raw=1")
	phone.True("the phone", `window.ivrd?.phone?.state === "ready"`)
	s.take(phone, "phone", false)

	desks := chromium.Start(t, chromium.Options{Mic: aliceHz})
	front := desks.Open(h.origin() + "/")
	front.True("the people", `document.querySelector('[data-testid="signin-as-alice"]')`)
	s.take(front, "signin", false)
	front.Close()

	alice := h.deskPage(desks, "alice")
	h.ready(alice)
	h.agentIs("alice", routing.Ready, "")
	s.take(alice, "desk-idle", true)
	phone.Click("phone-call-1000")
	alice.True("the ring", `document.querySelector('[data-testid="ring-answer"]')`)
	s.take(alice, "desk-ringing", true)
	alice.Click("ring-answer")
	alice.Hears(remote, demoHz)
	s.take(alice, "desk-talking", true)
	alice.Click("transfer")
	alice.True("the queues", `document.querySelector('[data-testid="transfer-queue-fraud"]')`)
	s.take(alice, "desk-transfer", false)
	s.take(phone, "phone-talking", false)

	waits := x.call("sip:1000@" + h.sip)
	waits.hears(t, 500)
	id := alice.Text("window.ivrd.phone.callId")
	sue := h.enterPage(chromium.Start(t, chromium.Options{Mic: sueHz}), "sue", "/monitor")
	sue.Click("live-call-" + id)
	sue.Click("mode-listen")
	sue.Type("reason", "complaint")
	s.take(sue, "monitor-reason", false)
	sue.Click("reason-go")
	sue.True("the sound", `window.ivrd.phone.state === "talking"`)
	s.take(sue, "monitor", false)

	alice.Click("hangup")
	alice.True("the wrap-up", `document.querySelector('[data-testid="wrapup"]')`)
	waits.close()
	alice.Click("disposition")
	alice.Choose("[role=option]", "Resolved")
	alice.Type("notes", "Asked for the balance of 6222021234.")
	s.take(alice, "desk-wrapup", true)
	alice.Click("wrapup-done")
	h.agentIs("alice", routing.Ready, "")

	h.ended(5)
	sue.Go(h.origin() + "/calls")
	sue.Click("call-row-" + id)
	sue.True("the call", `location.pathname.endsWith("`+id+`")`)
	sue.Click("play")
	sue.True("the tracks", `document.querySelector('[data-testid="track-caller"]') && document.querySelector('[data-testid="track-agent"]')`)
	s.take(sue, "call", false)
	sue.Go(h.origin() + "/calls")
	sue.True("the calls", `document.querySelector('[data-testid="call-row-`+id+`"]')`)
	s.take(sue, "calls", false)
	s.report()
	h.verify()
}

// patientFlows are the test flows with callers who wait as long as pictures take.
func patientFlows(t *testing.T) string {
	t.Helper()
	flow, err := os.ReadFile("testdata/flows/queue.yaml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "queue.yaml"), []byte(strings.ReplaceAll(string(flow), "timeout: 20s", "timeout: 10m")), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}
