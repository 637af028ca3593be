package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/internal/testkit"
)

// voskServer answers as a Vosk server does, whatever is said: partial results, and at
// the end the words of answer. It can be made to hang up in mid-speech.
type voskServer struct {
	answer string
	hangUp atomic.Bool

	mu      sync.Mutex
	phrases []string // of the last session
}

func newVoskServer(t *testing.T, answer string) (*voskServer, string) {
	t.Helper()
	v := &voskServer{answer: answer}
	h := httptest.NewServer(v)
	t.Cleanup(h.Close)
	return v, strings.Replace(h.URL, "http:", "ws:", 1)
}

func (v *voskServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for sound := 0; ; {
		kind, msg, err := c.Read(r.Context())
		if err != nil {
			return
		}
		reply := `{"partial" : ""}`
		switch {
		case kind == websocket.MessageBinary:
			if sound += len(msg); sound > 8000 { // half a second
				if v.hangUp.Load() {
					return
				}
				reply = `{"partial" : "` + v.answer + `"}`
			}
		case string(msg) == `{"eof" : 1}`:
			reply = fmt.Sprintf(`{"result" : [{"conf" : 0.9, "end" : 0.45, "start" : 0.12, "word" : "%s"}], "text" : "%s"}`, strings.Fields(v.answer)[0], v.answer)
		default:
			v.configure(msg)
			continue
		}
		if c.Write(r.Context(), websocket.MessageText, []byte(reply)) != nil {
			return
		}
	}
}

func (v *voskServer) configure(msg []byte) {
	var m struct {
		Config struct {
			Phrases []string `json:"phrase_list"`
		} `json:"config"`
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = json.Unmarshal(msg, &m) // without phrases the test fails
	v.phrases = m.Config.Phrases
}

// TestEnginesTakeTurns has menus answered by engines of the configuration: the first
// hangs up in the middle of an answer, and the second goes on; when both do, the menu
// takes keys.
func TestEnginesTakeTurns(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "espeak-ng")
	first, firstURL := newVoskServer(t, "uh my bill")
	second, secondURL := newVoskServer(t, "technical support")
	h := open(t, `calls.numbers={"3000": spoken}`, "speech.recognizer=none", fmt.Sprintf(
		`speech.recognizers=[{name: first, kind: vosk, url: %q, languages: [en]}, {name: second, kind: vosk, url: %q}]`, firstURL, secondURL))
	s := &spokenTo{house: h, seen: map[string]bool{}}
	if out := h.process.Output(); !strings.Contains(out, `"engines":"first (en), second"`) || !strings.Contains(out, `"conversation":"transcribed by first, then second"`) {
		t.Error("the log does not say which engines there are")
	}

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
