//go:build drill

package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/sqlitedb"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
)

const (
	drillCallers = 30               // at once, besides those who speak
	drillQueued  = 6                // of these call the queue
	drillEvery   = 2 * time.Second  // a search and a sign-in
	outageEvery  = 2 * time.Minute  // of the database; in a short drill one in the middle
	outageLength = 15 * time.Second // longer than a writer waits (5 s)
)

// TestDrill is everything together for IVRD_DRILL (10m): callers in menus, at
// secrets, leaving messages, connected to a phone; callers in a queue, agents on
// phones and one in a browser that is reloaded, a supervisor, a page of events;
// callers who answer a menu in words, and talks that are written down; searches and
// sign-ins; a database that cannot be written now and then, and engines of speech that
// die. No call that was taken is lost.
func TestDrill(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("IVRD_DRILL"))
	if err != nil {
		t.Fatal("IVRD_DRILL says for how long (hint: make drill)")
	}
	d := &drill{exchange: newExchange(t), helper: buildHelper(t), wishes: wishes(t), calls: map[string]int{}, setups: map[string][]time.Duration{}, counts: map[string]int{}, quit: make(chan struct{})}
	h := prepare(t, "log.level=info", "media.ports=20000-23999", `calls.numbers={"1000": tones, "2000": queue, "3000": spoken}`, "queues=[{name: payments, ring: 10s, wrap_up: 1s}]",
		fmt.Sprintf("speech.recognizers=[{kind: pocketsphinx}, {name: clerk, kind: vosk, url: %q, languages: [en]}]", d.openClerk(t)))
	h.wrap = []string{"env", "PATH=" + d.helper + ":" + os.Getenv("PATH")}
	h.start()
	d.house = h
	alice := h.agent("alice", 1400)
	go func() {
		for range alice.handler.calls { // she talks to whoever calls
		}
	}()
	t.Cleanup(func() { d.keepLog() })
	d.openQueue()
	d.said = d.sayings()
	before := h.settled()
	d.openPages()
	cpu := h.metrics()["process_cpu_seconds_total"]
	d.end = time.Now().Add(length)
	d.run()
	d.closePages()
	cpu = h.metrics()["process_cpu_seconds_total"] - cpu
	d.report(cpu, length)
	testkit.Eventually(t, 30*time.Second, fmt.Sprintf("%d records", d.taken), func() bool { return h.countEnded() == d.taken })
	h.nothingLeft(before)
	d.checkWords()
	h.verify()
}

// keepLog writes all that the server has said to a file that is not deleted, when
// the drill has failed.
func (d *drill) keepLog() {
	t := d.house.t
	if !t.Failed() {
		return
	}
	path := filepath.Join(os.TempDir(), fmt.Sprintf("ivrd-drill-%d.log", os.Getpid()))
	if err := os.WriteFile(path, []byte(d.house.process.Output()), 0o600); err != nil {
		t.Error(err)
	}
	t.Logf("the server's log is in %s", path)
}

// run returns when the last call is over.
func (d *drill) run() {
	var callers, others sync.WaitGroup
	for i := range drillCallers + drillSpeakers {
		callers.Go(func() { d.caller(i) })
	}
	for _, a := range d.agents {
		others.Go(func() { d.works(a) })
	}
	others.Go(d.office)
	others.Go(d.outages)
	others.Go(d.deaths)
	others.Go(d.watch)
	callers.Wait()
	close(d.quit)
	others.Wait()
}

// countEnded counts the ended calls that were answered.
func (h *house) countEnded() int {
	h.t.Helper()
	n := 0
	for _, c := range h.allEnded() {
		if !c.AnsweredAt.IsZero() {
			n++
		}
	}
	return n
}

// allEnded pages through the ended calls.
func (h *house) allEnded() (all []recordings.Call) {
	h.t.Helper()
	cursor := ""
	for {
		status, body := h.api("/api/v1/calls?state=ended&limit=500&cursor=" + cursor)
		var page struct {
			Calls []recordings.Call `json:"calls"`
			Next  string            `json:"next_cursor"`
		}
		if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
			h.t.Fatalf("list calls: %d %v", status, err)
		}
		all = append(all, page.Calls...)
		if cursor = page.Next; cursor == "" {
			return all
		}
	}
}

type drill struct {
	house    *house
	exchange *exchange
	end      time.Time

	agents     []*drillAgent // those of the queue
	desk       *drillDesk    // one of them works by a page
	supervisor supervisor
	events     *drillEvents
	quit       chan struct{} // closed after the last call

	helper string             // where the recognizer of menus is
	wishes []wish             // of who answers menus in words
	said   map[float64]string // what the clerk writes down
	strike atomic.Int64

	mu       sync.Mutex
	taken    int
	calls    map[string]int             // that were taken, by kind
	setups   map[string][]time.Duration // INVITE to answer, by number
	requests []time.Duration
	waits    []time.Duration // from the first music until an agent is heard
	gaps     []time.Duration // the longest time of each talk in which the agent was not heard
	counts   map[string]int  // of whatever else there was
	lateness []float64       // p99 over 5 s, as sampled
	talked   time.Duration
}

func (d *drill) over() bool { return time.Now().After(d.end) }

func (d *drill) fail(format string, args ...any) {
	d.house.t.Helper()
	d.house.t.Errorf(format, args...)
}

// count notes that something has happened.
func (d *drill) count(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.counts[what]++
}

// caller calls again and again.
func (d *drill) caller(n int) {
	number, visit := "1000", d.visit
	switch {
	case n < drillQueued:
		number, visit = "2000", d.queued
	case n >= drillCallers:
		number, visit = "3000", d.spoken
	}
	for i := n; !d.over(); i++ {
		begun := time.Now()
		c, err := d.exchange.dial("sip:" + number + "@" + d.house.sip)
		if err != nil {
			d.refusal(err)
			<-time.After(time.Second)
			continue
		}
		d.mu.Lock()
		d.setups[number] = append(d.setups[number], time.Since(begun))
		d.mu.Unlock()
		d.hold(c, n, func() (string, error) { return visit(c, i) })
	}
}

// hold is one call of a caller from its answer on.
func (d *drill) hold(c *telephone, n int, visit func() (kind string, err error)) {
	answered := time.Now()
	defer c.close()
	kind, err := visit()
	if err != nil {
		d.fail("caller %d, %s, at %s: %v", n, kind, time.Now().Format(time.TimeOnly), err)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken++
	d.calls[kind]++
	d.talked += time.Since(answered)
}

// refusal is right only while the database cannot be written.
func (d *drill) refusal(err error) {
	d.count("calls refused")
	if !strings.Contains(err.Error(), "503") {
		d.fail("refused: %v", err)
	}
}

// visit is a call without a queue.
func (d *drill) visit(c *telephone, i int) (kind string, err error) {
	c.say(440)
	if err := c.waits(500, 700); err != nil {
		return "menu", err
	}
	switch i % 4 {
	case 0:
		return "listening", c.listens()
	case 1:
		return "message", c.leavesMessage()
	case 2:
		return "secret", c.presses("1", 900, "4711", 1100, 700)
	}
	// alice, who is one for all: busy does not happen, she takes many
	if err := c.presses("2", 1400); err != nil {
		return "connected", err
	}
	<-time.After(5 * time.Second)
	c.leg.End(leg.CallerHangup)
	return "connected", c.waitsEnd(leg.CallerHangup)
}

// presses keys and hears tones, in turn.
func (c *telephone) presses(script ...any) error {
	for _, step := range script {
		var err error
		switch step := step.(type) {
		case string:
			err = c.leg.Stream().SendDigits(step)
		case int:
			err = c.waits(float64(step))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// office searches, signs in and plays back.
func (d *drill) office() {
	for i := 0; !d.over(); i++ {
		<-time.After(drillEvery)
		begun := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		d.get(ctx, "/api/v1/calls?state=ended&limit=100")
		d.signIn(ctx)
		d.mu.Lock()
		d.requests = append(d.requests, time.Since(begun))
		d.mu.Unlock()
		cancel()
	}
}

func (d *drill) get(ctx context.Context, path string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+d.house.http+path, nil)
	if err != nil {
		d.fail("%v", err)
		return
	}
	res, err := d.house.client.Do(req)
	if err != nil {
		d.fail("get %s: %v", path, err)
		return
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
		d.fail("get %s: %s", path, res.Status)
	}
}

// signIn may be refused while its audit entry cannot be written.
func (d *drill) signIn(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+d.house.http+"/api/v1/login", strings.NewReader(`{"username":"alice","password":"demo"}`))
	if err != nil {
		d.fail("%v", err)
		return
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.fail("sign in: %v", err)
		return
	}
	_ = res.Body.Close()
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
		d.fail("sign in: %s", res.Status)
	}
}

// outages hold the database's write lock, as a stuck backup would.
func (d *drill) outages() {
	pause := min(outageEvery, time.Until(d.end)/2)
	for i := 0; !d.over(); i++ {
		select {
		case <-time.After(pause):
		case <-time.After(time.Until(d.end)):
			return
		}
		d.count("outages")
		if err := d.lock(outageLength); err != nil {
			d.fail("outage %d: %v", i, err)
		}
	}
}

func (d *drill) lock(length time.Duration) error {
	db, err := sqlitedb.Open(context.Background(), sqlitedb.Config{Path: filepath.Join(d.house.data, "ivrd.db"), Module: "drill", Migrations: os.DirFS("testdata/drill")})
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	defer db.Close()
	return db.Write(context.Background(), func(*sql.Tx) error {
		<-time.After(length)
		return nil
	})
}

// watch samples how late the media ran.
func (d *drill) watch() {
	for !d.over() {
		<-time.After(2 * time.Second)
		late := d.house.metrics()["ivrd_media_lateness_p99_seconds"]
		d.mu.Lock()
		d.lateness = append(d.lateness, late)
		d.mu.Unlock()
	}
}

// report prints the figures for docs/benchmarks.md.
func (d *drill) report(cpu float64, length time.Duration) {
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.house.t
	slices.Sort(d.lateness)
	over := 0
	for _, l := range d.lateness {
		if l > 0.005 {
			over++
		}
	}
	at := func(p float64) float64 {
		return 1e3 * d.lateness[min(len(d.lateness)-1, int(p*float64(len(d.lateness))))]
	}
	t.Logf("%v: %d calls taken, %.1f at once on average", length, d.taken, d.talked.Seconds()/length.Seconds())
	t.Logf("by kind: %s", listed(d.calls))
	t.Logf("besides: %s", listed(d.counts))
	t.Logf("INVITE to answer, menu: %s", spread(d.setups["1000"]))
	t.Logf("INVITE to answer, queue: %s", spread(d.setups["2000"]))
	t.Logf("music until an agent was heard: %s", spread(d.waits))
	t.Logf("longest gap in what an agent on a phone was heard to say, of each talk: %s", spread(d.gaps))
	t.Logf("reload until the caller heard the desk again: %s", spread(d.desk.back))
	t.Logf("monitor asked for until the supervisor heard both: %s", spread(d.supervisor.heard))
	t.Logf("events: %s; longest time between two ticks %v", listed(d.events.counts), d.events.longest.Round(time.Millisecond))
	t.Logf("media lateness, p99 over 5 s: median %.2f ms, p95 %.2f ms, max %.2f ms; over 5 ms in %d of %d samples", at(.5), at(.95), at(1), over, len(d.lateness))
	t.Logf("search and sign-in together: %s", spread(d.requests))
	t.Logf("speech: %s", d.speechMetrics())
	t.Logf("server CPU %.1f s: %.2f %% of a core per call-second", cpu, 100*cpu/d.talked.Seconds())
}

// spread is a short description of times.
func spread(x []time.Duration) string {
	if len(x) == 0 {
		return "none"
	}
	slices.Sort(x)
	at := func(p float64) time.Duration {
		return x[min(len(x)-1, int(p*float64(len(x))))].Round(100 * time.Microsecond)
	}
	return fmt.Sprintf("p50 %v, p95 %v, max %v of %d", at(.5), at(.95), at(1), len(x))
}

// listed is counts by name.
func listed(counts map[string]int) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out = append(out, fmt.Sprintf("%s %d", name, counts[name]))
	}
	return strings.Join(out, ", ")
}
