// Package blob is the layer of files under the archive. It knows nothing of
// what is in them: what it gets is sealed already.
package blob

import "io"

// Store keeps files under slash-separated names. It may be used by several
// goroutines at once.
type Store interface {
	// Create makes an empty file, with its directories, durably. It fails with
	// fs.ErrExist.
	Create(name string) (File, error)
	// Open opens a file to read; it fails with fs.ErrNotExist.
	Open(name string) (File, error)
	// Edit opens a file to read and write; it fails with fs.ErrNotExist.
	Edit(name string) (File, error)
	Remove(name string) error
	// List calls each with the name of every file under dir, in order. A dir
	// that is not there is empty.
	List(dir string, each func(name string) error) error
}

// File is an open file. Bytes are durable after Sync, not before.
type File interface {
	io.ReaderAt
	io.WriterAt
	Size() (int64, error)
	Truncate(size int64) error
	Sync() error
	Close() error
}

// Group is an optional ability of a Store: SyncAll makes everything durable
// that was written to any of its files before the call, at the price of one
// Sync.
type Group interface {
	SyncAll() error
}
