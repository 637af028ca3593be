// Package vosk speaks the protocol of a Vosk server (alphacep/vosk-server, its
// WebSocket) for engines of tests: each says what it hears.
package vosk

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// Engine hears one session.
type Engine interface {
	// Hear takes sound, and answers it with Partial or Final; "" hangs up.
	Hear(pcm []int16) string
	// End is the answer to the end of the sound.
	End() string
}

// Handler serves sessions; begin makes the engine of each, told the phrases that are
// expected.
func Handler(begin func(phrases []string) Engine) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer func() { _ = c.CloseNow() }() // the client may be gone
		serve(r.Context(), c, begin)
	})
}

func serve(ctx context.Context, c *websocket.Conn, begin func([]string) Engine) {
	var e Engine
	for {
		kind, msg, err := c.Read(ctx)
		if err != nil {
			return
		}
		answer := ""
		switch {
		case kind == websocket.MessageBinary && e != nil:
			answer = e.Hear(samples(msg))
		case string(msg) == `{"eof" : 1}` && e != nil:
			answer = e.End()
		case e == nil:
			e = begin(phrases(msg))
			continue
		}
		if answer == "" || c.Write(ctx, websocket.MessageText, []byte(answer)) != nil {
			return
		}
	}
}

func samples(b []byte) []int16 {
	pcm := make([]int16, len(b)/2)
	for i := range pcm {
		pcm[i] = int16(binary.LittleEndian.Uint16(b[2*i:])) //nolint:gosec // its bits
	}
	return pcm
}

func phrases(msg []byte) []string {
	var m struct {
		Config struct {
			Phrases []string `json:"phrase_list"`
		} `json:"config"`
	}
	_ = json.Unmarshal(msg, &m) // without phrases the test fails
	return m.Config.Phrases
}

// Word of a result, in seconds of the sound that was sent.
type Word struct {
	Word  string  `json:"word"`
	Start float64 `json:"start"`
	End   float64 `json:"end"`
	Conf  float64 `json:"conf"`
}

// Partial is what seems to be said so far.
func Partial(text string) string { return message(map[string]any{"partial": text}) }

// Final is what was said, with its words where they are given.
func Final(text string, words ...Word) string {
	m := map[string]any{"text": text}
	if len(words) > 0 {
		m["result"] = words
	}
	return message(m)
}

func message(m map[string]any) string {
	b, _ := json.Marshal(m) // strings and numbers always are
	return string(b)
}

// Knowing is an engine that hears, whatever is said, the first of the phrases that it
// knows; without phrases its sentence. It says so at the end, as sure as Vosk is of words.
type Knowing struct {
	Knows    []string
	Sentence string
	phrases  []string
}

// Begin makes one for a session.
func (k Knowing) Begin(phrases []string) Engine {
	k.phrases = phrases
	return k
}

// Hear implements Engine.
func (Knowing) Hear([]int16) string { return Partial("") }

// End implements Engine.
func (k Knowing) End() string {
	text := k.Sentence
	if len(k.phrases) > 0 {
		text = ""
		if i := slices.IndexFunc(k.phrases, func(p string) bool { return slices.Contains(k.Knows, p) }); i >= 0 {
			text = k.phrases[i]
		}
	}
	return Final(text, Word{text, 0.2, 0.9, 0.8})
}

// Serve serves on loopback until the test ends, and returns the address.
func Serve(t testing.TB, begin func(phrases []string) Engine) string {
	t.Helper()
	s := httptest.NewServer(Handler(begin))
	t.Cleanup(s.Close)
	return strings.Replace(s.URL, "http:", "ws:", 1)
}

// Dial connects to a server in memory.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// InMemory serves a network of its own, which virtual time can see, until closed.
func InMemory(begin func(phrases []string) Engine) (dial Dial, closed func()) {
	network := make(pipes)
	server := &http.Server{Handler: Handler(begin)} //nolint:gosec // nobody strange connects
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(network) // until it is closed
	}()
	return network.dial, func() {
		close(network)
		_ = server.Close()
		<-done
	}
}

type pipes chan net.Conn

func (p pipes) Accept() (net.Conn, error) {
	if c, ok := <-p; ok {
		return c, nil
	}
	return nil, net.ErrClosed
}

func (p pipes) Close() error   { return nil }
func (p pipes) Addr() net.Addr { return &net.TCPAddr{} }

func (p pipes) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	p <- theirs
	return ours, nil
}
