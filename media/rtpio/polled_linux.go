//go:build amd64 || arm64

package rtpio

import (
	"errors"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"
)

// System is the machine's network in the way that is best on it: sockets that
// are polled, outside of Go's network poller.
func System() Network { return PolledUDP{} }

// PolledUDP is the machine's own network by non-blocking system calls. With a
// packet each 20 ms, looking at each tick costs less than being woken: see
// docs/benchmarks.md.
type PolledUDP struct{ UDP }

// ListenPolled implements PolledNetwork.
func (PolledUDP) ListenPolled(a netip.AddrPort) (PolledConn, error) {
	fd, local, err := listenUDP(a)
	if err != nil {
		return nil, err
	}
	return &polledUDP{fd: fd, only: -1, ipv6: !a.Addr().Is4(), local: local}, nil
}

// listenUDP opens a socket of our own that tells when datagrams came.
func listenUDP(a netip.AddrPort) (fd int, local netip.AddrPort, err error) {
	if fd, err = bindUDP(a, false); err != nil {
		return -1, local, err
	}
	sa, err := syscall.Getsockname(fd)
	if err != nil {
		return -1, local, errors.Join(os.NewSyscallError("getsockname", err), syscall.Close(fd))
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1) // without it, arrivals are the tick's
	switch sa := sa.(type) {
	case *syscall.SockaddrInet4:
		local = netip.AddrPortFrom(netip.AddrFrom4(sa.Addr), uint16(sa.Port)) //nolint:gosec // a port
	case *syscall.SockaddrInet6:
		local = netip.AddrPortFrom(netip.AddrFrom16(sa.Addr).Unmap(), uint16(sa.Port)) //nolint:gosec // a port
	}
	return fd, local, nil
}

// bindUDP opens a socket; shared lets it have a port that a socket of ours has,
// if that lets itself be shared, too.
func bindUDP(a netip.AddrPort, shared bool) (int, error) {
	family := syscall.AF_INET
	if !a.Addr().Is4() {
		family = syscall.AF_INET6
	}
	fd, err := syscall.Socket(family, syscall.SOCK_DGRAM|syscall.SOCK_NONBLOCK|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, os.NewSyscallError("socket", err)
	}
	if family == syscall.AF_INET6 {
		err = syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_V6ONLY, 0)
	}
	if err == nil && shared {
		err = share(fd, 1)
	}
	if err == nil {
		err = syscall.Bind(fd, sockaddr(a))
	}
	if err != nil {
		return -1, errors.Join(&net.OpError{Op: "listen", Net: "udp", Addr: net.UDPAddrFromAddrPort(a), Err: os.NewSyscallError("bind", err)}, syscall.Close(fd))
	}
	return fd, nil
}

func share(fd, on int) error { return syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, soReusePort, on) }

func sockaddr(a netip.AddrPort) syscall.Sockaddr {
	if a.Addr().Is4() {
		return &syscall.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
	}
	return &syscall.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
}

const (
	soReusePort    = 15 // SO_REUSEPORT, SO_MEMINFO: the syscall package has not got them
	soMemInfo      = 55
	memInfoDrops   = 8 // SK_MEMINFO_DROPS
	memInfoEntries = 9
)

// polledUDP is one or two sockets: fd is bound and takes what comes from
// anywhere. Only adds one that is connected to the peer, by which sending and
// receiving cost a sixth less, as the system has the way at hand; fd then
// drops what comes, silently: without it the system would answer strangers
// that the port is closed.
type polledUDP struct {
	fd, only int
	ipv6     bool
	draining bool // fd may hold datagrams from before only was there
	pure     bool // only holds nothing from before it was connected
	local    netip.AddrPort
	peer     netip.AddrPort // of only

	to   netip.AddrPort // whose name is below
	name rawName

	droppedBefore, base uint64

	mu     sync.Mutex // of closed, for WriteAside
	closed bool
}

// rawName is room for a socket address.
type rawName struct {
	syscall.RawSockaddrInet6

	size uint32
}

func (n *rawName) set(a netip.AddrPort, ipv6 bool) {
	port := a.Port()<<8 | a.Port()>>8 // in network order
	if ipv6 {
		n.RawSockaddrInet6 = syscall.RawSockaddrInet6{Family: syscall.AF_INET6, Port: port, Addr: a.Addr().As16()}
		n.size = syscall.SizeofSockaddrInet6
		return
	}
	v4 := (*syscall.RawSockaddrInet4)(unsafe.Pointer(n)) //nolint:gosec // the kernel's union
	*v4 = syscall.RawSockaddrInet4{Family: syscall.AF_INET, Port: port, Addr: a.Addr().As4()}
	n.size = syscall.SizeofSockaddrInet4
}

func (n *rawName) get() netip.AddrPort {
	port := n.Port<<8 | n.Port>>8
	switch n.Family {
	case syscall.AF_INET:
		return netip.AddrPortFrom(netip.AddrFrom4((*syscall.RawSockaddrInet4)(unsafe.Pointer(n)).Addr), port) //nolint:gosec // the kernel's union
	case syscall.AF_INET6:
		return netip.AddrPortFrom(netip.AddrFrom16(n.Addr).Unmap(), port)
	}
	return netip.AddrPort{}
}

func (c *polledUDP) LocalAddr() netip.AddrPort { return c.local }

func (c *polledUDP) WriteTo(b []byte, to netip.AddrPort) error {
	if c.only >= 0 && to == c.peer {
		return sendTo(c.only, b, nil)
	}
	if to != c.to {
		if to.Addr().Is6() && !c.ipv6 {
			return syscall.EAFNOSUPPORT
		}
		c.to = to
		c.name.set(to, c.ipv6)
	}
	return sendTo(c.fd, b, &c.name)
}

// sendTo sends once more when it is told of an earlier datagram's fate.
func sendTo(fd int, b []byte, name *rawName) error {
	var size uintptr
	if name != nil {
		size = uintptr(name.size)
	}
	for range 2 {
		_, _, e := syscall.RawSyscall6(syscall.SYS_SENDTO, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), syscall.MSG_DONTWAIT, uintptr(unsafe.Pointer(name)), size) //nolint:gosec // raw: it never waits
		switch e {
		case 0:
			return nil
		case syscall.ECONNREFUSED:
		default:
			return e
		}
	}
	return syscall.ECONNREFUSED
}

func (c *polledUDP) TryRead(b []byte, timed bool) (n int, from netip.AddrPort, at time.Time, ok bool) {
	if c.only < 0 || c.draining {
		if n, from, at, ok = receive(c.fd, b, timed); ok || c.only < 0 {
			return n, from, at, ok
		}
		c.draining = false
	}
	if c.pure && !timed {
		n, ok = receiveOnly(c.only, b)
		return n, c.peer, time.Time{}, ok
	}
	if n, from, at, ok = receive(c.only, b, timed); !ok {
		c.pure = true
	}
	return n, from, at, ok
}

// receiveOnly reads without asking who sent.
func receiveOnly(fd int, b []byte) (int, bool) {
	n, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), syscall.MSG_DONTWAIT, 0, 0) //nolint:gosec // raw: it never waits
	return int(n), e == 0
}

// control is room for one time stamp.
type timestampControl struct {
	syscall.Cmsghdr
	syscall.Timespec
}

func receive(fd int, b []byte, timed bool) (n int, from netip.AddrPort, at time.Time, ok bool) {
	var name rawName
	if !timed {
		name.size = uint32(unsafe.Sizeof(name.RawSockaddrInet6))
		r, _, e := syscall.RawSyscall6(syscall.SYS_RECVFROM, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(b))), uintptr(len(b)), syscall.MSG_DONTWAIT, uintptr(unsafe.Pointer(&name)), uintptr(unsafe.Pointer(&name.size))) //nolint:gosec // raw: it never waits
		if e != 0 {
			return 0, from, at, false
		}
		return int(r), name.get(), at, true
	}
	var control timestampControl
	iov := syscall.Iovec{Base: unsafe.SliceData(b), Len: uint64(len(b))}
	hdr := syscall.Msghdr{
		Name: (*byte)(unsafe.Pointer(&name)), Namelen: uint32(unsafe.Sizeof(name.RawSockaddrInet6)), Iov: &iov, Iovlen: 1, //nolint:gosec // the kernel's structure
		Control: (*byte)(unsafe.Pointer(&control)), Controllen: uint64(unsafe.Sizeof(control)), //nolint:gosec // the kernel's structure
	}
	r, _, e := syscall.RawSyscall(syscall.SYS_RECVMSG, uintptr(fd), uintptr(unsafe.Pointer(&hdr)), syscall.MSG_DONTWAIT) //nolint:gosec // raw: it never waits
	if e != 0 {
		return 0, from, at, false
	}
	if control.Level == syscall.SOL_SOCKET && control.Type == syscall.SCM_TIMESTAMPNS {
		at = time.Unix(control.Sec, control.Nsec)
	}
	return int(r), name.get(), at, true
}

func (c *polledUDP) Only(peer netip.AddrPort) {
	if peer == c.peer {
		return
	}
	c.open()
	if !peer.IsValid() || share(c.fd, 1) != nil {
		return
	}
	fd, err := bindUDP(c.local, true)
	_ = share(c.fd, 0) // from here on the port is ours alone again
	if err != nil {
		return
	}
	_ = share(fd, 0)
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	c.name.set(peer, c.ipv6)
	c.to = peer
	_, _, e := syscall.RawSyscall(syscall.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&c.name)), uintptr(c.name.size)) //nolint:gosec // of UDP: it never waits
	if e != 0 {
		_ = syscall.Close(fd)
		return
	}
	c.base = drops(c.fd)
	if syscall.AttachLsf(c.fd, []syscall.SockFilter{{Code: syscall.BPF_RET | syscall.BPF_K}}) != nil { //nolint:staticcheck // drop all
		_ = syscall.Close(fd)
		return
	}
	c.only, c.peer, c.draining, c.pure = fd, peer, true, false
}

// open takes from everybody again.
func (c *polledUDP) open() {
	if c.only < 0 {
		return
	}
	_ = syscall.Close(c.only)
	c.droppedBefore += drops(c.fd) - c.base
	_ = syscall.DetachLsf(c.fd) //nolint:staticcheck // the counterpart of AttachLsf
	c.only, c.peer = -1, netip.AddrPort{}
}

func (c *polledUDP) Dropped() uint64 {
	if c.only < 0 {
		return c.droppedBefore
	}
	return c.droppedBefore + drops(c.fd) - c.base
}

// drops is the kernel's count for a socket.
func drops(fd int) uint64 {
	var info [memInfoEntries]uint32
	size := uint32(unsafe.Sizeof(info))
	_, _, e := syscall.RawSyscall6(syscall.SYS_GETSOCKOPT, uintptr(fd), syscall.SOL_SOCKET, soMemInfo, uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0) //nolint:gosec // raw: it never waits
	if e != 0 {
		return 0
	}
	return uint64(info[memInfoDrops])
}

// WriteAside sends from the socket that is there as long as the port is.
func (c *polledUDP) WriteAside(b []byte, to netip.AddrPort) error {
	var name rawName
	if to.Addr().Is6() && !c.ipv6 {
		return syscall.EAFNOSUPPORT
	}
	name.set(to, c.ipv6)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	return sendTo(c.fd, b, &name)
}

func (c *polledUDP) Close() error {
	c.open()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	return syscall.Close(c.fd)
}
