package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
)

// chineseServer answers as a Vosk server does that understands Chinese: with phrases it
// hears the first of them that it knows, without any its sentence, whatever is said.
type chineseServer struct {
	knows    []string
	sentence string
}

func (v chineseServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	var m struct {
		Config struct {
			Phrases []string `json:"phrase_list"`
		} `json:"config"`
	}
	for {
		kind, msg, err := c.Read(r.Context())
		if err != nil {
			return
		}
		reply := `{"partial" : ""}`
		switch {
		case kind == websocket.MessageBinary:
		case string(msg) == `{"eof" : 1}`:
			text := v.says(m.Config.Phrases)
			reply = fmt.Sprintf(`{"result" : [{"conf" : 0.9, "end" : 0.45, "start" : 0.12, "word" : %q}], "text" : %q}`, text, text)
		default:
			_ = json.Unmarshal(msg, &m) // without phrases the test fails
			continue
		}
		if c.Write(r.Context(), websocket.MessageText, []byte(reply)) != nil {
			return
		}
	}
}

func (v chineseServer) says(phrases []string) string {
	if len(phrases) == 0 {
		return v.sentence
	}
	i := slices.IndexFunc(phrases, func(p string) bool { return slices.Contains(v.knows, p) })
	if i < 0 {
		return ""
	}
	return phrases[i]
}

// TestDemoInChinese answers the demo in Chinese, without a key: a Vosk server hears it,
// while PocketSphinx takes the choice of the language for English. The Chinese words
// of the test are those of the server; the sound is only speech.
func TestDemoInChinese(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(chineseServer{[]string{"中文", "对的"}, "我的银行卡丢了"})
	defer server.Close()
	h, v := demoInWords(t, fmt.Sprintf(`speech.recognizers=[{name: house, kind: vosk, url: %q, languages: [zh]}]`, strings.Replace(server.URL, "http:", "ws:", 1)))
	before := v.greeted()
	v.prompt("zh", "recording_notice")
	v.phrase("zh", "您要挂失银行卡。")
	v.prompt("zh", "fraud_hold")
	wav := filepath.Join(t.TempDir(), "heard.wav")
	h.phone("sip:3000@"+h.sip, "--play", talks(t, "cmn", before, 5*time.Second, "请说中文，谢谢你", "我的银行卡丢了", "对的，没错，谢谢"), "--duration", "30s", "--record", wav)
	c := h.ended(1)[0]
	if path(c) != "welcome language notice top card card_person" || c.Language != "zh" || c.Intent != "card_lost" {
		t.Fatalf("path %q, language %s, intent %s, transcript %+v", path(c), c.Language, c.Intent, h.transcript(c.ID))
	}
	v.inOrder("heard", testkit.ReadWAV(t, wav), v.sounds)
	var words []string
	for _, g := range h.transcript(c.ID) {
		if g.Engine == "house" {
			words = append(words, fmt.Sprint(g.Kind, " ", g.Text))
		}
	}
	if got := strings.Join(words, ", "); got != "choice 中文, words 我的银行卡丢了, choice 对的" {
		t.Errorf("transcript %q", got)
	}
	h.verify()
}

// greeted hears the demo's welcome in both languages, and tells when the caller should
// answer the menu of languages.
func (v *demoVisit) greeted() (before time.Duration) {
	v.t.Helper()
	v.prompt("en", "welcome")
	v.prompt("zh", "welcome")
	before = time.Second
	for _, s := range v.sounds {
		before += media.Time(len(s.pcm)).Duration()
	}
	return before
}

// phrase hears one of the recorded phrases.
func (v *demoVisit) phrase(language, text string) {
	v.t.Helper()
	p, ok := v.library.Phrases(language, text)
	if !ok || len(p) != 1 {
		v.t.Fatalf("%q is no phrase of the demo", text)
	}
	v.add(p[0])
}
