package tts

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

// rendering is one text on its way to sound, in two ways at once: as it comes, for a
// caller who waits, and as a whole, which can be cut and levelled better.
//
// Speech is spoken piece by piece, with the pauses made here: an engine needs to know
// no markup, and a pause is as long as it was written.
type rendering struct {
	starved *atomic.Int64 // counts pauses of players

	mu    sync.Mutex
	live  *live
	parts []part
}

// part is an utterance, or a pause.
type part struct {
	pause  time.Duration
	raw    []int16
	rate   int
	volume float64 // dB
}

func newRendering(gain float64, starved *atomic.Int64) *rendering {
	return &rendering{starved: starved, live: newLive(gain, starved)}
}

// speak lets an engine speak all pieces and returns how many are done.
func (r *rendering) speak(ctx speakContext, speech ssml.Speech) (done int, err error) {
	for i, p := range speech {
		switch {
		case p.Pause > 0:
			r.add(part{pause: p.Pause})
		case len(words(p.Text)) > 0:
			err = r.utter(ctx, p)
		}
		if err != nil {
			return i, err
		}
	}
	return len(speech), nil
}

func (r *rendering) utter(ctx speakContext, p ssml.Piece) error {
	r.add(part{volume: p.Prosody.Volume})
	err := ctx.engine.Speak(ctx, Utterance{Text: p.Text, Language: ctx.language, Prosody: p.Prosody}, r.hear)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.live.audible {
		return ErrSilent
	}
	return nil
}

func (r *rendering) add(p part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts = append(r.parts, p)
	if p.pause > 0 {
		r.live.pause(p.pause)
		return
	}
	r.live.begin(p.volume)
}

// hear takes what the engine says.
func (r *rendering) hear(pcm []int16, rate int) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	p := &r.parts[len(r.parts)-1]
	if p.rate != 0 && p.rate != rate {
		return fmt.Errorf("hear speech: its rate goes from %d to %d Hz", p.rate, rate)
	}
	p.rate = rate
	p.raw = append(p.raw, pcm...)
	return r.live.hear(pcm, rate)
}

// restart forgets all that has come; another voice needs another gain.
func (r *rendering) restart(gain float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.parts, r.live = nil, newLive(gain, r.starved)
}

// growing is the sound as it comes.
func (r *rendering) growing() *media.Growing {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.live.out
}

// whole is all of the sound (8 kHz), and the gain that the voice needs.
func (r *rendering) whole() (pcm []int16, gain float64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sounds := make([][]int16, len(r.parts))
	for i, p := range r.parts {
		raw := p.raw
		if p.rate != media.SampleRate && p.rate != 0 {
			raw = media.Resample(raw, p.rate, media.SampleRate)
		}
		var g float64
		sounds[i], g = shapeAt(raw, targetLevel+p.volume)
		if p.volume == 0 && len(sounds[i]) > 0 {
			gain = g
		}
	}
	for i, p := range r.parts {
		if p.pause == 0 {
			pcm = append(pcm, sounds[i]...)
			continue
		}
		// What the sounds around it have of silence is part of the pause.
		silent := samplesOf(p.pause)
		if i > 0 {
			silent -= edge(sounds[i-1], true)
		}
		if i+1 < len(sounds) {
			silent -= edge(sounds[i+1], false)
		}
		pcm = append(pcm, make([]int16, max(silent, 0))...)
	}
	return pcm, gain
}

// How a sound that is played while it comes is cut: what is quieter than this before
// the first sound is left out.
const (
	quietLevel = -50.0 // dBov of a frame of 10 ms
	quietFrame = media.SampleRate / 100
)

// live is sound as it comes, made fit for the telephone as well as can be without
// knowing what follows: 8 kHz, without the silence before the first sound, at the level
// that the voice had the last time, and not louder than peakLimit.
type live struct {
	out       *media.Growing
	gain      float64
	resampler *media.Resampler
	room      []int16
	held      []int16 // not judged yet, and the edge before the first sound
	now       float64 // gain now: lower after a peak
	volume    float64 // gain of the utterance
	begun     bool    // the utterance is heard
	audible   bool    // it was
	quiet     int     // samples of quiet at the end
	owed      int     // samples of a pause that the edge of what follows may have
}

func newLive(gain float64, starved *atomic.Int64) *live {
	return &live{out: media.NewGrowing("speech", maxSpeech, starved), gain: gain}
}

// begin is the beginning of an utterance.
func (l *live) begin(volume float64) {
	l.flush()
	l.resampler, l.held, l.begun, l.audible = nil, nil, false, false
	l.volume = math.Pow(10, volume/20)
	l.now = l.gain * l.volume
}

// flush lets out what waits for more.
func (l *live) flush() {
	if l.begun {
		l.put(l.held)
	}
	l.held = nil
}

// pause adds silence to that with which the last utterance ended.
func (l *live) pause(d time.Duration) {
	l.flush()
	l.begun = false
	more := max(samplesOf(d)-l.quiet, 0)
	l.owed = min(more, samplesOf(edgeSilence))
	l.out.Append(make([]int16, more-l.owed))
	l.quiet = 0
}

func (l *live) hear(pcm []int16, rate int) error {
	if rate != media.SampleRate {
		if l.resampler == nil {
			var err error
			if l.resampler, err = media.NewResampler(rate, media.SampleRate); err != nil {
				return err
			}
		}
		if n := l.resampler.Room(len(pcm)); n > len(l.room) {
			l.room = make([]int16, n)
		}
		pcm = l.room[:l.resampler.Resample(l.room, pcm)]
	}
	l.held = append(l.held, pcm...)
	for at := 0; !l.begun; at += quietFrame {
		if at+quietFrame > len(l.held) {
			keep := min(len(l.held), samplesOf(edgeSilence)+len(l.held)-at)
			l.held = append([]int16(nil), l.held[len(l.held)-keep:]...)
			return nil
		}
		if dB(rms(l.held[at:at+quietFrame])*l.gain) > quietLevel {
			l.begun, l.audible = true, true
			edge := min(at, samplesOf(edgeSilence))
			l.held = l.held[at-edge:]
			l.out.Append(make([]int16, max(l.owed-edge, 0)))
			l.owed = 0
			l.now = l.gain * l.volume
		}
	}
	whole := len(l.held) - len(l.held)%quietFrame
	ok := l.put(l.held[:whole])
	l.held = append([]int16(nil), l.held[whole:]...)
	if !ok {
		return ErrTooLong
	}
	return nil
}

// put levels sound and lets it out.
func (l *live) put(pcm []int16) bool {
	ok := true
	for at := 0; at < len(pcm) && ok; at += quietFrame {
		frame := append([]int16(nil), pcm[at:min(at+quietFrame, len(pcm))]...)
		if l.quiet += len(frame); dB(rms(frame)*l.gain) > quietLevel+10 {
			l.quiet = 0
		}
		l.level(frame)
		ok = l.out.Append(frame)
	}
	return ok
}

// level scales a frame in place. Before a peak the gain goes down at once and stays
// down: louder again in the middle of a sentence is worse than a sentence that is soft.
func (l *live) level(frame []int16) {
	before := l.now
	if p := peak(frame); p > 0 {
		l.now = min(l.now, peakLimit*math.MaxInt16/p)
	}
	const ramp = quietFrame / 4
	for i, v := range frame {
		gain := l.now
		if i < ramp {
			gain += (before - l.now) * float64(ramp-i) / ramp
		}
		frame[i] = int16(max(min(math.Round(float64(v)*gain), peakLimit*math.MaxInt16), -peakLimit*math.MaxInt16))
	}
}

func dB(v float64) float64 { return 20 * math.Log10(max(v, 1e-9)/math.MaxInt16) }
