// Package remote asks a model for emotions over HTTP: the sound of an utterance goes out by
// POST, scores come back in JSON. docs/emotion.md has the protocol.
package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/internal/breaker"
	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/internal/webclient"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// Limits and defaults.
const (
	// MaxBody is the largest answer that is read, in bytes.
	MaxBody = 64 << 10
	// MaxSound is the most that is sent: the end of an utterance.
	MaxSound = 15 * time.Second

	DefaultTimeout  = 2 * time.Second
	DefaultInFlight = 4
	// DefaultFailures in a row open the breaker for DefaultRest.
	DefaultFailures = 5
	DefaultRest     = 30 * time.Second
)

// Why nothing was asked.
var (
	ErrResting = errors.New("ask emotion model: it failed several times and rests")
	ErrBusy    = errors.New("ask emotion model: too many questions at once")
)

// Format is how sound is sent.
type Format string

// The formats, by their media types.
const (
	WAV Format = "audio/wav" // 16-bit PCM, 8 kHz, mono; the default
	L16 Format = "audio/L16" // RFC 2586: 16-bit, big-endian, without a head
)

// Config of a Client.
type Config struct {
	// URL is asked by POST. It must be https, or http to a literal loopback address,
	// unless Plain.
	URL string
	// Plain allows http to any host: the caller's voice then travels in clear.
	Plain bool
	// Token, if any, is sent as a Bearer token.
	Token secret.Text
	// Format of the sound; WAV if empty.
	Format Format
	// Timeout of one question, all in all.
	Timeout time.Duration
	// InFlight is how many questions may be open; more are refused, not queued.
	InFlight int
	// Failures in a row after which nothing is asked for Rest; then one question tries.
	Failures int
	Rest     time.Duration
}

// Client implements emotion.Model. It may be used by several goroutines at once.
type Client struct {
	cfg     Config
	http    *http.Client
	slots   chan struct{}
	breaker breaker.Breaker
}

var _ emotion.Model = (*Client)(nil)

// New checks the configuration; it does not connect.
func New(cfg Config) (*Client, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		return nil, errors.New("emotion model: the address is not an http or https URL") // err would quote it
	}
	if u.Scheme == "http" && !cfg.Plain && !isLoopback(u.Hostname()) {
		return nil, errors.New("emotion model: voices must not travel in clear (hint: use https, or a loopback address such as 127.0.0.1)")
	}
	cfg.Format = cmp.Or(cfg.Format, WAV)
	if cfg.Format != WAV && cfg.Format != L16 {
		return nil, fmt.Errorf("emotion model: format %q is neither %s nor %s", cfg.Format, WAV, L16)
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.InFlight = max(cmp.Or(cfg.InFlight, DefaultInFlight), 1)
	return &Client{
		cfg:     cfg,
		slots:   make(chan struct{}, cfg.InFlight),
		breaker: breaker.Breaker{Failures: cmp.Or(cfg.Failures, DefaultFailures), Rest: cmp.Or(cfg.Rest, DefaultRest)},
		http: webclient.New(&http.Transport{
			Proxy: http.ProxyFromEnvironment, MaxConnsPerHost: cfg.InFlight, MaxIdleConnsPerHost: cfg.InFlight,
		}),
	}, nil
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// Close drops idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Judge implements emotion.Model. It returns ErrBusy or ErrResting without asking; other
// errors count against the breaker, except that ctx was cancelled.
func (c *Client) Judge(ctx context.Context, pcm []int16) (transcript.Emotion, error) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	default:
		return transcript.Emotion{}, ErrBusy
	}
	if !c.breaker.Allow() {
		return transcript.Emotion{}, ErrResting
	}
	e, err := c.ask(ctx, pcm)
	switch {
	case err == nil:
		c.breaker.Succeeded()
	case errors.Is(ctx.Err(), context.Canceled):
		c.breaker.Undecided()
	default:
		c.breaker.Failed()
	}
	return e, err
}

func (c *Client) ask(ctx context.Context, pcm []int16) (transcript.Emotion, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.cfg.URL, bytes.NewReader(c.body(pcm)))
	if err != nil {
		return transcript.Emotion{}, errors.New("ask emotion model: the address is not a URL")
	}
	req.Header.Set("Content-Type", string(c.cfg.Format))
	if c.cfg.Format == L16 {
		req.Header.Set("Content-Type", string(L16)+";rate=8000;channels=1")
	}
	req.Header.Set("Accept", "application/json")
	if !c.cfg.Token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+c.cfg.Token.Reveal())
	}
	res, err := c.http.Do(req)
	if err != nil {
		return transcript.Emotion{}, fmt.Errorf("ask emotion model: %w", cause(err))
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	if res.StatusCode != http.StatusOK {
		return transcript.Emotion{}, fmt.Errorf("ask emotion model: it answers %d", res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	switch {
	case err != nil:
		return transcript.Emotion{}, fmt.Errorf("read emotion model's answer: %w", cause(err))
	case len(body) > MaxBody:
		return transcript.Emotion{}, errors.New("read emotion model's answer: it is larger than 64 KiB")
	}
	return parse(body)
}

func (c *Client) body(pcm []int16) []byte {
	pcm = pcm[max(0, len(pcm)-int(media.TimeOf(MaxSound))):]
	if c.cfg.Format == WAV {
		return media.AppendWAV(media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm))), pcm)
	}
	b := make([]byte, 0, 2*len(pcm))
	for _, s := range pcm {
		b = binary.BigEndian.AppendUint16(b, uint16(s))
	}
	return b
}

// answer of a model. Dimensions are optional.
type answer struct {
	Model   string             `json:"model"`
	Scores  map[string]float64 `json:"scores"`
	Arousal *float64           `json:"arousal"` // 0 to 1
	Valence *float64           `json:"valence"` // -1 to 1
}

// longestModel bounds the name that is stored beside every utterance.
const longestModel = 80

// names by which models know the feelings.
var names = map[string]transcript.Feeling{
	"angry": transcript.Anger, "ang": transcript.Anger, "disgusted": transcript.Disgust, "fearful": transcript.Fear,
	"happy": transcript.Happiness, "hap": transcript.Happiness, "joy": transcript.Happiness, "sad": transcript.Sadness,
	"surprised": transcript.Surprise, "neu": transcript.Neutral, "calm": transcript.Neutral,
}

// parse an answer. Scores of names that are no feeling of ours count as unknown.
func parse(body []byte) (transcript.Emotion, error) {
	var a answer
	if err := json.Unmarshal(body, &a); err != nil {
		return transcript.Emotion{}, errors.New("read emotion model's answer: it is not the JSON that was asked for") // err may quote it
	}
	var s transcript.Scores
	for name, v := range a.Scores {
		if !(v >= 0) {
			return transcript.Emotion{}, errors.New("read emotion model's answer: a score is negative")
		}
		s[feeling(strings.ToLower(name))] += v
	}
	model := a.Model
	if len(model) > longestModel {
		model = strings.ToValidUTF8(model[:longestModel], "")
	}
	e, err := emotion.FromScores(model, s)
	if err != nil {
		return transcript.Emotion{}, fmt.Errorf("read emotion model's answer: %w", err)
	}
	if a.Arousal != nil {
		e.Arousal = transcript.Measure{Value: max(0, min(*a.Arousal, 1)), Confidence: 1}
	}
	if a.Valence != nil {
		e.Valence = transcript.Measure{Value: max(-1, min(*a.Valence, 1)), Confidence: 1}
	}
	return e, nil
}

func feeling(name string) transcript.Feeling {
	var f transcript.Feeling
	if f.UnmarshalText([]byte(name)) == nil {
		return f
	}
	return names[name]
}

// cause takes the address out of an error.
func cause(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	for op, ok := errors.AsType[*net.OpError](err); ok && op.Err != nil; op, ok = errors.AsType[*net.OpError](err) {
		err = op.Err
	}
	if name, ok := errors.AsType[*net.DNSError](err); ok {
		return errors.New(name.Err)
	}
	if what, _, quotes := strings.Cut(err.Error(), ` "`); quotes {
		return errors.New(what)
	}
	return err
}
