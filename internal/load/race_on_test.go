//go:build race

package load

// raceDetector: under it sync.Pool drops things at random, and pion's AES-CM
// takes its buffers from one.
const raceDetector = true
