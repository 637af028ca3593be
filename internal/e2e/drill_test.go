//go:build drill

package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/sqlitedb"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
)

const (
	drillCallers = 30               // at once
	drillEvery   = 2 * time.Second  // a search and a sign-in
	outageEvery  = 2 * time.Minute  // of the database
	outageLength = 15 * time.Second // longer than a writer waits (5 s)
)

// TestDrill is everything together for IVRD_DRILL (10m): callers in menus, at
// secrets, leaving messages, connected to a phone; searches, sign-ins and
// playbacks; and a database that cannot be written now and then. No call that
// was taken is lost.
func TestDrill(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("IVRD_DRILL"))
	if err != nil {
		t.Fatal("IVRD_DRILL says for how long (hint: make drill)")
	}
	h := open(t, "log.level=info", "media.ports=20000-23999")
	d := &drill{house: h, exchange: newExchange(t), end: time.Now().Add(length)}
	alice := h.agent("alice", 1400)
	go func() {
		for range alice.handler.calls { // she talks to whoever calls
		}
	}()
	before := h.settled()
	cpu := h.metrics()["process_cpu_seconds_total"]
	var all sync.WaitGroup
	for i := range drillCallers {
		all.Go(func() { d.caller(i) })
	}
	all.Go(d.office)
	all.Go(d.outages)
	all.Go(d.watch)
	all.Wait()
	cpu = h.metrics()["process_cpu_seconds_total"] - cpu
	d.report(cpu, length)
	testkit.Eventually(t, 30*time.Second, fmt.Sprintf("%d records", d.taken), func() bool { return h.countEnded() == d.taken })
	h.nothingLeft(before)
	h.verify()
}

// countEnded pages through the ended calls that were answered.
func (h *house) countEnded() int {
	h.t.Helper()
	n, cursor := 0, ""
	for {
		status, body := h.api("/api/v1/calls?state=ended&limit=500&cursor=" + cursor)
		var page struct {
			Calls []recordings.Call `json:"calls"`
			Next  string            `json:"next_cursor"`
		}
		if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
			h.t.Fatalf("list calls: %d %v", status, err)
		}
		for _, c := range page.Calls {
			if !c.AnsweredAt.IsZero() {
				n++
			}
		}
		if cursor = page.Next; cursor == "" {
			return n
		}
	}
}

type drill struct {
	house    *house
	exchange *exchange
	end      time.Time

	mu             sync.Mutex
	taken, refused int
	setups         []time.Duration
	requests       []time.Duration
	lateness       []float64 // p99 over 5 s, as sampled
	talked         time.Duration
	outage         bool
}

func (d *drill) over() bool { return time.Now().After(d.end) }

func (d *drill) fail(format string, args ...any) {
	d.house.t.Helper()
	d.house.t.Errorf(format, args...)
}

// caller calls again and again.
func (d *drill) caller(n int) {
	for i := n; !d.over(); i++ {
		begun := time.Now()
		c, err := d.exchange.dial("sip:1000@" + d.house.sip)
		if err != nil {
			d.refusal(err)
			<-time.After(time.Second)
			continue
		}
		answered := time.Now()
		d.mu.Lock()
		d.taken++
		d.setups = append(d.setups, answered.Sub(begun))
		d.mu.Unlock()
		if err := d.visit(c, i); err != nil {
			d.fail("caller %d: %v", n, err)
		}
		c.close()
		d.mu.Lock()
		d.talked += time.Since(answered)
		d.mu.Unlock()
	}
}

// refusal is right only while the database cannot be written.
func (d *drill) refusal(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused++
	if !strings.Contains(err.Error(), "503") {
		d.fail("refused: %v", err)
	}
}

func (d *drill) visit(c *telephone, kind int) error {
	c.say(440)
	if err := c.waits(500, 700); err != nil {
		return err
	}
	switch kind % 4 {
	case 0:
		return c.listens()
	case 1:
		return c.leavesMessage()
	case 2: // a secret
		return c.presses("1", 900, "4711", 1100, 700)
	default: // alice, who is one for all: busy does not happen, she takes many
		if err := c.presses("2", 1400); err != nil {
			return err
		}
		<-time.After(5 * time.Second)
		c.leg.End(leg.CallerHangup)
		return c.waitsEnd(leg.CallerHangup)
	}
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
	for i := 0; !d.over(); i++ {
		select {
		case <-time.After(outageEvery):
		case <-time.After(time.Until(d.end)):
			return
		}
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
	defer db.Close() //nolint:errcheck // the lock is gone with it
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
	slices.Sort(d.setups)
	slices.Sort(d.requests)
	slices.Sort(d.lateness)
	over := 0
	for _, l := range d.lateness {
		if l > 0.005 {
			over++
		}
	}
	at := func(n int, p float64) int { return min(n-1, int(p*float64(n))) }
	d.house.t.Logf("%v: %d calls taken, %d refused during outages; %.1f calls at once on average", length, d.taken, d.refused, d.talked.Seconds()/length.Seconds())
	d.house.t.Logf("answer after p50 %v, p95 %v, max %v", d.setups[at(len(d.setups), .5)], d.setups[at(len(d.setups), .95)], d.setups[len(d.setups)-1])
	d.house.t.Logf("media lateness, p99 over 5 s: median %.2f ms, p95 %.2f ms, max %.2f ms; over 5 ms in %d of %d samples",
		1e3*d.lateness[at(len(d.lateness), .5)], 1e3*d.lateness[at(len(d.lateness), .95)], 1e3*d.lateness[len(d.lateness)-1], over, len(d.lateness))
	d.house.t.Logf("search and sign-in together: p50 %v, p95 %v", d.requests[at(len(d.requests), .5)], d.requests[at(len(d.requests), .95)])
	d.house.t.Logf("server CPU %.1f s: %.2f %% of a core per call-second", cpu, 100*cpu/d.talked.Seconds())
}
