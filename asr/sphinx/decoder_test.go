//go:build pocketsphinx

package sphinx

import (
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/asr"
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

func hear(t testing.TB, d *Decoder, grammar string, pcm []int16) string {
	t.Helper()
	if err := d.Begin(grammar); err != nil {
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

// TestCommands: four voices say all of a menu. docs/speech.md has the figures of it.
func TestCommands(t *testing.T) {
	d := decoder(t)
	grammar, err := Grammar(nil, menu)
	if err != nil {
		t.Fatal(err)
	}
	right, all := 0, 0
	for _, voice := range []string{"en-us", "en-us+f3", "en-gb", "en-gb+f2"} {
		for _, phrase := range menu {
			all++
			if said := hear(t, d, grammar, say(t, voice, phrase)); asr.Match(menu, said) == phrase {
				right++
			} else {
				t.Logf("%s says %q: %q", voice, phrase, said)
			}
		}
	}
	t.Logf("%d of %d", right, all)
	if right < all*85/100 {
		t.Errorf("%d of %d are understood", right, all)
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
	want := hear(t, d, grammar, one)
	mean := d.mean()
	hear(t, d, grammar, before)
	if slices.Equal(d.mean(), mean) {
		t.Fatal("the engine carries nothing over: this test shows nothing")
	}
	d.noise.Seed(1, 2)
	if got := hear(t, d, grammar, one); got != want || !slices.Equal(d.mean(), mean) {
		t.Errorf("after another caller %q, before %q", got, want)
	}
}
