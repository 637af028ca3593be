package media

import (
	"fmt"
	"math"
	"slices"
)

// Resampler converts a stream of PCM from one rate to another: however the
// stream is cut into frames, it sounds the same. For whole sounds, Resample
// is better: it adds no delay and cuts more sharply.
//
// The filter is linear in phase, a sinc under a Kaiser window (β = 6.76), as
// polyphases. With N half the lower of the two rates:
//
//   - pass-band up to 0.86·N (3.44 kHz when that rate is 8 kHz), flat within 0.005 dB;
//   - at N, -6 dB;
//   - stop-band from 1.14·N (4.56 kHz), 70 dB down. What lies between N and
//     there is folded to between 0.86·N and N, where telephone speech has nothing;
//   - delay of 16 samples at the lower rate, 2 ms at 8 kHz, rounded up to two of
//     the input's samples.
//
// Between 8 and 16 kHz it is a half-band filter of 63 taps: every other tap is
// zero, the rest are equal in pairs, and the delay is 1.94 ms.
//
// A Resampler is for one stream and one goroutine.
type Resampler struct {
	rates    ratio
	from     int     // Hz
	taps     int     // of a phase
	kernel   []int32 // the taps of each phase, oldest sample first; none of a half-band
	samples  []int16 // the past, then what is to be worked on
	fill     int     // how many samples there are
	next     int     // the newest sample that the next output needs
	position int     // of the next output after that sample, in units of 1/up sample
}

// ratio is the output rate by the input rate in lowest terms.
type ratio struct{ up, down int }

var (
	doubling = ratio{2, 1}
	halving  = ratio{1, 2}
	same     = ratio{1, 1}
)

const (
	resamplerBeta = 6.755 // 0.1102 (70 - 8.7)
	resamplerSpan = 16    // zero crossings on each side
	kernelBits    = 24    // fractional bits of a tap
	halfBandTaps  = 4*resamplerSpan - 1
	halfBandPairs = resamplerSpan
)

// NewResampler makes a resampler between two of 8, 16, 22.05, 24, 32, 44.1 and 48 kHz;
// other rates are an error. Its tables take up to 60 kB, and none between 8
// and 16 kHz.
func NewResampler(fromHz, toHz int) (*Resampler, error) {
	rates := ResamplerRates()
	if !slices.Contains(rates, fromHz) || !slices.Contains(rates, toHz) {
		return nil, fmt.Errorf("resample from %d to %d Hz: the rates are %v", fromHz, toHz, rates)
	}
	return resampler(fromHz, toHz), nil
}

// ResamplerRates are those that a Resampler knows, in Hz.
func ResamplerRates() []int { return []int{8000, 16000, 22050, 24000, 32000, 44100, 48000} }

func resampler(fromHz, toHz int) *Resampler {
	divisor := gcd(fromHz, toHz)
	r := &Resampler{from: fromHz, rates: ratio{toHz / divisor, fromHz / divisor}}
	switch r.rates {
	case same:
		r.taps = 1
	case doubling:
		r.taps = 2 * halfBandPairs
	case halving:
		r.taps = halfBandTaps
	default:
		r.taps, r.kernel = polyphases(r.rates)
	}
	r.samples = make([]int16, r.taps-1+fromHz/FramesPerSecond)
	r.Reset()
	return r
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Reset forgets the stream: what comes next follows silence.
func (r *Resampler) Reset() {
	clear(r.samples)
	r.fill, r.next, r.position = r.taps-1, r.taps-1, 0
}

// Room is the most that n samples can become.
func (r *Resampler) Room(n int) int { return (n*r.rates.up + r.rates.down - 1) / r.rates.down }

// Resample converts src into dst, which must have Room for it, and returns how
// many samples were written. A frame of 20 ms becomes one of 20 ms.
func (r *Resampler) Resample(dst, src []int16) int {
	if r.rates == same {
		return copy(dst, src)
	}
	written := 0
	for len(src) > 0 {
		n := copy(r.samples[r.fill:], src)
		src, r.fill = src[n:], r.fill+n
		written += r.run(dst[written:])
		r.slide()
	}
	return written
}

func (r *Resampler) run(dst []int16) int {
	switch r.rates {
	case doubling:
		return r.double(dst)
	case halving:
		return r.halve(dst)
	default:
		return r.polyphase(dst)
	}
}

// slide leaves the past that the next output needs.
func (r *Resampler) slide() {
	gone := r.fill - (r.taps - 1)
	copy(r.samples, r.samples[gone:r.fill])
	r.fill, r.next = r.taps-1, r.next-gone
}

// double makes two samples of each: one by all pairs of taps, one that is the
// sample in the middle.
func (r *Resampler) double(dst []int16) int {
	first := r.next
	for ; r.next < r.fill; r.next++ {
		x := (*[2 * halfBandPairs]int16)(r.samples[r.next+1-2*halfBandPairs:])
		sum := int64(1) << (kernelBits - 2)
		sum += pairs(x)
		i := 2 * (r.next - first)
		dst[i] = clipLong(sum >> (kernelBits - 1))
		dst[i+1] = x[halfBandPairs]
	}
	return 2 * (r.next - first)
}

// halve makes one sample of two.
func (r *Resampler) halve(dst []int16) int {
	written := 0
	for ; r.next < r.fill; r.next += 2 {
		x := (*[halfBandTaps]int16)(r.samples[r.next+1-halfBandTaps:])
		sum := int64(x[halfBandTaps/2])<<(kernelBits-1) + 1<<(kernelBits-1)
		sum += everySecondPair(x)
		dst[written] = clipLong(sum >> kernelBits)
		written++
	}
	return written
}

// pairs sums all of x under the half-band's taps, two at a time. It is written
// out because the loop takes twice as long.
func pairs(x *[2 * halfBandPairs]int16) int64 {
	h := &halfBand
	return int64(h[0])*(int64(x[0])+int64(x[31])) +
		int64(h[1])*(int64(x[1])+int64(x[30])) +
		int64(h[2])*(int64(x[2])+int64(x[29])) +
		int64(h[3])*(int64(x[3])+int64(x[28])) +
		int64(h[4])*(int64(x[4])+int64(x[27])) +
		int64(h[5])*(int64(x[5])+int64(x[26])) +
		int64(h[6])*(int64(x[6])+int64(x[25])) +
		int64(h[7])*(int64(x[7])+int64(x[24])) +
		int64(h[8])*(int64(x[8])+int64(x[23])) +
		int64(h[9])*(int64(x[9])+int64(x[22])) +
		int64(h[10])*(int64(x[10])+int64(x[21])) +
		int64(h[11])*(int64(x[11])+int64(x[20])) +
		int64(h[12])*(int64(x[12])+int64(x[19])) +
		int64(h[13])*(int64(x[13])+int64(x[18])) +
		int64(h[14])*(int64(x[14])+int64(x[17])) +
		int64(h[15])*(int64(x[15])+int64(x[16]))
}

// everySecondPair is pairs of every second sample.
func everySecondPair(x *[halfBandTaps]int16) int64 {
	h := &halfBand
	return int64(h[0])*(int64(x[0])+int64(x[62])) +
		int64(h[1])*(int64(x[2])+int64(x[60])) +
		int64(h[2])*(int64(x[4])+int64(x[58])) +
		int64(h[3])*(int64(x[6])+int64(x[56])) +
		int64(h[4])*(int64(x[8])+int64(x[54])) +
		int64(h[5])*(int64(x[10])+int64(x[52])) +
		int64(h[6])*(int64(x[12])+int64(x[50])) +
		int64(h[7])*(int64(x[14])+int64(x[48])) +
		int64(h[8])*(int64(x[16])+int64(x[46])) +
		int64(h[9])*(int64(x[18])+int64(x[44])) +
		int64(h[10])*(int64(x[20])+int64(x[42])) +
		int64(h[11])*(int64(x[22])+int64(x[40])) +
		int64(h[12])*(int64(x[24])+int64(x[38])) +
		int64(h[13])*(int64(x[26])+int64(x[36])) +
		int64(h[14])*(int64(x[28])+int64(x[34])) +
		int64(h[15])*(int64(x[30])+int64(x[32]))
}

func (r *Resampler) polyphase(dst []int16) int {
	written := 0
	for r.next < r.fill {
		x := r.samples[r.next+1-r.taps : r.next+1]
		h := r.kernel[r.position*r.taps:][:r.taps]
		sum := int64(1) << (kernelBits - 1)
		for len(x) >= 4 && len(h) >= 4 {
			sum += int64(h[0])*int64(x[0]) + int64(h[1])*int64(x[1]) + int64(h[2])*int64(x[2]) + int64(h[3])*int64(x[3])
			x, h = x[4:], h[4:]
		}
		dst[written] = clipLong(sum >> kernelBits)
		written++
		r.position += r.rates.down
		r.next += r.position / r.rates.up
		r.position %= r.rates.up
	}
	return written
}

func clipLong(v int64) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }

// halfBand is one half of the half-band filter, without the zeros and without
// the middle, which is one half. It is written once, before main.
var halfBand = halfBandKernel()

func halfBandKernel() (h [halfBandPairs]int32) {
	w := make([]float64, halfBandPairs)
	sum := 0.0
	for k := range w {
		w[k] = prototype(float64(2*k+1-2*halfBandPairs) / 2)
		sum += w[k]
	}
	for k := range w {
		h[k] = tap(w[k] / sum / 4)
	}
	return h
}

// polyphases are the taps of each phase. Each phase sums to one, so that a
// constant stays one.
func polyphases(r ratio) (taps int, kernel []int32) {
	slower := max(1, float64(r.down)/float64(r.up))    // how far the input outruns the lower rate
	side := int(math.Ceil(resamplerSpan*slower/2)) * 2 // polyphase sums four taps at a time
	taps = 2 * side
	kernel = make([]int32, 0, taps*r.up)
	w := make([]float64, taps)
	for phase := range r.up {
		sum := 0.0
		for k := range w {
			at := float64(side-1-k) + float64(phase)/float64(r.up)
			w[k] = prototype(at / slower)
			sum += w[k]
		}
		for _, v := range w {
			kernel = append(kernel, tap(v/sum))
		}
	}
	return taps, kernel
}

func tap(v float64) int32 { return int32(math.Round(v * (1 << kernelBits))) }

// prototype is the filter, x zero crossings from its middle.
func prototype(x float64) float64 { return windowedSinc(x, resamplerSpan, resamplerBeta) }
