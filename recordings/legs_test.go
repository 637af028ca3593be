package recordings_test

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

func stats() media.Stats {
	return media.Stats{
		Received: 900, Lost: 60, Late: 40, Jitter: 12_340 * time.Microsecond, RTT: 48_250 * time.Microsecond, Codec: media.PCMA,
		RemoteLost: 7, RemoteJitter: 3 * time.Millisecond, Talk: 4321 * time.Millisecond,
		Heard:     media.Quality{R: 70.04, MOS: 3.597, Listening: 3.7, Worst: 2.111, Recent: 4, Loss: 0.1, Burst: 1.504, Delay: 90 * time.Millisecond},
		PeerHeard: media.Quality{R: 92, MOS: 4.38, Listening: 4.41, Worst: 4.38, Loss: 0.0071, Burst: 1, Delay: 84 * time.Millisecond},
	}
}

func TestLegOf(t *testing.T) {
	want := recordings.Leg{
		Party: "agent", Who: "alice", Codec: "PCMA", RTTMS: 48.3, TalkMS: 4321,
		Heard:     &recordings.Voice{MOS: 3.6, WorstMOS: 2.11, Listening: 3.7, R: 70, LossPercent: 10, Burst: 1.5, DelayMS: 90, JitterMS: 12.3, Packets: 900, Lost: 60, Late: 40},
		PeerHeard: &recordings.Voice{MOS: 4.38, WorstMOS: 4.38, Listening: 4.41, R: 92, LossPercent: 0.71, Burst: 1, DelayMS: 84, JitterMS: 3, Lost: 7},
	}
	if got, ok := recordings.LegOf("agent", "alice", stats()); !ok || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %+v %+v", got, got.Heard, got.PeerHeard)
	}
	if got, ok := recordings.LegOf("caller", "", media.Stats{Codec: media.PCMU, Sent: 900}); ok {
		t.Errorf("a leg on which nothing was heard: %+v", got)
	}
}

// TestLegsAreKept: the record has them after its end and from the store.
func TestLegsAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		l, _ := recordings.LegOf("caller", "", stats())
		visit.Update(func(c *recordings.Call) { c.Legs = []recordings.Leg{l} })
		finish(t, visit)
		time.Sleep(time.Second)
		if err := v.Close(); err != nil {
			t.Fatal(err)
		}
		v = h.open(t)
		if c := call(t, v, visit.ID()); len(c.Legs) != 1 || !reflect.DeepEqual(c.Legs[0], l) {
			t.Errorf("%+v", c.Legs)
		}
		wantWhole(t, v)
		row, err := h.store.Call(context.Background(), visit.ID())
		if err != nil || !strings.Contains(string(row.Doc), `"worst_mos":2.11`) {
			t.Errorf("the row has no figures (%v): %s", err, row.Doc)
		}
	})
}

// TestRecordsOfBefore: a record without legs is read, and written as it was.
func TestRecordsOfBefore(t *testing.T) {
	const old = `{"id":"PS1","channel":"PS","from":"","to":"","started_at":"2026-01-31T11:00:00Z","path":[],"wait_ms":1,"talk_ms":2,` +
		`"recording":{"state":"none","duration_ms":0,"channels":0,"parts":0}}`
	var c recordings.Call
	if err := json.Unmarshal([]byte(old), &c); err != nil || c.Legs != nil {
		t.Fatalf("%+v, %v", c.Legs, err)
	}
	if again, err := json.Marshal(c); err != nil || string(again) != old {
		t.Errorf("%s, %v", again, err)
	}
}
