package helper

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Ready is the line by which a helper says that it can be asked.
const Ready = "ready"

// Serve is what a helper does: it answers on a socket until its parent, which is its
// standard input, has gone.
func Serve(parent io.Reader, ready io.Writer, socket string, handler http.Handler) error {
	listener, err := net.Listen("unix", socket)
	if err != nil {
		return err
	}
	h := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	go func() {
		_, _ = io.Copy(io.Discard, parent)
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = h.Shutdown(ctx)
	}()
	fmt.Fprintln(ready, Ready)
	if err := h.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// niceness of what may wait for calls, and never the other way round.
const niceness = 10

// Yield has this process run after those of calls. Linux keeps a niceness for each thread,
// and new ones inherit it: it is to be called first.
func Yield() error {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return err
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil {
			return err
		}
		if err := syscall.Setpriority(syscall.PRIO_PROCESS, id, niceness); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("lower the priority: %w", err)
		}
	}
	return nil
}
