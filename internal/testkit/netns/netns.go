// Package netns gives tests hosts and networks of their own: network
// namespaces joined by veth pairs, made and removed with Debian's iproute2.
// It needs root.
package netns

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/ivrd/ivrd/internal/testkit"
)

// Network is the hosts of one test. All of it is gone when the test ends.
type Network struct {
	t  testing.TB
	id string // keeps the names of tests that run at once apart
	n  int    // links so far
}

// New makes an empty network. Without root the test is skipped; without
// namespaces in the kernel it is skipped, or fails where all tests must run.
func New(t testing.TB) *Network {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces need root")
	}
	testkit.Need(t, "ip")
	if !Supported() {
		testkit.Lacks(t, "the kernel, or this container, has no network namespaces")
	}
	return &Network{t: t, id: fmt.Sprintf("%05x", rand.IntN(1<<20))}
}

// Supported reports whether namespaces and veth pairs can be made here.
func Supported() bool {
	name := fmt.Sprintf("ivrd-try-%05x", rand.IntN(1<<20))
	if exec.Command("ip", "netns", "add", name).Run() != nil {
		return false
	}
	defer func() { _ = exec.Command("ip", "netns", "delete", name).Run() }()
	return exec.Command("ip", "-n", name, "link", "add", "name", "try0", "type", "veth", "peer", "name", "try1").Run() == nil
}

// ErrUnsupported says that this machine's kernel cannot do what was asked.
var ErrUnsupported = errors.New("not in this kernel")

// Host is one machine of the network: a namespace.
type Host struct {
	network *Network
	name    string
}

// Host adds a machine with nothing but its loopback interface.
func (n *Network) Host(name string) *Host {
	n.t.Helper()
	h := &Host{network: n, name: "ivrd-" + n.id + "-" + name}
	n.ip("netns", "add", h.name)
	n.t.Cleanup(func() { h.remove() })
	n.ip("-n", h.name, "link", "set", "lo", "up")
	return h
}

// remove ends what still runs in the host, and the host.
func (h *Host) remove() {
	out, _ := exec.Command("ip", "netns", "pids", h.name).Output()
	for pid := range strings.FieldsSeq(string(out)) {
		_ = exec.Command("kill", "-KILL", pid).Run()
	}
	if err := exec.Command("ip", "netns", "delete", h.name).Run(); err != nil {
		h.network.t.Errorf("remove host %s: %v", h.name, err)
	}
}

// Port is a host's end of a link.
type Port struct {
	Host   *Host
	Device string
}

// Link joins two hosts by a cable. The addresses have a prefix length
// ("192.0.2.1/24"); an empty one leaves that end without, as for a natbox.
//
// Segmentation offload is off: a program that reads whole frames would be given
// segments larger than any frame.
func (n *Network) Link(a *Host, addressA string, b *Host, addressB string) (pa, pb Port) {
	n.t.Helper()
	n.n++
	pa, pb = Port{a, fmt.Sprintf("veth%da", n.n)}, Port{b, fmt.Sprintf("veth%db", n.n)}
	n.ip("-n", a.name, "link", "add", "name", pa.Device, "gso_max_segs", "1",
		"type", "veth", "peer", "name", pb.Device, "gso_max_segs", "1", "netns", b.name)
	pa.up(addressA)
	pb.up(addressB)
	return pa, pb
}

func (p Port) up(address string) {
	n := p.Host.network
	n.t.Helper()
	if address != "" {
		n.ip("-n", p.Host.name, "address", "add", address, "dev", p.Device)
	}
	n.ip("-n", p.Host.name, "link", "set", p.Device, "up")
}

// DefaultRoute sends what the host has no other way for to a gateway.
func (h *Host) DefaultRoute(gateway string) {
	h.network.t.Helper()
	h.network.ip("-n", h.name, "route", "replace", "default", "via", gateway)
}

// OnlyIPv4 keeps IPv6 away from a host whose links are still to be made: a
// browser gives up its requests when an address appears, as a link-local one does
// a second or two after its link.
func (h *Host) OnlyIPv4() {
	h.network.t.Helper()
	for _, scope := range []string{"all", "default"} {
		err := h.Do(func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/"+scope+"/disable_ipv6", []byte("1"), 0) })
		if err != nil && !os.IsNotExist(err) { // a kernel without it
			h.network.t.Fatalf("keep IPv6 from %s: %v", h.name, err)
		}
	}
}

// Forward makes the host a router.
func (h *Host) Forward() {
	h.network.t.Helper()
	err := h.Do(func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	if err != nil {
		h.network.t.Fatalf("make %s a router: %v", h.name, err)
	}
}

// Masquerade makes the host translate what leaves by a port to that port's
// address, as a home router does. The error is ErrUnsupported where the kernel
// cannot: use natbox there.
func (p Port) Masquerade() error {
	rules := fmt.Sprintf(`table ip nat {
	chain post {
		type nat hook postrouting priority 100
		oifname "%s" masquerade
	}
}
`, p.Device)
	cmd := p.Host.Command(context.Background(), "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(rules)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("masquerade: %w: %s", ErrUnsupported, strings.TrimSpace(string(out)))
	}
	p.Host.Forward()
	return nil
}

// Impair spoils what leaves by a port, in the words of tc's netem: "delay 40ms
// 5ms loss 2%". The error is ErrUnsupported where the kernel has no netem.
func (p Port) Impair(how string) error {
	args := append([]string{"qdisc", "replace", "dev", p.Device, "root", "netem"}, strings.Fields(how)...)
	if out, err := p.Host.Command(context.Background(), "tc", args...).CombinedOutput(); err != nil {
		return fmt.Errorf("impair: %w: %s", ErrUnsupported, strings.TrimSpace(string(out)))
	}
	return nil
}

// Down and Up pull the cable out of a port and put it back. Addresses stay,
// routes do not.
func (p Port) Down() {
	p.Host.network.t.Helper()
	p.Host.network.ip("-n", p.Host.name, "link", "set", p.Device, "down")
}

// Up is the counterpart of Down.
func (p Port) Up() {
	p.Host.network.t.Helper()
	p.Host.network.ip("-n", p.Host.name, "link", "set", p.Device, "up")
}

// Command is a program that will run on the host: its network is the host's,
// its files are everybody's.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.name, name}, args...)...)
}

// Exec is Command in the form that testkit's programs take.
func (h *Host) Exec(name string, args ...string) *exec.Cmd {
	return h.Command(context.Background(), name, args...)
}

// Do runs f on the host. What sockets f opens stay the host's for their life,
// wherever they are used; goroutines that f starts are not on the host.
func (h *Host) Do(f func() error) error {
	// Namespaces are a thread's own.
	runtime.LockOSThread()
	home, err := os.Open("/proc/thread-self/ns/net")
	if err != nil {
		runtime.UnlockOSThread()
		return fmt.Errorf("enter host: %w", err)
	}
	defer home.Close()
	if err := enter("/run/netns/" + h.name); err != nil {
		runtime.UnlockOSThread()
		return err
	}
	result := f()
	if err := unix.Setns(int(home.Fd()), syscall.CLONE_NEWNET); err != nil {
		// The thread stays locked: no other goroutine must find itself there.
		return errors.Join(result, fmt.Errorf("leave host: %w", err))
	}
	runtime.UnlockOSThread()
	return result
}

func enter(path string) error {
	ns, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("enter host: %w", err)
	}
	defer ns.Close()
	if err := unix.Setns(int(ns.Fd()), syscall.CLONE_NEWNET); err != nil {
		return fmt.Errorf("enter host: %w", err)
	}
	return nil
}

// ListenUDP opens a UDP socket on the host.
func (h *Host) ListenUDP(address string) (conn net.PacketConn, err error) {
	err = h.Do(func() error {
		conn, err = net.ListenPacket("udp4", address)
		return err
	})
	return conn, err
}

// Listen opens a TCP listener on the host.
func (h *Host) Listen(address string) (l net.Listener, err error) {
	err = h.Do(func() error {
		l, err = net.Listen("tcp4", address)
		return err
	})
	return l, err
}

// Dial connects from the host. Addresses must be numbers: names are looked up
// by other threads.
func (h *Host) Dial(network, address string) (c net.Conn, err error) {
	err = h.Do(func() error {
		c, err = net.Dial(network, address)
		return err
	})
	return c, err
}

// ip runs the ip program and fails the test with what it says.
func (n *Network) ip(args ...string) {
	n.t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		n.t.Fatalf("ip %s: %v: %s", strings.Join(args, " "), err, out)
	}
}
