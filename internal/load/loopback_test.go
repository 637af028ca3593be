package load

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"math"
	"net"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

// freePort is one that UDP has free at the moment.
func freePort(t *testing.T) netip.AddrPort {
	t.Helper()
	c, err := net.ListenPacket("udp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	return netip.MustParseAddrPort(c.LocalAddr().String())
}

// One generator calls another, with a port for each call, as servers have: each must hear the other's marks and tones on
// every call, and the keys that were pressed.
func TestTwoGeneratorsHearEachOther(t *testing.T) {
	for name, o := range map[string]Options{
		"mu-law":             {},
		"A-law":              {Codec: media.PCMA, ServeCodec: media.PCMA},
		"AES-CM and HMAC":    {SRTP: "AES_CM_128_HMAC_SHA1_80"},
		"AES-128-GCM, keys":  {SRTP: "AEAD_AES_128_GCM", Digits: "12", DigitsEvery: 600 * time.Millisecond},
		"AES-256-GCM, A-law": {SRTP: "AEAD_AES_256_GCM", Codec: media.PCMA},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			there := freePort(t)
			served := make(chan *Report, 1)
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			go func() {
				r, err := Serve(ctx, Options{Listen: there, Serve: true, From: "7", Tone: true, ServeCodec: o.ServeCodec, Ports: 5})
				if err != nil {
					t.Error(err)
				}
				served <- r
			}()
			o.URI, o.Listen, o.From, o.Tone, o.Ports = "sip:x@"+there.String(), netip.MustParseAddrPort("127.0.0.1:0"), "7", true, 5
			o.Settle = 100 * time.Millisecond
			r, err := Hold(t.Context(), o, HoldPlan{Calls: 5, Ramp: 50, Duration: 1500 * time.Millisecond})
			stop()
			far := <-served
			if err != nil || far == nil {
				t.Fatal(err)
			}
			judgeEnds(t, r, far, o)
		})
	}
}

func judgeEnds(t *testing.T, r, far *Report, o Options) {
	t.Helper()
	w, near := r.Steps[0].Window, r.Steps[0].Sides[callers]
	if w.Calls != 5 || w.Ramp.Answered != 5 || w.Ramp.Failed() != 0 || w.Setup.N != 5 {
		t.Errorf("%d up, %+v", w.Calls, w.Ramp)
	}
	if near.Received == 0 || near.Marked != near.Received || near.Sound != near.Received || near.Crossed+near.WrongTone+near.Invalid+near.Unclaimed != 0 || near.RightTone == 0 {
		t.Errorf("callers heard %s", told(near))
	}
	if near.Lost != 0 || near.Duplicate != 0 || near.Jitter.N == 0 || near.Delay.N != near.Marked {
		t.Errorf("callers heard %s", told(near))
	}
	end := far.Steps[0].Sides[called]
	if far.Steps[0].Signals.Served != 5 || end.Marked == 0 || end.Crossed+end.WrongTone+end.Invalid != 0 {
		t.Errorf("the far end heard %s", told(end))
	}
	if pressed := o.Digits != ""; pressed != (near.Keys > 0) || pressed != (end.Events > 0) {
		t.Errorf("%d keys were pressed, %d packets of them heard", near.Keys, end.Events)
	}
}

// told is a side without its histograms.
func told(s Side) string {
	b, _ := json.Marshal(s)
	return string(b)
}

// The media path must not allocate: a collector at work is a late packet.
func TestMediaDoesNotAllocate(t *testing.T) {
	for _, suite := range append(Suites(), "") {
		s, err := openStudio(netip.MustParseAddr("127.0.0.1"), 1, true)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.close)
		var ends [2]*leg
		for side := range ends {
			ends[side] = s.newLeg(side, uint32(2+side))
			ends[side].codec, ends[side].event, ends[side].expect = media.PCMU, 101, uint32(3-side)
			ends[side].keys = &script{strokes: []stroke{{5, 1}}, every: 30}
		}
		if suite != "" {
			key, err := newKey(suite)
			if err != nil {
				t.Fatal(err)
			}
			for _, l := range ends {
				if l.crypto, err = newCryptor(suite, key, key, s.room); err != nil {
					t.Fatal(err)
				}
			}
		}
		for side, l := range ends {
			if err := l.connect(placeAt(ends[1-side].port.local)); err != nil {
				t.Fatal(err)
			}
		}
		turn := func() {
			for slot := range slots {
				s.send(slot)
				s.hear()
			}
		}
		turn()                                                             // the first packet of a stream makes its state
		if n := testing.AllocsPerRun(100, turn); n != 0 && !raceDetector { // `make test` runs this once more without it
			t.Errorf("%q: %v allocations in 20 ms", suite, n)
		}
		for _, d := range s.sides {
			if d.Received != 102 || d.Lost+d.Crossed+d.Invalid+d.Unclaimed+d.WrongTone != 0 || d.Marked+d.Events != 102 || d.Events == 0 || d.RightTone == 0 {
				t.Errorf("%q: heard %s", suite, told(d.told()))
			}
		}
	}
}

func TestLegsAreSpreadOverTheWheel(t *testing.T) {
	var w wheel
	var legs []*leg
	for range 10 * slots {
		l := &leg{slot: -1}
		w.add(l)
		legs = append(legs, l)
	}
	for i := range w {
		if len(w[i]) != 10 {
			t.Fatalf("slot %d has %d legs", i, len(w[i]))
		}
	}
	for i, l := range legs {
		if i%3 == 0 {
			w.remove(l)
			w.remove(l)
		}
	}
	left := 0
	for slot := range w {
		for place, l := range w[slot] {
			if l.slot != slot || l.place != place {
				t.Fatalf("a leg in slot %d, place %d believes to be in %d, %d", slot, place, l.slot, l.place)
			}
			left++
		}
	}
	if left != 133 {
		t.Errorf("%d legs are left, want 133", left)
	}
}

// RFC 4733 §2.5.1: packets of one key share its stamp, grow, and end thrice.
func TestKeys(t *testing.T) {
	keys, err := parseScript("w0.1,5#")
	if err != nil {
		t.Fatal(err)
	}
	l := &leg{codec: media.PCMU, event: 101, keys: keys, side: &side{}, first: true, id: 2}
	s, b := newSound(), make([]byte, rtpBytes)
	var story []byte
	stamps := map[uint32]int{}
	for i := range 40 {
		n := l.write(b, s)
		if seq := binary.BigEndian.Uint16(b[2:]); int(seq) != i+1 {
			t.Fatalf("packet %d has number %d", i, seq)
		}
		if n == packetBytes {
			story = append(story, '.')
			continue
		}
		if n != 16 || b[1]&0x7F != 101 {
			t.Fatalf("a key's packet has %d bytes, type %d", n, b[1]&0x7F)
		}
		stamps[binary.BigEndian.Uint32(b[4:])]++
		mark := byte('u')
		switch {
		case b[1]&0x80 != 0:
			mark = "0123456789*#"[b[12]]
		case b[13]&0x80 != 0 && binary.BigEndian.Uint16(b[14:]) == keyUpdates*media.FrameSamples:
			mark = 'e'
		}
		story = append(story, mark)
	}
	want := ".....5uuuueee....#uuuueee..............."
	if string(story) != want || len(stamps) != 2 || l.side.keys != 2 {
		t.Errorf("sent %s with %d stamps, want %s", story, len(stamps), want)
	}
}

func TestScripts(t *testing.T) {
	s, err := parseScript("w1.0, 1, w0.5,aB")
	if err != nil || len(s.strokes) != 3 || s.strokes[0] != (stroke{50, 1}) || s.strokes[1] != (stroke{50 + keyStep + 25, 12}) || s.strokes[2].code != 13 {
		t.Errorf("read %+v (%v)", s, err)
	}
	for _, bad := range []string{"w", "w-1", "x", "w1", "1,,w"} {
		if _, err := parseScript(bad); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
	if _, err := repeated("1234", 900*time.Millisecond); err == nil {
		t.Error("keys that take longer than their interval were taken")
	}
}

// bell is woken by timers.
type bell struct {
	clock alarm
	rung  int
}

func (b *bell) alarm() *alarm { return &b.clock }
func (b *bell) wake()         { b.rung++ }

func TestTimers(t *testing.T) {
	var h timers
	bells := make([]*bell, 100)
	for i := range bells {
		bells[i] = &bell{}
		h.set(bells[i], time.Duration(1+i*37%100)) // 1 to 100, in disorder
	}
	h.set(bells[0], 0)    // never
	h.set(bells[1], 1000) // later: it was 38
	h.set(bells[2], 1)    // sooner: it was 75
	h.set(&bell{}, 0)     // never set
	for now := range time.Duration(100) {
		h.wake(now + 1)
		for i, b := range bells[3:] {
			if due := time.Duration(1 + (i+3)*37%100); (due <= now+1) != (b.rung == 1) {
				t.Fatalf("at %d: due at %d, rung %d times", now+1, due, b.rung)
			}
		}
	}
	if bells[0].rung != 0 || bells[1].rung != 0 || bells[2].rung != 1 || len(h) != 1 {
		t.Errorf("rung %d, %d, %d, %d left", bells[0].rung, bells[1].rung, bells[2].rung, len(h))
	}
	h.wake(1000)
	if bells[1].rung != 1 || len(h) != 0 {
		t.Errorf("rung %d, %d left", bells[1].rung, len(h))
	}
}

func TestSearchFindsTheLimit(t *testing.T) {
	p := SearchPlan{From: 100, To: 4000, Exact: 0.05}
	for limit := 3.0; limit < 5000; limit = limit*1.3 + 1 {
		good, bad, steps := 0.0, math.Inf(1), 0
		for next := p.From; next > good && next < bad; next = nextTry(good, bad, p) {
			if steps++; next <= limit {
				good = next
			} else {
				bad = next
			}
		}
		if want := min(limit, p.To); good > want || good < want*0.94-1 || steps > 25 {
			t.Errorf("limit %v: found %v in %d steps", limit, good, steps)
		}
	}
}

// Who only answers, and is called by nobody, has nothing to judge: neither that all
// went well nor that it did not.
func TestServeWithoutCalls(t *testing.T) {
	ctx, stop := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer stop()
	r, err := Serve(ctx, Options{Listen: freePort(t), Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := r.Write(&b); err != nil || strings.Contains(b.String(), "GOOD") || !strings.Contains(b.String(), "nobody called") {
		t.Errorf("the report says %v, %s", err, b.String())
	}
	if s := judged(1, r.Steps[0].Window); s.Good {
		t.Error("a call that never came up is good")
	}
}
