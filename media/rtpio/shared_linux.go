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
)

// ListenShared implements SharedNetwork.
func (PolledUDP) ListenShared(a netip.AddrPort, room int) (SharedConn, error) {
	fd, local, err := listenUDP(a)
	if err != nil {
		return nil, err
	}
	_ = syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_RCVBUF, room) // the system may give less
	c := &sharedUDP{fd: fd, ipv6: !a.Addr().Is4(), local: local}
	if err := c.watch(); err != nil {
		return nil, errors.Join(err, syscall.Close(fd))
	}
	return c, nil
}

// sharedUDP is a socket outside of Go's network poller, which would be woken by
// each packet, whether anybody waits or not. What is in the poller is bell, an epoll
// that has the socket only while somebody waits.
type sharedUDP struct {
	fd     int
	ipv6   bool
	local  netip.AddrPort
	bell   *os.File
	toBell syscall.RawConn

	mu     sync.RWMutex // held for reading while the descriptor is used
	closed bool
}

func (c *sharedUDP) watch() error {
	bell, err := syscall.EpollCreate1(syscall.EPOLL_CLOEXEC)
	if err != nil {
		return os.NewSyscallError("epoll_create1", err)
	}
	if err := syscall.SetNonblock(bell, true); err != nil { // by which it gets into the poller
		return errors.Join(os.NewSyscallError("fcntl", err), syscall.Close(bell))
	}
	c.bell = os.NewFile(uintptr(bell), "epoll")
	c.toBell, err = c.bell.SyscallConn()
	return err
}

func (c *sharedUDP) LocalAddr() netip.AddrPort { return c.local }

func (c *sharedUDP) WriteTo(b []byte, to netip.AddrPort) error {
	if to.Addr().Is6() && !c.ipv6 {
		return syscall.EAFNOSUPPORT
	}
	var name rawName
	name.set(to, c.ipv6)
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return net.ErrClosed
	}
	return sendTo(c.fd, b, &name)
}

func (c *sharedUDP) TryRead(b []byte) (n int, from netip.AddrPort, at time.Time, ok bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	if c.closed {
		return 0, from, at, false
	}
	return receive(c.fd, b, true)
}

func (c *sharedUDP) Await() {
	var event [1]syscall.EpollEvent
	hung := false
	_ = c.toBell.Read(func(bell uintptr) bool { // fails when it is closed
		if !hung {
			hung = true
			if syscall.EpollCtl(int(bell), syscall.EPOLL_CTL_ADD, c.fd, &syscall.EpollEvent{Events: syscall.EPOLLIN}) != nil { //nolint:gosec // a descriptor
				pause(1) // who waits looks, then
				return true
			}
		}
		if n, err := syscall.EpollWait(int(bell), event[:], 0); n == 0 && err == nil {
			return false
		}
		_ = syscall.EpollCtl(int(bell), syscall.EPOLL_CTL_DEL, c.fd, nil)
		return true
	})
}

// Close ends Await.
func (c *sharedUDP) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return net.ErrClosed
	}
	c.closed = true
	return errors.Join(c.bell.Close(), syscall.Close(c.fd))
}
