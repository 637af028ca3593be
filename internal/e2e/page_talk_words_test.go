package e2e

import (
	le "encoding/binary"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
)

// clerk is a Vosk server that writes down what it was told the parties say: by the tone
// of their voice it knows alice, and who talks otherwise is the caller.
type clerk struct{ alice, caller string }

func (k clerk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	var second []int16
	for told := false; ; {
		kind, msg, err := c.Read(r.Context())
		if err != nil {
			return
		}
		reply := `{"partial" : ""}`
		switch {
		case kind == websocket.MessageBinary && !told:
			for i := 0; i+1 < len(msg); i += 2 {
				second = append(second, int16(le.LittleEndian.Uint16(msg[i:])))
			}
			if len(second) < media.SampleRate {
				break
			}
			if text := k.hears(second); text != "" {
				told, reply = true, fmt.Sprintf(`{"text" : %q}`, text)
			}
			second = second[:0]
		case strings.Contains(string(msg), "config"):
			continue
		}
		if c.Write(r.Context(), websocket.MessageText, []byte(reply)) != nil {
			return
		}
	}
}

// hears is what is said in a second that is not silent.
func (k clerk) hears(pcm []int16) string {
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
	engine := httptest.NewServer(clerk{alice: "good morning how can I help you", caller: "my card is " + card + " thank you"})
	t.Cleanup(engine.Close)
	helper := buildHelper(t)
	h := prepare(t, `calls.numbers={"1000": wanted}`, "queues=[{name: payments, ring: 30s, wrap_up: 2s}]", fmt.Sprintf(
		`speech.recognizers=[{kind: pocketsphinx}, {name: clerk, kind: vosk, url: %q, languages: [en]}]`, strings.Replace(engine.URL, "http:", "ws:", 1)))
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
