package e2e

import (
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/vosk"
	"github.com/ivrd/ivrd/media"
)

// parrot is a Vosk server that hears the same, whatever is said. It can be made to
// hang up in mid-speech.
type parrot struct {
	text   string
	hangUp atomic.Bool

	mu      sync.Mutex
	phrases []string // of the last session
}

func newParrot(t *testing.T, text string) (*parrot, string) {
	t.Helper()
	a := &parrot{text: text}
	return a, vosk.Serve(t, func(phrases []string) vosk.Engine {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.phrases = phrases
		return &parroted{parrot: a}
	})
}

// parroted is one session.
type parroted struct {
	*parrot

	heard int // samples
}

func (a *parroted) Hear(pcm []int16) string {
	a.heard += len(pcm)
	switch {
	case a.heard <= media.SampleRate/2:
		return vosk.Partial("")
	case a.hangUp.Load():
		return ""
	}
	return vosk.Partial(a.text)
}

func (a *parroted) End() string {
	return vosk.Final(a.text, vosk.Word{Word: strings.Fields(a.text)[0], Start: 0.12, End: 0.45, Conf: 0.9})
}

// TestEnginesTakeTurns has menus answered by engines of the configuration: the first
// hangs up in the middle of an answer, and the second goes on; when both do, the menu
// takes keys.
func TestEnginesTakeTurns(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "espeak-ng")
	first, firstURL := newParrot(t, "uh my bill")
	second, secondURL := newParrot(t, "technical support")
	h := open(t, `calls.numbers={"3000": spoken}`, "speech.recognizer=none", fmt.Sprintf(
		`speech.recognizers=[{name: first, kind: vosk, url: %q, languages: [en]}, {name: second, kind: vosk, url: %q}]`, firstURL, secondURL))
	s := &spokenTo{house: h, seen: map[string]bool{}}
	testkit.Eventually(t, 10*time.Second, "which engines there are, in the log", func() bool {
		out := h.process.Output()
		return strings.Contains(out, `"engines":"first (en), second"`) && strings.Contains(out, `"conversation":"transcribed by first, then second"`)
	})

	s.says("en-us", "my bill", "", "top paid", "500 700")
	if got := strings.Join(first.phrases, ", "); got != "billing, my bill, technical support, my phone is broken, speak to an agent, [unk]" {
		t.Errorf("the engine was to expect %s", got)
	}
	first.hangUp.Store(true)
	s.says("en-us", "my bill", "", "top mended", "500 900")
	second.hangUp.Store(true)
	s.says("en-us", "my bill", "w6,3", "top spoken", "500 1100")

	_, metrics := h.api("/metrics")
	for name, none := range map[string]bool{
		`results_total{engine="first"}`: false, `results_total{engine="second"}`: false, `switches_total{engine="first"}`: false,
		`failures_total{engine="second"}`: false, `sessions{engine="first"}`: true, `lost_frames_total{engine="second"}`: true,
	} {
		line := "\nivrd_speech_" + name + " "
		if got := string(metrics); !strings.Contains(got, line) || strings.Contains(got, line+"0\n") != none {
			t.Errorf("/metrics is wrong about %s", name)
		}
	}
	if out := h.process.Output(); !strings.Contains(out, `"msg":"recognizer replaced"`) {
		t.Error("the log does not tell of the switch")
	}
	h.verify()
}
