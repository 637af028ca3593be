package vad

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// span is a stretch of frames.
type span struct{ from, to int }

// spans are the stretches of true frames, joined where less than gap is between.
func spans(label []bool, gap int) (out []span) {
	for i, on := range label {
		switch n := len(out); {
		case !on:
		case n > 0 && i-out[n-1].to <= gap:
			out[n-1].to = i + 1
		default:
			out = append(out, span{i, i + 1})
		}
	}
	return out
}

// heard is what detector and endpointer make of frames.
type heard struct {
	speech []bool
	kinds  []Kind
	events []Event
	talk   media.Time
}

func hear(frames [][]int16) heard {
	var d Detector
	var e Endpointer
	var h heard
	for i, pcm := range frames {
		v := d.Frame(pcm)
		h.speech, h.kinds = append(h.speech, v.Speech), append(h.kinds, v.Kind)
		if ev, ok := e.Frame(media.Time(i*media.FrameSamples), v); ok && (ev.Kind == Began || ev.Kind == Ended) {
			h.events = append(h.events, ev)
		}
	}
	h.talk = e.Talk()
	return h
}

// begins are the times at which speech was said to begin.
func (h heard) begins() (out []media.Time) {
	for _, ev := range h.events {
		if ev.Kind == Began {
			out = append(out, ev.At)
		}
	}
	return out
}

// score compares what was heard with the labels.
type score struct {
	hits, misses, false int
	spoken, begun       int // utterances; events in one
	extra               int // events without one
	onsets, ends        []float64
}

// pause frames, or more, are between two utterances: what lies between counts as
// speech for precision, since a hangover and the gaps of words are meant to be heard.
const pause = 15

func (s *score) judge(k talk, frames [][]int16) {
	h := hear(frames)
	wide := make([]bool, len(k.label))
	for _, u := range spans(k.label, pause) {
		for i := u.from; i < min(u.to+hangover, len(wide)); i++ {
			wide[i] = true
		}
	}
	for i, on := range h.speech {
		switch {
		case on && !wide[i]:
			s.false++
		case on && k.label[i]:
			s.hits++
		case !on && k.label[i]:
			s.misses++
		}
	}
	s.events(k, h.events)
}

// events finds to each utterance of 100 ms and more its event.
func (s *score) events(k talk, events []Event) {
	const slack = 15
	used := map[int]bool{}
	for _, u := range spans(k.label, int(media.TimeOf(DefaultSilenceEnd)/media.FrameSamples)) {
		if u.to-u.from < 5 {
			continue
		}
		s.spoken++
		for i, ev := range events {
			at := float64(ev.At) / media.FrameSamples
			if ev.Kind == Ended || at < float64(u.from-slack) || at > float64(u.to) {
				continue
			}
			if s.begun++; used[i] {
				break
			}
			used[i] = true
			s.onsets = append(s.onsets, math.Abs(at-float64(u.from))*20)
			if i+1 < len(events) {
				s.ends = append(s.ends, math.Abs(float64(events[i+1].At)/media.FrameSamples-float64(u.to))*20)
			}
			break
		}
	}
	for i, ev := range events {
		if ev.Kind == Began && !used[i] {
			s.extra++
		}
	}
}

func (s *score) recall() float64    { return float64(s.hits) / float64(s.hits+s.misses) }
func (s *score) precision() float64 { return float64(s.hits) / float64(s.hits+s.false) }
func (s *score) found() float64     { return float64(s.begun) / float64(s.spoken) }

func percentile(x []float64, p float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return x[int(p*float64(len(x)-1)+0.5)]
}

func (s *score) String() string {
	return fmt.Sprintf("precision %.3f, recall %.3f; %d of %d utterances begun, %d events beside; onset p50 %.0f, p95 %.0f ms; end p95 %.0f ms",
		s.precision(), s.recall(), s.begun, s.spoken, s.extra, percentile(s.onsets, 0.5), percentile(s.onsets, 0.95), percentile(s.ends, 0.95))
}

// limits are what each noise, at so many dB below the talk, must keep.
type limits struct {
	snr                      float64
	precision, recall, found float64
	onset                    float64 // p95, ms
}

var usual = []limits{{20, 0.99, 0.93, 0.98, 120}, {10, 0.99, 0.88, 0.95, 280}, {5, 0.99, 0.78, 0.93, 700}}

// Who talks among many talkers is a voice among voices.
var amongVoices = []limits{{20, 0.99, 0.92, 0.97, 160}, {10, 0.99, 0.83, 0.93, 450}, {5, 0.98, 0.54, 0.8, 1400}}

func TestTalkInNoise(t *testing.T) {
	for ni, n := range noises {
		table := usual
		if n.name == "babble" {
			table = amongVoices
		}
		var behind [][]float64
		for i, k := range talks(t) {
			behind = append(behind, n.make(t, rand.New(rand.NewPCG(uint64(i), uint64(ni))), len(k.pcm)))
		}
		for _, want := range table {
			var s score
			for i, k := range talks(t) {
				for _, gain := range []float64{0, -9} {
					s.judge(k, frames(k.in(behind[i], gain, want.snr)))
				}
			}
			t.Logf("%s, %.0f dB: %v", n.name, want.snr, &s)
			if s.precision() < want.precision || s.recall() < want.recall || s.found() < want.found ||
				percentile(s.onsets, 0.95) > want.onset || s.extra > s.spoken/50 {
				t.Errorf("%s, %.0f dB: want %+v", n.name, want.snr, want)
			}
		}
	}
}

// synthetic frames, to see an Endpointer alone.
func verdicts(s string) (out []Verdict) {
	for _, c := range s {
		switch c {
		case 'V':
			out = append(out, Verdict{Kind: Voice, Loud: true, Speech: true, Score: 0.9})
		case 's': // a consonant
			out = append(out, Verdict{Loud: true, Speech: true})
		case 'n':
			out = append(out, Verdict{Loud: true})
		case 'T':
			out = append(out, Verdict{Kind: Tone})
		case 'x':
			out = append(out, Verdict{Kind: Lost})
		default:
			out = append(out, Verdict{})
		}
	}
	return out
}

func TestEndpointer(t *testing.T) {
	const silence = "..................................." // 700 ms
	for _, c := range []struct {
		name, frames string
		begin, end   int // frames; -1 is none
		talk         int
	}{
		{"too short", "VVV" + silence, -1, -1, 0},
		{"a word", ".VVVV.." + silence, -1, -1, 0}, // 80 ms
		{"a longer word", ".VVVVV" + silence, 1, 6, 5},
		{"back-dated", "..nnVVVV" + silence, 2, 8, 6},
		{"at most 200 ms", "nnnnnnnnnnnnnnnnnnnnVVVV" + silence, 10, 24, 14},
		{"a stop in it", "VV...VVV" + silence, 0, 8, 8},
		{"two clicks", "VV....VV....VV....VV" + silence, -1, -1, 0},
		{"keys", "VVTVVTVVTVV" + silence, -1, -1, 0},
		{"consonants go on", "VVVVVssss" + silence, 0, 9, 9},
		{"a pause is no talk", "VVVVV....................VVV" + silence, 0, 28, 8},
		{"lost", "VVVVVxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx....", 0, -1, 5},
		{"noise goes on", "VVVVVnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", 0, 5, 5},
	} {
		var e Endpointer
		begin, end := -1, -1
		for i, v := range verdicts(c.frames) {
			if ev, ok := e.Frame(media.Time(i*media.FrameSamples), v); ok && ev.Kind == Ended {
				end = int(ev.At / media.FrameSamples)
			} else if ok && ev.Kind == Began {
				begin = int(ev.At / media.FrameSamples)
			}
		}
		if talk := int(e.Talk() / media.FrameSamples); begin != c.begin || end != c.end || talk != c.talk {
			t.Errorf("%s: from %d to %d, talk %d; want %d to %d, %d", c.name, begin, end, talk, c.begin, c.end, c.talk)
		}
		if _, on := e.Reset(); on != (begin >= 0 && end < 0) || e.Speaking() {
			t.Errorf("%s: an end at the reset: %v", c.name, on)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, dBov := range []float64{-9, -20, -41.5} {
		pcm := media.Tone(1000, dBov, media.FrameDuration)
		var d Detector
		if a, b := Level(pcm), d.Frame(pcm).Level; math.Abs(float64(a)-dBov) > 0.1 || math.Abs(float64(b)-dBov) > 0.1 {
			t.Errorf("%.1f dBov are %.2f and %.2f", dBov, a, b)
		}
	}
	if l := Level(make([]int16, media.FrameSamples)); l != Nothing {
		t.Errorf("silence has %v", l)
	}
}

func TestFramesDoNotAllocate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	x := white(t, rng, seconds(1))
	scale(x, -20)
	pcm := frames(x)
	var d Detector
	var e Endpointer
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		d.Sent(pcm[i%len(pcm)])
		e.Frame(media.Time(i*media.FrameSamples), d.Frame(pcm[i%len(pcm)]))
		i++
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
}

// BenchmarkFrame is the price of a frame from G.711, of silence, and of a voice, the
// dearest: each frame is loud there.
func BenchmarkFrame(b *testing.B) {
	var voice []float64
	for _, k := range talks(b)[:1] {
		for i, on := range k.label {
			if on {
				voice = append(voice, k.pcm[i*media.FrameSamples:(i+1)*media.FrameSamples]...)
			}
		}
	}
	for _, c := range []struct {
		name string
		pcm  [][]int16
		sent [][]int16
	}{{"silence", frames(make([]float64, seconds(1))), nil}, {"voice", frames(voice), nil}, {"silence under a prompt", frames(make([]float64, seconds(1))), frames(voice)}} {
		b.Run(c.name, func(b *testing.B) {
			wire, sent := encoded(c.pcm), encoded(c.sent)
			var d Detector
			var e Endpointer
			var room, far [media.FrameSamples]int16
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				media.PCMU.Decode(room[:], wire[i%len(wire)][:])
				e.Frame(media.Time(i*media.FrameSamples), d.Frame(room[:]))
				if len(sent) > 0 {
					media.PCMU.Decode(far[:], sent[i%len(sent)][:])
					d.Sent(far[:])
				}
			}
		})
	}
}

func encoded(pcm [][]int16) [][media.FrameSamples]byte {
	wire := make([][media.FrameSamples]byte, len(pcm))
	for i := range wire {
		media.PCMU.Encode(wire[i][:], pcm[i])
	}
	return wire
}
