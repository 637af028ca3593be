package asr

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/internal/secret"
)

// Link is how the server of an engine is reached.
type Link struct {
	// URL is ws://host:port/path, wss://… (the certificate is verified), or
	// unix:///path/of/socket for WebSocket without TLS over a Unix socket. It must not
	// hold a password.
	URL string
	// Token goes into the Authorization header, where the protocol has one.
	Token secret.Text
	// RootCAs to verify certificates with; nil for the system's.
	RootCAs *x509.CertPool
	// Dial makes the connections below TLS, nil for the network's. Tests of virtual time
	// give one. No proxy is ever used.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// Limits: zero for their defaults.
	Limits Limits

	query func(url.Values, Options) // what an engine adds for a session
}

// Limits of a stream in time.
type Limits struct {
	// Handshake: to connect, TLS and HTTP included. 5 s.
	Handshake time.Duration
	// Write: to get rid of a message. 5 s.
	Write time.Duration
	// Idle: for the answer to a ping, to sound where the engine answers each message, and
	// for the rest of a message that has begun. 10 s.
	Idle time.Duration
	// Finish: for the last results. 3 s.
	Finish time.Duration
}

func (l Limits) orDefaults() Limits {
	for _, d := range []struct {
		limit     *time.Duration
		otherwise time.Duration
	}{{&l.Handshake, 5 * time.Second}, {&l.Write, 5 * time.Second}, {&l.Idle, 10 * time.Second}, {&l.Finish, 3 * time.Second}} {
		if *d.limit <= 0 {
			*d.limit = d.otherwise
		}
	}
	return l
}

// dialer is a Link that was looked at.
type dialer struct {
	url    url.URL
	header http.Header
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
	tls    *tls.Config
	limits Limits
	query  func(url.Values, Options)
}

func (l Link) dialer(scheme string) (dialer, error) {
	u, err := url.Parse(l.URL)
	if err != nil {
		return dialer{}, errors.New("no URL") // the error would repeat it
	}
	dial := l.Dial
	if dial == nil {
		dial = (&net.Dialer{}).DialContext
	}
	if u.User != nil {
		return dialer{}, errors.New("the URL holds a password (hint: give it as the token)")
	}
	switch {
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
		path, connect := u.Path, dial
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) { return connect(ctx, "unix", path) }
		u = &url.URL{Scheme: "ws", Host: "localhost", Path: "/"}
	case (u.Scheme == "ws" || u.Scheme == "wss") && u.Host != "":
	default:
		return dialer{}, fmt.Errorf("the URL begins with %q (hint: ws://host, wss://host or unix:///path)", u.Scheme+":")
	}
	d := dialer{
		url: *u, header: http.Header{}, dial: dial, limits: l.Limits.orDefaults(), query: l.query,
		tls: &tls.Config{RootCAs: l.RootCAs, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
	}
	if scheme != "" && !l.Token.IsZero() {
		d.header.Set("Authorization", scheme+" "+l.Token.Reveal())
	}
	return d, nil
}

// client makes connections until ctx ends: http.Transport by itself dials on when the
// request is given up. It knows no proxy, and HTTP/1.1 only, as RFC 6455 needs it.
func (d *dialer) client(ctx context.Context) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
				return d.dial(ctx, network, address)
			},
			DialTLSContext: func(_ context.Context, network, address string) (net.Conn, error) {
				return d.dialTLS(ctx, network, address)
			},
			DisableKeepAlives:      true,
			MaxResponseHeaderBytes: 64 << 10,
		},
		// A redirect would take the token and the sound elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func (d *dialer) dialTLS(ctx context.Context, network, address string) (net.Conn, error) {
	raw, err := d.dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, d.tls)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close() // the handshake's error says more
		return nil, err
	}
	return conn, nil
}

// connect makes the WebSocket. Its errors hold neither URL nor header.
func (d *dialer) connect(ctx context.Context, o Options) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.limits.Handshake)
	defer cancel()
	u := d.url
	if d.query != nil {
		q := u.Query()
		d.query(q, o)
		u.RawQuery = q.Encode()
	}
	conn, answer, err := websocket.Dial(ctx, u.String(), &websocket.DialOptions{HTTPClient: d.client(ctx), HTTPHeader: d.header}) //nolint:bodyclose // Dial closes it
	switch {
	case err == nil:
		conn.SetReadLimit(-1) // the reader has one that does not wait to say so
		return conn, nil
	case ctx.Err() != nil && context.Cause(ctx) == context.DeadlineExceeded: //nolint:errorlint // the limit's own cause is never wrapped
		return nil, &Error{Kind: ErrLate, Detail: "no connection within " + d.limits.Handshake.String()}
	case answer != nil && answer.StatusCode != http.StatusSwitchingProtocols:
		return nil, &Error{Kind: ErrRefused, Detail: "HTTP status " + quoted(answer.Status)}
	default:
		return nil, &Error{Kind: ErrRefused, Detail: quoted(bare(err).Error())}
	}
}
