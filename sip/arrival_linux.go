package sip

import (
	"net"
	"net/netip"
	"syscall"
	"time"
	"unsafe"
)

// stamped is a socket whose datagrams say when they came: how long one has
// waited to be read is what tells first that there are too many.
type stamped struct {
	*net.UDPConn
	control [128]byte // of the one reader
}

// stamps asks the kernel to note arrivals; nil when it does not.
func stamps(c *net.UDPConn) arrivals {
	raw, err := c.SyscallConn()
	if err != nil {
		return nil
	}
	var fault error
	err = raw.Control(func(fd uintptr) {
		fault = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_TIMESTAMPNS, 1)
	})
	if err != nil || fault != nil {
		return nil
	}
	return &stamped{UDPConn: c}
}

func (s *stamped) read(p []byte) (int, netip.AddrPort, time.Time, error) {
	n, size, _, from, err := s.ReadMsgUDPAddrPort(p, s.control[:])
	return n, from, arrival(s.control[:size]), err
}

// arrival finds the time in a control message (socket(7), SO_TIMESTAMPNS); zero
// when there is none.
func arrival(control []byte) time.Time {
	messages, err := syscall.ParseSocketControlMessage(control)
	if err != nil {
		return time.Time{}
	}
	for _, m := range messages {
		if m.Header.Level == syscall.SOL_SOCKET && m.Header.Type == syscall.SCM_TIMESTAMPNS && len(m.Data) >= int(unsafe.Sizeof(syscall.Timespec{})) {
			return time.Unix((*syscall.Timespec)(unsafe.Pointer(unsafe.SliceData(m.Data))).Unix())
		}
	}
	return time.Time{}
}
