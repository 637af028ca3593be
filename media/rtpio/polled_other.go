//go:build !linux || !(amd64 || arm64)

package rtpio

// System is the machine's network in the way that is best on it.
func System() Network { return UDP{} }
