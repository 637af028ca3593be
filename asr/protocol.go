package asr

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/ivrd/ivrd/media"
)

// protocol is what one engine says and understands: without network, time or locks, so
// that it can be fuzzed. One belongs to one stream; parse is called by its reader only,
// the others by its writer only.
type protocol interface {
	// start are the text messages before the first sound.
	start() ([]string, error)
	// encode appends sound as the engine takes it.
	encode(dst []byte, pcm []int16) []byte
	// end are the text messages that ask for the last results.
	end() []string
	// keepAlive is the text message that stands for sound in a pause; empty for none.
	keepAlive() string
	// parse reads a message. Times in its reply are the engine's: samples since the first
	// one given.
	parse(msg []byte, at progress) (reply, error)
}

// progress is where a stream was when a message came, in engine time.
type progress struct {
	sent  media.Time // the end of what the engine was given
	acked media.Time // of the binary message that this one answers
	floor media.Time // the end of the last final segment
	last  bool       // this answers the end
}

type reply struct {
	segments []Segment
	heard    media.Time // how far the engine has listened; 0 for no news
	done     bool       // nothing comes after this
}

// tolerance is by how much an engine may round beyond what it was given.
const tolerance = media.SampleRate / 2

// settle checks and bounds what a parser made of a message, so that all that follows may
// rely on it: floor ≤ Start ≤ word ≤ word ≤ End ≤ sent, and nothing is huge.
func settle(s Segment, at progress) (Segment, error) {
	times := []media.Time{s.Start, s.End}
	for _, w := range s.Words {
		times = append(times, w.Start, w.End)
	}
	if slices.Min(times) < -tolerance || slices.Max(times) > at.sent+tolerance {
		return Segment{}, protocolError("a time from %v to %v, when %v had been sent",
			slices.Min(times).Duration(), slices.Max(times).Duration(), at.sent.Duration())
	}
	s.Text, s.Language = cut(strings.TrimSpace(s.Text), maxText), cut(s.Language, maxTag)
	s.Start = min(max(s.Start, at.floor), at.sent)
	s.End = min(max(s.End, s.Start), at.sent)
	s.Words = s.Words[:min(len(s.Words), maxWords)]
	from := s.Start
	for i := range s.Words {
		w := &s.Words[i]
		w.Text = cut(w.Text, maxPhrase)
		w.Start = min(max(w.Start, from), s.End)
		w.End = min(max(w.End, w.Start), s.End)
		from = w.End
	}
	s.Alternatives = s.Alternatives[:min(len(s.Alternatives), maxOthers)]
	for i := range s.Alternatives {
		s.Alternatives[i].Text = cut(s.Alternatives[i].Text, maxText)
	}
	return s, nil
}

// unmarshal reads JSON. What a message says never gets into the error.
func unmarshal(msg []byte, into any) error {
	if err := json.Unmarshal(msg, into); err != nil {
		return protocolError("%s", quoted(err.Error()))
	}
	return nil
}

// seconds is an engine's time. JSON has no infinity, but it has 1e300.
func seconds(s float64) media.Time {
	const most = 1e8 // three years: settle refuses it
	return media.Time(min(max(s, -most), most)*media.SampleRate + 0.5)
}

// confidence takes what may be missing, and nothing that is no probability.
func confidence(c *float64) *float64 {
	if c == nil || *c < 0 || *c > 1 {
		return nil
	}
	return c
}

// linear16 is PCM in the byte order of all engines.
func linear16(dst []byte, pcm []int16) []byte {
	for _, s := range pcm {
		dst = append(dst, byte(s), byte(s>>8))
	}
	return dst
}

func text(message any) (string, error) {
	b, err := json.Marshal(message)
	return string(b), err
}
