package call

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// chinese is a Vosk server of the test's own: with phrases it hears the first of those
// that it knows, without any a sentence, whatever is said. It is as sure as Vosk is of words.
type chinese struct {
	knows, sentence string

	mu      sync.Mutex
	phrases [][]string // of each session; nil for dictation
}

func (v *chinese) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	var phrases []string
	for {
		kind, msg, err := c.Read(r.Context())
		if err != nil {
			return
		}
		reply := `{"partial" : ""}`
		switch {
		case kind == websocket.MessageBinary:
		case string(msg) == `{"eof" : 1}`:
			v.mu.Lock()
			v.phrases = append(v.phrases, phrases)
			v.mu.Unlock()
			reply = v.says(phrases)
		default:
			var m struct {
				Config struct {
					Phrases []string `json:"phrase_list"`
				} `json:"config"`
			}
			_ = json.Unmarshal(msg, &m) // without phrases the test fails
			phrases = m.Config.Phrases
			continue
		}
		if c.Write(r.Context(), websocket.MessageText, []byte(reply)) != nil {
			return
		}
	}
}

func (v *chinese) says(phrases []string) string {
	text := v.sentence
	if len(phrases) > 0 {
		text = ""
		for _, p := range phrases {
			if text == "" && slices.Contains(strings.Fields(v.knows), p) {
				text = p
			}
		}
	}
	return fmt.Sprintf(`{"result" : [{"conf" : 0.8, "end" : 0.9, "start" : 0.2, "word" : %q}], "text" : %q}`, text, text)
}

// pipes is a network of its own, in memory.
type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	c, ok := <-p
	if !ok {
		return nil, net.ErrClosed
	}
	return c, nil
}
func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }
func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours, nil
}

// TestChineseWish: a Vosk server hears the caller choose Chinese, while the engine for
// English takes the same for English; it writes down what they want, and hears them
// confirm it. The transcript tells both.
func TestChineseWish(t *testing.T) {
	voice := said(t)
	play(t, askingFlow, func(s *stage) {
		v := &chinese{knows: "中文 对", sentence: "我的卡丢了"}
		network := make(pipes)
		server := &http.Server{Handler: v, ReadHeaderTimeout: time.Minute}
		var served sync.WaitGroup
		served.Go(func() { _ = server.Serve(network) })
		s.closes = append(s.closes, func() {
			close(network)
			_ = server.Close()
			served.Wait()
		})
		vosk, err := asr.NewVosk(asr.VoskConfig{Link: asr.Link{URL: "ws://vosk.test", Dial: network.dial}})
		if err != nil {
			t.Fatal(err)
		}
		english := &polyglot{hears: map[string][]string{"en": {"english"}}}
		s.con.deps.Recognizer, s.con.deps.Dictation = split{english, vosk}, vosk
		s.script.Understander, s.script.Speaker = wishes{}, saying{}
		p := s.call("1000", 300)
		after(time.Second)
		p.phone.SendPCM(p.stream.Local(), media.PCMU, media.Silence(time.Minute))
		after(2 * time.Second)
		for i := range 3 {
			p.phone.SendPCM(p.stream.Local(), media.PCMU, append(append([]int16{}, voice...), media.Silence(time.Minute)...))
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
		v.mu.Lock()
		defer v.mu.Unlock()
		if len(v.phrases) != 3 || !slices.Contains(v.phrases[0], "中文") || v.phrases[1] != nil || !slices.Contains(v.phrases[2], "不对") {
			t.Errorf("the engine was to expect %q", v.phrases)
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
