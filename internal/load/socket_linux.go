package load

import (
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// batch is how many datagrams one system call takes in or gives out. Those
	// that go out are stamped together, so that a large batch would make the
	// last of them look late.
	batch = 32
	// controlBytes holds one time stamp: cmsghdr and timespec.
	controlBytes = 64
	// wantedBuffer is what a socket asks the kernel for, in bytes.
	wantedBuffer = 8 << 20
)

// mmsghdr is the kernel's struct of recvmmsg(2).
type mmsghdr struct {
	unix.Msghdr

	length uint32
}

// ring is the memory of a batch in one direction, made once.
type ring struct {
	headers  [batch]mmsghdr
	iovecs   [batch]unix.Iovec
	names    [batch]unix.RawSockaddrInet4
	controls [batch][controlBytes]byte
	data     []byte
	size     int // of one datagram
	filled   int
}

func newRing(size int) *ring {
	r := &ring{data: make([]byte, batch*size), size: size}
	for i := range r.headers {
		h := &r.headers[i]
		r.iovecs[i].Base = &r.data[i*size]
		h.Iov, h.Iovlen = &r.iovecs[i], 1
		h.Name, h.Namelen = (*byte)(unsafe.Pointer(&r.names[i])), unix.SizeofSockaddrInet4
	}
	return r
}

// slot is the room of a datagram.
func (r *ring) slot(i int) []byte { return r.data[i*r.size : (i+1)*r.size : (i+1)*r.size] }

// socket is one UDP socket that is used by one thread, never waits and does not
// allocate.
type socket struct {
	fd     int
	local  netip.AddrPort
	buffer int // what the kernel gave for receiving, bytes
	in     *ring
	out    *ring
	// unsent counts datagrams that the kernel did not take.
	unsent uint64
}

// openSocket binds an IPv4 address for datagrams of up to size bytes.
func openSocket(at netip.AddrPort, size int) (*socket, error) {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("open socket: %w", err)
	}
	s := &socket{fd: fd, in: newRing(size), out: newRing(size)}
	if err := s.bind(at); err != nil {
		return nil, errors.Join(fmt.Errorf("bind %s: %w", at, err), unix.Close(fd))
	}
	for i := range s.in.headers {
		s.in.headers[i].Control = &s.in.controls[i][0]
		s.in.iovecs[i].SetLen(size)
	}
	return s, nil
}

func (s *socket) bind(at netip.AddrPort) error {
	if err := unix.Bind(s.fd, &unix.SockaddrInet4{Addr: at.Addr().As4(), Port: int(at.Port())}); err != nil {
		return err
	}
	if err := unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1); err != nil {
		return err
	}
	s.enlarge(unix.SO_RCVBUFFORCE, unix.SO_RCVBUF)
	s.enlarge(unix.SO_SNDBUFFORCE, unix.SO_SNDBUF)
	bound, err := unix.Getsockname(s.fd)
	if err != nil {
		return err
	}
	if b, ok := bound.(*unix.SockaddrInet4); ok {
		s.local = netip.AddrPortFrom(netip.AddrFrom4(b.Addr), uint16(b.Port))
	}
	s.buffer, err = unix.GetsockoptInt(s.fd, unix.SOL_SOCKET, unix.SO_RCVBUF)
	return err
}

// enlarge asks with the right to go beyond the system's limit first. What came
// of it is told by buffer.
func (s *socket) enlarge(force, plain int) {
	if unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, force, wantedBuffer) != nil {
		_ = unix.SetsockoptInt(s.fd, unix.SOL_SOCKET, plain, wantedBuffer)
	}
}

func (s *socket) close() { _ = unix.Close(s.fd) }

// receive takes in what is there and returns how many datagrams that are; when
// it is less than batch there is no more.
func (s *socket) receive() int {
	for i := range s.in.headers {
		s.in.headers[i].SetControllen(controlBytes)
	}
	n, _, errno := syscall.RawSyscall6(unix.SYS_RECVMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.in.headers)), batch, unix.MSG_DONTWAIT, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

// received is a datagram of the last receive: where it came from, when the
// kernel had it (Unix time in ns) and what it is, valid until the next receive.
func (s *socket) received(i int) (from place, at int64, data []byte) {
	name := &s.in.names[i]
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	return placeOf(name.Addr, uint16(port[0])<<8|uint16(port[1])), s.stamp(i), s.in.slot(i)[:s.in.headers[i].length]
}

func (s *socket) stamp(i int) int64 {
	c := (*unix.Cmsghdr)(unsafe.Pointer(&s.in.controls[i][0]))
	if s.in.headers[i].Controllen == 0 || c.Level != unix.SOL_SOCKET || c.Type != unix.SCM_TIMESTAMPNS {
		return 0
	}
	t := (*unix.Timespec)(unsafe.Pointer(&s.in.controls[i][unix.CmsgLen(0)]))
	return t.Nano()
}

// full reports whether flush is needed before the next add.
func (s *socket) full() bool { return s.out.filled == batch }

// add makes room for one more datagram to a place; setLength says how long it
// became.
func (s *socket) add(to place) (i int, room []byte) {
	i = s.out.filled
	s.out.filled++
	name := &s.out.names[i]
	name.Family = unix.AF_INET
	name.Addr = to.addr()
	port := (*[2]byte)(unsafe.Pointer(&name.Port))
	port[0], port[1] = byte(to.port()>>8), byte(to.port())
	return i, s.out.slot(i)
}

func (s *socket) setLength(i, n int) { s.out.iovecs[i].SetLen(n) }
func (s *socket) length(i int) int   { return int(s.out.iovecs[i].Len) }

// flush sends what was added. What the kernel does not take is counted and
// forgotten: an old packet is worse than none.
func (s *socket) flush() {
	for at := 0; at < s.out.filled; {
		n, _, errno := syscall.RawSyscall6(unix.SYS_SENDMMSG, uintptr(s.fd), uintptr(unsafe.Pointer(&s.out.headers[at])), uintptr(s.out.filled-at), unix.MSG_DONTWAIT, 0, 0)
		if errno != 0 {
			s.unsent++
			n = 1
		}
		at += int(n)
	}
	s.out.filled = 0
}

// sleep waits on the monotonic clock, as exactly as the kernel can.
func sleep(d time.Duration) {
	t := unix.NsecToTimespec(int64(d))
	_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil) // an interrupted one is looked at anew
}

// exactSleep lets this thread's sleeps end when they are due instead of up to
// 50 µs later, as is the kernel's default.
func exactSleep() error {
	if err := unix.Prctl(unix.PR_SET_TIMERSLACK, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("set timer slack: %w", err)
	}
	return nil
}
