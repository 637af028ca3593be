//go:build !amd64 && !arm64

package cpu

import "unsafe"

func prefetch(unsafe.Pointer, int) {}
