// Package webclient is how ivrd asks services over HTTP with what callers have said or
// entered: it goes to no other host, and no error tells of it.
package webclient

import (
	"errors"
	"net/http"
	"strings"
	"time"
)

// New makes a client that follows no redirect, which could carry a caller's data to
// another host. How long idle connections are kept, and the size of heads, is set here.
func New(t *http.Transport) *http.Client {
	// Shorter than servers keep theirs (Node 5 s): a POST on a connection that the
	// other side is closing is not tried again.
	t.IdleConnTimeout = 4 * time.Second
	// Far more than any service says; the default is 1 MB a call.
	t.MaxResponseHeaderBytes = 16 << 10
	return &http.Client{
		Transport:     t,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Cause takes out of an error what may be personal: the URL, and what it quotes of an
// answer that is no HTTP.
func Cause(err error) error {
	for next := errors.Unwrap(err); next != nil; next = errors.Unwrap(err) {
		err = next
	}
	if what, _, quotes := strings.Cut(err.Error(), ` "`); quotes {
		return errors.New(what)
	}
	return err
}
