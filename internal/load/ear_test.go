package load

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

// hears lets an ear hear packets by their numbers, 20 ms apart.
func hears(h *Heard, e *ear, seqs ...uint16) {
	for i, seq := range seqs {
		p := rtp{seq: seq, ssrc: 1, stamp: uint32(seq) * media.FrameSamples}
		if e.order(h, &p, int64(i+1)*frameTime) {
			h.Received++
		}
	}
}

func TestOrder(t *testing.T) {
	for name, c := range map[string]struct {
		seqs []uint16
		want Heard
	}{
		"in a row":       {[]uint16{65534, 65535, 0, 1}, Heard{Received: 4}},
		"two lost":       {[]uint16{1, 2, 5, 6}, Heard{Received: 4, Lost: 2}},
		"one late":       {[]uint16{1, 3, 2, 4}, Heard{Received: 4, Reordered: 1}},
		"twice":          {[]uint16{1, 2, 2, 3, 1}, Heard{Received: 3, Duplicate: 2}},
		"late and twice": {[]uint16{1, 3, 2, 2}, Heard{Received: 3, Reordered: 1, Duplicate: 1}},
		"too late":       {[]uint16{1, 100, 2}, Heard{Received: 2, Lost: 98, Duplicate: 1}},
		"a new stream":   {[]uint16{1, 2, 5000, 5001}, Heard{Received: 4, Restarts: 1}},
	} {
		var h Heard
		hears(&h, &ear{}, c.seqs...)
		h.jitter, h.behind, h.Pauses = Histogram{}, Histogram{}, 0
		if h != c.want {
			t.Errorf("%s: %+v, want %+v", name, h, c.want)
		}
	}
}

func TestJitterIsThatOfPacketsInARow(t *testing.T) {
	var h Heard
	var e ear
	at, stamp := int64(0), uint32(0)
	next := func(after time.Duration, samples uint32) {
		at, stamp = at+int64(after), stamp+samples
		e.order(&h, &rtp{seq: e.seq + 1, ssrc: 1, stamp: stamp}, at)
	}
	next(0, 0)
	next(20*time.Millisecond, 160)
	next(23*time.Millisecond, 160)
	next(17*time.Millisecond, 160)
	next(300*time.Millisecond, 160) // a silence, not jitter
	next(60*time.Millisecond, 480)  // a sender that left two frames out
	next(20*time.Millisecond, 0)    // a key
	if h.jitter.Count() != 3 || h.Pauses != 2 || h.jitter.Percentile(1) != 3*time.Millisecond {
		t.Errorf("%d measured, up to %v, %d pauses; want 3, 3 ms, 2", h.jitter.Count(), h.jitter.Percentile(1), h.Pauses)
	}
}

func TestBehindIsWhatTheSenderAdds(t *testing.T) {
	var h Heard
	var e ear
	for i := range 200 {
		due, late := int64(i)*frameTime, int64(0)
		if i%10 == 9 {
			late = int64(4 * time.Millisecond)
		}
		e.order(&h, &rtp{seq: uint16(i), ssrc: 1, stamp: uint32(i) * media.FrameSamples}, due+late)
	}
	if h.behind.Count() != 200-1-learning || h.behind.Percentile(0.5) > 100*time.Microsecond || h.behind.Percentile(0.99) < 4*time.Millisecond {
		t.Errorf("%d measured, %v, %v; want %d, 0, 4 ms", h.behind.Count(), h.behind.Percentile(0.5), h.behind.Percentile(0.99), 200-1-learning)
	}
}

func TestMarksSurviveTheirCodecOnly(t *testing.T) {
	for _, c := range codecs() {
		b := make([]byte, media.FrameSamples)
		writeMark(b, c, 0x89ABCDEF, 1795725000123456789)
		pcm := make([]int16, len(b))
		c.Decode(pcm, b)
		again := make([]byte, len(b))
		c.Encode(again, pcm)
		id, sent, ok := readMark(again, c)
		if !ok || id != 0x89ABCDEF || since(sent, 1795725000123456789+5000) != 5000 {
			t.Errorf("%v: read %x, %d, %v", c, id, sent, ok)
		}
		for _, s := range pcm[:markBytes] {
			if s > 300 || s < -300 {
				t.Errorf("%v: the mark can be heard: %d", c, s)
			}
		}
		for _, other := range codecs() {
			if media.Transcode(again, other, b, c); other != c {
				if _, _, ok := readMark(again, c); ok {
					t.Errorf("%v to %v: a mark is read in the wrong codec", c, other)
				}
			}
		}
		again[10] ^= 1
		if _, _, ok := readMark(b[1:], c); ok {
			t.Error("a mark is read in the wrong place")
		}
	}
}

// frame is a frame as an end sends it.
func frame(s *sound, c media.Codec, id uint32, at int64) []byte {
	b := slices.Clone(s.frames[index(c)][toneOf(id)][:])
	writeMark(b, c, id, at)
	return b
}

func TestContent(t *testing.T) {
	s := newSound()
	for _, c := range codecs() {
		var h Heard
		e := ear{expect: 7}
		hear := func(id uint32, sent int64) {
			p := rtp{payload: frame(s, c, id, sent)}
			e.content(&h, s, c, 2, &p, 5_000_000)
		}
		hear(7, 2_000_000)
		hear(9, 2_000_000)
		e.expect = 0
		hear(2, 1_000_000) // its own
		hear(5, 4_000_000) // is expected from here on
		hear(5, 4_000_000)
		hear(7, 4_000_000)
		silence := rtp{payload: make([]byte, media.FrameSamples)}
		for i := range silence.payload {
			silence.payload[i] = c.Silence()
		}
		e.content(&h, s, c, 2, &silence, 5_000_000)
		if h.Marked != 3 || h.Crossed != 2 || h.Echoed != 1 || h.Sound != 6 || h.delay.Count() != 4 || h.delay.Percentile(1) != 4*time.Millisecond {
			t.Errorf("%v: %d marked, %d crossed, %d echoed, %d sound, %d delays to %v", c, h.Marked, h.Crossed, h.Echoed, h.Sound, h.delay.Count(), h.delay.Percentile(1))
		}
	}
}

func TestTonesAreToldApart(t *testing.T) {
	s := newSound()
	for _, c := range codecs() {
		for id := range uint32(2 * tones) {
			b := frame(s, c, id, 0)
			if !s.loud(c, b) {
				t.Errorf("%v: tone %d is taken for silence", c, toneOf(id))
			}
			if got := s.loudest(c, b); got != toneOf(id) {
				t.Errorf("%v: tone %d is heard as %d", c, toneOf(id), got)
			}
		}
	}
	if toneOf(2) == toneOf(3) || toneOf(2) == toneOf(4) {
		t.Error("neighbours and ends have one tone")
	}
}

func TestHistogram(t *testing.T) {
	var h Histogram
	var all []time.Duration
	r := rand.New(rand.NewPCG(1, 2))
	for range 10000 {
		d := time.Duration(r.ExpFloat64() * float64(3*time.Millisecond))
		h.Add(d)
		all = append(all, d)
	}
	slices.Sort(all)
	for _, p := range []float64{0.01, 0.5, 0.99, 0.999} {
		exact, got := all[int(p*10000)], h.Percentile(p)
		if got < exact || float64(got) > float64(exact)*1.07+float64(time.Microsecond) {
			t.Errorf("p%v is %v, want %v and at most 6 %% more", 100*p, got, exact)
		}
	}
	if h.Percentile(1) != all[9999] {
		t.Errorf("the largest is %v, want %v", h.Percentile(1), all[9999])
	}
	for us := range 100000 {
		d := time.Duration(us) * time.Microsecond
		if b := bucketOf(d); upper(b) <= d || b > 0 && upper(b-1) > d {
			t.Fatalf("%v is in bucket %d, from %v to %v", d, b, upper(b-1), upper(b))
		}
	}
}

// FuzzParseRTP: what is read lies within the packet.
func FuzzParseRTP(f *testing.F) {
	f.Add([]byte("\x80\x00\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07payload"))
	f.Add([]byte("\xb1\x00\x00\x01\x00\x00\x00\xa0\x00\x00\x00\x07csrcext\x00\x00\x00\x01word\x04"))
	f.Fuzz(func(t *testing.T, b []byte) {
		p, ok := parseRTP(b)
		if !ok {
			return
		}
		if len(p.payload) > len(b)-12 || binary.BigEndian.Uint16(b[2:]) != p.seq {
			t.Fatalf("%d bytes of payload in a packet of %d", len(p.payload), len(b))
		}
		readMark(p.payload, media.PCMU)
	})
}
