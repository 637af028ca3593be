package rtpio

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/plc"
)

// badLine is what happens to packets of 20 ms.
type badLine struct {
	name   string
	loss   float64
	burst  int
	delay  int // the shortest, in samples
	jitter int // evenly spread above it; packets overtake each other
}

func badLines() []badLine {
	return []badLine{
		{"clean", 0, 1, 160, 0},
		{"jitter", 0, 1, 160, 320},
		{"loss5", 0.05, 1, 160, 320},
		{"burst20", 0.2, 4, 160, 320},
	}
}

// lost draws which of n packets never come.
func (b badLine) lost(n int, rng *rand.Rand) []bool {
	lost := make([]bool, n)
	for i := range lost {
		if rng.Float64() < b.loss/float64(b.burst) {
			for k := i; k < min(i+b.burst, n); k++ {
				lost[k] = true
			}
		}
	}
	return lost
}

// heardSpeech is what came of a caller's speech.
type heardSpeech struct {
	pcm    []int16 // one frame a tick from the first packet's sending on
	said   []int16 // what was said at the times that the frames tell
	coded  []int16 // all that was said, after coding
	lost   []bool  // which frames of it never came
	count  jitterCount
	delays []int // samples from saying to hearing, of each frame with sound
}

// send lets speech pass over a line, through the buffer and concealment.
func (b badLine) send(pcm []int16, seed uint64) (h heardSpeech) {
	const n = frameSamples
	rng := rand.New(rand.NewPCG(seed, 3))
	packets := len(pcm) / n
	coded := make([]byte, packets*n)
	media.PCMU.Encode(coded, pcm[:packets*n])
	h.coded = make([]int16, packets*n)
	media.PCMU.Decode(h.coded, coded)
	h.lost = b.lost(packets, rng)
	phase := rng.IntN(n) // of the ticks
	due := make([][]int, packets+20)
	for i, lost := range h.lost {
		tick := ((i+1)*n + b.delay + rng.IntN(b.jitter+1) - phase) / n
		if !lost {
			due[tick] = append(due[tick], i)
		}
	}
	j := jitterBuffer{codec: media.PCMU}
	var conceal plc.Decoder
	var frame [n]byte
	for tick, list := range due {
		for _, i := range list {
			j.push(uint32(i*n), i == 0, coded[i*n:(i+1)*n])
		}
		start, began := int(int32(j.next)), j.started
		out := make([]int16, n)
		switch j.pop(&frame) {
		case Sound:
			h.delays = append(h.delays, (tick+1)*n+phase-start)
			conceal.Frame(out, media.PCMU, frame[:])
		case Lost:
			next, after := j.ahead(&frame, j.next)
			conceal.Between(out, after, media.PCMU, next)
		default:
			conceal.Frame(out, media.PCMU, nil)
		}
		h.pcm = append(h.pcm, out...)
		h.said = append(h.said, at(h.coded, start, began)...)
	}
	h.count = j.count
	return h
}

// at is the frame of a sound that begins at a sample, silence outside it.
func at(pcm []int16, start int, known bool) []int16 {
	out := make([]int16, frameSamples)
	for i := range out {
		if n := start + i; known && n >= 0 && n < len(pcm) {
			out[i] = pcm[n]
		}
	}
	return out
}

// perfect is what would be heard if every packet that comes came in time, and
// lost made what is heard of those that do not: of out[at:at+frameSamples].
func (h *heardSpeech) perfect(good func(frame []int16), lost func(out []int16, at int)) []int16 {
	out := slices.Clone(h.coded)
	for i, gone := range h.lost {
		if at := i * frameSamples; gone {
			lost(out, at)
		} else {
			good(out[at : at+frameSamples])
		}
	}
	return out
}

func (h *heardSpeech) silent() []int16 {
	return h.perfect(func([]int16) {}, func(out []int16, at int) { clear(out[at : at+frameSamples]) })
}

// concealed knows what follows a lost frame, if that was not lost, too.
func (h *heardSpeech) concealed() []int16 {
	c := plc.New(media.SampleRate)
	return h.perfect(c.Good, func(out []int16, at int) {
		frame, next := out[at:at+frameSamples], out[at+frameSamples:]
		if i := at/frameSamples + 1; i < len(h.lost) && h.lost[i] {
			next = nil
		}
		c.Between(frame, 0, next)
	})
}

// repeated is what ITU-T G.711 Appendix I makes of it.
func (h *heardSpeech) repeated() (out []int16) {
	var a speech.AppendixI
	for i, gone := range h.lost {
		frame := h.coded[i*frameSamples : (i+1)*frameSamples]
		if gone {
			frame = nil
		}
		out = append(out, a.Frame(frame)...)
	}
	return out
}

// figures of one line, means over voices and seeds.
type figures struct {
	snr, distance               float64 // dB
	silent, silentDistance      float64 // the anchors
	concealed, concealDistance  float64
	mos                         [4]float64 // heard, and in perfect time: silence, Appendix I, concealed
	mean, longest               float64    // ms of delay, from saying a frame's end to hearing it
	length                      float64    // s, the longest that more or less was heard than said
	late, packets               uint64
	stretched, squeezed, filled uint64
}

func (b badLine) measure(t testing.TB, said [][]int16, seeds int) (f figures) {
	t.Helper()
	share := 1 / float64(len(said)*seeds)
	for v, pcm := range said {
		for seed := range seeds {
			h := b.send(pcm, uint64(v*seeds+seed))
			f.snr += share * speech.SegmentalSNR(h.said, h.pcm)
			f.distance += share * speech.LogSpectralDistance(h.said, h.pcm)
			silent, concealed := h.silent(), h.concealed()
			for i, heard := range [][]int16{h.pcm, silent, h.repeated(), concealed} {
				f.mos[i] += share * speech.P862(t, h.coded, heard)
			}
			f.silent += share * speech.SegmentalSNR(h.coded, silent)
			f.silentDistance += share * speech.LogSpectralDistance(h.coded, silent)
			f.concealed += share * speech.SegmentalSNR(h.coded, concealed)
			f.concealDistance += share * speech.LogSpectralDistance(h.coded, concealed)
			sum := 0
			for _, d := range h.delays {
				sum += d
				f.longest = max(f.longest, float64(d-frameSamples)/8)
			}
			f.mean += share * (float64(sum)/float64(len(h.delays)) - frameSamples) / 8
			drift := float64(h.delays[len(h.delays)-1]-h.delays[0]) / media.SampleRate
			f.length = max(f.length, max(drift, -drift))
			f.late += h.count.late
			f.packets += uint64(len(h.lost))
			f.stretched += h.count.stretched
			f.squeezed += h.count.squeezed
			f.filled += h.count.filled
		}
	}
	return f
}

func (f figures) String() string {
	return fmt.Sprintf("SNR %.2f dB (silence %.2f, concealed %.2f in perfect time), spectral distance %.2f dB (%.2f, %.2f), delay %.0f ms, at most %.0f, length off by %.3f s, late %d of %d, stretched %d, squeezed %d, filled %d",
		f.snr, f.silent, f.concealed, f.distance, f.silentDistance, f.concealDistance, f.mean, f.longest, f.length, f.late, f.packets, f.stretched, f.squeezed, f.filled)
}

func voices(t testing.TB) (said [][]int16) {
	t.Helper()
	if dir := os.Getenv("IVRD_SPEECH"); dir != "" {
		return speech.Recorded(t, dir, media.SampleRate)
	}
	for _, v := range speech.Voices() {
		said = append(said, v.Say(t, media.SampleRate))
	}
	return said
}

// Speech over bad lines: nearer to what was said than with silence and perfect
// timing, within 120 ms, and as long as it was.
func TestBadLines(t *testing.T) {
	said := voices(t)
	for _, b := range badLines() {
		f := b.measure(t, said, 3)
		t.Logf("%s: %v", b.name, f)
		wait := f.longest - float64(b.delay)/8 // in the buffer, and in the line's jitter
		if wait > 120 || f.length > 0.1 || f.late*200 > f.packets {
			t.Errorf("%s: delay, length or lateness: %v", b.name, f)
		}
		if b.loss == 0 && (f.distance > 0.2 || f.snr < 33) {
			t.Errorf("%s: sound is changed though nothing is lost: %v", b.name, f)
		}
		if b.loss > 0 && f.distance >= f.silentDistance {
			t.Errorf("%s: no better than silence: %v", b.name, f)
		}
	}
}

func BenchmarkBadLine(b *testing.B) {
	said := voices(b)
	for _, line := range badLines() {
		b.Run(line.name, func(b *testing.B) {
			var f figures
			for b.Loop() {
				f = line.measure(b, said, 3)
			}
			b.ReportMetric(f.snr, "dB-SNR")
			b.ReportMetric(f.silent, "dB-SNR-silence")
			b.ReportMetric(f.concealed, "dB-SNR-perfect-time")
			b.ReportMetric(f.distance, "dB-LSD")
			b.ReportMetric(f.silentDistance, "dB-LSD-silence")
			b.ReportMetric(f.concealDistance, "dB-LSD-perfect-time")
			for i, way := range []string{"", "-silence", "-appendix-I", "-perfect-time"} {
				b.ReportMetric(f.mos[i], "MOS"+way)
			}
			b.ReportMetric(f.mean, "ms-delay")
			b.ReportMetric(f.longest, "ms-longest")
			b.ReportMetric(f.length*1000, "ms-length-error")
		})
	}
}
