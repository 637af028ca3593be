package natbox

import (
	"bytes"
	"math/rand/v2"
	"time"
)

// Impairment spoils what a box lets through, in both directions, as a bad line
// does. It needs nothing of the kernel, so it is the same on every machine.
type Impairment struct {
	// Loss is the share of packets that vanish, 0 to 1, each by itself.
	Loss float64
	// Delay of every packet, and up to Jitter more, each by itself: what is
	// delayed by more than the next one is overtaken.
	Delay, Jitter time.Duration
}

// line is what an impairment does to one packet after the other.
type line struct {
	Impairment

	dice    *rand.Rand
	dropped int
}

// newLine is a good line. Its dice fall the same way in each test.
func newLine() line { return line{dice: rand.New(rand.NewPCG(1, 2))} }

// next tells what becomes of a packet.
func (l *line) next() (wait time.Duration, pass bool) {
	if l.dice.Float64() < l.Loss {
		l.dropped++
		return 0, false
	}
	wait = l.Delay
	if l.Jitter > 0 {
		wait += time.Duration(l.dice.Int64N(int64(l.Jitter)))
	}
	return wait, true
}

// Impair spoils the line from now on; the zero Impairment mends it.
func (b *Box) Impair(i Impairment) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.line.Impairment = i
}

// Dropped is how many packets an impairment has swallowed.
func (b *Box) Dropped() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.line.dropped
}

// carry sends a packet that was let through, as soon as the line allows.
func (b *Box) carry(to *card, p packet) {
	b.mu.Lock()
	wait, pass := b.line.next()
	b.mu.Unlock()
	switch {
	case !pass:
	case wait == 0:
		to.sendPacket(p)
	default:
		late := packet(bytes.Clone(p)) // p is the card's to fill again
		b.running.Add(1)
		time.AfterFunc(wait, func() {
			defer b.running.Done()
			to.sendPacket(late)
		})
	}
}
