package sip

import (
	"encoding/binary"
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
	const word = int(unsafe.Sizeof(uintptr(0))) // of the kernel's long and size_t
	for len(control) >= syscall.SizeofCmsghdr {
		size := int(native(control[:word]))
		if size < syscall.SizeofCmsghdr || size > len(control) {
			break
		}
		level, kind := binary.NativeEndian.Uint32(control[word:]), binary.NativeEndian.Uint32(control[word+4:])
		data := control[syscall.CmsgLen(0):size]
		if level == syscall.SOL_SOCKET && kind == syscall.SCM_TIMESTAMPNS && len(data) >= 2*word {
			return time.Unix(int64(native(data[:word])), int64(native(data[word:2*word])))
		}
		control = control[min(syscall.CmsgSpace(size-syscall.CmsgLen(0)), len(control)):]
	}
	return time.Time{}
}

func native(b []byte) uint64 {
	if len(b) == 4 {
		return uint64(binary.NativeEndian.Uint32(b))
	}
	return binary.NativeEndian.Uint64(b)
}
