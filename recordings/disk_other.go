//go:build !linux

package recordings

import (
	"io"
	"math"
	"syscall"
)

var noRoom = [...]error{syscall.ENOSPC}

// noSpace measures nothing: a full disk is noticed by failing writes alone.
type noSpace struct{}

func newSpace(string, int64) space { return noSpace{} }

func (noSpace) Free() (int64, error) { return math.MaxInt64, nil }
func (noSpace) Hold() error          { return nil }
func (noSpace) Release() error       { return nil }

func lockDir(string) (io.Closer, error) { return io.NopCloser(nil), nil }
