package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/internal/testkit/vosk"
	"github.com/ivrd/ivrd/media"
)

// clerk writes down what it was told the parties say: by the tone of their voice it
// knows alice, and who talks otherwise is the caller.
type clerk struct {
	alice, caller string

	second []int16
	told   bool
}

func (k *clerk) Hear(pcm []int16) string {
	if k.second = append(k.second, pcm...); k.told || len(k.second) < media.SampleRate {
		return vosk.Partial("")
	}
	text := k.hears(k.second)
	k.second, k.told = nil, text != ""
	return vosk.Final(text)
}

func (*clerk) End() string { return vosk.Final("") }

// hears is what is said in a second that is not silent.
func (k *clerk) hears(pcm []int16) string {
	switch all := tone.Power(pcm); {
	case all < -45:
		return ""
	case tone.Level(pcm, aliceHz) > all-1: // nothing else
		return k.alice
	default:
		return k.caller
	}
}

// pageConversation: somebody says "my bill" into their browser, by PocketSphinx comes to
// the queue that answers for it, and is connected; what both say then is on the agent's
// screen, and numbers in it are nowhere.
func pageConversation(t *testing.T) {
	takeSlot(t)
	const card = "4111 1111 1111 1111"
	engine := vosk.Serve(t, func([]string) vosk.Engine {
		return &clerk{alice: "good morning how can I help you", caller: "my card is " + card + " thank you"}
	})
	helper := buildHelper(t)
	h := prepare(t, `calls.numbers={"1000": wanted}`, "queues=[{name: payments, ring: 30s, wrap_up: 2s}]", fmt.Sprintf(
		`speech.recognizers=[{kind: pocketsphinx}, {name: clerk, kind: vosk, url: %q, languages: [en]}]`, engine))
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	alice := h.deskPage(chromium.Start(t, chromium.Options{Mic: aliceHz}), "alice")
	h.ready(alice)
	caller := h.callerPage(chromium.Start(t, chromium.Options{MicFile: repeats(t, "en-us", "my bill")}))
	caller.Click("phone-call-1000")
	alice.Click("ring-answer")
	const said = `[...document.querySelectorAll('[data-testid="transcript"] .said%s .what')].some(e => e.textContent.includes(%q))`
	alice.True("what the caller has chosen", fmt.Sprintf(said, ".caller.choice", "my bill"))
	alice.True("what she has said", fmt.Sprintf(said, ".agent", "how can I help"))
	alice.True("what the caller says", fmt.Sprintf(said, ".caller", "my card is ••••"))
	alice.Click("hangup")
	c := h.ended(1)[0]
	if c.Queue != "payments" || c.Transcript.Coverage != "conversation" || strings.Join(c.Transcript.Engines, " ") != "pocketsphinx clerk" {
		t.Errorf("the record says %q, %+v", c.Queue, c.Transcript)
	}
	_, words := h.api("/api/v1/calls/" + c.ID + "/transcript")
	if got := string(words); !strings.Contains(got, "my card is 411111••••••1111 thank you") || strings.Contains(got, "4111 1111") {
		t.Errorf("the transcript: %s", got)
	}
	if strings.Contains(h.process.Output(), "1111") {
		t.Error("the card's number is in the log")
	}
	h.verify()
}

// repeats is speaks for a microphone that says it again every few seconds.
func repeats(t *testing.T, voice, text string) string {
	t.Helper()
	pcm := append(speech.Voice{Name: voice, Text: text}.Say(t, media.SampleRate), media.Silence(6*time.Second)...)
	path := filepath.Join(t.TempDir(), "voice.wav")
	testkit.WriteWAV(t, path, append(media.Silence(2*time.Second), pcm...))
	return path
}
