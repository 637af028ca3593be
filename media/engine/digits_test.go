package engine_test

import (
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
)

// facing connects the streams of two engines to each other, without
// telephone-events.
func (l *lab) facing(c media.Codec) (a, b *leg, end func() error) {
	l.Helper()
	e := l.other("10.0.0.100")
	far, err := e.NewSession("far")
	if err != nil {
		l.Fatal(err)
	}
	a, b = l.open(l.session(), media.StreamOptions{}), l.open(far, media.StreamOptions{})
	for _, x := range [][2]*leg{{a, b}, {b, a}} {
		to := x[1].Local()
		r := media.Remote{Addr: to, Signalling: to.Addr(), Codec: c, PayloadType: c.PayloadType(), InBand: true}
		if err := x[0].Connect(r); err != nil {
			l.Fatal(err)
		}
	}
	return a, b, e.Close
}

func TestDigitsInTheSound(t *testing.T) {
	for _, c := range media.Codecs() {
		inMemory(t, engine.Config{}, func(l *lab) {
			a, b, end := l.facing(c)
			l.pass(200 * time.Millisecond)
			if err := a.SendDigits("159#D00"); err != nil {
				l.Fatal(err)
			}
			l.pass(1700 * time.Millisecond)
			if a.digits() != "" || b.digits() != "159#D00" {
				l.Errorf("over %v: heard %q and %q", c, a.digits(), b.digits())
			}
			if err := end(); err != nil {
				l.Error(err)
			}
		})
	}
}

func TestDigitsBySignalling(t *testing.T) {
	inMemory(t, engine.Config{}, func(l *lab) {
		s := l.session()
		a := l.connect(s, media.StreamOptions{}, media.PCMU, 400)
		b := l.open(s, media.StreamOptions{})
		sent := make(chan byte, 10)
		r := remote(b.phone, media.PCMU)
		r.EventType, r.SendKey = 0, func(key byte) { sent <- key }
		if err := b.Connect(r); err != nil {
			l.Fatal(err)
		}
		if _, err := s.Bridge(a.Stream, b.Stream); err != nil {
			l.Fatal(err)
		}
		l.pass(200 * time.Millisecond)
		taker := a.Stream.(media.DigitTaker)
		taker.TakeDigit('5')
		if err := a.phone.Press("5", 1); err != nil { // the same press by RTP, too
			l.Fatal(err)
		}
		l.pass(300 * time.Millisecond)
		taker.TakeDigit('5') // the INFO again, late
		if err := a.phone.Press("6", 1); err != nil {
			l.Fatal(err)
		}
		l.pass(300 * time.Millisecond)
		if a.digits() != "56" || len(sent) != 2 || <-sent != '5' || <-sent != '6' {
			l.Errorf("keys %q, %d relayed by signalling", a.digits(), len(sent))
		}
		if err := a.Close(); err != nil {
			l.Fatal(err)
		}
		taker.TakeDigit('1')
	})
}
