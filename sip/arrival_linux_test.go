package sip

import (
	"net"
	"syscall"
	"testing"
	"time"
	"unsafe"
)

func TestDatagramsSayWhenTheyCame(t *testing.T) {
	c, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	u := &guardedUDP{PacketConn: c, stamps: stamps(c)}
	if u.stamps == nil {
		t.Fatal("the kernel notes no arrivals")
	}
	before := time.Now()
	if _, err := c.WriteTo([]byte("hello"), c.LocalAddr()); err != nil {
		t.Fatal(err)
	}
	after := time.Now()
	_ = c.SetReadDeadline(after.Add(10 * time.Second))
	buf := make([]byte, 100)
	n, from, came, err := u.read(buf)
	if err != nil || string(buf[:n]) != "hello" || from != addrPort(c.LocalAddr()) {
		t.Fatalf("read %q from %v: %v", buf[:n], from, err)
	}
	// The kernel's clock is read more coarsely than ours.
	const coarse = 20 * time.Millisecond
	if came.Before(before.Add(-coarse)) || came.After(after.Add(coarse)) {
		t.Errorf("it came at %v, and was sent between %v and %v", came, before, after)
	}
}

// message is a control message of the kernel.
func message(level, kind int32, data []byte) []byte {
	b := make([]byte, syscall.CmsgSpace(len(data)))
	h := (*syscall.Cmsghdr)(unsafe.Pointer(&b[0]))
	h.Level, h.Type = level, kind
	h.SetLen(syscall.CmsgLen(len(data)))
	copy(b[syscall.CmsgLen(0):], data)
	return b
}

func TestArrivalAmongControlMessages(t *testing.T) {
	at := syscall.Timespec{Sec: 1234, Nsec: 5678}
	stamp := message(syscall.SOL_SOCKET, syscall.SCM_TIMESTAMPNS, unsafe.Slice((*byte)(unsafe.Pointer(&at)), unsafe.Sizeof(at)))
	other := message(syscall.SOL_IP, syscall.IP_TTL, []byte{1, 0, 0, 0})
	want := time.Unix(1234, 5678)
	for _, control := range [][]byte{stamp, append(other, stamp...), append(stamp, other...)} {
		if got := arrival(control); !got.Equal(want) {
			t.Errorf("%x: %v", control, got)
		}
	}
	for n := range stamp {
		if got := arrival(stamp[:n]); !got.IsZero() {
			t.Errorf("the first %d bytes: %v", n, got)
		}
	}
	if got := arrival(other); !got.IsZero() {
		t.Errorf("another message: %v", got)
	}
	if got := arrival(make([]byte, 64)); !got.IsZero() {
		t.Errorf("zeros: %v", got)
	}
}
