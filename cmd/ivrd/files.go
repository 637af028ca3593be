package main

import (
	"fmt"
	"log/slog"
	"syscall"

	"github.com/ivrd/ivrd/internal/config"
)

const (
	// socketsPerCall are for RTP and RTCP of two legs, and for those of a call
	// before, which rest.
	socketsPerCall = 2 * 4
	// filesPerCall are the sealed sound, and a second RTP socket for each leg,
	// which is connected to its peer.
	filesPerCall = 1 + 2
	// filesOfHouse are listeners, databases and what else is always open, and
	// connections of flows to their back ends.
	filesOfHouse = 200
)

// filesNeeded is how many descriptors may be open when the house is as full as
// it may be: each port of the range is one socket at most.
func filesNeeded(f config.File) uint64 {
	first, last, _ := config.PortRange(f.Media.Ports) // it was checked
	ports := min(f.Calls.Max*socketsPerCall, int(last)-int(first)+1)
	return uint64(ports + f.Calls.Max*filesPerCall + f.HTTP.Sockets + f.SIP.Limits.Connections + filesOfHouse)
}

// allowFiles lifts the soft limit of open files to the hard one. Where that is
// less than the house needs, production does not start; the demo will hardly be
// full, and is only told.
func allowFiles(f config.File, log *slog.Logger) error {
	var lim syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &lim); err != nil {
		return fmt.Errorf("read limit of open files: %w", err)
	}
	lifted := lim
	lifted.Cur = lim.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &lifted); err != nil {
		log.Warn("raise limit of open files", "err", err)
	} else {
		lim = lifted
	}
	need := filesNeeded(f)
	if lim.Cur >= need {
		return nil
	}
	const hint = "raise LimitNOFILE, or ulimit -Hn, or lower calls.max, http.sockets or sip.limits.connections"
	if f.Mode == config.ModeProduction {
		return fmt.Errorf("open files: the system allows %d, and the configuration needs %d (hint: %s)", lim.Cur, need, hint)
	}
	log.Warn("few open files allowed", "limit", lim.Cur, "needed", need, "hint", hint)
	return nil
}
