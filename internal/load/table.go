package load

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Write prints the report for people.
func (r *Report) Write(w io.Writer) error {
	var b strings.Builder
	for _, s := range r.Steps {
		s.write(&b)
	}
	switch {
	case r.Mode != "search":
	case r.Best == nil:
		b.WriteString("\nno step went well\n")
	default:
		fmt.Fprintf(&b, "\nmost that went well: %.0f\n", r.Best.Wanted)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (s Step) write(b *strings.Builder) {
	verdict := "good"
	switch {
	case !s.Good:
		verdict = "NOT GOOD: " + s.Why
	case s.Why != "":
		verdict = s.Why
	}
	fmt.Fprintf(b, "\n%.0f wanted, %d up, %.0f s: %s\n", s.Wanted, s.Calls, s.Seconds, verdict)
	for _, d := range s.Sides {
		if d.Sent+d.Received > 0 {
			d.write(b)
		}
	}
	if s.Ramp != nil {
		s.Ramp.write(b, "ramp")
	}
	s.Signals.write(b, "calls")
	if s.Setup.N > 0 {
		fmt.Fprintf(b, "  set-up    %s\n", s.Setup)
	}
	s.Self.write(b)
	if s.Server != nil {
		s.Server.write(b)
	}
}

func (d Side) write(b *strings.Builder) {
	fmt.Fprintf(b, "  %-9s sent %d, heard %d (%d sound), lost %d (%.3f %%), twice %d, late %d, pauses %d, restarts %d, unclaimed %d, invalid %d\n",
		d.Name, d.Sent, d.Received, d.Sound, d.Lost, 100*d.Loss, d.Duplicate, d.Reordered, d.Pauses, d.Restarts, d.Unclaimed, d.Invalid)
	fmt.Fprintf(b, "  %-9s jitter %s\n", "", d.Jitter)
	fmt.Fprintf(b, "  %-9s behind %s\n", "", d.Behind)
	if d.Marked+d.Echoed+d.Crossed > 0 {
		fmt.Fprintf(b, "  %-9s delay %s; of the right party %d, own echo %d, CROSS-TALK %d\n", "", d.Delay, d.Marked, d.Echoed, d.Crossed)
	}
	if d.RightTone+d.WrongTone > 0 {
		fmt.Fprintf(b, "  %-9s tones: right %d, WRONG %d\n", "", d.RightTone, d.WrongTone)
	}
	if d.Keys+d.Events > 0 {
		fmt.Fprintf(b, "  %-9s keys pressed %d, packets of keys heard %d\n", "", d.Keys, d.Events)
	}
}

// String gives the percentiles.
func (s Spread) String() string {
	return fmt.Sprintf("p50 %.2f, p99 %.2f, p99.9 %.2f, max %.2f ms", s.P50, s.P99, s.P999, s.Max)
}

func (s *Signals) write(b *strings.Builder, when string) {
	fmt.Fprintf(b, "  %-9s dialled %d, answered %d, served %d, ended by the server %d, 503 %d (Retry-After up to %d s), challenged %d, resent %d, repeated %d, malformed %d\n",
		when, s.Dialled, s.Answered, s.Served, s.EndedByPeer, s.Refused, s.RetryAfter, s.Challenged, s.Resent, s.Repeated, s.Malformed)
	for _, why := range slices.Sorted(maps.Keys(s.Failures)) {
		fmt.Fprintf(b, "  FAILED    %d: %s\n", s.Failures[why], why)
	}
}

func (s Self) write(b *strings.Builder) {
	fmt.Fprintf(b, "  generator %.1f %% of a core, its slots late by %s, left out %d, not sent %d\n", 100*s.CPU, s.Late, s.LeftOut, s.Unsent)
	if s.Unreliable {
		b.WriteString("  generator IT WAS LATE ITSELF: jitter and delay of bridges may be its own doing (hint: a core of its own)\n")
	}
	if s.BufferSmall {
		fmt.Fprintf(b, "  generator its socket buffers have only %d kB: losses may be its own (hint: sysctl net.core.rmem_max, or more --ports)\n", s.Buffer>>10)
	}
}

func (s *Server) write(b *strings.Builder) {
	fmt.Fprintf(b, "  server    %.1f %% of a core, %.3f %% a call, %.2f ms a call begun; memory %.1f MB (PSS %.1f), before %.1f MB, %.0f kB a call",
		100*s.CPU, s.PerCall, s.PerBegun, megabytes(s.RSS), megabytes(s.PSS), megabytes(s.RSSBefore), s.RSSPerCall/1024)
	if s.RSSAfter > 0 {
		fmt.Fprintf(b, ", afterwards %.1f MB", megabytes(s.RSSAfter))
	}
	b.WriteString("\n")
}

func megabytes(n int64) float64 { return float64(n) / (1 << 20) }
