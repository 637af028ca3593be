package remote

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

func client(t *testing.T, cfg Config, h http.HandlerFunc) *Client {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	cfg.URL = srv.URL
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

const good = `{"model":"m1","scores":{"Angry":0.7,"neutral":0.2,"other":0.1},"arousal":0.8,"valence":-3}`

func TestJudge(t *testing.T) {
	pcm := []int16{1, -2, math.MaxInt16, math.MinInt16}
	for _, format := range []Format{WAV, L16} {
		c := client(t, Config{Format: format, Token: secret.New("let me in")}, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			got := body
			if r.Header.Get("Authorization") != "Bearer let me in" || r.Method != http.MethodPost {
				t.Errorf("%s with %q", r.Method, r.Header)
			}
			if want := map[Format]string{WAV: "audio/wav", L16: "audio/L16;rate=8000;channels=1"}[format]; r.Header.Get("Content-Type") != want {
				t.Errorf("the type is %q", r.Header.Get("Content-Type"))
			}
			if format == WAV {
				pcm, rate, err := media.ReadWAV(bytes.NewReader(body))
				if err != nil || rate != 8000 {
					t.Errorf("WAV of %d Hz: %v", rate, err)
				}
				got = nil
				for _, s := range pcm {
					got = binary.BigEndian.AppendUint16(got, uint16(s))
				}
			}
			if !bytes.Equal(got, []byte{0, 1, 0xFF, 0xFE, 0x7F, 0xFF, 0x80, 0}) {
				t.Errorf("sound % x", got)
			}
			fmt.Fprint(w, good)
		})
		e, err := c.Judge(t.Context(), pcm)
		want := transcript.Emotion{
			Label: transcript.Anger, Confidence: 0.7, Method: "model", Model: "m1",
			Arousal: transcript.Measure{Value: 0.8, Confidence: 1}, Valence: transcript.Measure{Value: -1, Confidence: 1},
		}
		if err != nil || e.Label != want.Label || math.Abs(e.Confidence-0.7) > 1e-9 || e.Model != want.Model || e.Method != want.Method ||
			e.Arousal != want.Arousal || e.Valence != want.Valence || math.Abs(e.Scores[transcript.Unknown]-0.1) > 1e-9 {
			t.Errorf("%s: %+v, %v", format, e, err)
		}
	}
}

func TestLongSoundIsCut(t *testing.T) {
	c := client(t, Config{Format: L16}, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if len(body) != 15*2*8000 || body[1] != 1 {
			t.Errorf("%d bytes, the first sample %d", len(body), body[1])
		}
		fmt.Fprint(w, good)
	})
	pcm := make([]int16, 20*8000)
	pcm[5*8000] = 1
	if _, err := c.Judge(t.Context(), pcm); err != nil {
		t.Error(err)
	}
}

// TestHostileServers: each ends in time, with an error that quotes nothing of theirs, nor
// the address.
func TestHostileServers(t *testing.T) {
	const marker = "MARKER"
	for name, h := range map[string]http.HandlerFunc{
		"refuses": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, marker, http.StatusInternalServerError) },
		"redirects": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/"+marker, http.StatusTemporaryRedirect)
		},
		"rubbish":   func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, marker) },
		"no scores": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"model":"`+marker+`"}`) },
		"negative":  func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"scores":{"`+marker+`":-1}}`) },
		"a list":    func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"scores":["`+marker+`"]}`) },
		"nothing":   func(http.ResponseWriter, *http.Request) {},
		"100 MB": func(w http.ResponseWriter, _ *http.Request) {
			for range 100 << 4 {
				if _, err := w.Write(bytes.Repeat([]byte(" "), 1<<16)); err != nil {
					return
				}
			}
		},
		"hangs": func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-r.Context().Done()
		},
		"a byte at a time": func(w http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			for r.Context().Err() == nil {
				w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				select {
				case <-time.After(10 * time.Millisecond):
				case <-r.Context().Done():
				}
			}
		},
		"no HTTP": func(w http.ResponseWriter, _ *http.Request) {
			conn, _, _ := w.(http.Hijacker).Hijack()
			conn.Write([]byte(marker + "\r\n\r\n"))
			conn.Close()
		},
	} {
		c := client(t, Config{Timeout: 300 * time.Millisecond}, h)
		e, err := c.Judge(t.Context(), make([]int16, 8000))
		if err == nil || e != (transcript.Emotion{}) {
			t.Errorf("%s: %+v, %v", name, e, err)
			continue
		}
		if strings.Contains(err.Error(), marker) || strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: the error quotes: %v", name, err)
		}
	}
}

// fake answers without a network, in virtual time.
type fake struct {
	asked atomic.Int32
	err   error
	takes time.Duration
}

func (f *fake) RoundTrip(r *http.Request) (*http.Response, error) {
	f.asked.Add(1)
	select {
	case <-time.After(f.takes):
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if f.err != nil {
		return nil, f.err
	}
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(strings.NewReader(good))}, nil
}

func over(t *testing.T, f *fake, cfg Config) *Client {
	t.Helper()
	cfg.URL = "http://127.0.0.1/"
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	c.http.Transport = f
	return c
}

// TestSocket: a model on this machine may listen on a Unix socket.
func TestSocket(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, good) })}}
	srv.Start()
	defer srv.Close()
	t.Setenv("HTTP_PROXY", "http://127.0.0.1:1/") // which is not for sockets
	c, err := New(Config{URL: "unix://" + socket})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if e, err := c.Judge(t.Context(), make([]int16, 8000)); err != nil || e.Label != transcript.Anger {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestCounters: each utterance is counted once, and a spell of failures is told at its
// beginning and its end.
func TestCounters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		f := &fake{err: errors.New("down")}
		c := over(t, f, Config{Failures: 3, Rest: 10 * time.Second, Log: slog.New(slog.NewTextHandler(&log, nil))})
		for range 5 {
			c.Judge(t.Context(), nil)
		}
		if got := c.Counters(); got != (Counters{Asked: 3, Failed: 3, Skipped: 2}) || !c.Resting() {
			t.Errorf("%+v, resting %v", got, c.Resting())
		}
		if n := strings.Count(log.String(), "level="); n != 1 || !strings.Contains(log.String(), "level=WARN") {
			t.Errorf("%d lines: %s", n, &log)
		}
		time.Sleep(10 * time.Second)
		f.err = nil
		for range 2 {
			c.Judge(t.Context(), nil)
		}
		if got := c.Counters(); got != (Counters{Asked: 5, Failed: 3, Skipped: 2}) || c.Resting() {
			t.Errorf("%+v, resting %v", got, c.Resting())
		}
		if n := strings.Count(log.String(), "level="); n != 2 || !strings.Contains(log.String(), "level=INFO") {
			t.Errorf("%d lines: %s", n, &log)
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{err: errors.New("down")}
		c := over(t, f, Config{Failures: 3, Rest: 10 * time.Second})
		ask := func(want error) {
			t.Helper()
			if _, err := c.Judge(t.Context(), nil); !errors.Is(err, want) {
				t.Errorf("%v, want %v", err, want)
			}
		}
		for range 3 {
			ask(f.err)
		}
		ask(ErrResting)
		time.Sleep(9 * time.Second)
		ask(ErrResting)
		time.Sleep(time.Second)
		ask(f.err) // it tries
		ask(ErrResting)
		time.Sleep(10 * time.Second)
		f.err = nil
		ask(nil)
		ask(nil)
		if n := f.asked.Load(); n != 6 {
			t.Errorf("asked %d times, want 6", n)
		}

		f.takes = time.Minute // beyond its own limit, that counts
		for range 3 {
			ask(context.DeadlineExceeded)
		}
		ask(ErrResting)
	})
}

// Who hangs up while a question is open is no failure of the model; nor does it lock the
// breaker.
func TestCancelledQuestions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fake{takes: time.Second}
		c := over(t, f, Config{Failures: 1, Rest: time.Second})
		cancelled := func() {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(100*time.Millisecond, cancel)
			if _, err := c.Judge(ctx, nil); !errors.Is(err, context.Canceled) {
				t.Errorf("%v", err)
			}
		}
		cancelled()
		cancelled()
		f.err = errors.New("down")
		c.Judge(t.Context(), nil)
		time.Sleep(time.Second)
		cancelled() // while it tries
		f.err = nil
		if _, err := c.Judge(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestBusy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := over(t, &fake{takes: time.Second}, Config{InFlight: 2})
		for range 2 {
			go c.Judge(t.Context(), nil)
		}
		synctest.Wait()
		if _, err := c.Judge(t.Context(), nil); !errors.Is(err, ErrBusy) {
			t.Errorf("a third at once: %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if _, err := c.Judge(t.Context(), nil); err != nil {
			t.Error(err)
		}
	})
}

func TestConfig(t *testing.T) {
	for _, c := range []struct {
		cfg Config
		ok  bool
	}{
		{Config{URL: "https://emotion.example.com/judge"}, true},
		{Config{URL: "http://127.0.0.1:9000/"}, true},
		{Config{URL: "http://[::1]:9000/"}, true},
		{Config{URL: "http://emotion:9000/"}, false},
		{Config{URL: "http://localhost:9000/"}, false},
		{Config{URL: "http://emotion:9000/", Plain: true}, true},
		{Config{URL: "unix:///run/model"}, true},
		{Config{URL: "unix://run"}, false},
		{Config{URL: "ftp://127.0.0.1/"}, false},
		{Config{URL: "https://"}, false},
		{Config{URL: "::"}, false},
		{Config{URL: "https://a/", Format: "audio/mp3"}, false},
	} {
		if _, err := New(c.cfg); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c.cfg, err)
		}
	}
}

// FuzzParse: an answer is refused, or gives shares that are some.
func FuzzParse(f *testing.F) {
	for _, s := range []string{good, `{"scores":{"happy":1e308,"sad":1e308}}`, `{"scores":{}}`, `[]`, `{"scores":{"joy":1},"arousal":1e9}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := parse(body)
		if err != nil {
			return
		}
		var sum float64
		for _, v := range e.Scores {
			sum += v
		}
		if math.Abs(sum-1) > 1e-6 || !(e.Confidence >= 0 && e.Confidence <= 1) || math.Abs(e.Valence.Value) > 1 ||
			!(e.Arousal.Value >= 0 && e.Arousal.Value <= 1) || len(e.Model) > longestModel {
			t.Errorf("%s: %+v", body, e)
		}
	})
}
