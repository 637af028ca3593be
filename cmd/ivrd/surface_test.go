package main

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/obs"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// TestLegsAreCounted: of each leg of an ended call once, by who heard it; no label
// names anybody.
func TestLegsAreCounted(t *testing.T) {
	h := &house{metrics: obs.NewMetrics()}
	count := h.countCall()
	stats := media.Stats{
		RTT: 40 * time.Millisecond, Jitter: 3 * time.Millisecond,
		Heard: media.Quality{MOS: 3.0, Loss: 0.03}, PeerHeard: media.Quality{MOS: 4.38},
	}
	caller, _ := recordings.LegOf(recordings.PartyCaller, "", stats)
	stats.PeerHeard, stats.RTT = media.Quality{}, 0 // sends no RTCP
	agent, _ := recordings.LegOf(recordings.PartyAgent, "alice", stats)
	count(recordings.Call{ID: "PS17", From: "+8613800138000", End: leg.CallerHangup, Legs: []recordings.Leg{caller, agent}})
	count(recordings.Call{End: leg.NoCapacity}) // was refused
	w := httptest.NewRecorder()
	h.metrics.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	text := w.Body.String()
	for _, want := range []string{
		`ivrd_leg_mos_bucket{heard="us",party="caller",le="2.58"} 0`, `ivrd_leg_mos_bucket{heard="us",party="caller",le="3.1"} 1`,
		`ivrd_leg_mos_bucket{heard="peer",party="caller",le="4.3"} 0`, `ivrd_leg_mos_count{heard="peer",party="caller"} 1`,
		`ivrd_leg_mos_count{heard="us",party="agent"} 1`,
		`ivrd_leg_loss_ratio_bucket{heard="us",party="caller",le="0.02"} 0`, `ivrd_leg_loss_ratio_bucket{heard="us",party="caller",le="0.05"} 1`,
		`ivrd_leg_loss_ratio_bucket{heard="peer",party="caller",le="0"} 1`,
		`ivrd_leg_jitter_seconds_bucket{heard="us",party="agent",le="0.005"} 1`,
		`ivrd_leg_rtt_seconds_sum{party="caller"} 0.04`, `ivrd_leg_rtt_seconds_count{party="caller"} 1`,
	} {
		if !strings.Contains(text, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	for _, not := range []string{`heard="peer",party="agent"`, `ivrd_leg_rtt_seconds_count{party="agent"}`, "alice", "13800138000", "PS17"} {
		if strings.Contains(text, not) {
			t.Errorf("%s is among the metrics", not)
		}
	}
}
