//go:build !linux

package engine

func newWaiter(bool) (waiter, error) { return newTimerWaiter(), nil }
