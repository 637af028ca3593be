package sip

import (
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/leg"
)

func TestFaultyConfigs(t *testing.T) {
	trunk := func(change func(*Trunk)) Config {
		cfg := testConfig()
		change(&cfg.Trunks[0])
		return cfg
	}
	for want, cfg := range map[string]Config{
		"no listener":             {},
		"tls needs a certificate": {TLS: "127.0.0.1:0"},
		`transport "sctp"`:        trunk(func(t *Trunk) { t.Transport = "sctp" }),
		"host:port":               trunk(func(t *Trunk) { t.Server = "nohost" }),
		"registering needs":       trunk(func(t *Trunk) { t.Register = true }),
		"keep-alive needs":        trunk(func(t *Trunk) { t.Server, t.KeepAlive = "", time.Second }),
		"nothing tells its calls": trunk(func(t *Trunk) { t.Server, t.Match = "", nil }),
		"name is empty":           trunk(func(t *Trunk) { t.Name = "" }),
		`no trunk is called`:      {UDP: "x", Outbound: []OutboundRule{{Trunk: "gone"}}},
	} {
		if _, err := New(cfg, Deps{Handler: &handler{}}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

func TestBusyPort(t *testing.T) {
	w := realWorld(t, nil)
	taken := w.srv.Addr("udp").String()
	srv, err := New(Config{UDP: taken, Realm: "x"}, Deps{Handler: &handler{}})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err == nil || !strings.Contains(err.Error(), "listen on udp") {
		t.Errorf("got %v", err)
	}
	srv.Close()
	srv.Close()
}

// TestCloseEndsWhatIsLeft: whoever forgets a leg does not leave the peer with
// a dead call.
func TestCloseEndsWhatIsLeft(t *testing.T) {
	inCall(t, func(t *testing.T, w *world, p *phone, l leg.Leg, _ *fakeSession) {
		start := time.Now()
		done := make(chan struct{})
		go func() {
			defer close(done)
			w.srv.Close()
		}()
		p.reply(p.expectRequest("BYE"), 200, "")
		endsWith(t, l, leg.Shutdown)
		<-done
		w.srv.Close()
		if d := time.Since(start); d > 2*time.Second {
			t.Errorf("Close took %v", d)
		}
		if _, err := w.srv.Dial(t.Context(), &fakeSession{}, DialRequest{User: "alice"}); AsReason(err) != leg.Shutdown {
			t.Errorf("dial after Close: %v", err)
		}
	})
}

// TestAbandonedTransactionsAreForgotten: nothing of a flood stays.
func TestAbandonedTransactionsAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, testConfig())
		defer w.close()
		p := w.phone("198.51.100.9:5060")
		for range 20 {
			p.callID, p.toTag = token(), ""
			p.send(p.request("INVITE", sdpAt("198.51.100.7", 4000)))
		}
		time.Sleep(10 * time.Minute)
		w.srv.door.admitted.mu.Lock()
		defer w.srv.door.admitted.mu.Unlock()
		if n := len(w.srv.door.admitted.byKey) + len(w.srv.door.admitted.merges); n > 0 {
			t.Errorf("%d transactions are still remembered", n)
		}
	})
}

// BenchmarkStranger is the price of one refused INVITE (403), the unit of a
// flood.
func BenchmarkStranger(b *testing.B) {
	w := newBenchWorld(b)
	p := &phone{conn: w.sink, server: w.sink.LocalAddr(), callID: "c", tag: "t", target: "sip:1000@192.0.2.1", user: "x", domain: "y"}
	raw := []byte(p.request("INVITE", sdpAt("203.0.113.1", 4000)))
	f := flow{transport: "udp", source: netip.MustParseAddrPort("203.0.113.1:5060"), udp: w.sink}
	b.ReportAllocs()
	for b.Loop() {
		w.srv.door.judge(raw, f)
	}
}

type benchWorld struct {
	srv  *Server
	sink *memConn
}

func newBenchWorld(b *testing.B) benchWorld {
	b.Helper()
	srv, err := New(testConfig(), Deps{Handler: &handler{}})
	if err != nil {
		b.Fatal(err)
	}
	conn, _ := newMemNet().listen("192.0.2.77:5060")
	return benchWorld{srv, conn.(*memConn)}
}
