package api

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// TestLegsOfACall: everybody who may see the call sees its lines, but who has
// monitored it only who could: in the list, in the record and unmasked.
func TestLegsOfACall(t *testing.T) {
	h := open(t)
	for _, p := range []string{recordings.PartyCaller, recordings.PartyAgent, recordings.PartySupervisor} {
		l, _ := recordings.LegOf(p, "", media.Stats{Codec: media.PCMU, RTT: 20 * time.Millisecond, Heard: media.Quality{MOS: 4.2}})
		h.archive.calls[0].Legs = append(h.archive.calls[0].Legs, l)
	}
	for _, c := range []struct {
		who, query string
		want       int
	}{{"alice", "", 2}, {"sue", "", 3}, {"sam", "", 3}, {"otto", "", 2}, {"sue", "?unmask=1", 3}, {"otto", "?unmask=1", 2}} {
		r := h.as(h.token(c.who), "/api/v1/calls/"+callID(0)+c.query)
		r.want(t, http.StatusOK, "")
		var got recordings.Call
		if err := json.Unmarshal([]byte(r.body), &got); err != nil || len(got.Legs) != c.want {
			t.Errorf("%s%s: %d legs, want %d: %s", c.who, c.query, len(got.Legs), c.want, r.body)
		}
		if !strings.Contains(r.body, `{"party":"caller","codec":"PCMU","rtt_ms":20,"heard":{"mos":4.2,`) {
			t.Errorf("%s reads %s", c.who, r.body)
		}
		list := h.as(h.token(c.who), "/api/v1/calls")
		if shown := strings.Contains(list.body, `"party":"supervisor"`); shown != (c.want == 3) {
			t.Errorf("%s: the list shows a supervisor: %v", c.who, shown)
		}
	}
}

// TestEventsOfLines: one event for a change, none for a line that stays as it is.
func TestEventsOfLines(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		r := h.page(h.signIn("alice"))
		defer r.close()
		r.after(time.Second)
		told := func() (all []LiveLine) {
			for _, e := range r.after(10 * time.Second) {
				if e.Call != nil {
					all = append(all, e.Call.Lines...)
				}
			}
			return all
		}
		line := call.Line{Party: "caller", Heard: 4.4, Grade: media.Good}
		h.set(0, func(s *call.Status) { s.Lines = []call.Line{line} })
		if got, want := told(), []LiveLine{{"caller", media.Good, 4.4, 0}}; !slices.Equal(got, want) {
			t.Errorf("told %+v", got)
		}
		h.set(0, func(s *call.Status) { s.Lines = []call.Line{line} })
		if got := told(); len(got) != 0 {
			t.Errorf("told %+v of what is as it was", got)
		}
		line.PeerHeard, line.Grade = 2.9, media.Poor
		h.set(0, func(s *call.Status) { s.Lines = []call.Line{line} })
		if got, want := told(), []LiveLine{{"caller", media.Poor, 4.4, 2.9}}; !slices.Equal(got, want) {
			t.Errorf("told %+v", got)
		}
	})
}
