//go:build pocketsphinx

package sphinx

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
)

// say is a phrase as it comes by telephone: 8 kHz and µ-law, with a little silence
// around it.
func say(t testing.TB, voice, text string) []int16 {
	t.Helper()
	pcm := slices.Concat(media.Silence(media.FrameDuration*15), speech.Voice{Name: voice, Text: text}.Say(t, media.SampleRate), media.Silence(media.FrameDuration*15))
	coded := make([]byte, len(pcm))
	media.PCMU.Encode(coded, pcm)
	media.PCMU.Decode(pcm, coded)
	return pcm
}

func hear(t testing.TB, d *Decoder, grammar string, strict bool, pcm []int16) string {
	t.Helper()
	if err := d.Begin(grammar, strict); err != nil {
		t.Fatal(err)
	}
	if err := d.Write(pcm); err != nil {
		t.Fatal(err)
	}
	said, err := d.End()
	if err != nil {
		t.Fatal(err)
	}
	return said
}

func decoder(t testing.TB) *Decoder {
	t.Helper()
	d, err := NewDecoder(Model)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	return d
}

var menu = strings.Split("billing,account balance,lost card,technical support,sales,opening hours,speak to an agent,transfer money,report fraud,new order,track my order,cancel my order,change my address,repeat,main menu", ",")

// TestCommands: a part of the half that nothing was tuned on, so that what breaks
// recognition or rejection is noticed. docs/benchmarks.md has the figures of all.
func TestCommands(t *testing.T) {
	d, h := decoder(t), halves()[1]
	commands := some(h.commands(math.Inf(1)), 10, len(h.voices))
	strangers := some(h.strangers(math.Inf(1)), 10, len(h.voices))
	for _, s := range slices.Concat(commands, strangers) {
		s.hear(t, d, s.pcm(t))
	}
	right, taken := count(commands, (*spoken).right), count(strangers, func(s *spoken) bool { return s.result != "" })
	t.Logf("understood: %v; taken though none of the phrases: %v", right, taken)
	if right.rate() < 0.7 || taken.rate() > 0.5 {
		for _, s := range slices.Concat(commands, strangers) {
			t.Logf("%s says %q: %q, likeness %.1f", s.voice.name, s.text, s.plain, s.fits)
		}
		t.Error("too few are understood, or too many taken")
	}
}

// TestCallersAreApart: who was heard before changes nothing. PocketSphinx carries the
// mean of the sound from one utterance to the next.
func TestCallersAreApart(t *testing.T) {
	d := decoder(t)
	grammar, err := Grammar(nil, menu)
	if err != nil {
		t.Fatal(err)
	}
	before := make([]int16, 8*media.SampleRate) // a loud, hollow line
	for i := range before {
		before[i] = int16((i*7919)%20000 - 10000)
	}
	one := say(t, "en-us", "cancel my order")
	d.noise.Seed(1, 2)
	want := hear(t, d, grammar, false, one)
	fits, mean := d.likeness(), d.words.mean()
	hear(t, d, grammar, false, before)
	if slices.Equal(d.words.mean(), mean) {
		t.Fatal("the engine carries nothing over: this test shows nothing")
	}
	d.noise.Seed(1, 2)
	if got := hear(t, d, grammar, false, one); got != want || d.likeness() != fits {
		t.Errorf("after another caller %q, %v, before %q, %v", got, d.likeness(), want, fits)
	}
}
