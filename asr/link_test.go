package asr_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/media"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answering is a jambonz adapter that hears "yes" in anything.
func answering(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		_, msg, err := c.Read(context.Background())
		if err != nil {
			return
		}
		if strings.Contains(string(msg), "stop") {
			_ = c.Write(context.Background(), websocket.MessageText, []byte(`{"type":"transcription","is_final":true,"alternatives":[{"transcript":"yes"}]}`))
			_ = c.Close(websocket.StatusNormalClosure, "")
			return
		}
	}
}

// hear opens a session on a real network, and returns the text and how it ended.
func hear(t *testing.T, l asr.Link) (string, error) {
	t.Helper()
	r, err := asr.NewJambonz(asr.JambonzConfig{Link: l})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Open(t.Context(), asr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range media.Time(10) {
		s.Write(asr.Frame{At: i * media.FrameSamples, PCM: make([]int16, media.FrameSamples)})
	}
	err = s.Finish(t.Context())
	text := ""
	for seg := range s.Segments() {
		text += seg.Text
	}
	return text, err
}

// server listens on a real network; it ends before the goroutines are counted.
func server(t *testing.T, start func(*httptest.Server)) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(http.HandlerFunc(answering))
	start(s)
	t.Cleanup(s.Close)
	return s
}

func TestOverTheNetwork(t *testing.T) {
	// A proxy that is set must not be asked: it would fail.
	for _, name := range []string{"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	plain := server(t, (*httptest.Server).Start)
	if text, err := hear(t, asr.Link{URL: "ws" + strings.TrimPrefix(plain.URL, "http")}); text != "yes" || err != nil {
		t.Errorf("in the clear: %q, %v", text, err)
	}
	tls := server(t, (*httptest.Server).StartTLS)
	tls.Config.ErrorLog = nil
	url := "wss" + strings.TrimPrefix(tls.URL, "https")
	roots := x509.NewCertPool()
	roots.AddCert(tls.Certificate())
	if text, err := hear(t, asr.Link{URL: url, RootCAs: roots}); text != "yes" || err != nil {
		t.Errorf("over TLS: %q, %v", text, err)
	}
	if _, err := hear(t, asr.Link{URL: url}); !errors.Is(err, asr.ErrRefused) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("an unknown certificate: %v", err)
	}
	other := strings.Replace(url, "127.0.0.1", "localhost", 1)
	if _, err := hear(t, asr.Link{URL: other, RootCAs: roots}); !errors.Is(err, asr.ErrRefused) {
		t.Errorf("a certificate for another name: %v", err)
	}
}

func TestOverAUnixSocket(t *testing.T) {
	path := filepath.Join(t.TempDir(), "asr.sock")
	server(t, func(s *httptest.Server) {
		l, err := net.Listen("unix", path)
		if err != nil {
			t.Fatal(err)
		}
		s.Listener = l
		s.Start()
	})
	if text, err := hear(t, asr.Link{URL: "unix://" + path}); text != "yes" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	if _, err := hear(t, asr.Link{URL: "unix://" + path + ".gone"}); !errors.Is(err, asr.ErrRefused) {
		t.Errorf("without a socket: %v", err)
	}
}

func TestLinksThatAreRefused(t *testing.T) {
	for _, url := range []string{"", "http://a.test/", "ws:///path", "unix:", "unix://host/path", "ws://user:hunter2@a.test/", "ws://a.test/%zz?key=hunter2"} {
		_, err := asr.NewVosk(asr.VoskConfig{Link: asr.Link{URL: url}})
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestTokensDoNotPrint(t *testing.T) {
	link := asr.Link{URL: "ws://127.0.0.1:1/?key=canary-2", Token: secret.New("canary-1")}
	r, err := asr.NewDeepgram(asr.DeepgramConfig{Link: link})
	if err != nil {
		t.Fatal(err)
	}
	s, err := r.Open(t.Context(), asr.Options{})
	if err != nil {
		t.Fatal(err)
	}
	err = s.Finish(t.Context())
	if !errors.Is(err, asr.ErrRefused) || strings.Contains(err.Error(), "canary") {
		t.Errorf("nobody listens: %v", err)
	}
	if text := fmt.Sprintf("%v %+v %#v %+v", link, link, link, err); strings.Contains(text, "canary-1") {
		t.Error("the token prints")
	}
}
