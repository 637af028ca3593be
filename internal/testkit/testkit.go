// Package testkit helps tests to run real programs and to wait for them
// without sleeping and hoping. Only tests import it.
package testkit

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"
)

// Need skips the test when a program is not installed. Under `make test`
// everything is installed, so there a missing program is a failure.
func Need(t testing.TB, programs ...string) {
	t.Helper()
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			Lacks(t, fmt.Sprintf("%s is not installed (hint: scripts/setup test)", p))
		}
	}
}

// Lacks ends a test that the machine cannot run: as skipped, or as failed
// where IVRD_TEST_REQUIRE asks for all of them.
func Lacks(t testing.TB, what string) {
	t.Helper()
	if os.Getenv("IVRD_TEST_REQUIRE") != "" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// Soak says for how long a TestSoak… runs, and skips it outside `make soak`.
func Soak(t testing.TB) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(os.Getenv("IVRD_SOAK"))
	if err != nil {
		t.Skip("runs under make soak only")
	}
	return d
}

// Eventually waits until done reports true, asking often, and fails the test
// after the limit. For what gives no event to wait for.
func Eventually(t testing.TB, limit time.Duration, what string, done func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.Now().Add(limit)
	for !done() {
		if time.Now().After(end) {
			t.Fatalf("after %v still waiting for %s", limit, what)
		}
		<-tick.C
	}
}

// Ports that tests hand to programs come from below the range from which the
// kernel gives ports away by itself (32768 on), so that the two do not meet.
const (
	firstPort = 18000
	lastPort  = 32000
)

// Port finds a port on 127.0.0.1 that is free for UDP and for TCP.
func Port(t testing.TB) int {
	t.Helper()
	return Ports(t, 1)
}

// Ports finds a run of n free ports on 127.0.0.1 and returns the first, which
// is even. They are given to nobody else in this process before the test ends.
// Against other processes nothing holds them: one may take a port before the
// test does, which is why the place is drawn at random.
func Ports(t testing.TB, n int) int {
	t.Helper()
	for range 200 {
		first := (firstPort + rand.IntN(lastPort-firstPort-n)) &^ 1
		if given.take(first, n) {
			t.Cleanup(func() { given.giveBack(first, n) })
			return first
		}
	}
	t.Fatalf("no %d free ports in a row", n)
	return 0
}

// given is of the process because ports are of the machine: tests that run
// side by side must not draw the same.
var given = book{ports: map[int]bool{}}

// book holds the ports that tests have.
type book struct {
	mu    sync.Mutex
	ports map[int]bool
}

func (b *book) take(first, n int) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for port := first; port < first+n; port++ {
		if b.ports[port] {
			return false
		}
	}
	if !allFree(first, n) {
		return false
	}
	for port := first; port < first+n; port++ {
		b.ports[port] = true
	}
	return true
}

func (b *book) giveBack(first, n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for port := first; port < first+n; port++ {
		delete(b.ports, port)
	}
}

func allFree(first, n int) bool {
	for port := first; port < first+n; port++ {
		if !free(port) {
			return false
		}
	}
	return true
}

// free tries the wildcard address: what listens on any address is in the way.
func free(port int) bool {
	tcp, err := net.Listen("tcp4", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	defer tcp.Close()
	udp, err := net.ListenPacket("udp4", fmt.Sprintf(":%d", port))
	if err != nil {
		return false
	}
	return udp.Close() == nil
}

// WaitTCP waits until something accepts connections at the address.
func WaitTCP(t testing.TB, address string, limit time.Duration) {
	t.Helper()
	Eventually(t, limit, "a listener at "+address, func() bool {
		c, err := net.DialTimeout("tcp", address, limit)
		if err != nil {
			return false
		}
		return c.Close() == nil
	})
}
