package remote

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/internal/secret"
)

func set() intent.Set {
	return intent.Set{Languages: []string{"en"}, Intents: []intent.Intent{
		{Name: "balance", Difficulty: 10, Examples: map[string][]intent.Example{"en": {{Text: "my balance"}}}},
		{Name: "fraud", Difficulty: 90, Confirm: true, Examples: map[string][]intent.Example{"en": {{Text: "I was scammed"}}, "zh": {{Text: "被骗了"}}}},
	}}
}

// fixed is a fall-back that can be told from the engine.
type fixed struct{}

func (fixed) Understand(context.Context, string, string) (intent.Result, error) {
	return intent.Result{Intent: "balance", P: 0.6, Engine: intent.Embedded}, nil
}

func engine(t *testing.T, p Protocol, h http.HandlerFunc) *Engine {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return at(t, p, srv.URL, 5*time.Second)
}

func at(t *testing.T, p Protocol, address string, timeout time.Duration) *Engine {
	t.Helper()
	e, err := New(Config{Protocol: p, URL: address, Model: "m", Token: secret.New("canary"), Timeout: timeout}, set(), fixed{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func chat(content string) string {
	b, _ := json.Marshal(map[string]any{"choices": []any{map[string]any{"message": message{"assistant", content}}}})
	return string(b)
}

// TestAnswers: what each protocol answers, and what is made of it. An empty
// intent with the engine's name is its "none"; "fallback" means that it was not
// believed.
func TestAnswers(t *testing.T) {
	const ranking = `,"intent_ranking":[{"name":"fraud","confidence":0.9},{"name":"balance","confidence":0.05},{"name":"elsewhere","confidence":0.04}]`
	for _, c := range []struct {
		protocol     Protocol
		status       int
		body         string
		want         string
		alternatives int
	}{
		{Rasa, 200, `{"text":"x","intent":{"name":"fraud","confidence":0.9}` + ranking + `}`, "fraud", 2},
		{Rasa, 200, `{"intent":{"name":"nlu_fallback","confidence":0.7}}`, "", 0},
		{Rasa, 200, `{"intent":{"name":"fraud","confidence":0.1}}`, "", 1},
		{Rasa, 200, `{"intent":{"name":"fraud","confidence":1.7}}`, "fallback", 0},
		{Rasa, 200, `{"intent":{"name":"fraud"}}`, "fallback", 0},
		{Rasa, 200, `{"intent":null}`, "fallback", 0},
		{Rasa, 200, `{}`, "fallback", 0},
		{Rasa, 200, ``, "fallback", 0},
		{Rasa, 200, `<html>rubbish`, "fallback", 0},
		{Rasa, 200, `{"intent":{"name":"fraud","confidence":0.9}}` + strings.Repeat(" ", maxBody), "fallback", 0},
		{Rasa, 500, `{"intent":{"name":"fraud","confidence":0.9}}`, "fallback", 0},
		{Rasa, 302, `{"intent":{"name":"fraud","confidence":0.9}}`, "fallback", 0},
		{Chat, 200, chat(`{"intent":"fraud","confidence":0.8}`), "fraud", 1},
		{Chat, 200, chat("```json\n{\"intent\": \"fraud\", \"confidence\": 0.8}\n```"), "fraud", 1},
		{Chat, 200, chat(`{"intent":"none","confidence":0.9}`), "", 0},
		{Chat, 200, chat(`{"intent":"transfer_all_money","confidence":1}`), "", 0},
		{Chat, 200, chat(`I think it is fraud.`), "fallback", 0},
		{Chat, 200, chat(`{"intent":"fraud","confidence":"high"}`), "fallback", 0},
		{Chat, 200, chat(`{"intent":"fraud"}`), "fallback", 0},
		{Chat, 200, `{"choices":[]}`, "fallback", 0},
		{Chat, 429, `{"error":{"message":"slow down"}}`, "fallback", 0},
	} {
		e := engine(t, c.protocol, func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "Bearer canary" || r.Method != http.MethodPost {
				t.Errorf("%s %v", r.Method, r.Header)
			}
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
		})
		r, err := e.Understand(t.Context(), "somebody took my money", "en")
		got := r.Intent
		if r.Engine == intent.Embedded {
			got = "fallback"
		} else if r.Engine != string(c.protocol) {
			t.Errorf("engine is %q", r.Engine)
		}
		if err != nil || got != c.want || len(r.Alternatives) != c.alternatives {
			t.Errorf("%s %.80s: %q %+v, %v", c.protocol, c.body, got, r, err)
		}
		if got == "fraud" && (!r.Confirm || r.Difficulty != 90) {
			t.Errorf("the set's own values are missing: %+v", r)
		}
	}
}

// TestNumbersStayHome: no personal number leaves, written or spoken.
func TestNumbersStayHome(t *testing.T) {
	for _, p := range []Protocol{Rasa, Chat} {
		var sent atomic.Value
		e := engine(t, p, func(w http.ResponseWriter, r *http.Request) {
			b, _ := io.ReadAll(r.Body)
			sent.Store(r.URL.Path + string(b))
			w.WriteHeader(http.StatusTeapot)
		})
		_, _ = e.Understand(t.Context(), `call "me" on 13800138000 or one three nine oh oh one three eight oh oh oh, card 4111 1111 1111 1111, 幺三七零零幺三八零零零`, "en")
		got, _ := sent.Load().(string)
		want := map[Protocol]string{Rasa: "/model/parse", Chat: "/chat/completions"}[p]
		if !strings.HasPrefix(got, want) || !strings.Contains(got, "call") {
			t.Fatalf("sent %s", got)
		}
		for _, leak := range []string{"13800138000", "0013", "oh oh", "1111 1111", "零零幺"} {
			if strings.Contains(got, leak) {
				t.Errorf("%s: %q left: %s", p, leak, got)
			}
		}
	}
}

// TestHostileServers: one that never answers, one that sends a byte a second, one
// that sends without end, one that hangs up: the fall-back answers in time.
func TestHostileServers(t *testing.T) {
	for name, serve := range map[string]func(net.Conn){
		"silent": func(net.Conn) { time.Sleep(time.Hour) },
		"drip": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n")
			for range 100 {
				if _, err := io.WriteString(c, " "); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
		"endless": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n\r\n")
			for {
				if _, err := c.Write(make([]byte, 4096)); err != nil {
					return
				}
			}
		},
		"headers": func(c net.Conn) {
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\n")
			for i := 0; ; i++ {
				if _, err := fmt.Fprintf(c, "X-%d: y\r\n", i); err != nil {
					return
				}
			}
		},
		"rubbish": func(c net.Conn) { _, _ = io.WriteString(c, "220 smtp ready\r\n") },
		"gone":    func(net.Conn) {},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e := at(t, Rasa, "http://engine.invalid", 2*time.Second)
				var served sync.WaitGroup
				e.dial(func() net.Conn {
					ours, theirs := net.Pipe()
					served.Go(func() { _, _ = io.Copy(io.Discard, theirs) })
					served.Go(func() {
						defer theirs.Close()
						serve(theirs)
					})
					return ours
				})
				began := time.Now()
				r, err := e.Understand(t.Context(), "hello", "en")
				if err != nil || r.Engine != intent.Embedded {
					t.Errorf("%+v, %v", r, err)
				}
				if took := time.Since(began); took > 2*time.Second {
					t.Errorf("took %v", took)
				}
				served.Wait()
			})
		})
	}
}

// dial connects to a server of the test's own.
func (e *Engine) dial(connect func() net.Conn) {
	e.client.Transport.(*http.Transport).DialContext = func(context.Context, string, string) (net.Conn, error) {
		if c := connect(); c != nil {
			return c, nil
		}
		return nil, errors.New("refused")
	}
}

// TestBreaker: five failures, then 30 s of rest, then one question.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		e := at(t, Rasa, "http://engine.invalid", time.Second)
		e.dial(func() net.Conn { asked++; return nil })
		ask := func(ctx context.Context) { _, _ = e.Understand(ctx, "hello", "en") }
		for range 4 {
			ask(t.Context())
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		for range 10 {
			ask(gone) // callers who hang up open no breaker
		}
		asked = 4
		for range 5 {
			ask(t.Context())
		}
		if asked != 5 {
			t.Errorf("asked %d times", asked)
		}
		time.Sleep(rest - time.Millisecond)
		ask(t.Context())
		if asked != 5 {
			t.Error("asked while resting")
		}
		time.Sleep(time.Millisecond)
		ask(t.Context())
		ask(t.Context())
		if asked != 6 {
			t.Errorf("asked %d times, want one trial", asked)
		}
		time.Sleep(rest)
		e.breaker.Succeeded()
		ask(t.Context())
		ask(t.Context())
		if asked != 8 {
			t.Errorf("asked %d times after it went well", asked)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	for _, c := range []Config{
		{Protocol: Rasa, URL: "ftp://x"}, {Protocol: Rasa, URL: "127.0.0.1:5005"}, {Protocol: "soap", URL: "http://x"}, {Protocol: Chat, URL: "http://x"},
	} {
		if _, err := New(c, set(), fixed{}); err == nil {
			t.Errorf("%+v was taken", c)
		}
	}
}
