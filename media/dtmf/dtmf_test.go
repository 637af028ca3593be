package dtmf_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/media/dtmf"
)

const keys = "0123456789*#ABCD"

// send makes the packets of digits, step ticks apart.
func send(t *testing.T, digits string, clock, step, start uint32) []dtmf.Packet {
	t.Helper()
	s := dtmf.Sender{Clock: clock, Step: step}
	if err := s.Queue(digits); err != nil {
		t.Fatal(err)
	}
	var out []dtmf.Packet
	for now := start; s.Active(); now += step {
		if p, ok := s.Next(now); ok {
			out = append(out, p)
		}
	}
	return out
}

func receive(packets []dtmf.Packet) string {
	var r dtmf.Receiver
	var got strings.Builder
	for _, p := range packets {
		if key, ok := r.Packet(p.Timestamp, p.Payload[:]); ok {
			got.WriteByte(key)
		}
	}
	return got.String()
}

func TestSenderFollowsTheRFC(t *testing.T) {
	for _, tt := range []struct {
		clock, step uint32
		ends        int
	}{{8000, 160, 5}, {8000, 400, 3}, {48000, 960, 5}, {48000, 2880, 3}} {
		packets := send(t, "5", tt.clock, tt.step, 1000)
		length := tt.clock / 10
		updates := int((length - 1) / tt.step)
		if len(packets) != updates+tt.ends {
			t.Fatalf("%+v: %d packets, want %d updates and the ends", tt, len(packets), updates)
		}
		for i, p := range packets {
			duration := uint32(binary.BigEndian.Uint16(p.Payload[2:]))
			if want := min(uint32(i+1)*tt.step, length); duration != want {
				t.Errorf("%+v: packet %d has duration %d, want %d", tt, i, duration, want)
			}
			if p.Timestamp != 1000 || p.Marker != (i == 0) || p.Payload[0] != 5 {
				t.Errorf("%+v: packet %d is %+v", tt, i, p)
			}
			if end := p.Payload[1]&0x80 != 0; end != (i >= updates) {
				t.Errorf("%+v: packet %d has end %v", tt, i, end)
			}
		}
	}
}

func TestKeysAre200msApart(t *testing.T) {
	for _, clock := range []uint32{0, 8000, 48000} {
		packets := send(t, "11", clock, max(clock, 8000)/50, 0)
		if last := packets[len(packets)-1].Timestamp; last != max(clock, 8000)/5 {
			t.Errorf("at %d Hz the second key begins at %d", clock, last)
		}
	}
}

// A step of 20 ms is what both clocks begin with.
func TestSenderNeedsNoStep(t *testing.T) {
	for clock, want := range map[uint32]uint16{0: 160, 48000: 960} {
		s := dtmf.Sender{Clock: clock}
		_ = s.Queue("1")
		if p, ok := s.Next(0); !ok || binary.BigEndian.Uint16(p.Payload[2:]) != want {
			t.Errorf("at %d Hz the first packet is %+v", clock, p)
		}
	}
}

func TestQueueRefusesWhatIsNoKey(t *testing.T) {
	var s dtmf.Sender
	for _, bad := range []string{"x", "12e", "1 2", "E", "１"} {
		if err := s.Queue(bad); err == nil || s.Active() {
			t.Errorf("%q: error %v, active %v", bad, err, s.Active())
		}
	}
}

func TestReceiverHearsEachKeyOnce(t *testing.T) {
	if got := receive(send(t, keys+"55", 8000, 160, 0xFFFFFF00)); got != keys+"55" {
		t.Errorf("heard %q", got)
	}
}

func TestReceiverIgnoresWhatIsNoKey(t *testing.T) {
	var r dtmf.Receiver
	for _, payload := range [][]byte{nil, {1, 2, 3}, {16, 0, 0, 160}, {255, 0x80, 0, 0}} {
		if key, ok := r.Packet(1, payload); ok {
			t.Errorf("% x is heard as %c", payload, key)
		}
	}
}

// A key that is held beyond 65535 ticks (8.19 s, or 1.37 s at 48 kHz) goes on in
// segments.
func TestHeldKeyIsOneKey(t *testing.T) {
	var r dtmf.Receiver
	heard := 0
	for segment := range uint32(3) {
		for _, duration := range []uint16{160, 8000, 0xFFFF} {
			payload := []byte{7, 10, byte(duration >> 8), byte(duration)}
			if _, ok := r.Packet(segment*0xFFFF, payload); ok {
				heard++
			}
		}
	}
	if heard != 1 {
		t.Errorf("heard %d times", heard)
	}
}

// impair loses, repeats and displaces packets by up to 4 places, but keeps at
// least one packet of each key, in the order of the keys.
func impair(rng *rand.Rand, packets []dtmf.Packet) []dtmf.Packet {
	type placed struct {
		dtmf.Packet
		at int
	}
	var out []placed
	kept := map[uint32]bool{}
	loss := rng.IntN(100)
	for i, p := range packets {
		lastChance := i+1 == len(packets) || packets[i+1].Timestamp != p.Timestamp
		if rng.IntN(100) < loss && (kept[p.Timestamp] || !lastChance) {
			continue
		}
		at := 2 * i
		if kept[p.Timestamp] { // a first packet must not be overtaken by the next key's
			at += 2 * rng.IntN(5)
		}
		kept[p.Timestamp] = true
		for range 1 + rng.IntN(3) {
			out = append(out, placed{p, at})
			at += rng.IntN(40)
		}
	}
	slices.SortStableFunc(out, func(a, b placed) int { return a.at - b.at })
	result := make([]dtmf.Packet, len(out))
	for i, p := range out {
		result[i] = p.Packet
	}
	return result
}

// FuzzReceiver: whatever the line does, what is heard is what was sent, as
// long as one packet of each key arrives.
func FuzzReceiver(f *testing.F) {
	f.Add(uint64(1), []byte("123#"))
	f.Add(uint64(2), []byte{0, 0, 0, 0, 15, 15})
	f.Add(uint64(3), []byte("0000000000000000000000000000000000000000000000000"))
	f.Fuzz(func(t *testing.T, seed uint64, pressed []byte) {
		var want strings.Builder
		for _, b := range pressed[:min(len(pressed), 100)] {
			want.WriteByte(keys[b%16])
		}
		rng := rand.New(rand.NewPCG(seed, 0))
		clock := []uint32{8000, 48000}[rng.IntN(2)]
		packets := send(t, want.String(), clock, clock/[]uint32{50, 20}[rng.IntN(2)], rng.Uint32())
		if got := receive(impair(rng, packets)); got != want.String() {
			t.Errorf("sent %q, heard %q", want.String(), got)
		}
	})
}

func TestReceiverOnManyBadLines(t *testing.T) {
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 1))
		digits := make([]byte, 40)
		for i := range digits {
			digits[i] = keys[rng.IntN(16)]
		}
		packets := send(t, string(digits), 8000, 160, rng.Uint32())
		if got := receive(impair(rng, packets)); got != string(digits) {
			t.Fatalf("seed %d: sent %q, heard %q", seed, digits, got)
		}
	}
}

func TestSteadyPathDoesNotAllocate(t *testing.T) {
	s := dtmf.Sender{}
	var r dtmf.Receiver
	_ = s.Queue(strings.Repeat("5", 100))
	now := uint32(0)
	if n := testing.AllocsPerRun(500, func() {
		if p, ok := s.Next(now); ok {
			r.Packet(p.Timestamp, p.Payload[:])
		}
		now += 160
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
