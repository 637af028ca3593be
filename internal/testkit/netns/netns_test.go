package netns

import (
	"errors"
	"net"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
)

// echo answers every datagram with the address that it came from.
func echo(t *testing.T, c net.PacketConn) {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	go func() {
		b := make([]byte, 1500)
		for {
			_, from, err := c.ReadFrom(b)
			if err != nil {
				return
			}
			c.WriteTo([]byte(from.String()), from)
		}
	}()
}

// ask sends a datagram and returns the answer.
func ask(t *testing.T, c net.Conn) string {
	t.Helper()
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Write([]byte("who am I?")); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 1500)
	n, err := c.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n])
}

func TestHostsReachEachOtherOnly(t *testing.T) {
	n := New(t)
	a, b := n.Host("a"), n.Host("b")
	n.Link(a, "192.0.2.1/24", b, "192.0.2.2/24")
	server, err := b.ListenUDP("192.0.2.2:0")
	if err != nil {
		t.Fatal(err)
	}
	echo(t, server)
	client, err := a.Dial("udp4", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, client); !strings.HasPrefix(got, "192.0.2.1:") {
		t.Errorf("seen as %s", got)
	}
}

func TestProgramsRunOnHosts(t *testing.T) {
	n := New(t)
	a, b := n.Host("a"), n.Host("b")
	n.Link(a, "192.0.2.1/24", b, "192.0.2.2/24")
	out, err := a.Command(t.Context(), "ip", "-br", "address").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "192.0.2.1/24") {
		t.Errorf("%v: %s", err, out)
	}
	p := testkit.Start(t, a.Exec("sh", "-c", "echo up; sleep 600"))
	p.WaitOutput("up", 10*time.Second)
}

func TestMasquerade(t *testing.T) {
	n := New(t)
	inside, router, outside := n.Host("in"), n.Host("nat"), n.Host("out")
	n.Link(inside, "10.0.0.2/24", router, "10.0.0.1/24")
	wan, _ := n.Link(router, "198.51.100.1/24", outside, "198.51.100.2/24")
	inside.DefaultRoute("10.0.0.1")
	if err := wan.Masquerade(); errors.Is(err, ErrUnsupported) {
		t.Skip(err)
	}
	server, err := outside.ListenUDP("198.51.100.2:0")
	if err != nil {
		t.Fatal(err)
	}
	echo(t, server)
	client, err := inside.Dial("udp4", server.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	if got := ask(t, client); !strings.HasPrefix(got, "198.51.100.1:") {
		t.Errorf("seen as %s", got)
	}
}

func TestImpair(t *testing.T) {
	n := New(t)
	a, b := n.Host("a"), n.Host("b")
	pa, _ := n.Link(a, "192.0.2.1/24", b, "192.0.2.2/24")
	if err := pa.Impair("loss 100%"); err != nil && !errors.Is(err, ErrUnsupported) {
		t.Error(err)
	} else if err != nil {
		t.Skip(err)
	}
}

func TestNothingIsLeft(t *testing.T) {
	var id string
	t.Run("a network", func(t *testing.T) {
		n := New(t)
		id = n.id
		testkit.Start(t, n.Host("a").Exec("sleep", "600"))
	})
	out, _ := exec.Command("ip", "netns", "list").Output()
	if id != "" && strings.Contains(string(out), id) {
		t.Errorf("left behind: %s", out)
	}
}

// The helpers together: a phone on each of two hosts.
func TestPhonesOnHosts(t *testing.T) {
	n := New(t)
	a, b := n.Host("a"), n.Host("b")
	n.Link(a, "192.0.2.1/24", b, "192.0.2.2/24")
	alice := testkit.Baresip{User: "alice", Address: "192.0.2.1", Command: a.Exec, Dial: a.Dial}.Start(t)
	bob := testkit.Baresip{User: "bob", Address: "192.0.2.2", Command: b.Exec, Dial: b.Dial, Mouth: testkit.Tone(440, time.Minute)}.Start(t)
	bob.Call(alice.URI)
	alice.WaitEstablished()
	alice.WaitHeard(time.Second, 10*time.Second)
	bob.Hangup()
	alice.WaitClosed()
	if level := testkit.Level(testkit.ReadWAV(t, alice.Heard()[0]), 440); level < 0.8 {
		t.Errorf("440 Hz is %.3f of what was heard", level)
	}
}
