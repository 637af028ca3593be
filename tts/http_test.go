package tts

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

// service is a speech service that answers in one way.
func service(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body) // only then does the server see that we leave
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s.URL + "/v1"
}

func httpEngine(t *testing.T, url string, f Format, patience time.Duration) *HTTP {
	t.Helper()
	e, err := NewHTTP(HTTPConfig{
		URL: url, Key: secret.New("hush"), Model: "tts-1", Voices: map[string]string{"en": "alloy", "zh": "nova"}, Format: f, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

// heard is what an engine says, and its rate.
func heard(t *testing.T, e Engine, u Utterance) (pcm []int16, rate int, err error) {
	t.Helper()
	err = e.Speak(t.Context(), u, func(more []int16, r int) error {
		pcm, rate = append(pcm, more...), r
		return nil
	})
	return pcm, rate, err
}

func TestHTTPAsksAsOpenAIDoes(t *testing.T) {
	sound := tone(5000, 0, 0)
	for _, format := range []Format{{Name: "wav"}, {Name: "pcm", Rate: 24000}} {
		var asked map[string]any
		url := service(t, func(w http.ResponseWriter, r *http.Request) {
			if r.Method != http.MethodPost || r.URL.Path != "/v1/audio/speech" || r.Header.Get("Authorization") != "Bearer hush" || r.Header.Get("Content-Type") != "application/json" {
				t.Errorf("asked %s %s with %v", r.Method, r.URL, r.Header)
			}
			if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
				t.Error(err)
			}
			w.Header().Set("Content-Type", "audio/"+format.Name)
			if format.Name == "wav" {
				_, _ = w.Write(media.WAVHeader(24000, 1, 1<<40))
			}
			_, _ = w.Write(media.AppendWAV(nil, sound))
		})
		e := httpEngine(t, url, format, time.Minute)
		got, rate, err := heard(t, e, Utterance{Text: "一元\x01。", Language: "zh", Prosody: ssml.Prosody{Rate: 0.25}})
		if err != nil || rate != 24000 || !slices.Equal(got, sound) {
			t.Errorf("%s: %d samples at %d Hz, %v", format.Name, len(got), rate, err)
		}
		if want := fmt.Sprint(map[string]any{"model": "tts-1", "input": "一元 。", "voice": "nova", "response_format": format.Name, "speed": 1.25}); fmt.Sprint(asked) != want {
			t.Errorf("asked %v, want %s", asked, want)
		}
		if strings.Contains(e.Name(), "hush") || strings.Contains(fmt.Sprintf("%+v", e.config), "hush") {
			t.Error("the key prints")
		}
		if _, _, err := heard(t, e, Utterance{Text: "un", Language: "fr"}); !errors.Is(err, ErrNoVoice) {
			t.Errorf("a language without a voice: %v", err)
		}
		if _, _, err := heard(t, e, Utterance{Text: strings.Repeat("a", maxText+1), Language: "en"}); !errors.Is(err, ErrTooLong) {
			t.Errorf("a long text: %v", err)
		}
	}
}

// hostile services, and what their sound must come to.
func hostile() map[string]http.HandlerFunc {
	say := func(contentType string, status int, body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", contentType)
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		}
	}
	hang := func(w http.ResponseWriter, r *http.Request) {
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	return map[string]http.HandlerFunc{
		"500": say("audio/wav", 500, "secret words"),
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/secret", http.StatusFound)
		},
		"web page":    say("text/html", 200, "<html>secret words"),
		"json":        say("application/json", 200, `{"error":"secret words"}`),
		"no type":     say("", 200, "secret words"),
		"rubbish":     say("audio/wav", 200, "secret words that are no sound"),
		"empty":       say("audio/wav", 200, ""),
		"half a head": say("audio/wav", 200, string(media.WAVHeader(24000, 1, 100)[:30])),
		"ends early":  say("audio/wav", 200, string(media.WAVHeader(24000, 1, 100))),
		"odd rate":    say("audio/wav", 200, string(media.WAVHeader(11025, 1, 4))+"abcd"),
		"silence":     say("audio/wav", 200, string(media.WAVHeader(8000, 1, 16000))+strings.Repeat("\x00", 16000)),
		"no answer":   func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"no body":     func(w http.ResponseWriter, r *http.Request) { w.Header().Set("Content-Type", "audio/wav"); hang(w, r) },
		"a moment's hush": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "audio/wav")
			_, _ = w.Write(append(media.WAVHeader(8000, 1, 1<<40), make([]byte, 320)...))
			hang(w, r)
		},
		"endless": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "audio/wav")
			_, err := w.Write(media.WAVHeader(8000, 1, 1<<40))
			for body := make([]byte, 1<<20); err == nil; {
				_, err = w.Write(body)
			}
		},
		"dies": func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
	}
}

// Whatever the service does, the fall-back speaks, within the patience, and no error
// tells the words.
func TestFallbackSpeaksForHostileServices(t *testing.T) {
	for name, answer := range hostile() {
		t.Run(name, func(t *testing.T) {
			var log strings.Builder
			second := &fakeEngine{}
			c, err := NewCache(CacheConfig{
				Engine: httpEngine(t, service(t, answer), Format{Name: "wav"}, 100*time.Millisecond), Fallback: second,
				Log: slog.New(slog.NewTextHandler(&log, nil)),
			})
			if err != nil {
				t.Fatal(err)
			}
			began := time.Now()
			p, err := c.Say(t.Context(), "en", ssml.Plain("secret words"))
			if err != nil || second.calls.Load() != 1 || p.Duration() != time.Second {
				t.Fatalf("%v, the fall-back was asked %d times", err, second.calls.Load())
			}
			if took := time.Since(began); took > 20*time.Second {
				t.Errorf("after %v", took)
			}
			if s := c.Stats(); s.Syntheses != 2 || s.Failures != 1 || s.Fallbacks != 1 || s.Hits != 0 {
				t.Errorf("counts %+v", s)
			}
			if said := log.String(); strings.Contains(said, "secret") || strings.Contains(said, "hush") || !strings.Contains(said, "fall-back") {
				t.Errorf("log: %s", said)
			}
			// What the fall-back has said is kept for the next who would hear it.
			if again, err := c.Say(t.Context(), "en", ssml.Plain("secret words")); err != nil || again != p {
				t.Errorf("again: another sound, or %v", err)
			}
		})
	}
}

// After three failures a service rests: nobody waits for it.
func TestServiceRests(t *testing.T) {
	var asked atomic.Int32
	second := &fakeEngine{}
	url := service(t, func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.WriteHeader(http.StatusInternalServerError)
	})
	c, err := NewCache(CacheConfig{Engine: httpEngine(t, url, Format{Name: "wav"}, time.Minute), Fallback: second})
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if _, err := c.Say(t.Context(), "en", ssml.Plain(fmt.Sprint("text ", i))); err != nil {
			t.Error(err)
		}
	}
	if s := c.Stats(); asked.Load() != breakAfter || s.Failures != breakAfter || s.Fallbacks != 6 {
		t.Errorf("asked %d times, counts %+v", asked.Load(), s)
	}
	if err := c.Keep(t.Context(), "en", ssml.Plain("goodbye")); !errors.Is(err, ErrResting) {
		t.Errorf("a fixed text: %v", err)
	}
	if c, err = NewCache(CacheConfig{Engine: httpEngine(t, url, Format{Name: "wav"}, time.Minute)}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Say(t.Context(), "en", ssml.Plain("nobody else")); err == nil {
		t.Error("without a fall-back there is no error")
	}
}

func TestHTTPRefusesItsConfiguration(t *testing.T) {
	good := HTTPConfig{URL: "https://host/v1", Model: "m", Format: Format{Name: "wav"}}
	for name, change := range map[string]func(*HTTPConfig){
		"scheme":   func(c *HTTPConfig) { c.URL = "ftp://host" },
		"host":     func(c *HTTPConfig) { c.URL = "http://" },
		"password": func(c *HTTPConfig) { c.URL = "http://u:hush@host" },
		"query":    func(c *HTTPConfig) { c.URL = "http://host?key=hush" },
		"model":    func(c *HTTPConfig) { c.Model = "" },
		"format":   func(c *HTTPConfig) { c.Format.Name = "mp3" },
		"rate":     func(c *HTTPConfig) { c.Format = Format{"pcm", 11025} },
	} {
		c := good
		change(&c)
		if _, err := NewHTTP(c); err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := NewHTTP(good); err != nil {
		t.Error(err)
	}
}
