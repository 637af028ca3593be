package rtpio

import (
	"net/netip"
	"testing"
)

var (
	signalled = netip.MustParseAddrPort("10.0.0.2:4000")
	otherPort = netip.MustParseAddrPort("10.0.0.2:4444")
	natted    = netip.MustParseAddrPort("203.0.113.9:5000")
	stranger  = netip.MustParseAddrPort("203.0.113.66:4000")
)

func locked() *sourceLock {
	l := &sourceLock{}
	l.signal(signalled, natted.Addr())
	return l
}

func TestLockBySignalledAddress(t *testing.T) {
	l := locked()
	if l.source != signalled {
		t.Errorf("before proof we send to %v", l.source)
	}
	if v := l.check(signalled, 1, 1); v != accepted || !l.locked {
		t.Errorf("the first packet is %v", v)
	}
	for i := range uint16(20) {
		for _, from := range []netip.AddrPort{otherPort, natted, stranger} {
			if v := l.check(from, 1, i); v != foreign {
				t.Fatalf("%v is %v after the lock", from, v)
			}
		}
	}
	if l.source != signalled {
		t.Errorf("we send to %v", l.source)
	}
}

func TestLockByProof(t *testing.T) {
	for _, from := range []netip.AddrPort{otherPort, natted} {
		l := locked()
		seq := uint16(65533) // wraps
		for i := range proof - 1 {
			if v := l.check(from, 1, seq+uint16(i)); v != pending {
				t.Fatalf("packet %d from %v is %v", i, from, v)
			}
		}
		if v := l.check(from, 1, seq+proof-1); v != accepted || l.source != from {
			t.Errorf("the last from %v is %v", from, v)
		}
		if v := l.check(signalled, 1, 1); v != foreign {
			t.Errorf("the signalled address is %v after another was locked", v)
		}
	}
}

func TestLockNeedsARow(t *testing.T) {
	for name, packet := range map[string]func(i int) (ssrc uint32, seq uint16){
		"gaps":           func(i int) (uint32, uint16) { return 1, uint16(2 * i) },
		"sources change": func(i int) (uint32, uint16) { return uint32(i), uint16(i) },
		"backwards":      func(i int) (uint32, uint16) { return 1, uint16(100 - i) },
		"repeated":       func(int) (uint32, uint16) { return 1, 5 },
	} {
		l := locked()
		for i := range 50 {
			ssrc, seq := packet(i)
			if l.check(natted, ssrc, seq) != pending {
				t.Fatalf("%s: accepted", name)
			}
		}
	}
	l := locked()
	for i := range uint16(50) {
		if l.check(stranger, 1, i) != foreign {
			t.Fatal("a stranger was heard")
		}
	}
}

// Someone else at the same address does not keep the peer from proving itself.
func TestLockWatchesSeveral(t *testing.T) {
	l := locked()
	for i := range uint16(proof) {
		l.check(natted, 1, 7*i)
		l.check(netip.AddrPortFrom(natted.Addr(), 6000), 2, 9*i)
		if v := l.check(otherPort, 3, i); (v == accepted) != (i == proof-1) {
			t.Errorf("packet %d is %v", i, v)
		}
	}
}

func TestLockIsKeptForTheSameAddress(t *testing.T) {
	l := locked()
	for i := range uint16(proof) {
		l.check(natted, 1, i)
	}
	l.signal(signalled, natted.Addr())
	if !l.locked || l.source != natted {
		t.Error("the same address unlocked")
	}
	l.signal(otherPort, natted.Addr())
	if l.locked || l.source != otherPort {
		t.Error("another address did not unlock")
	}
}

// The stream to the address before goes on for a while after a move; were it
// believed, the new one would never be heard.
func TestLockAfterAMoveWaitsForTheNewSource(t *testing.T) {
	old, moved := otherPort, netip.AddrPortFrom(otherPort.Addr(), 7000)
	move := func() *sourceLock {
		l := locked()
		for i := range uint16(proof) {
			l.check(old, 1, i)
		}
		l.signal(moved, natted.Addr())
		return l
	}
	l := move()
	for i := range uint16(formerProof - 1) {
		if v := l.check(old, 1, proof+i); v != pending {
			t.Fatalf("packet %d of the old source is %v", i, v)
		}
	}
	if v := l.check(moved, 2, 1); v != accepted || l.source != moved {
		t.Errorf("the new source is %v, the lock on %v", v, l.source)
	}

	l = move() // behind translation nothing else may ever come
	for i := range uint16(formerProof) {
		l.check(old, 1, proof+i)
	}
	if !l.locked || l.source != old {
		t.Errorf("the old source is not heard, locked: %v", l.locked)
	}
	l = move()
	if l.signal(old, natted.Addr()); l.check(old, 1, 100) != accepted {
		t.Error("the old source is not heard although the peer has moved back")
	}
}
