package engine

import (
	"os"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// newWaiter makes what suits the time: real or virtual.
func newWaiter(realTime bool) (waiter, error) {
	if !realTime {
		return newTimerWaiter(), nil
	}
	fd, _, e := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_NONBLOCK|syscall.O_CLOEXEC, 0)
	if e != 0 {
		return nil, os.NewSyscallError("eventfd2", e)
	}
	return &threadWaiter{fd: int32(fd)}, nil //nolint:gosec // a descriptor
}

// threadWaiter waits in the system, on the worker's own thread: a timer of Go's
// would wake another thread, which then hands over.
type threadWaiter struct {
	fd     int32 // an eventfd, which ends a wait
	asleep atomic.Bool
}

// nice is the priority that a worker asks for; without the right to it (CAP_SYS_NICE,
// or systemd's LimitNICE) it has that of all. Its slots are short, and late ones
// are heard.
const nice = -15

func (w *threadWaiter) begin() {
	_ = syscall.Setpriority(syscall.PRIO_PROCESS, syscall.Gettid(), nice)
}

// shortWait is how long a worker sleeps without giving up its place in Go's
// scheduler: to be back at once, whatever else wants to run. (When the garbage
// collector wants everybody to stop, its signal ends the wait.)
const shortWait = 4 * time.Millisecond

type pollFD struct {
	fd              int32
	events, revents int16
}

const pollIn = 1

func (w *threadWaiter) wait(d time.Duration, commands <-chan command) {
	if d <= 0 {
		return
	}
	w.asleep.Store(true)
	if len(commands) > 0 {
		w.asleep.Store(false)
		return
	}
	p := pollFD{fd: w.fd, events: pollIn}
	limit := syscall.NsecToTimespec(int64(d))
	if d <= shortWait {
		_, _, _ = syscall.RawSyscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0) //nolint:gosec // the kernel's structures
	} else {
		_, _, _ = syscall.Syscall6(syscall.SYS_PPOLL, uintptr(unsafe.Pointer(&p)), 1, uintptr(unsafe.Pointer(&limit)), 0, 0, 0) //nolint:gosec // the kernel's structures
	}
	w.asleep.Store(false)
	if p.revents != 0 {
		var count uint64
		_, _, _ = syscall.RawSyscall(syscall.SYS_READ, uintptr(w.fd), uintptr(unsafe.Pointer(&count)), unsafe.Sizeof(count)) //nolint:gosec // an eventfd's counter
	}
}

func (w *threadWaiter) wake() {
	if !w.asleep.Swap(false) {
		return
	}
	one := uint64(1)
	_, _, _ = syscall.RawSyscall(syscall.SYS_WRITE, uintptr(w.fd), uintptr(unsafe.Pointer(&one)), unsafe.Sizeof(one)) //nolint:gosec // an eventfd's counter
}

func (w *threadWaiter) close() { _ = syscall.Close(int(w.fd)) }
