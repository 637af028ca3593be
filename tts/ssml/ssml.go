// Package ssml holds the part of SSML 1.1 (W3C Recommendation, 7 September 2010)
// that texts of flows may be written in: speak, break, say-as and prosody.
//
// Markup is read once, from what the author of a flow has written. From then on a
// text is a Speech: words, pauses and how they are spoken, as Go values. What a
// caller or a back end says is put into it as words, and cannot become markup.
package ssml

import (
	"strings"
	"time"
)

// Speech is what is said, piece by piece.
type Speech []Piece

// Piece is a run of words, or a pause.
type Piece struct {
	// Text is words as they are spoken: no markup, no entities.
	Text string
	// Pause is silence; a piece that has one has no words.
	Pause time.Duration
	// Prosody is how the words are spoken.
	Prosody Prosody
}

// Prosody is how words differ from the voice's usual way. The zero value is as
// usual.
type Prosody struct {
	Rate   float64 // by how much faster: 0.5 is half as fast again, -0.5 half as fast
	Pitch  float64 // higher, in semitones
	Volume float64 // louder, in dB
}

// The bounds of a Prosody, also of one within another: beyond them speech is not
// understood any more, or engines refuse.
const (
	minRate, maxRate     = -0.5, 1.0
	minPitch, maxPitch   = -12.0, 12.0
	minVolume, maxVolume = -40.0, 6.0
)

// Within is p inside of a part that is spoken as outer.
func (p Prosody) Within(outer Prosody) Prosody {
	return Prosody{
		Rate:   clamp((1+p.Rate)*(1+outer.Rate)-1, minRate, maxRate),
		Pitch:  clamp(p.Pitch+outer.Pitch, minPitch, maxPitch),
		Volume: clamp(p.Volume+outer.Volume, minVolume, maxVolume),
	}
}

func clamp(v, low, high float64) float64 { return min(max(v, low), high) }

// Plain is a text without markup.
func Plain(text string) Speech {
	if text == "" {
		return nil
	}
	return Speech{{Text: text}}
}

// Say adds words.
func (s Speech) Say(text string, p Prosody) Speech {
	switch last := len(s) - 1; {
	case text == "":
		return s
	case last >= 0 && s[last].Pause == 0 && s[last].Prosody == p:
		s[last].Text += text
		return s
	}
	return append(s, Piece{Text: text, Prosody: p})
}

// Wait adds a pause.
func (s Speech) Wait(d time.Duration) Speech {
	if d <= 0 {
		return s
	}
	return append(s, Piece{Pause: d})
}

// Words are what is said, without how.
func (s Speech) Words() string {
	var b strings.Builder
	for _, p := range s {
		b.WriteString(p.Text)
	}
	return b.String()
}

// IsPlain reports whether there is nothing but words spoken as usual.
func (s Speech) IsPlain() bool {
	return len(s) == 0 || len(s) == 1 && s[0].Pause == 0 && s[0].Prosody == Prosody{}
}
