package asr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"unicode"

	"github.com/coder/websocket"
)

// Why a session could not begin, or has ended. Each comes in an *Error.
var (
	ErrNoDictation = errors.New("hears given phrases only")
	ErrLanguage    = errors.New("does not understand the language")
	ErrDeclined    = errors.New("cannot serve this session")  // and is well
	ErrRefused     = errors.New("refused")                    // to connect, or to go on
	ErrLate        = errors.New("did not answer in time")     // by any of the limits
	ErrGone        = errors.New("connection lost")            // before the end
	ErrProtocol    = errors.New("spoke against its protocol") // or told of what cannot be
	ErrTooLong     = errors.New("too long")                   // what it sent or was asked
	ErrUnread      = errors.New("results are not read")       // the fault is our own
	ErrNoEngine    = errors.New("no recognizer is left")      // of a Failover
)

// Error says which engine failed, how (one of the Err values), and what was seen. It
// never holds a token, a query or words of a caller.
type Error struct {
	Engine string
	Kind   error
	Detail string
}

func (e *Error) Error() string {
	if e.Detail == "" {
		return e.Engine + ": " + e.Kind.Error()
	}
	return e.Engine + ": " + e.Kind.Error() + ": " + e.Detail
}

func (e *Error) Unwrap() error { return e.Kind }

// protocolError is what a parser says.
func protocolError(format string, args ...any) error {
	return &Error{Kind: ErrProtocol, Detail: fmt.Sprintf(format, args...)}
}

// explain makes an *Error of the engine's of whatever has ended a stream.
func explain(engine string, err error) *Error {
	var ours *Error
	var closed websocket.CloseError
	switch {
	case errors.As(err, &ours):
		return &Error{engine, ours.Kind, ours.Detail}
	case errors.As(err, &closed):
		return &Error{engine, ErrGone, fmt.Sprintf("closed with %d %s", closed.Code, quoted(closed.Reason))}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{engine, ErrLate, ""}
	case errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return &Error{engine, ErrGone, "closed without a word"}
	}
	return &Error{engine, ErrGone, quoted(bare(err).Error())}
}

// bare takes the URL from an error: its query may hold what is nobody's business.
func bare(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}

// quoted makes what an engine says of itself fit for a log: one short line.
func quoted(s string) string {
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return ' '
		}
		return r
	}, s)
	return cut(strings.TrimSpace(s), maxDetail)
}

// cut shortens s to n bytes, at a rune.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n], "")
}
