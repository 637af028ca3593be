package memnet_test

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/media/rtpio"
)

func listen(t *testing.T, h *memnet.Host, port uint16) rtpio.PacketConn {
	t.Helper()
	c, err := h.Listen(netip.AddrPortFrom(h.Addr(), port))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// arrivals sends count datagrams, 20 ms apart, and returns when each came.
func arrivals(t *testing.T, l memnet.Line, count int) (numbers []byte, after []time.Duration) {
	t.Helper()
	n := memnet.New(7)
	a, b := n.Host("10.0.0.1"), n.Host("10.0.0.2")
	n.Impair(a.Addr(), b.Addr(), l)
	from, to := listen(t, a, 1000), listen(t, b, 2000)
	defer from.Close()
	defer to.Close()
	start := time.Now()
	go func() {
		for i := range count {
			_ = from.WriteTo([]byte{byte(i)}, to.LocalAddr())
			time.Sleep(20 * time.Millisecond)
		}
	}()
	_ = to.SetReadDeadline(start.Add(time.Duration(count)*20*time.Millisecond + time.Second))
	for {
		var buf [10]byte
		_, source, err := to.ReadFrom(buf[:])
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return numbers, after
		}
		if err != nil || source != from.LocalAddr() {
			t.Fatalf("from %v, error %v", source, err)
		}
		numbers = append(numbers, buf[0])
		after = append(after, time.Since(start)-time.Duration(buf[0])*20*time.Millisecond)
	}
}

func TestLines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		if got, _ := arrivals(t, memnet.Line{}, 200); len(got) != 200 {
			t.Errorf("a clean line brings %d of 200", len(got))
		}
		got, after := arrivals(t, memnet.Line{Delay: 50 * time.Millisecond, Jitter: 30 * time.Millisecond}, 200)
		disorder := 0
		for i, d := range after {
			if d < 20*time.Millisecond || d > 80*time.Millisecond {
				t.Errorf("number %d took %v", got[i], d)
			}
			if i > 0 && got[i] < got[i-1] {
				disorder++
			}
		}
		if disorder == 0 {
			t.Error("nothing was overtaken")
		}
		if got, _ := arrivals(t, memnet.Line{Loss: 0.2, Burst: 4}, 250); len(got) < 160 || len(got) > 235 {
			t.Errorf("20 %% loss brings %d of 250", len(got))
		}
		if got, _ := arrivals(t, memnet.Line{Duplicate: 1}, 50); len(got) != 100 {
			t.Errorf("doubling brings %d of 50", len(got))
		}
	})
}

func TestSocketsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := memnet.New(1)
		h := n.Host("10.0.0.1")
		c := listen(t, h, 1000)
		if _, err := h.Listen(c.LocalAddr()); !errors.Is(err, syscall.EADDRINUSE) {
			t.Errorf("binding twice: %v", err)
		}
		go func() {
			time.Sleep(time.Second)
			_ = c.Close()
		}()
		if _, _, err := c.ReadFrom(make([]byte, 10)); !errors.Is(err, net.ErrClosed) {
			t.Errorf("reading a closed socket: %v", err)
		}
		if err := c.WriteTo(nil, c.LocalAddr()); !errors.Is(err, net.ErrClosed) {
			t.Errorf("writing to a closed socket: %v", err)
		}
		if n.Open() != 0 {
			t.Errorf("%d sockets are open", n.Open())
		}
	})
}
