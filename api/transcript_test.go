package api

import (
	"encoding/json"
	"net/http"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

func wordsOf(i int) string { return "/api/v1/calls/" + callID(i) + "/transcript" }

func saidBy(seq int, who transcript.Speaker, text string) transcript.Segment {
	return transcript.Segment{Seq: seq, Speaker: who, StartMS: 1000, EndMS: 2000, Kind: transcript.Spoken, Text: text, Final: true}
}

// TestTranscript: words are read by those who may hear the call; who was not its agent
// leaves an audit entry before.
func TestTranscript(t *testing.T) {
	h := open(t)
	h.archive.words = []transcript.Segment{saidBy(1, transcript.Caller, "hello")}
	h.archive.change(0, func(c *recordings.Call) {
		c.Transcript = recordings.Words{Segments: 1, Coverage: transcript.CoverageConversation, Engines: []string{"house"}}
	})
	sam, alice, ada := h.token("sam"), h.token("alice"), h.token("ada")
	h.archive.steps = nil
	r := h.as(sam, wordsOf(0))
	r.want(t, http.StatusOK, "")
	var got Transcript
	if err := json.Unmarshal([]byte(r.body), &got); err != nil {
		t.Fatal(err)
	}
	if got.CallID != callID(0) || got.Coverage != transcript.CoverageConversation || !reflect.DeepEqual(got.Segments, h.archive.words) {
		t.Errorf("got %s", r.body)
	}
	if want := []string{"audit transcript", "words"}; !slices.Equal(h.archive.steps, want) {
		t.Errorf("steps %v, want %v", h.archive.steps, want)
	}
	h.as(alice, wordsOf(0)).want(t, http.StatusOK, "")
	if n := len(h.archive.audits("transcript")); n != 1 {
		t.Errorf("%d entries: an agent reads their own call", n)
	}
	h.as(alice, wordsOf(1)).want(t, http.StatusForbidden, "forbidden") // of her queue, not hers
	h.as(alice, wordsOf(2)).want(t, http.StatusNotFound, "not-found")
	h.as(ada, wordsOf(0)).want(t, http.StatusForbidden, "forbidden")
	h.archive.words = nil
	if r := h.as(sam, wordsOf(1)); r.StatusCode != http.StatusOK || !json.Valid([]byte(r.body)) {
		t.Errorf("of a call without words: %d %s", r.StatusCode, r.body)
	}
	h.archive.steps, h.archive.audit = nil, errDisk
	h.as(sam, wordsOf(0)).want(t, http.StatusServiceUnavailable, "unavailable")
	if len(h.archive.steps) != 0 {
		t.Errorf("read without an entry: %v", h.archive.steps)
	}
}

// TestWordsAreEvents: pages are told of what is said, once, in the calls that their
// reader may hear, and from the moment on in which they may.
func TestWordsAreEvents(t *testing.T) {
	pages(t, Config{}, func(h *stage) {
		h.set(0, func(s *call.Status) { s.State, s.Agent = call.Talking, "alice" })
		h.say(0, saidBy(1, transcript.Caller, "before"))
		supervisor, agent, other := h.page(h.signIn("sue")), h.page(h.signIn("alice")), h.page(h.signIn("bob"))
		for _, r := range []*reader{supervisor, agent, other} {
			r.after(time.Second)
		}
		h.say(0, saidBy(2, transcript.Caller, "hello"))
		h.say(1, saidBy(1, transcript.Caller, "not alice's"))
		if got := told(supervisor.after(time.Second)); got != "segment "+callID(0)+", segment "+callID(1) {
			t.Errorf("the supervisor is told %s", got)
		}
		got := agent.after(0)
		if told(got) != "segment "+callID(0) || got[0].Segment.Text != "hello" {
			t.Errorf("the agent is told %s", told(got))
		}
		if got := told(other.after(0)); got != "" {
			t.Errorf("somebody else is told %s", got)
		}
		h.set(1, func(s *call.Status) { s.State, s.Agent = call.Talking, "alice" })
		got = slices.DeleteFunc(agent.after(time.Second), func(e Event) bool { return e.Type != "segment" })
		if told(got) != "segment "+callID(1) {
			t.Errorf("who takes the call over is told %s", told(got))
		}
		if got := agent.after(5 * time.Second); len(got) > 0 {
			t.Errorf("told again: %s", told(got))
		}
	})
}
