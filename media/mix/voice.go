package mix

import (
	"math"

	"github.com/ivrd/ivrd/media"
)

// Kind says what a speaker has for a frame.
type Kind uint8

// The kinds.
const (
	Silent Kind = iota // nothing is said
	Sound
	Lost // something was said that has not come
)

// Speaker supplies the sound of a Voice.
type Speaker interface {
	// Frame decodes the frame of the current tick to dst, if there is Sound; else
	// it leaves dst alone.
	Frame(dst []int16) Kind
}

// Concealing is a Speaker whose losses are worth bridging: a Voice without a
// Concealer asks it for one when it has been heard for some frames in a row.
type Concealing interface {
	Concealer(samples int) Concealer
}

// settled is after how many frames in a row that is: who comes in beside others
// once, or leaves, needs none.
const settled = 3

// Concealer makes up sound for frames that were lost. Frames are those of one
// Voice, in order.
type Concealer interface {
	// Good is shown a frame that has come and may smooth its beginning.
	Good(frame []int16)
	// Lost writes what stands in for a frame that has not.
	Lost(dst []int16)
}

// Voice is the sound of one speaker at one sample rate. The zero Voice with a
// Speaker is ready for use, at a gain of one.
type Voice struct {
	Speaker Speaker
	// Concealer, if any, bridges losses. Without one a voice that breaks off
	// goes on for a period and dies away, within 10 ms, and comes back so.
	Concealer Concealer
	// Steady turns the automatic gain off: for what has a level of its own, such
	// as prompts.
	Steady bool

	pcm   []int16
	kind  Kind
	fresh bool  // the concealer knows what came before
	run   uint8 // frames with sound in a row, up to settled
	next  media.Time
	level leveller
}

// Frame is the sound at media time at, before any gain: samples of it, made once
// for all who hear it and valid until the next.
func (v *Voice) Frame(at media.Time, samples int) []int16 {
	if v.pcm == nil {
		v.pcm = make([]int16, samples)
	}
	if at == v.next-media.FrameSamples {
		return v.pcm
	}
	follows := at == v.next
	v.next = at + media.FrameSamples
	if !follows {
		v.fresh, v.run = false, 0
	}
	was := v.kind
	v.kind = v.Speaker.Frame(v.pcm)
	if v.kind == Sound {
		v.came(follows && was != Sound)
	} else {
		v.broke(follows && was == Sound)
	}
	return v.pcm
}

func (v *Voice) gain() float32 { return 1 + v.level.over }

// came takes a frame; again says that the last was none.
func (v *Voice) came(again bool) {
	if !v.Steady {
		v.level.hear(v.pcm)
	}
	if v.run < settled {
		v.settle()
	}
	if v.Concealer != nil {
		v.Concealer.Good(v.pcm)
		v.fresh = true
		return
	}
	if again {
		n := len(v.pcm) / fadePart
		for i, s := range v.pcm[:n] {
			v.pcm[i] = int16(scale(s, rise[i*rampSteps/n]))
		}
	}
}

// settle counts the first frames.
func (v *Voice) settle() {
	if v.run++; v.run == settled && v.Concealer == nil {
		if s, ok := v.Speaker.(Concealing); ok {
			v.Concealer = s.Concealer(len(v.pcm))
		}
	}
}

// broke makes what is heard without a frame; off says that there was one before.
func (v *Voice) broke(off bool) {
	switch {
	case v.kind == Lost && v.fresh:
		v.Concealer.Lost(v.pcm)
	case off:
		if v.fresh {
			v.Concealer.Lost(v.pcm)
		} else {
			repeat(v.pcm)
		}
		die(v.pcm)
	default:
		clear(v.pcm)
	}
}

// repeat goes on with the last period of a frame in the first half of it, which
// does. The period is that after which the end of the frame was said before.
func repeat(pcm []int16) {
	n := len(pcm)
	period := period(pcm)
	for i := range n / 2 {
		pcm[i] = pcm[n-period+i%period]
	}
}

// period is where the last 2.5 ms of a frame are most alike to what came 2.5 to
// 17.5 ms before them.
func period(pcm []int16) int {
	n, m := len(pcm), max(len(pcm)/8, 1)
	end := pcm[n-m:]
	best, least := m, int64(math.MaxInt64)
	for lag := m; lag <= n-m; lag++ {
		var sum int64
		for i, v := range pcm[n-m-lag : n-lag] {
			d := int64(v) - int64(end[i])
			sum += d * d
		}
		if sum < least {
			best, least = lag, sum
		}
	}
	return best
}

// die fades a frame out in its first half.
func die(pcm []int16) {
	n := len(pcm) / fadePart
	for i := range n {
		pcm[i] = int16(scale(pcm[i], unity-rise[i*rampSteps/n]))
	}
	clear(pcm[n:])
}
