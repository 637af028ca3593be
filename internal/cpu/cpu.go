// Package cpu says to the processor what Go has no words for.
package cpu

import "unsafe"

// line is the length of what a processor fetches at once, in bytes.
const line = 64

// Prefetch asks for the first bytes of *p to be brought near, and does not wait.
// It changes nothing, whatever p points to, and p may be nil.
func Prefetch[T any](p *T, bytes uintptr) {
	prefetch(unsafe.Pointer(p), int(bytes+line-1)/line) //nolint:gosec // a hint, never a read
}
