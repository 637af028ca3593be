//go:build pocketsphinx

package sphinx

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"

	"github.com/ivrd/ivrd/media"
)

// engineRate is that of the acoustic model, in Hz.
const engineRate = 16000

// dither is the amplitude of the white noise that is added after upsampling: without
// it the model's filters from 4 to 6.8 kHz hear nothing at all, which no speech of
// its training was like. On telephone sound it is worth a third of all commands.
const dither = 150

// Decoder is one recogniser of PocketSphinx. It is for one goroutine at a time.
//
// It listens twice: for the grammar, and for phones in any order. What fits phones
// much better than it fits the grammar was none of its phrases.
type Decoder struct {
	words, sounds *search
	up            *media.Resampler
	wide          []int16
	noise         *rand.PCG
	named         string // the grammar that is set
	least         float64
}

// NewDecoder loads the American English model from a directory that has en-us and
// cmudict-en-us.dict, as Debian's pocketsphinx-en-us installs it.
func NewDecoder(model string) (*Decoder, error) {
	up, err := media.NewResampler(media.SampleRate, engineRate)
	if err != nil {
		return nil, err
	}
	d := &Decoder{up: up, noise: rand.NewPCG(1, 2)}
	// Of both searches all states are scored, so that the scores can be compared.
	common := []string{"-hmm", filepath.Join(model, "en-us"), "-samprate", "16000", "-compallsen", "yes", "-bestpath", "no", "-lw", "1"}
	// Wide beams, since a grammar is small. Silence is likely: else words take it in.
	if d.words, err = newSearch(append(common, "-dict", filepath.Join(model, dictionaryFile),
		"-beam", "1e-80", "-pbeam", "1e-80", "-wbeam", "1e-60", "-wip", "1e-8", "-silprob", "0.1")...); err != nil {
		return nil, fmt.Errorf("load speech model in %s: %w (hint: install pocketsphinx-en-us)", model, err)
	}
	if d.sounds, err = newSearch(append(common, "-allphone_ci", "yes", "-beam", "1e-40", "-pbeam", "1e-40", "-pip", "0.001")...); err == nil {
		err = d.sounds.phones()
	}
	if err != nil {
		d.Close()
		return nil, fmt.Errorf("load speech model in %s: phones: %w", model, err)
	}
	return d, nil
}

// Close frees the decoder.
func (d *Decoder) Close() {
	d.words.close()
	if d.sounds != nil {
		d.sounds.close()
	}
}

// Begin starts to listen for a grammar, as if nobody had been heard before. Where it is
// strict, more of what is said is taken for nothing of the grammar.
func (d *Decoder) Begin(grammar string, strict bool) error {
	if d.least = leastLikeness; strict {
		d.least = strictLikeness
	}
	if grammar != d.named {
		d.named = ""
		if err := d.words.grammar(grammar); err != nil {
			return fmt.Errorf("set grammar: %w", err)
		}
		d.named = grammar
	}
	d.up.Reset()
	return errors.Join(d.words.begin(), d.sounds.begin())
}

// Write hears 8 kHz sound, frame by frame.
func (d *Decoder) Write(pcm []int16) error {
	for len(pcm) > 0 {
		n := min(len(pcm), media.FrameSamples)
		if room := d.up.Room(n); len(d.wide) < room {
			d.wide = make([]int16, room)
		}
		wide := d.wide[:d.up.Resample(d.wide, pcm[:n])]
		pcm = pcm[n:]
		for i, s := range wide {
			wide[i] = int16(min(max(int(s)+int(d.noise.Uint64()>>32%(2*dither+1))-dither, -32768), 32767)) //nolint:gosec // limited
		}
		if len(wide) == 0 {
			continue
		}
		if err := errors.Join(d.words.hear(wide), d.sounds.hear(wide)); err != nil {
			return err
		}
	}
	return nil
}

// Said is what has been understood so far, "" for nothing of the grammar.
func (d *Decoder) Said() string {
	if d.likeness() < d.least {
		return ""
	}
	return d.words.said()
}

func (d *Decoder) likeness() float64 { return likeness(d.words.parts(), d.sounds.parts()) }

// End ends the utterance and tells what was said, "" for nothing of the grammar.
func (d *Decoder) End() (string, error) {
	if err := errors.Join(d.words.end(), d.sounds.end()); err != nil {
		return "", err
	}
	return d.Said(), nil
}
