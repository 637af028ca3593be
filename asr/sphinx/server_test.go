package sphinx

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
)

// parrot is an engine that has heard a phrase once there is sound.
type parrot struct {
	grammar string
	heard   int
}

func (p *parrot) Begin(grammar string, strict bool) error {
	p.grammar, p.heard = grammar, 0
	return nil
}
func (p *parrot) Write(pcm []int16) error { p.heard += len(pcm); return nil }
func (p *parrot) End() (string, error)    { return p.Said(), nil }
func (p *parrot) Said() string {
	if p.heard == 0 {
		return ""
	}
	return "please lost card"
}

type talk struct {
	t    *testing.T
	conn *websocket.Conn
}

func dial(t *testing.T, h *httptest.Server) talk {
	t.Helper()
	conn, _, err := websocket.Dial(t.Context(), h.URL, nil) //nolint:bodyclose // the library's
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.CloseNow() })
	return talk{t, conn}
}

func (k talk) text(s string) {
	k.t.Helper()
	if err := k.conn.Write(k.t.Context(), websocket.MessageText, []byte(s)); err != nil {
		k.t.Fatal(err)
	}
}

func (k talk) sound(samples int) {
	k.t.Helper()
	if err := k.conn.Write(k.t.Context(), websocket.MessageBinary, make([]byte, 2*samples)); err != nil {
		k.t.Fatal(err)
	}
}

func (k talk) hear() map[string]any {
	k.t.Helper()
	ctx, cancel := context.WithTimeout(k.t.Context(), 10*time.Second)
	defer cancel()
	_, b, err := k.conn.Read(ctx)
	if err != nil {
		k.t.Fatal(err)
	}
	m := map[string]any{}
	if err := json.Unmarshal(b, &m); err != nil {
		k.t.Fatal(err)
	}
	return m
}

const start = `{"type":"start","language":"en-US","format":"raw","encoding":"LINEAR16","sampleRateHz":8000,"interimResults":true,"options":{"hints":["lost card","billing"]}}`

func TestServer(t *testing.T) {
	h := httptest.NewServer(NewServer(dictionary(t), &parrot{}))
	defer h.Close()
	for range 3 { // the engine is lent again
		k := dial(t, h)
		k.text(start)
		k.sound(interimEvery)
		if m := k.hear(); final(m) || said(m) != "lost card" {
			t.Errorf("in between: %v", m)
		}
		k.text(`{"type":"stop"}`)
		if m := k.hear(); m["type"] != "transcription" || !final(m) || said(m) != "lost card" || m["language"] != "en-US" {
			t.Errorf("at the end: %v", m)
		}
	}
}

func final(m map[string]any) bool { return m["is_final"].(bool) }

func said(m map[string]any) any {
	return m["alternatives"].([]any)[0].(map[string]any)["transcript"]
}

func TestServerRefuses(t *testing.T) {
	h := httptest.NewServer(NewServer(dictionary(t), &parrot{}))
	defer h.Close()
	for first, want := range map[string]string{
		`rubbish`: "no start", `{"type":"stop"}`: "no start",
		strings.Replace(start, "8000", "16000", 1):             "hint: LINEAR16 at 8000",
		strings.Replace(start, `"lost card"`, `"xyz"`, 1):      "not in the dictionary",
		strings.Replace(start, "lost card\",\"billing", "", 1): "0 words",
	} {
		k := dial(t, h)
		k.text(first)
		want = strings.Replace(want, "no start", "the first message is none", 1)
		m := k.hear()
		if m["type"] != "error" || !strings.Contains(m["error"].(string), want) {
			t.Errorf("%s: %v, want %q", first, m, want)
		}
		if declined, _ := m["declined"].(bool); declined != (strings.Contains(want, "dictionary") || strings.Contains(want, "words")) {
			t.Errorf("%s: declined is %v", first, declined)
		}
	}
	busy := dial(t, h)
	busy.text(start)
	busy.sound(interimEvery)
	busy.hear()
	k := dial(t, h)
	k.text(start)
	if m := k.hear(); m["error"] != errBusy.Error() || m["declined"] == nil {
		t.Errorf("a second utterance: %v", m)
	}
}
