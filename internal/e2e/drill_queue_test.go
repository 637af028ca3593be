//go:build drill

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// The tones of callers in the queue tell agents what they want.
const (
	stays  = 440.0 // to be hung up on
	leaves = 400.0 // to hang up
)

const (
	deskAgent   = "grace"
	drillTalk   = 4 * time.Second
	drillPause  = 5                      // calls after which an agent takes a break
	drillRings  = 400 * time.Millisecond // so that the caller hears music
	reloadEvery = 30 * time.Second
	longestGap  = time.Second // in which an agent on a phone may not be heard
)

// drillAgent is an agent of the queue.
type drillAgent struct {
	name   string
	freq   float64
	phone  *exchange // nil: a page
	client *http.Client
	now    atomic.Pointer[telephone] // whom they talk to
}

// openQueue brings the agents who have phones, and the supervisor's phone.
func (d *drill) openQueue() {
	d.house.t.Helper()
	for i, name := range []string{"dave", "erin", "frank", deskAgent} {
		d.house.user(password(name)+"\n", "add", name, "--role", "agent", "--group", "payments")
		a := &drillAgent{name: name, freq: aliceHz, client: d.house.signInAs(name, password(name))}
		if name != deskAgent {
			a.freq = float64(1040 + 200*i)
			a.phone = d.house.agent(name, a.freq)
			a.phone.handler.rings = drillRings
		}
		d.agents = append(d.agents, a)
	}
	d.supervisor.phone = d.house.agent("sue", sueTone)
}

// wish asks for a state as the agent themselves. It may take until the end of an
// outage.
func (d *drill) wish(a *drillAgent, state, reason string) error {
	body := fmt.Sprintf(`{"state":%q,"reason":%q}`, state, reason)
	for limit := time.Now().Add(2 * outageLength); ; <-time.After(time.Second) {
		status, err := d.ask(a.client, http.MethodPut, "/api/v1/agents/"+a.name+"/state", body)
		switch {
		case err != nil:
			return err
		case status == http.StatusNoContent:
			return nil
		case status != http.StatusServiceUnavailable || time.Now().After(limit):
			return fmt.Errorf("%s wishes to be %s: %d", a.name, state, status)
		}
		d.count("wishes refused")
	}
}

// ask sends JSON and returns the status.
func (d *drill) ask(client *http.Client, method, path, body string) (status int, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, d.house.origin()+path, strings.NewReader(body))
	if err != nil {
		return 0, err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	return res.StatusCode, res.Body.Close()
}

// works takes calls until the drill is over. The page works by itself, see answers.
func (d *drill) works(a *drillAgent) {
	if err := d.wish(a, "ready", ""); err != nil {
		d.fail("%v", err)
	}
	if a.phone == nil {
		return
	}
	for i := 1; ; i++ {
		select {
		case <-d.quit:
			return
		case c := <-a.phone.handler.calls:
			if err := d.serve(a, c); err != nil {
				d.fail("%s: %v", a.name, err)
			}
		}
		if i%drillPause != 0 {
			continue
		}
		if err := errors.Join(d.wish(a, "away", "break"), d.wish(a, "ready", "")); err != nil {
			d.fail("%v", err)
		}
		d.count("breaks")
	}
}

// serve is one talk of an agent on a phone.
func (d *drill) serve(a *drillAgent, c *telephone) error {
	a.now.Store(c)
	defer a.now.Store(nil)
	heard, err := c.waitsAny(patience, stays, leaves)
	if err != nil {
		select {
		case <-c.over: // the caller had left when the agent answered
			d.count("answered in vain")
			return nil
		default:
			c.leg.End(leg.CallerHangup)
			return err
		}
	}
	if heard == stays {
		<-time.After(drillTalk)
		c.leg.End(leg.CallerHangup)
	}
	select {
	case <-c.over:
		return nil
	case <-time.After(2 * time.Minute):
		c.leg.End(leg.CallerHangup)
		return errors.New("the caller did not hang up")
	}
}

// queued is a call to the queue.
func (d *drill) queued(c *telephone, i int) (kind string, err error) {
	says := stays
	kind = "queue, hung up on"
	if i%2 == 1 {
		says, kind = leaves, "queue, hangs up"
	}
	c.say(says)
	if err := c.waits(500, 600); err != nil {
		return kind, err
	}
	if i%8 == 7 {
		c.leg.End(leg.CallerHangup)
		return "queue, gives up", c.waitsEnd(leg.CallerHangup)
	}
	music := c.at
	voices := []float64{1700} // too late
	for _, a := range d.agents {
		voices = append(voices, a.freq)
	}
	heard, err := c.waitsAny(patience+5*time.Second, voices...)
	if err != nil {
		return kind, err
	}
	if heard == 1700 {
		return kind, errors.New("no agent in time")
	}
	d.mu.Lock()
	d.waits = append(d.waits, media.Time(c.at-music).Duration())
	d.mu.Unlock()
	a := d.agents[slices.IndexFunc(d.agents, func(a *drillAgent) bool { return a.freq == heard })]
	if a.phone == nil {
		return kind + ", desk", d.atDesk(c, says)
	}
	if says == leaves && d.supervisor.enter() {
		defer d.supervisor.leave()
		return kind + ", monitored", d.monitored(c, a)
	}
	return kind, d.talks(c, a, says)
}

// talks hears an agent on a phone, and nobody else, until the end.
func (d *drill) talks(c *telephone, a *drillAgent, says float64) error {
	begun := c.at
	<-time.After(drillTalk / 2)
	pcm := c.ear.sound()[begun:]
	if heard := tone.Heard(pcm, 25, d.everybody()...); !slices.Equal(heard, []float64{a.freq}) {
		return fmt.Errorf("%v was heard, want %v; %s", heard, a.freq, c.ear.story())
	}
	gap := time.Duration(0)
	for _, g := range tone.Gaps(pcm, -40, media.FrameDuration) {
		gap = max(gap, g.To-g.From)
	}
	d.mu.Lock()
	d.gaps = append(d.gaps, gap)
	d.mu.Unlock()
	if gap > longestGap {
		return fmt.Errorf("nothing was heard for %v; %s", gap, c.ear.story())
	}
	return c.parts(says)
}

// everybody are the tones of all who could be heard in a talk, and the music.
func (d *drill) everybody() []float64 {
	all := []float64{600, stays, leaves, 1400, sueTone}
	for _, a := range d.agents {
		all = append(all, a.freq)
	}
	return all
}

// parts hangs up, or waits until the agent has.
func (c *telephone) parts(says float64) error {
	if says == leaves {
		c.leg.End(leg.CallerHangup)
		return c.waitsEnd(leg.CallerHangup)
	}
	if err := c.waits(1100); err != nil {
		return err
	}
	return c.waitsEnd(leg.AgentHangup)
}

// waitsAny hears the first of some tones.
func (c *telephone) waitsAny(limit time.Duration, freqs ...float64) (float64, error) {
	for end := time.Now().Add(limit); ; {
		pcm, next := c.ear.sound(), 0
		first, which := -1, 0.0
		for _, f := range freqs {
			at, found := find(pcm, c.at, f)
			next = at
			if found && (first < 0 || at < first) {
				first, which = at, f
			}
		}
		if first >= 0 {
			c.at = first
			return which, nil
		}
		c.at = next
		select {
		case <-c.over:
			return 0, fmt.Errorf("the call ended (%s) before any of %v Hz was heard, but %s", c.reason, freqs, c.ear.story())
		case <-time.After(media.FrameDuration):
		}
		if time.Now().After(end) {
			return 0, fmt.Errorf("none of %v Hz was heard within %v, but %s; %+v", freqs, limit, c.ear.story(), c.leg.Stream().Stats())
		}
	}
}

// loses waits until a tone is not heard for 100 ms, from a sample on, and returns
// where that is.
func (c *telephone) loses(from int, freqHz float64) (int, error) {
	const window = media.SampleRate / 10
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(media.FrameDuration) {
		for pcm := c.ear.sound(); from+window <= len(pcm); from += window / 2 {
			if tone.Level(pcm[from:from+window], freqHz) < -40 {
				return from, nil
			}
		}
	}
	return 0, fmt.Errorf("%v Hz did not end; %s", freqHz, c.ear.story())
}

// drillDesk is the desk in a browser. Whoever talks to its agent moves the page:
// it has one call at a time.
type drillDesk struct {
	browser *chromium.Browser
	page    *chromium.Page

	mu       sync.Mutex // of a talk
	reloaded time.Time
	back     []time.Duration // how long callers did not hear the agent
}

// answers is a script that clicks when it has rung a little, as a person does.
const answers = `(() => {
  let rung = 0;
  setInterval(() => {
    const b = document.querySelector('[data-testid="ring-answer"]');
    if (!b || b.disabled) { rung = 0; return }
    if (++rung % 20 === 3) b.click();
  }, 100);
})()`

// aside lets a browser run behind the server, as if it were on another machine:
// root's Chromium gives its sound precedence over everything else.
func aside() []string {
	wrap := []string{"nice", "-n", "10"}
	if os.Geteuid() == 0 {
		wrap = append([]string{"setpriv", "--bounding-set", "-sys_nice"}, wrap...)
	}
	return wrap
}

// openPages opens the desk and the events.
func (d *drill) openPages() {
	d.house.t.Helper()
	browser := chromium.Start(d.house.t, chromium.Options{Mic: aliceHz, Wrap: aside()})
	page := d.house.deskPage(browser, deskAgent)
	page.OnLoad(answers)
	d.desk = &drillDesk{browser: browser, page: page, reloaded: time.Now().Add(-reloadEvery / 2)}
	d.events = d.followEvents()
}

// closePages looks for calls that the events have not let go.
func (d *drill) closePages() {
	d.house.t.Helper()
	d.events.close(d.house.t)
	d.desk.browser.Kill()
}

// atDesk is a talk with the agent in the browser.
func (d *drill) atDesk(c *telephone, says float64) error {
	d.desk.mu.Lock()
	defer d.desk.mu.Unlock()
	if err := d.desk.hears(says); err != nil {
		return err
	}
	if time.Since(d.desk.reloaded) > reloadEvery {
		if err := d.desk.reload(c); err != nil {
			return err
		}
		if err := d.desk.hears(says); err != nil {
			return fmt.Errorf("after a reload: %w", err)
		}
	}
	<-time.After(drillTalk / 2)
	if says == stays {
		if err := d.desk.page.Eval(`document.querySelector('[data-testid="hangup"]').click()`, nil); err != nil {
			return err
		}
	}
	return c.parts(says)
}

// hears waits until the page hears a caller.
func (k *drillDesk) hears(freqHz float64) error {
	run, hz, db := 0, 0.0, 0.0
	for end := time.Now().Add(patience); time.Now().Before(end); <-time.After(50 * time.Millisecond) {
		if hz, db = k.page.Sound(remote); hz < freqHz-15 || hz > freqHz+15 || db < -70 {
			run = 0
		} else if run++; run == 3 {
			return nil
		}
	}
	return fmt.Errorf("the desk hears %.0f Hz at %.0f dB, want %v Hz; its phone is %s", hz, db, freqHz, k.page.Text("window.ivrd?.phone?.state"))
}

// reload loads the page again in a call: the caller must hear its agent again.
func (k *drillDesk) reload(c *telephone) error {
	at := len(c.ear.sound())
	k.page.Reload()
	k.reloaded = time.Now()
	quiet, err := c.loses(at, aliceHz)
	if err != nil {
		return err
	}
	c.at = quiet
	if err := c.waits(aliceHz); err != nil {
		return fmt.Errorf("after a reload: %w", err)
	}
	k.back = append(k.back, media.Time(c.at-at).Duration())
	return nil
}
