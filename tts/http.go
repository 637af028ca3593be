package tts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/internal/webclient"
)

// HTTPConfig configures HTTP.
type HTTPConfig struct {
	// URL of the service, to which /audio/speech is added: https://host/v1.
	URL string
	// Key is sent as a bearer token when there is one.
	Key   secret.Text
	Model string
	// Voices by language.
	Voices map[string]string
	// Format that is asked for. Bare PCM of OpenAI's is at 24 kHz.
	Format Format
	// Patience until the first sound; 0 means DefaultPatience.
	Patience time.Duration
	// Parallel bounds the requests at once; 0 means 8.
	Parallel int
}

// HTTP speaks by a service that has OpenAI's POST /audio/speech. The text leaves the
// machine as it is spoken, with what is personal in it.
type HTTP struct {
	config HTTPConfig
	url    string
	name   string
	client *http.Client
	slots  slots
}

// NewHTTP makes an engine; nothing is sent before it is to speak.
func NewHTTP(c HTTPConfig) (*HTTP, error) {
	u, err := url.Parse(c.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("read address of speech service: not an http or https URL")
	case u.User != nil || u.RawQuery != "":
		return nil, errors.New("read address of speech service: it holds a name, a password or a query (hint: there is a key for secrets)")
	case c.Model == "":
		return nil, errors.New("read model of speech service: there is none")
	}
	if err := checkFormat(c.Format); err != nil {
		return nil, fmt.Errorf("read format of speech service: %w", err)
	}
	c.Patience, c.Voices = orElse(c.Patience, DefaultPatience), maps.Clone(c.Voices)
	parallel := orElse(c.Parallel, 8)
	return &HTTP{
		config: c,
		url:    strings.TrimSuffix(c.URL, "/") + "/audio/speech",
		name:   fmt.Sprintf("http %s %s %v %v", u.Redacted(), c.Model, named(c.Voices), c.Format),
		slots:  make(slots, parallel),
		client: webclient.New(&http.Transport{MaxConnsPerHost: parallel, MaxIdleConnsPerHost: parallel}),
	}, nil
}

// Close drops idle connections.
func (h *HTTP) Close() { h.client.CloseIdleConnections() }

// Name says the service, its model and the voices.
func (h *HTTP) Name() string { return h.name }

// Speak implements Engine.
func (h *HTTP) Speak(ctx context.Context, u Utterance, hear Hear) error {
	voice, err := voiceOf(h.config.Voices, u)
	if err != nil {
		return err
	}
	ctx, pace := newPace(ctx, h.config.Patience)
	defer pace.stop()
	if err := h.slots.take(ctx); err != nil {
		return why(ctx, "speak by HTTP", err)
	}
	defer h.slots.give()
	return why(ctx, "speak by HTTP", h.speak(ctx, u, voice, pace, hear))
}

// request is OpenAI's.
type request struct {
	Model  string  `json:"model"`
	Input  string  `json:"input"`
	Voice  string  `json:"voice"`
	Format string  `json:"response_format"`
	Speed  float64 `json:"speed,omitempty"` // 1 unless said
}

func (h *HTTP) speak(ctx context.Context, u Utterance, voice string, pace *pace, hear Hear) error {
	r := request{Model: h.config.Model, Input: printable(u.Text), Voice: voice, Format: h.config.Format.Name}
	if u.Prosody.Rate != 0 {
		r.Speed = 1 + u.Prosody.Rate
	}
	body, err := json.Marshal(r)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, h.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	if !h.config.Key.IsZero() {
		req.Header.Set("Authorization", "Bearer "+h.config.Key.Reveal())
	}
	res, err := h.client.Do(req)
	if err != nil {
		return webclient.Cause(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d", res.StatusCode)
	}
	if err := checkSound(res.Header.Get("Content-Type")); err != nil {
		return err
	}
	return h.config.Format.listen(res.Body, pace, hear)
}

// checkSound refuses an answer that says of itself that it is no sound.
func checkSound(contentType string) error {
	kind, _, err := mime.ParseMediaType(contentType)
	if err != nil || !strings.HasPrefix(kind, "audio/") && kind != "application/octet-stream" {
		return errors.New("the answer is no sound (hint: its Content-Type is not audio/…)")
	}
	return nil
}
