package media

import (
	"errors"
	"math"
)

// ComfortNoise describes the noise behind the pauses of a speaker who sends
// none (RFC 3389): how loud it is, and perhaps its spectrum as an all-pole
// model.
type ComfortNoise struct {
	// Level is the power in -dBov: 0 is the loudest, 127 the quietest.
	Level uint8
	// Order is how many reflection coefficients there are, at most MaxNoiseOrder.
	Order int
	// Reflection are the coefficients, between -1 and 1. The first is the
	// correlation of neighbouring samples with its sign turned: it is negative
	// when low sounds prevail.
	Reflection [MaxNoiseOrder]float32
}

const (
	// ComfortNoiseType is the static payload type of comfort noise (RFC 3389 §4).
	ComfortNoiseType = 13
	// MaxNoiseOrder is how many coefficients are kept; a receiver may leave out
	// the rest (RFC 3389 §3).
	MaxNoiseOrder = 10

	quietestNoise = 127 // -dBov

	// A coefficient's byte is 127 for 0 and at most 254 (RFC 3389 §3.2).
	reflectionZero = 127
	reflectionUnit = 258.0 / 32768
)

var errNoLevel = errors.New("comfort noise without a level")

// ParseComfortNoise reads a payload (RFC 3389 §3.3). An empty one is an error.
// The unused bit of the level is ignored, and the byte that no coefficient has
// is read as the largest.
func ParseComfortNoise(payload []byte) (ComfortNoise, error) {
	if len(payload) == 0 {
		return ComfortNoise{}, errNoLevel
	}
	n := ComfortNoise{Level: payload[0] & quietestNoise, Order: min(len(payload)-1, MaxNoiseOrder)}
	for i, b := range payload[1 : 1+n.Order] {
		n.Reflection[i] = (float32(min(b, 2*reflectionZero)) - reflectionZero) * reflectionUnit
	}
	return n, nil
}

// Append appends the payload to b; what is out of range is limited.
func (n ComfortNoise) Append(b []byte) []byte {
	b = append(b, min(n.Level, quietestNoise))
	for _, k := range n.Reflection[:min(max(n.Order, 0), MaxNoiseOrder)] {
		q := math.Round(float64(k) / reflectionUnit)
		b = append(b, byte(reflectionZero+min(max(q, -reflectionZero), reflectionZero)))
	}
	return b
}

// MeasureNoise describes pcm, which should be 20 ms or more of noise, by its
// level and, when order is not 0, by that many coefficients.
func MeasureNoise(pcm []int16, order int) ComfortNoise {
	n := ComfortNoise{Level: quietestNoise, Order: min(max(order, 0), MaxNoiseOrder)}
	var correlation [MaxNoiseOrder + 1]float64
	for lag := range correlation[:n.Order+1] {
		for i := lag; i < len(pcm); i++ {
			correlation[lag] += float64(pcm[i]) * float64(pcm[i-lag])
		}
	}
	if correlation[0] == 0 {
		return n
	}
	power := correlation[0] / float64(len(pcm)) / (fullScale * fullScale)
	n.Level = uint8(min(max(math.Round(-10*math.Log10(power)), 0), quietestNoise))
	n.Reflection = reflections(&correlation, n.Order)
	return n
}

// reflections is the recursion of Levinson and Durbin.
func reflections(correlation *[MaxNoiseOrder + 1]float64, order int) (k [MaxNoiseOrder]float32) {
	a, rest := [MaxNoiseOrder + 1]float64{1}, correlation[0]
	for m := 1; m <= order; m++ {
		sum := 0.0
		for i := range m {
			sum += a[i] * correlation[m-i]
		}
		r := -sum / rest
		old := a
		for i := 1; i <= m; i++ {
			a[i] += r * old[m-i]
		}
		k[m-1] = float32(r)
		rest *= 1 - r*r
		if rest <= correlation[0]*1e-9 { // all is foretold: a tone or a constant
			break
		}
	}
	return k
}

// NoiseGenerator makes the noise that a ComfortNoise describes. The zero value
// is silent. It is for one stream, and deterministic: generators that are heard
// together want seeds of their own.
type NoiseGenerator struct {
	seed  uint32
	gain  float64 // of white noise with a power of 1
	order int
	k     [MaxNoiseOrder]float64
	back  [MaxNoiseOrder]float64 // the backward errors of the sample before
}

// NewNoiseGenerator makes a generator that is silent until Set.
func NewNoiseGenerator(seed uint32) *NoiseGenerator { return &NoiseGenerator{seed: seed} }

// Set changes the noise; it goes on without a click.
func (g *NoiseGenerator) Set(n ComfortNoise) {
	g.gain = fullScale * math.Pow(10, -float64(n.Level)/20)
	g.order = min(max(n.Order, 0), MaxNoiseOrder)
	for i, k := range n.Reflection[:g.order] {
		g.k[i] = min(max(float64(k), -maxReflection), maxReflection)
		g.gain *= math.Sqrt(1 - g.k[i]*g.k[i])
	}
	clear(g.back[g.order:])
}

// maxReflection keeps the model stable.
const maxReflection = 0.9999

// Fill writes the next noise to pcm, at whatever rate it was measured.
func (g *NoiseGenerator) Fill(pcm []int16) {
	for i := range pcm {
		f := g.gain * g.white()
		for m := g.order - 1; m >= 0; m-- {
			f -= g.k[m] * g.back[m]
			if m+1 < g.order {
				g.back[m+1] = g.back[m] + g.k[m]*f
			}
		}
		g.back[0] = f
		pcm[i] = clip(f)
	}
}

// white is evenly spread with a power of 1: a Weyl sequence, its bits mixed.
func (g *NoiseGenerator) white() float64 {
	g.seed += 0x9E3779B9
	z := g.seed
	z = (z ^ z>>16) * 0x21F0AAAD
	z = (z ^ z>>15) * 0x735A2D97
	z ^= z >> 15
	return float64(int32(z)) * (math.Sqrt(3) / (1 << 31))
}
