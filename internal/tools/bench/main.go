// Command bench measures what calls cost ivrd: it starts bin/ivrd on one core
// with a configuration and data of its own, puts load on it with bin/ivrload
// from another, and prints a table. `make bench` runs it; docs/load.md says what
// the lines are.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/ivrd/ivrd/internal/load"
)

// settings are the flags.
type settings struct {
	line     string
	calls    int
	rate     float64
	duration time.Duration
	after    time.Duration
	idle     time.Duration
	ramp     float64
	nice     int
	verbose  bool
}

// line is one row of the table: what is called, and how.
type line struct {
	name, title string
	number      string
	flags       []string // of ivrload
	rate        bool
	activity    bool // voice activity on all legs
	words       bool // both legs are written down, the caller's emotion is judged
	low         int  // where a search begins
}

func lines() []line {
	bridge := []string{"--serve"}
	return []line{
		{name: "ivr", title: "prompt and digits, G.711", number: "1000", flags: []string{"--digits", "1234"}, low: 400},
		{name: "bridge", title: "bridge, same codec", number: "2000", flags: bridge, low: 200},
		{name: "recorded", title: "bridge, recorded in stereo and sealed", number: "3000", flags: bridge, low: 200},
		{name: "whole", title: "bridge, recorded in stereo and sealed, voice activity on both legs", number: "3000", flags: bridge, activity: true, low: 200},
		{name: "transcribed", title: "bridge, not recorded; voice activity, dictation of both legs (the engine itself is elsewhere), emotion of one", number: "2000", flags: bridge, activity: true, words: true, low: 50},
		{name: "srtp", title: "bridge, SRTP AES-256-GCM on both legs", number: "4000", flags: []string{"--serve", "--srtp", "gcm256"}, low: 150},
		{name: "rate", title: "answer, 1 s prompt, BYE, record", number: "5000", flags: []string{"--talk", "0s"}, rate: true, low: 50},
	}
}

func main() {
	var s settings
	flag.StringVar(&s.line, "line", "", "one line only: ivr, bridge, recorded, whole, transcribed, srtp, rate")
	flag.IntVar(&s.calls, "calls", 0, "hold so many calls instead of searching the limit")
	flag.Float64Var(&s.rate, "rate", 0, "begin so many calls a second instead of searching the limit")
	flag.DurationVar(&s.duration, "duration", 30*time.Second, "how long each step is measured")
	flag.DurationVar(&s.after, "after", -1, "when memory is looked at again after the calls; 60s unless one line is asked for")
	flag.DurationVar(&s.idle, "idle", -1, "how long the server idles before its memory is looked at first; 130s, after which the runtime has given back what the start took, unless one line is asked for")
	flag.Float64Var(&s.ramp, "ramp", 50, "calls begun a second until all are up")
	flag.IntVar(&s.nice, "nice", 0, "priority of server and generator, for a machine that others use: -10 takes precedence (root only)")
	flag.BoolVar(&s.verbose, "v", false, "print ivrload's reports, too")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, s); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, s settings) error {
	all := lines()
	if s.line != "" {
		all = slices.DeleteFunc(all, func(l line) bool { return l.name != s.line })
		if len(all) == 0 {
			return fmt.Errorf("there is no line %q (hint: ivr, bridge, recorded, whole, transcribed, srtp, rate)", s.line)
		}
	}
	s.after, s.idle = unlessOne(s, s.after, time.Minute), unlessOne(s, s.idle, 130*time.Second)
	fmt.Println(heading())
	for _, l := range all {
		if err := measure(ctx, s, l); err != nil {
			return fmt.Errorf("line %s: %w", l.name, err)
		}
	}
	return nil
}

// unlessOne is a time that was not set: nothing where a single line is tried.
func unlessOne(s settings, d, all time.Duration) time.Duration {
	switch {
	case d >= 0:
		return d
	case s.line != "":
		return 0
	}
	return all
}

// measure starts a server for one line, so that its memory is its own.
func measure(ctx context.Context, s settings, l line) error {
	h, err := openHouse(ctx, s.nice, l)
	if err != nil {
		return err
	}
	defer h.close()
	select {
	case <-time.After(s.idle):
	case <-ctx.Done():
		return ctx.Err()
	}
	r, err := h.put(ctx, s, l)
	if err != nil {
		return err
	}
	best := r.Steps[len(r.Steps)-1]
	if r.Best != nil {
		best = *r.Best
	}
	fmt.Println(row(l.title, best, l.rate))
	if !l.rate || s.rate > 0 {
		return nil
	}
	s.rate = 2 * best.Wanted
	if r, err = h.put(ctx, s, l); err == nil {
		fmt.Println(row("the same, twice as many", r.Steps[0], true))
	}
	return err
}

func heading() string {
	return "| line | calls or calls/s | server CPU | a call | loss | jitter p50 / p99 / p99.9 ms | behind p50 / p99 ms | delay p50 / p99 ms | set-up p50 / p99 ms | kB a call | MB before / with / after | 503 / failed | generator CPU, late p99 |\n" +
		"|---|---|---|---|---|---|---|---|---|---|---|---|---|"
}

// row is what a table says of one step; the worse side of a bridge is shown.
func row(title string, s load.Step, rate bool) string {
	worse := s.Sides[0]
	if s.Sides[1].Jitter.P99 > worse.Jitter.P99 {
		worse = s.Sides[1]
	}
	perCall, memory := fmt.Sprintf("%.3f %%", s.Server.PerCall), fmt.Sprintf("%.0f", s.Server.RSSPerCall/1024)
	if rate {
		perCall, memory = fmt.Sprintf("%.2f ms", s.Server.PerBegun), "–"
	}
	cells := []string{
		title, fmt.Sprintf("%.0f%s", s.Wanted, mark(s)), fmt.Sprintf("%.1f %%", 100*s.Server.CPU), perCall,
		fmt.Sprintf("%.3f %%", 100*s.Loss()),
		fmt.Sprintf("%.2f / %.2f / %.2f", worse.Jitter.P50, worse.Jitter.P99, worse.Jitter.P999),
		fmt.Sprintf("%.2f / %.2f", worse.Behind.P50, worse.Behind.P99), delay(s),
		fmt.Sprintf("%.0f / %.0f", s.Setup.P50, s.Setup.P99), memory,
		fmt.Sprintf("%.0f / %.0f / %s", megabytes(s.Server.RSSBefore), megabytes(s.Server.RSS), after(s)),
		unanswered(s),
		fmt.Sprintf("%.0f %%, %.2f ms%s", 100*s.Self.CPU, s.Self.Late.P99, doubt(s)),
	}
	return "| " + strings.Join(cells, " | ") + " |"
}

func unanswered(s load.Step) string {
	refused, failed := s.Signals.Refused, s.Signals.Failed()
	if s.Ramp != nil {
		refused, failed = refused+s.Ramp.Refused, failed+s.Ramp.Failed()
	}
	return fmt.Sprintf("%d / %d", refused, failed)
}

func mark(s load.Step) string {
	if s.Good {
		return ""
	}
	return " (not good: " + s.Why + ")"
}

func doubt(s load.Step) string {
	if s.Self.Unreliable {
		return " (late itself)"
	}
	return ""
}

func delay(s load.Step) string {
	d := s.Sides[0].Delay
	if s.Sides[1].Delay.P99 > d.P99 {
		d = s.Sides[1].Delay
	}
	if d.N == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f / %.2f", d.P50, d.P99)
}

func after(s load.Step) string {
	if s.Server.RSSAfter == 0 {
		return "–"
	}
	return fmt.Sprintf("%.0f", megabytes(s.Server.RSSAfter))
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }
