//go:build !race

package e2e

// buildFlags of the server under test: as the test itself is built.
func buildFlags() []string { return nil }
