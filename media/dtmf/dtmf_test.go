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

// send makes the packets of digits, Step samples apart.
func send(t *testing.T, digits string, step, start uint32) []dtmf.Packet {
	t.Helper()
	s := dtmf.Sender{Step: step}
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
	for _, step := range []uint32{160, 400} {
		packets := send(t, "5", step, 1000)
		updates := int(800/step) - 1
		if len(packets) != updates+3 {
			t.Fatalf("step %d: %d packets, want %d updates and 3 ends", step, len(packets), updates)
		}
		for i, p := range packets {
			duration := uint32(binary.BigEndian.Uint16(p.Payload[2:]))
			if want := min(uint32(i+1)*step, 800); duration != want {
				t.Errorf("step %d: packet %d has duration %d, want %d", step, i, duration, want)
			}
			if p.Timestamp != 1000 || p.Marker != (i == 0) || p.Payload[0] != 5 {
				t.Errorf("step %d: packet %d is %+v", step, i, p)
			}
			if end := p.Payload[1]&0x80 != 0; end != (i >= updates) {
				t.Errorf("step %d: packet %d has end %v", step, i, end)
			}
		}
	}
}

func TestKeysAre200msApart(t *testing.T) {
	packets := send(t, "11", 160, 0)
	if last := packets[len(packets)-1].Timestamp; last != 1600 {
		t.Errorf("the second key begins at %d samples, want 1600", last)
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
	if got := receive(send(t, keys+"55", 160, 0xFFFFFF00)); got != keys+"55" {
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

// A key that is held beyond 8.19 s goes on in segments.
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
		step := []uint32{160, 400}[rng.IntN(2)]
		packets := send(t, want.String(), step, rng.Uint32())
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
		packets := send(t, string(digits), 160, rng.Uint32())
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
