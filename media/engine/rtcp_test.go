package engine_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/media/rtpio"
)

// heardReport is one of our compound packets, as the peer got it.
type heardReport struct {
	at time.Time
	rtpio.Report
}

// reportsOf collects what comes to a socket until it is closed.
func reportsOf(conn rtpio.PacketConn) (all func() []heardReport) {
	var got []heardReport
	done := make(chan struct{})
	go func() {
		defer close(done)
		b := make([]byte, 1500)
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				return
			}
			r := heardReport{at: time.Now()}
			if r.ParseReport(b[:n]) != nil {
				r.CNAME = "not RTCP"
			}
			got = append(got, r)
		}
	}()
	return func() []heardReport {
		_ = conn.Close()
		<-done
		return got
	}
}

// TestReportsOfAStream: RFC 3550 §6.2 and §6.3.1: a report each 5 s on average, at
// no fixed time, from half to one and a half of that; it begins with the sender's
// part, has the name, and the last one says goodbye.
func TestReportsOfAStream(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		host := l.net.Host("10.0.2.1")
		rtp, rtcp := netip.AddrPortFrom(host.Addr(), 4000), netip.AddrPortFrom(host.Addr(), 4001)
		sound, err := host.Listen(rtp)
		if err != nil {
			t.Fatal(err)
		}
		_ = reportsOf(sound) // is thrown away
		defer sound.Close()
		control, err := host.Listen(rtcp)
		if err != nil {
			t.Fatal(err)
		}
		all := reportsOf(control)
		st := l.open(l.session(), media.StreamOptions{})
		if err := st.Connect(media.Remote{Addr: rtp, Signalling: host.Addr(), Codec: media.PCMU}); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		l.pass(5 * time.Minute)
		_ = st.Close()
		l.pass(time.Second)
		reports := all()
		if n := len(reports); n < 50 || n > 75 {
			t.Fatalf("%d reports in 5 min", n)
		}
		gaps := map[time.Duration]bool{}
		last := began
		for i, r := range reports {
			bye := i == len(reports)-1
			if r.Sender == nil || r.CNAME == "" || r.CNAME != reports[0].CNAME || r.Bye != bye {
				t.Errorf("report %d: %+v", i, r)
			}
			gap := r.at.Sub(last)
			if last = r.at; bye {
				continue
			}
			gaps[gap.Round(100*time.Millisecond)] = true
			if gap < 2400*time.Millisecond || gap > 7600*time.Millisecond {
				t.Errorf("report %d after %v", i, gap)
			}
			packets := int64(r.at.Sub(began) / media.FrameDuration)
			if d := packets - int64(r.Sender.Packets); d < -2 || d > 2 || r.Sender.Octets != r.Sender.Packets*160 {
				t.Errorf("report %d tells of %d packets of %d octets, %d were due", i, r.Sender.Packets, r.Sender.Octets, packets)
			}
		}
		if len(gaps) < 20 {
			t.Errorf("only %d different times between reports", len(gaps))
		}
	})
}
