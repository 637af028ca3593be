package engine_test

import (
	"net/netip"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/memnet"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

const otherHost = "10.0.1.1"

// facing connects a stream of the lab to one of another engine, so that both
// ends speak RTCP; end closes that engine.
func facing(l *lab) (near, far media.Stream, end func()) {
	l.Helper()
	other := l.other(otherHost)
	session, err := other.NewSession("far")
	if err != nil {
		l.Fatal(err)
	}
	near = l.open(l.session(), media.StreamOptions{}).Stream
	if far, err = session.Open(media.StreamOptions{}); err != nil {
		l.Fatal(err)
	}
	for _, ends := range [][2]media.Stream{{near, far}, {far, near}} {
		to := ends[1].Local()
		if err := ends[0].Connect(media.Remote{Addr: to, Signalling: to.Addr(), Codec: media.PCMU}); err != nil {
			l.Fatal(err)
		}
	}
	return near, far, func() { _ = other.Close() }
}

func lines(l *lab, there, back memnet.Line) {
	a, b := netip.MustParseAddr(serverHost), netip.MustParseAddr(otherHost)
	l.net.Impair(a, b, there)
	l.net.Impair(b, a, back)
}

// TestQualityOfACleanLine: both sides say that it is good, with the round trip
// that it has, and need no longer than two reports.
func TestQualityOfACleanLine(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		near, far, end := facing(l)
		defer end()
		way := memnet.Line{Delay: 30 * time.Millisecond}
		lines(l, way, way)
		l.pass(16 * time.Second)
		for _, st := range []media.Stream{near, far} {
			s := st.Stats()
			if d := s.RTT - 60*time.Millisecond; d < -time.Millisecond || d > time.Millisecond {
				t.Errorf("round trip %v", s.RTT)
			}
			if s.Heard.Loss != 0 || s.PeerHeard.Loss != 0 || s.Jitter > time.Millisecond || s.RemoteJitter > time.Millisecond {
				t.Errorf("a clean line: %+v", s)
			}
			for _, q := range []media.Quality{s.Heard, s.PeerHeard} {
				if media.GradeOf(q.Worst) != media.Good || q.MOS < 4.3 || q.Delay < 50*time.Millisecond || q.Delay > 120*time.Millisecond {
					t.Errorf("a clean line: %+v", q)
				}
			}
			if s.Codec != media.PCMU {
				t.Errorf("codec %v", s.Codec)
			}
		}
	})
}

// TestQualityOfABadLine: what we count of the peer's voice is what the line has
// lost, in runs as the line loses, and what the peer is told of it by RTCP is the
// same; the other way is still good.
func TestQualityOfABadLine(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		near, far, end := facing(l)
		defer end()
		lines(l, memnet.Line{Delay: 20 * time.Millisecond}, memnet.Line{Delay: 20 * time.Millisecond, Loss: 0.08, Burst: 4})
		l.pass(2 * time.Minute)
		us, them := near.Stats(), far.Stats()
		line := float64(us.Lost) / float64(us.Lost+us.Received)
		if line < 0.04 || line > 0.13 {
			t.Fatalf("the line has lost %.3f", line)
		}
		if d := us.Heard.Loss - line; d < -0.01 || d > 0.01 {
			t.Errorf("heard a loss of %.3f of %.3f", us.Heard.Loss, line)
		}
		if d := them.PeerHeard.Loss - line; d < -0.02 || d > 0.02 {
			t.Errorf("the peer was told of a loss of %.3f of %.3f", them.PeerHeard.Loss, line)
		}
		if us.Heard.Burst < 2 || us.Heard.Burst > 6 {
			t.Errorf("burst ratio %.2f of runs of 4", us.Heard.Burst)
		}
		if q := us.Heard; media.GradeOf(q.MOS) == media.Good || q.Worst >= q.MOS || q.Listening < q.MOS {
			t.Errorf("a bad line: %+v", q)
		}
		for _, q := range []media.Quality{them.Heard, us.PeerHeard} {
			if media.GradeOf(q.MOS) != media.Good || q.Loss != 0 {
				t.Errorf("the way there is good: %+v", q)
			}
		}
	})
}

// TestQualityOfALateLine: what comes too late is lost to the ear, although
// the line has lost nothing.
func TestQualityOfALateLine(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		near, _, end := facing(l)
		defer end()
		lines(l, memnet.Line{}, memnet.Line{Delay: 20 * time.Millisecond, Jitter: 150 * time.Millisecond})
		l.pass(time.Minute)
		s := near.Stats()
		if s.Lost > 5 || s.Late < 20 { // a few are on their way
			t.Fatalf("lost %d, late %d", s.Lost, s.Late)
		}
		late := float64(s.Late) / float64(s.Received)
		if s.Heard.Loss < late/2 || s.Heard.Loss > late*3/2 {
			t.Errorf("%.3f came late, heard a loss of %.3f", late, s.Heard.Loss)
		}
		if s.RemoteJitter > 5*time.Millisecond || s.Jitter < 20*time.Millisecond {
			t.Errorf("jitter %v, of the peer %v", s.Jitter, s.RemoteJitter)
		}
	})
}

// TestQualityAfterTheEnd: a leg is asked for its figures when it is over.
func TestQualityAfterTheEnd(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		near, far, end := facing(l)
		defer end()
		l.pass(6 * time.Second)
		_, _ = near.Close(), far.Close()
		l.pass(time.Second)
		if s := near.Stats(); !s.Heard.Known() || s.Received < 250 {
			t.Errorf("%+v", s)
		}
	})
}
