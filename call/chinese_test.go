package call

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/testkit/vosk"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/transcript"
)

// TestChineseWish: a Vosk server hears the caller choose Chinese, while the engine for
// English takes the same for English; it writes down what they want, and hears them
// confirm it. The transcript tells both.
func TestChineseWish(t *testing.T) {
	voice := said(t)
	play(t, askingFlow, func(s *stage) {
		var mu sync.Mutex
		var phrases [][]string // of each session; nil for dictation
		server := vosk.Knowing{Knows: []string{"中文", "对"}, Sentence: "我的卡丢了"}
		dial, closed := vosk.InMemory(func(expected []string) vosk.Engine {
			mu.Lock()
			defer mu.Unlock()
			phrases = append(phrases, expected)
			return server.Begin(expected)
		})
		s.closes = append(s.closes, closed)
		chinese, err := asr.NewVosk(asr.VoskConfig{Link: asr.Link{URL: "ws://vosk.test", Dial: dial}})
		if err != nil {
			t.Fatal(err)
		}
		english := &polyglot{hears: map[string][]string{"en": {"english"}}}
		s.con.deps.Recognizer, s.con.deps.Dictation = split{english, chinese}, chinese
		s.script.Understander, s.script.Speaker = wishes{}, saying{}
		p := s.call("1000", 300)
		after(time.Second)
		p.says(nil)
		after(2 * time.Second)
		for i := range 3 {
			p.says(voice)
			after(3 * time.Second)
			if got := p.hears(time.Second, 600, 1100, 1300); got != [...]string{"600", "1300", "1100"}[i] {
				t.Errorf("after answer %d the caller hears %q", i, got)
			}
		}
		p.End(leg.CallerHangup)
		r := s.record()
		if r.Language != "zh" || r.Intent != "card" || r.Path[len(r.Path)-1].Node != "blocked" {
			t.Errorf("record: language %q, intent %q, path %+v", r.Language, r.Intent, r.Path)
		}
		mu.Lock()
		defer mu.Unlock()
		if len(phrases) != 3 || !slices.Contains(phrases[0], "中文") || phrases[1] != nil || !slices.Contains(phrases[2], "不对") {
			t.Errorf("the engine was to expect %q", phrases)
		}
		written(t, s, r.ID)
	})
}

// split hears English with one engine and what else there is with another.
type split struct{ english, other asr.Recognizer }

func (split) Name() string       { return "split" }
func (split) Traits() asr.Traits { return asr.Traits{} }
func (s split) Open(ctx context.Context, o asr.Options) (asr.Session, error) {
	if o.Language == "en" {
		return s.english.Open(ctx, o)
	}
	return s.other.Open(ctx, o)
}

// written checks the caller's part of a transcript.
func written(t *testing.T, s *stage, id string) {
	t.Helper()
	all, err := s.vault.Transcript(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, g := range all {
		if g.Speaker == transcript.Caller && g.Kind != transcript.Voice {
			name := ""
			if g.Intent != nil {
				name = g.Intent.Name
			}
			got = append(got, fmt.Sprint(g.Kind, " ", g.Text, " ", name))
		}
	}
	if want := "choice 中文 |words 我的卡丢了 card|choice 对 "; strings.Join(got, "|") != want {
		t.Errorf("transcript %q, want %q", strings.Join(got, "|"), want)
	}
}
