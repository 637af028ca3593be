package dtmf_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
)

// told is one key that came some way, ms after the beginning.
type told struct {
	way dtmf.Way
	key byte
	ms  int
}

func counted(all ...told) (keys string) {
	var o dtmf.Once
	for _, k := range all {
		if o.Counts(k.way, k.key, media.Time(k.ms*8)) {
			keys += string(rune(k.key))
		}
	}
	return keys
}

func TestOnceCountsAPressOnce(t *testing.T) {
	const band, info, event = dtmf.InBand, dtmf.Info, dtmf.Event
	for name, tt := range map[string]struct {
		told []told
		want string
	}{
		"event only":               {[]told{{event, '5', 0}, {event, '5', 200}, {event, '5', 400}}, "555"},
		"info only":                {[]told{{info, '5', 0}, {info, '5', 200}, {info, '6', 400}}, "556"},
		"tones only":               {[]told{{band, '5', 0}, {band, '5', 100}}, "55"},
		"event first":              {[]told{{event, '5', 0}, {info, '5', 40}, {event, '5', 200}, {info, '5', 240}}, "55"},
		"info first":               {[]told{{info, '5', 0}, {event, '5', 40}, {info, '5', 200}, {event, '5', 240}}, "55"},
		"two infos before":         {[]told{{info, '5', 0}, {info, '5', 200}, {event, '5', 250}, {event, '5', 450}, {event, '5', 650}}, "555"},
		"info repeated for long":   {[]told{{event, '5', 0}, {info, '5', 4000}, {info, '6', 4100}}, "5"},
		"event long after an info": {[]told{{info, '5', 0}, {event, '5', 600}}, "55"},
		"other key":                {[]told{{info, '5', 0}, {event, '6', 40}}, "56"},
		"all three":                {[]told{{info, '5', 0}, {band, '5', 40}, {event, '5', 60}, {band, '5', 300}, {info, '5', 310}, {event, '5', 320}}, "55"},
		"three, tone first":        {[]told{{band, '5', 0}, {info, '5', 40}, {event, '5', 60}, {event, '6', 260}}, "56"},
		"tone beside info":         {[]told{{band, '1', 0}, {info, '1', 30}, {band, '1', 200}, {info, '1', 230}, {info, '1', 400}}, "111"},
	} {
		if got := counted(tt.told...); got != tt.want {
			t.Errorf("%s: counted %q, want %q", name, got, tt.want)
		}
	}
}

func TestOnceForgetsAPeer(t *testing.T) {
	var o dtmf.Once
	o.Counts(dtmf.Event, '1', 0)
	if o.Counts(dtmf.Info, '1', 8000) {
		t.Error("an INFO counted beside events")
	}
	o.Reset()
	if !o.Counts(dtmf.Info, '1', 16000) {
		t.Error("an INFO of another peer did not count")
	}
}

// TestOnceOfManyPeers: whatever ways a peer uses for each of its keys, and
// however they are late against each other (up to 150 ms), each press counts
// once and in order.
func TestOnceOfManyPeers(t *testing.T) {
	for seed := range uint64(2000) {
		rng := rand.New(rand.NewPCG(seed, 5))
		ways := 1 + rng.IntN(7) // bits
		var all []told
		want := ""
		for i := range 30 {
			key := keys[rng.IntN(16)]
			want += string(rune(key))
			for w := dtmf.InBand; w <= dtmf.Event; w++ {
				if ways>>w&1 == 1 {
					all = append(all, told{w, key, 200*i + rng.IntN(150)})
				}
			}
		}
		slices.SortStableFunc(all, func(a, b told) int { return a.ms - b.ms })
		if got := counted(all...); got != want {
			t.Fatalf("seed %d, ways %03b: counted %q, want %q", seed, ways, got, want)
		}
	}
}

func TestOnceDoesNotAllocate(t *testing.T) {
	var o dtmf.Once
	at := media.Time(0)
	if n := testing.AllocsPerRun(500, func() { at += 800; o.Counts(dtmf.Info, '1', at) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
