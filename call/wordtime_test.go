package call

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/internal/testkit/vosk"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// beeps hears one word: where a tone begins. It counts time as engines do, in the
// samples that it was given.
type beeps struct{ onsets }

func (b *beeps) Hear(pcm []int16) string {
	for _, v := range pcm {
		b.take(v)
	}
	n := len(b.at)
	if n == b.told {
		return vosk.Partial("")
	}
	b.told = n
	at := float64(b.at[n-1]) / media.SampleRate
	return vosk.Final("beep", vosk.Word{Word: "beep", Start: at, End: at + 0.1, Conf: 1})
}

func (*beeps) End() string { return vosk.Final("") }

// onsets are where a loud sound begins after a second of none.
type onsets struct {
	n, quiet int
	at       []int
	told     int
}

func (o *onsets) take(v int16) {
	if v > 500 || v < -500 {
		if o.quiet >= media.SampleRate {
			o.at = append(o.at, o.n)
		}
		o.quiet = -1
	}
	o.quiet++
	o.n++
}

// TestWordsKeepTime: words have the times at which they are in the recording, also with a
// caller whose clock differs by 500 ppm, on a line that loses a packet in 20.
func TestWordsKeepTime(t *testing.T) { wordsKeepTime(t, 2*time.Minute) }

// TestSoakHourOfWords is an hour of it.
func TestSoakHourOfWords(t *testing.T) {
	testkit.Soak(t)
	wordsKeepTime(t, time.Hour)
}

func wordsKeepTime(t *testing.T, d time.Duration) {
	t.Helper()
	for _, ppm := range []float64{-500, 500} {
		play(t, queueFlow, func(s *stage) {
			dial, closed := vosk.InMemory(func([]string) vosk.Engine { return &beeps{} })
			engine, err := asr.NewVosk(asr.VoskConfig{Link: asr.Link{URL: "ws://engine.test", Dial: dial}})
			if err != nil {
				t.Fatal(err)
			}
			s.con.deps.Dictation = engine
			caller, _ := talkTogether(s)
			caller.phone.Skew(ppm)
			s.net.Impair(caller.phone.Addr().Addr(), caller.stream.Local().Addr(), memnet.Line{Delay: 20 * time.Millisecond, Jitter: 5 * time.Millisecond, Loss: 0.05})
			caller.phone.SendPCM(caller.stream.Local(), media.PCMU, append(media.Silence(9500*time.Millisecond), media.Tone(600, -15, 500*time.Millisecond)...))
			after(d)
			caller.End(leg.CallerHangup)
			c := s.record()
			closed()
			off := offsets(s, c.ID)
			p50, p99 := off[len(off)/2], off[len(off)*99/100]
			t.Logf("%+.0f ppm: %d words, off by %d ms p50, %d ms p99, %d ms at most", ppm, len(off), p50, p99, off[len(off)-1])
			if of := int(d / (10 * time.Second)); len(off) < of*9/10 || p50 > 1 || off[len(off)*95/100] > 20 {
				t.Errorf("%+.0f ppm: %d words of some %d are not in time", ppm, len(off), of)
			}
		})
	}
}

// offsets are by how many ms the words of a call are off the nearest tone in its recording.
func offsets(s *stage, id string) []int64 {
	var heard onsets
	for _, v := range s.track(id, media.TrackCaller) {
		heard.take(v)
	}
	all, err := s.vault.Transcript(context.Background(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	var off []int64
	for _, g := range all {
		if g.Text != "beep" {
			continue
		}
		least := int64(1 << 40)
		for _, at := range heard.at {
			d := g.Words[0].StartMS - int64(at)*1000/media.SampleRate
			least = min(least, max(d, -d))
		}
		off = append(off, least)
	}
	slices.Sort(off)
	return off
}
