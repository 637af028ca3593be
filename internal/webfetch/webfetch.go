// Package webfetch fetches data for flows over HTTP: bounded in time and
// size, without redirects, never logging what was sent or received.
package webfetch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/ivrd/ivrd/internal/webclient"
	"github.com/ivrd/ivrd/ivr"
)

// MaxBody is the largest answer that is read, in bytes.
const MaxBody = 64 << 10

// ErrTooLarge is returned for an answer beyond MaxBody.
var ErrTooLarge = errors.New("answer is larger than 64 KiB")

// Fetcher implements ivr.Fetcher with a pool of connections.
type Fetcher struct {
	client *http.Client
}

// New returns a fetcher; connections to one host are kept and bounded.
func New() *Fetcher {
	return &Fetcher{client: webclient.New(&http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		MaxConnsPerHost:     64,
		MaxIdleConnsPerHost: 16,
	})}
}

// Close drops idle connections.
func (f *Fetcher) Close() { f.client.CloseIdleConnections() }

// Fetch implements ivr.Fetcher.
func (f *Fetcher) Fetch(ctx context.Context, r ivr.Request) (ivr.Response, error) {
	ctx, cancel := context.WithTimeout(ctx, r.Timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, r.Method, r.URL, newBody(r.Body))
	if err != nil {
		return ivr.Response{}, errors.New("fetch data: the address is not a URL") // err would quote it
	}
	for k, v := range r.Header {
		req.Header.Set(k, v)
	}
	req.ContentLength = int64(len(r.Body))
	if len(r.Body) > 0 && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := f.client.Do(req)
	if err != nil {
		return ivr.Response{}, fmt.Errorf("fetch data: %w", webclient.Cause(err))
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(res.Body, MaxBody+1))
	switch {
	case err != nil:
		return ivr.Response{}, fmt.Errorf("read answer: %w", webclient.Cause(err))
	case len(body) > MaxBody:
		return ivr.Response{}, ErrTooLarge
	}
	return ivr.Response{Status: res.StatusCode, Body: body}, nil
}

// body is a copy of what is sent, which may be a secret: the transport may
// still read it after an early answer or a time-out, and wipes it when it is
// done.
type body struct {
	mu   sync.Mutex
	data []byte
	rest []byte
}

func newBody(b []byte) io.ReadCloser {
	if len(b) == 0 {
		return http.NoBody
	}
	data := bytes.Clone(b)
	return &body{data: data, rest: data}
}

func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.rest)
	b.rest = b.rest[n:]
	return n, nil
}

func (b *body) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	clear(b.data)
	b.rest = nil
	return nil
}
