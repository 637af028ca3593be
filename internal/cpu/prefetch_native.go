//go:build amd64 || arm64

package cpu

import "unsafe"

//go:noescape
func prefetch(p unsafe.Pointer, lines int)
