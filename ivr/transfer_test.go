package ivr

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// TestTransfer: after a talk the call ends, whatever follows; a failure goes
// where the node says, and where nothing does the call ends, too.
func TestTransfer(t *testing.T) {
	const flow = `flow: main
languages: [en]
start: sub
on_error: sorry
nodes:
  sub: {call: inner, next: after}
  after: {say: after, next: end}
  sorry: {say: sorry, next: end}
`
	const inner = `flow: inner
languages: [en]
start: hand
nodes:
  hand: {transfer: %s}
  late: {say: late, next: end}
`
	const number = `{number: "${caller.to}", timeout: 9s, while: music, caller_id: "+861"}, on: {failed: late}`
	for name, c := range map[string]struct {
		hand    string
		to      string
		results []ConnectResult
		want    []string
	}{
		"talked":             {number, "+8610", []ConnectResult{ConnectEnded}, []string{"en:music"}},
		"not handled":        {number, "+8610", []ConnectResult{ConnectBusy}, []string{"en:music"}},
		"handled":            {number, "+8610", []ConnectResult{ConnectFailed}, []string{"en:music", "en:late", "en:after"}},
		"a person's name":    {number, "alice", nil, []string{"en:late", "en:after"}},
		"queue":              {"payments, on: {timeout: late}", "", nil, nil},
		"queue, in its time": {`{queue: payments, news: {every: 30s, say: "{queue.position}"}}, on: {timeout: late}`, "", nil, []string{"en:2", "en:1", "en:late", "en:after"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &line{results: c.results}
			end, err := l.start(t, Options{To: c.to}, flow, fmt.Sprintf(inner, c.hand))
			if err != nil || end.Reason != FlowHangup || !l.hungUp {
				t.Errorf("end %v, %v, hung up %v", end, err, l.hungUp)
			}
			l.expect(t, "said", l.said, c.want)
			if len(c.results) > 0 && !slices.Equal(l.targets, []string{c.to}) {
				t.Errorf("rung: %v", l.targets)
			}
		})
	}
	t.Run("handled by the defaults", func(t *testing.T) {
		l := &line{results: []ConnectResult{ConnectBusy}}
		_, err := l.start(t, Options{To: "+8610"}, flow, strings.Replace(fmt.Sprintf(inner, number), "nodes:", "defaults: {on: {busy: late}}\nnodes:", 1))
		if err != nil {
			t.Fatal(err)
		}
		l.expect(t, "said", l.said, []string{"en:music", "en:late", "en:after"})
	})
}

// TestVoicemail: what is asked for, and what comes of it.
func TestVoicemail(t *testing.T) {
	const flow = `flow: main
languages: [en]
start: leave
nodes:
  leave:
    voicemail: {mailbox: fraud, play: leave_message, into: seconds}
    on: {ok: thanks, empty: bye}
  thanks: {say: "{seconds|count} seconds", next: end}
  bye: {say: bye, next: end}
`
	for length, want := range map[time.Duration]string{5 * time.Second: "en:five seconds", 0: "en:bye"} {
		l := &line{message: length}
		if _, err := l.start(t, Options{}, flow); err != nil {
			t.Fatal(err)
		}
		l.expect(t, "said", l.said, []string{"en:leave_message", want})
		r := l.records[0]
		if r.Mailbox != "fraud" || r.MessageTag != "leave" || r.Max != 3*time.Minute || r.MinSpeech != 2*time.Second || r.Silence != 4*time.Second || r.Finish != "#" || !r.Beep {
			t.Errorf("asked for %+v", r)
		}
	}
}
