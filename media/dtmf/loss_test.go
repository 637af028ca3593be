package dtmf_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/media/dtmf"
)

// network loses and delays packets that are sent 20 ms apart.
type network struct {
	rng   *rand.Rand
	loss  float64 // share of packets
	burst int     // how many are lost in a row
	left  int     // of the burst
}

// loses decides on the next packet. A burst begins as often as the share asks;
// it may follow another at once.
func (n *network) loses() bool {
	if n.left > 0 {
		n.left--
		return true
	}
	begin := n.loss / (n.loss + float64(n.burst)*(1-n.loss))
	if n.rng.Float64() < begin {
		n.left = n.burst - 1
		return true
	}
	return false
}

// sent is a packet with the times at which it goes and comes, in ms.
type sent struct {
	dtmf.Packet
	comes float64
}

// carry brings digits over the network: what is sent each 20 ms is an event or
// sound, which is lost alike, and comes 40 ± 20 ms later, overtaking others.
func (n *network) carry(t *testing.T, digits string, clock uint32) (heard string) {
	t.Helper()
	s := dtmf.Sender{Clock: clock}
	if err := s.Queue(digits); err != nil {
		t.Fatal(err)
	}
	var on []sent
	start := n.rng.Uint32()
	for tick := 0; s.Active(); tick++ {
		p, ok := s.Next(start + uint32(tick)*max(clock, 8000)/50)
		if lost := n.loses(); ok && !lost {
			on = append(on, sent{p, float64(20*tick) + 20 + 40*n.rng.Float64()})
		}
	}
	slices.SortFunc(on, func(a, b sent) int { return int(1000 * (a.comes - b.comes)) })
	var r dtmf.Receiver
	for _, p := range on {
		if key, ok := r.Packet(p.Timestamp, p.Payload[:]); ok {
			heard += string(rune(key))
		}
	}
	return heard
}

// missing is how many of the digits were not heard, or false when something
// was heard that was not sent, twice, or in another order.
func missing(sent, heard string) (int, bool) {
	i := 0
	for j := range len(heard) {
		at := strings.IndexByte(sent[i:], heard[j])
		if at < 0 {
			return 0, false
		}
		i += at + 1
	}
	return len(sent) - len(heard), true
}

func TestDigitsOverABadNetwork(t *testing.T) {
	const seeds = 200
	for _, clock := range []uint32{8000, 48000} {
		for _, tt := range []struct {
			network
			most int // of 100 digits that may be missing
		}{
			{network{loss: 0.05, burst: 1}, 0},
			{network{loss: 0.20, burst: 1}, 1},
			{network{loss: 0.20, burst: 4}, 3},
		} {
			worst, all, lines := 0, 0, 0
			for seed := range uint64(seeds) {
				n := tt.network
				n.rng = rand.New(rand.NewPCG(seed, uint64(clock)))
				digits := make([]byte, 100)
				for i := range digits { // neighbours differ, so that one heard twice is seen
					digits[i] = keys[(i*7+n.rng.IntN(7))%16]
				}
				lost, ok := missing(string(digits), n.carry(t, string(digits), clock))
				if !ok {
					t.Errorf("seed %d: heard what was not sent", seed)
				}
				if lost > 0 {
					lines++
				}
				worst, all = max(worst, lost), all+lost
			}
			what := fmt.Sprintf("%d Hz, %v %% lost in bursts of %d: of %d digits %d missing; at worst %d of 100; %d of %d lines lack any",
				clock, 100*tt.loss, tt.burst, 100*seeds, all, worst, lines, seeds)
			t.Log(what)
			if worst > tt.most {
				t.Error(what)
			}
		}
	}
}
