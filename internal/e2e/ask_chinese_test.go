package e2e

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/vosk"
	"github.com/ivrd/ivrd/media"
)

// TestDemoInChinese answers the demo in Chinese, without a key: a Vosk server hears it,
// while PocketSphinx takes the choice of the language for English. The Chinese words
// of the test are those of the server; the sound is only speech.
func TestDemoInChinese(t *testing.T) {
	t.Parallel()
	server := vosk.Serve(t, vosk.Knowing{Knows: []string{"中文", "对的"}, Sentence: "我的银行卡丢了"}.Begin)
	h, v := demoInWords(t, fmt.Sprintf(`speech.recognizers=[{name: house, kind: vosk, url: %q, languages: [zh]}]`, server))
	before := v.greeted()
	v.prompt("zh", "recording_notice")
	v.phrase("zh", "您要挂失银行卡。")
	v.prompt("zh", "fraud_hold")
	wav := filepath.Join(t.TempDir(), "heard.wav")
	h.phone("sip:3000@"+h.sip, "--play", talks(t, "cmn", before, 6500*time.Millisecond, "请说中文，谢谢你", "我的银行卡丢了", "对的，没错，谢谢"), "--duration", "40s", "--record", wav)
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
