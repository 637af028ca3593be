package media

import "errors"

// Errors that callers tell apart.
var (
	// ErrNoPorts: every RTP port pair of the range is in use or at rest.
	ErrNoPorts = errors.New("no RTP ports left (hint: widen media.ports)")
	// ErrClosed: the session, the stream or the engine has been closed.
	ErrClosed = errors.New("media is closed")
)
