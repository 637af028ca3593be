package recordings

import "errors"

// Errors that callers tell apart.
var (
	// ErrNotFound: there is no such call, entry or recording.
	ErrNotFound = errors.New("not found")
	// ErrExists: the ID or number is taken.
	ErrExists = errors.New("exists already")
	// ErrFull: the disk is full.
	ErrFull = errors.New("disk is full (hint: free space under data.dir)")
	// ErrRefused: by policy no call is recorded now.
	ErrRefused = errors.New("recording is refused by policy")
	// ErrDamaged: a recording or a record is not what was sealed.
	ErrDamaged = errors.New("it is not whole (hint: ivrd verify names what is not)")
	// ErrClosed: the archive or the visit is closed, or opened for inspection.
	ErrClosed = errors.New("archive is closed")
	// ErrLocked: another process serves from the same data directory.
	ErrLocked = errors.New("data directory is in use by another ivrd")
)
