//go:build pocketsphinx

package sphinx

import (
	"fmt"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/intent"
)

// spoken is something that is said to a menu.
type spoken struct {
	menu   [][]string
	voice  talker
	text   string
	meant  int    // intent of the menu; -1: none
	kind   string // of what is none of its business
	noise  float64
	strict bool   // it is asked back
	result string // the phrase that was heard
	plain  string // the same before anything is rejected
	fits   float64
}

func (s *spoken) pcm(t testing.TB) []int16 {
	return byTelephone(s.voice.say(t, s.text), s.noise, s.voice.name+s.text)
}

func (s *spoken) right() bool { return s.result != "" && which(s.menu, s.result) == s.meant }

// commands are all phrases of all menus by all voices.
func (h half) commands(noise float64) (out []*spoken) {
	for _, menu := range h.menus {
		for _, phrase := range slices.Concat(menu...) {
			for _, v := range h.voices {
				out = append(out, &spoken{menu: menu, voice: v, text: phrase, meant: which(menu, phrase), noise: noise})
			}
		}
	}
	return out
}

// strangers are what is none of a menu's business: what is said beside it by four
// voices, and a phrase of another menu.
func (h half) strangers(noise float64) (out []*spoken) {
	for i, text := range h.beside {
		for k := range 4 {
			v := h.voices[(i+k)%len(h.voices)]
			out = append(out, &spoken{menu: h.menus[(i+k)%len(h.menus)], voice: v, text: text, meant: -1, kind: "talk and numbers", noise: noise})
		}
	}
	n := 0
	for m, menu := range h.menus {
		for _, phrase := range slices.Concat(menu...) {
			other := h.menus[(m+1+n%(len(h.menus)-1))%len(h.menus)]
			out = append(out, &spoken{menu: other, voice: h.voices[n%len(h.voices)], text: phrase, meant: -1, kind: "of another menu", noise: noise})
			n++
		}
	}
	return out
}

// some is every n-th of what is said, a different voice each time.
func some(all []*spoken, n, voices int) (out []*spoken) {
	for i, s := range all {
		if (i/voices+i%voices)%n == 0 {
			out = append(out, s)
		}
	}
	return out
}

// hear has a decoder hear it.
func (s *spoken) hear(t testing.TB, d *Decoder, pcm []int16) {
	t.Helper()
	phrases := slices.Concat(s.menu...)
	grammar, err := Grammar(nil, phrases)
	if err != nil {
		t.Fatal(err)
	}
	s.result = asr.Match(phrases, hear(t, d, grammar, s.strict, pcm))
	s.plain, s.fits = asr.Match(phrases, d.words.said()), d.likeness()
}

// which intent of a menu a phrase is for, -1 for none.
func which(menu [][]string, phrase string) int {
	return slices.IndexFunc(menu, func(said []string) bool { return slices.Contains(said, phrase) })
}

// share is how many of some are so.
type share struct{ n, of int }

func count(all []*spoken, is func(*spoken) bool) (c share) {
	for _, s := range all {
		c.of++
		if is(s) {
			c.n++
		}
	}
	return c
}

func (c share) rate() float64 { return float64(c.n) / float64(max(c.of, 1)) }

// String is the share with its 95 % interval.
func (c share) String() string {
	low, high := intent.Interval(c.rate(), c.of)
	return fmt.Sprintf("%.1f %% (%.1f–%.1f) of %d", 100*c.rate(), 100*low, 100*high, c.of)
}
