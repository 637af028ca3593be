package api

import (
	"net/netip"
	"sync"
	"time"
)

// maxAddresses is how many addresses a rate remembers; strangers beyond that
// share one count.
const maxAddresses = 10_000

// rate bounds events per address and minute.
type rate struct {
	limit  int
	mu     sync.Mutex
	begun  time.Time
	counts map[netip.Prefix]int
}

func newRate(perMinute int) *rate {
	return &rate{limit: perMinute, counts: map[netip.Prefix]int{}}
}

// allow counts an event, and reports whether it is within the limit. IPv6
// counts by /64, which one subscriber owns.
func (r *rate) allow(ip netip.Addr, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if d := now.Sub(r.begun); d >= time.Minute || d < 0 {
		r.begun = now
		clear(r.counts)
	}
	key, _ := ip.WithZone("").Prefix(subscriberBits(ip)) // the zero prefix is a key as well
	if _, known := r.counts[key]; !known && len(r.counts) >= maxAddresses {
		key = netip.Prefix{}
	}
	r.counts[key]++
	return r.counts[key] <= r.limit
}

// subscriberBits is how much of an address tells one subscriber from another.
func subscriberBits(ip netip.Addr) int {
	if ip.Is6() {
		return 64
	}
	return ip.BitLen()
}
