package call

import (
	"math/rand/v2"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// cough is 160 ms of noise.
func cough() []int16 {
	rng := rand.New(rand.NewPCG(1, 1))
	pcm := media.Silence(160 * time.Millisecond)
	for i := range pcm {
		pcm[i] = int16(3277 * rng.NormFloat64())
	}
	return pcm
}

func (p *party) says(pcm []int16) {
	p.phone.SendPCM(p.stream.Local(), media.PCMU, append(append([]int16{}, pcm...), media.Silence(time.Minute)...))
}

var (
	phrasesOnly = asr.Traits{Grammar: true, Interim: true}
	wholeWords  = asr.Traits{Dictation: true, Interim: true}
)

// TestPromptGoesOnWithoutWords: who coughs, or says something short that is no phrase,
// hears the rest of the prompt, and may still answer.
func TestPromptGoesOnWithoutWords(t *testing.T) {
	voice := said(t)
	for _, c := range []struct {
		name     string
		traits   asr.Traits
		sound    []int16
		back     time.Duration // after which the prompt is heard again
		sessions int
	}{
		{"a cough", phrasesOnly, cough(), 600 * time.Millisecond, 0},
		{"a short word", phrasesOnly, voice[:media.SampleRate/2], 1600 * time.Millisecond, 1},
		{"somebody in the room", wholeWords, voice, 1400 * time.Millisecond, 1},
	} {
		play(t, spokenMenu, func(s *stage) {
			r := &listening{says: append(make([]string, c.sessions), "help", "!"), traits: c.traits}
			s.con.deps.Recognizer = r
			p := s.call("1000", 300)
			after(time.Second)
			p.says(nil)
			after(2 * time.Second)
			p.says(c.sound)
			after(300 * time.Millisecond)
			if got := p.hears(50*time.Millisecond, 600); got != "" {
				t.Errorf("%s: meanwhile the caller hears %q", c.name, got)
			}
			after(c.back)
			if got := p.hears(200*time.Millisecond, 600); got != "600" {
				t.Errorf("%s: then the caller hears %q", c.name, got)
			}
			after(2 * time.Second)
			if len(r.sessions) != c.sessions {
				t.Errorf("%s: %d sessions", c.name, len(r.sessions))
			}
			p.says(voice)
			after(2500 * time.Millisecond)
			p.End(leg.CallerHangup)
			if got := s.record().Path; got[len(got)-1].Node != "helped" {
				t.Errorf("%s: path %+v", c.name, got)
			}
		})
	}
}

// TestWordsStopThePrompt at once where the engine tells of them, for good.
func TestWordsStopThePrompt(t *testing.T) {
	voice := said(t)
	play(t, spokenMenu, func(s *stage) {
		r := &listening{says: []string{"my bill", "!"}, seems: "my", traits: wholeWords}
		s.con.deps.Recognizer = r
		p := s.call("1000", 300)
		after(time.Second)
		p.says(nil)
		after(2 * time.Second)
		p.says(append(append([]int16{}, voice...), voice...)) // longer than words are waited for
		after(2 * time.Second)
		if got := p.hears(1500*time.Millisecond, 600); got != "" {
			t.Errorf("meanwhile the caller hears %q", got)
		}
		after(1600 * time.Millisecond)
		p.End(leg.CallerHangup)
		if got := s.record().Path; got[len(got)-1].Node != "found" {
			t.Errorf("path %+v", got)
		}
	})
}

// TestAWholePhraseIsAnEnd: nobody waits longer than for a pause in a phrase that no
// other goes on from.
func TestAWholePhraseIsAnEnd(t *testing.T) {
	voice := said(t)
	ends := map[string]time.Duration{}
	for _, seems := range []string{"my bill", "my"} {
		play(t, spokenMenu, func(s *stage) {
			r := &listening{says: []string{"my bill", "!"}, seems: seems, traits: phrasesOnly}
			s.con.deps.Recognizer = r
			p := s.call("1000", 300)
			after(time.Second)
			p.says(nil)
			after(2 * time.Second)
			p.says(voice)
			after(2500 * time.Millisecond)
			p.End(leg.CallerHangup)
			s.record()
			h := r.sessions[0]
			ends[seems] = (h.to - h.from).Duration()
		})
	}
	if saved := ends["my"] - ends["my bill"]; saved < 350*time.Millisecond || saved > 450*time.Millisecond {
		t.Errorf("a whole phrase was listened to for %v, another for %v", ends["my bill"], ends["my"])
	}
}

// TestSpeechTakesItsTime: who goes on for longer than an answer may take means none.
func TestSpeechTakesItsTime(t *testing.T) {
	const brief = head + `
  start:
    menu: {play: long, speech_timeout: 2s, options: {bill: {digit: 1, phrases: {en: [my bill]}}}}
    on: {bill: found, noinput: bye, nomatch: confused}
  found: {play: t1100, next: end}
  confused: {play: t900, next: end}
  bye: {play: t1900, next: end}
`
	voice := said(t)
	play(t, brief, func(s *stage) {
		s.con.deps.Recognizer = &listening{says: []string{"my bill", "!"}, traits: phrasesOnly}
		p := s.call("1000", 300)
		after(2 * time.Second)
		p.says(append(append(append([]int16{}, voice...), voice...), voice...))
		after(2500 * time.Millisecond)
		if got := p.hears(100*time.Millisecond, 600, 900, 1100); got != "900" {
			t.Errorf("after 2 s of speech the caller hears %q", got)
		}
		after(time.Second)
		s.record()
	})
}

func TestWhole(t *testing.T) {
	phrases := []string{"Card", "lost card", "lost card please", "my bill", "余额", "余额不足"}
	for said, want := range map[string]bool{"card": true, "lost card": false, "Lost Card Please": true, "my": false, "my bill": true, "": false, "bill": false, "余额": false, "余额不足": true} {
		if whole(said, phrases) != want {
			t.Errorf("%q is whole: %v", said, !want)
		}
	}
}
