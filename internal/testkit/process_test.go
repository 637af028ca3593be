package testkit

import (
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const limit = 20 * time.Second

func TestProcessOutputAndStatus(t *testing.T) {
	p := Start(t, exec.CommandContext(t.Context(), "sh", "-c", "echo ready; echo ready; read line; exit 3"))
	if got := p.Wait(limit); got != 3 {
		t.Errorf("status %d, want 3", got)
	}
	if got := p.Output(); got != "ready\nready\n" {
		t.Errorf("output %q", got)
	}
	p.WaitCount("ready", 2, limit) // also after the end
}

func TestProcessStopTakesChildrenAlong(t *testing.T) {
	// The shell's child ignores SIGTERM and outlives the shell.
	p := Start(t, exec.CommandContext(t.Context(), "sh", "-c",
		`sh -c 'trap "" TERM; echo child $$; while :; do read line </dev/zero; done' & wait`))
	p.WaitOutput("child ", limit)
	fields := strings.Fields(p.Output())
	child, err := strconv.Atoi(fields[len(fields)-1])
	if err != nil {
		t.Fatal(err)
	}
	p.Stop()
	p.Stop()
	Eventually(t, limit, "the child's end", func() bool { return syscall.Kill(child, 0) != nil || zombie(child) })
}

// zombie reports whether a process has ended and nobody has collected it.
func zombie(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	return err != nil || strings.HasPrefix(string(out), "Z")
}

func TestProcessKill(t *testing.T) {
	p := Start(t, exec.CommandContext(t.Context(), "sh", "-c", "trap '' TERM; echo up; sleep 100 & wait; wait"))
	p.WaitOutput("up", limit)
	p.Kill()
	if got := p.Wait(limit); got != -1 {
		t.Errorf("status %d, want -1", got)
	}
}

func TestPortsAreFreeInARow(t *testing.T) {
	first := Ports(t, 10)
	if first%2 != 0 || first < firstPort || first+10 > lastPort {
		t.Errorf("first of 10 ports is %d", first)
	}
	if !allFree(first, 10) {
		t.Error("a port is taken")
	}
}
