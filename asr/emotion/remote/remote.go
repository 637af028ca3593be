// Package remote asks a model for emotions over HTTP: the sound of an utterance goes out by
// POST, scores come back in JSON. docs/emotion.md has the protocol.
package remote

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
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
	// unless Plain; or unix:///path, a socket, which is asked for the path /.
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
	// Log is told when the model begins to fail, and when it answers again; nil: nobody is.
	Log *slog.Logger
}

// Client implements emotion.Model. It may be used by several goroutines at once.
type Client struct {
	cfg     Config
	url     string
	http    *http.Client
	slots   chan struct{}
	breaker breaker.Breaker

	asked, failed, skipped atomic.Uint64
	failing                atomic.Bool
}

// Counters of a Client. Skipped are the utterances that it was not asked about: too many
// questions were open, or it rests.
type Counters struct{ Asked, Failed, Skipped uint64 }

// Counters tells what has become of questions.
func (c *Client) Counters() Counters {
	return Counters{c.asked.Load(), c.failed.Load(), c.skipped.Load()}
}

// Resting reports that the model has failed so often in a row that it is asked only now
// and then.
func (c *Client) Resting() bool { return c.breaker.Open() }

var _ emotion.Model = (*Client)(nil)

// New checks the configuration; it does not connect.
func New(cfg Config) (*Client, error) {
	transport, address, err := reach(cfg)
	if err != nil {
		return nil, err
	}
	cfg.Format = cmp.Or(cfg.Format, WAV)
	if cfg.Format != WAV && cfg.Format != L16 {
		return nil, fmt.Errorf("emotion model: format %q is neither %s nor %s", cfg.Format, WAV, L16)
	}
	cfg.Timeout = cmp.Or(cfg.Timeout, DefaultTimeout)
	cfg.InFlight = max(cmp.Or(cfg.InFlight, DefaultInFlight), 1)
	cfg.Log = cmp.Or(cfg.Log, slog.New(slog.DiscardHandler))
	transport.MaxConnsPerHost, transport.MaxIdleConnsPerHost = cfg.InFlight, cfg.InFlight
	return &Client{
		cfg:     cfg,
		url:     address,
		slots:   make(chan struct{}, cfg.InFlight),
		breaker: breaker.Breaker{Failures: cmp.Or(cfg.Failures, DefaultFailures), Rest: cmp.Or(cfg.Rest, DefaultRest)},
		http:    webclient.New(transport),
	}, nil
}

// reach looks where the model is, and returns the URL that it is asked by there.
func reach(cfg Config) (*http.Transport, string, error) {
	u, err := url.Parse(cfg.URL)
	switch {
	case err == nil && u.Scheme == "unix" && u.Host == "" && u.Path != "":
		var d net.Dialer
		return &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return d.DialContext(ctx, "unix", u.Path)
		}}, "http://localhost/", nil
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return nil, "", errors.New("emotion model: the address is no http, https or unix URL") // err would quote it
	case u.Scheme == "http" && !cfg.Plain && !isLoopback(u.Hostname()):
		return nil, "", errors.New("emotion model: voices must not travel in clear (hint: use https, or a loopback address such as 127.0.0.1)")
	}
	return &http.Transport{Proxy: http.ProxyFromEnvironment}, cfg.URL, nil
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
		c.skipped.Add(1)
		return transcript.Emotion{}, ErrBusy
	}
	if !c.breaker.Allow() {
		c.skipped.Add(1)
		return transcript.Emotion{}, ErrResting
	}
	c.asked.Add(1)
	e, err := c.ask(ctx, pcm)
	switch {
	case err == nil:
		c.breaker.Succeeded()
		if c.failing.Swap(false) {
			c.cfg.Log.Info("the emotion model answers again")
		}
	case errors.Is(ctx.Err(), context.Canceled):
		c.breaker.Undecided()
	default:
		c.breaker.Failed()
		c.failed.Add(1)
		if !c.failing.Swap(true) {
			c.cfg.Log.Warn("the emotion model does not answer: rules judge meanwhile", "err", err)
		}
	}
	return e, err
}

func (c *Client) ask(ctx context.Context, pcm []int16) (transcript.Emotion, error) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(c.body(pcm)))
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
