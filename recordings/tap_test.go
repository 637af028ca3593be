package recordings_test

import (
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

var recordingsEnd = leg.AgentHangup

// The media worker does not allocate, whatever comes.
func TestFrameDoesNotAllocate(t *testing.T) {
	rec, take := recordings.NewTap(0)
	payload := pattern(media.TrackCaller, 0)
	at := media.Time(0)
	one := func() {
		rec.Frame(media.TrackCaller, at, media.PCMU, payload)
		rec.Frame(media.TrackPrompts, at, media.PCMU, nil)
		if at += media.FrameSamples; at%8000 == 0 {
			take()
		}
	}
	for range 200 {
		one() // the lists find their size
	}
	if n := testing.AllocsPerRun(2000, one); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// A backlog of any length holds bounded memory: ten seconds a track.
func TestTapIsBounded(t *testing.T) {
	rec, take := recordings.NewTap(0)
	payload := pattern(media.TrackCaller, 0)
	for at := media.Time(0); at < 3600*8000; at += media.FrameSamples {
		rec.Frame(media.TrackCaller, at, media.PCMU, payload)
	}
	if chunks, spans := take(); chunks != 10 || spans != 1 {
		t.Errorf("an hour left %d chunks and %d gaps, want 10 and 1", chunks, spans)
	}
}

// Frames, pauses and the writer at once, in any order, for the race detector.
func TestTapConcurrently(t *testing.T) {
	rec, take := recordings.NewTap(0)
	var group sync.WaitGroup
	for track := media.TrackCaller; track <= media.TrackWhisper; track++ {
		group.Go(func() {
			rng := rand.New(rand.NewPCG(1, uint64(track)))
			for at := media.Time(0); at < 60*8000; at += media.Time(rng.IntN(400)) {
				rec.Frame(track, at, media.Codec(rng.IntN(4)), make([]byte, rng.IntN(500)))
			}
		})
	}
	group.Go(func() {
		for at := media.Time(0); at < 60*8000; at += 4000 {
			rec.Pause(at, "secret")
			rec.Resume(at + 1000)
		}
	})
	for range 200 {
		take()
	}
	group.Wait()
	take()
}

func BenchmarkFrame(b *testing.B) {
	rec, take := recordings.NewTap(0)
	payload := pattern(media.TrackCaller, 0)
	at := media.Time(0)
	b.ReportAllocs()
	for b.Loop() {
		rec.Frame(media.TrackCaller, at, media.PCMU, payload)
		if at += media.FrameSamples; at%8000 == 0 {
			take()
		}
		if at == 8000*3600*20 { // a recorder takes a day at most
			rec, take = recordings.NewTap(0)
			at = 0
		}
	}
}

// BenchmarkCallSecond is what one second of a call with two tracks costs, from
// the tap to the durable file: 100 calls through one writer, in real time.
func BenchmarkCallSecond(b *testing.B) {
	const calls = 100
	h := newHouse(b)
	v := h.open(b)
	var recs []recordings.Recorder
	for range calls {
		recs = append(recs, record(b, begin(b, v), 0))
	}
	caller, agent := pattern(media.TrackCaller, 0), pattern(media.TrackAgent, 0)
	at := media.Time(0)
	second := func() {
		start := time.Now()
		for range 50 {
			for _, r := range recs {
				r.Frame(media.TrackCaller, at, media.PCMU, caller)
				r.Frame(media.TrackAgent, at, media.PCMU, agent)
			}
			at += media.FrameSamples
		}
		time.Sleep(time.Second - time.Since(start))
	}
	second() // the files are made
	second()
	before := cpuTime(b)
	seconds := 0
	for b.Loop() {
		second()
		seconds++
	}
	b.ReportMetric(float64((cpuTime(b)-before).Microseconds())/float64(seconds*calls), "cpu-µs/call-second")
}

// BenchmarkAudit is one entry, durable in the store and in the head.
func BenchmarkAudit(b *testing.B) {
	v := newHouse(b).open(b)
	for b.Loop() {
		if err := v.Audit(b.Context(), recordings.AuditEntry{Actor: "otto", Action: "play"}); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkPlay reads nine seconds of stereo.
func BenchmarkPlay(b *testing.B) {
	v := newHouse(b).open(b)
	visit := begin(b, v)
	rec := record(b, visit, 0)
	for at := media.Time(0); at < 9*8000; at += media.FrameSamples {
		rec.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
		rec.Frame(media.TrackAgent, at, media.PCMU, pattern(media.TrackAgent, at))
	}
	finish(b, visit)
	b.ReportAllocs()
	for b.Loop() {
		listen(b, v, visit.ID(), media.TrackNone)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/9, "µs/second-of-sound")
}
