package sip

import (
	"maps"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

const (
	// maxAdmitted bounds the transactions that are remembered at once, maxClaims
	// those of them that only claim to be somebody, and claimsPerSource those of
	// one address: what runs already, and the trunks, always find room.
	maxAdmitted     = 50000
	maxClaims       = maxAdmitted / 2
	claimsPerSource = 2000
	// lingering is how long a transaction's repetitions may still come: 64*T1
	// and some more (RFC 3261 §17).
	lingering = 40 * time.Second
)

// admission is what the door has found out about a request that it let in.
type admission struct {
	msg  *wire.Message
	flow flow
	// Who sent it: a trunk by its address, or somebody whose credentials are
	// fresh and still to be verified.
	trunk *trunk
	creds digest.Params
	// party is the call that an INVITE belongs to, once there is one.
	party *party

	// begun says that it has been served, or is: a repetition that finds no
	// transaction any more must not be served again, least of all with
	// credentials that were looked at before.
	begun     bool
	cancelled bool // a CANCEL came before there was a party
	claim     bool // counted as a claim of its source
	merge     string
	since     time.Time // when the request came
	until     time.Time // when it may be forgotten
}

// admitted remembers the transactions that were let in, so that their
// repetitions and ACKs pass, a CANCEL finds its INVITE and a request that
// comes by two ways is seen (§8.2.2.2).
type admitted struct {
	mu     sync.Mutex
	byKey  map[string]*admission
	merges map[string]string // merge key → transaction key
	claims map[netip.Addr]int
	total  int // of claims
}

func newAdmitted() *admitted {
	return &admitted{byKey: map[string]*admission{}, merges: map[string]string{}, claims: map[netip.Addr]int{}}
}

// txKey names a server transaction (§17.2.3). Other than RFC 3261 it holds the
// source too: whoever guesses a branch is still somebody else.
func txKey(via wire.Via, method string, f flow) string {
	return libraryKey(via, method, f.library(), f.peer())
}

func libraryKey(via wire.Via, method, transport string, peer netip.AddrPort) string {
	if method == "ACK" || method == "CANCEL" {
		method = "INVITE"
	}
	return strings.Join([]string{via.Branch(), via.SentBy(), method, strings.ToUpper(transport), peer.String()}, "|")
}

func mergeKey(m *wire.Message) string {
	return strings.Join([]string{m.Method, m.CallID, m.From.Tag(), strconv.Itoa(int(m.CSeq))}, "|")
}

func (a *admitted) find(key string) *admission {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.byKey[key]
}

// merged reports whether the request runs already under another key.
func (a *admitted) merged(m *wire.Message, key string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	other, ok := a.merges[mergeKey(m)]
	return ok && other != key
}

// add lets a request in; false when too many are remembered.
func (a *admitted) add(key string, adm *admission) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	source := adm.flow.source.Addr()
	if adm.claim = adm.creds != nil; adm.claim && (a.total >= maxClaims || a.claims[source] >= claimsPerSource) || len(a.byKey) >= maxAdmitted {
		return false
	}
	if adm.claim {
		a.claims[source]++
		a.total++
	}
	a.byKey[key] = adm
	if adm.msg.To.Tag() == "" {
		adm.merge = mergeKey(adm.msg)
		a.merges[adm.merge] = key
	}
	return true
}

// begin gives a request to the one who is to serve it; nil when it is unknown
// or has been given.
func (a *admitted) begin(key string) *admission {
	a.mu.Lock()
	defer a.mu.Unlock()
	adm := a.byKey[key]
	if adm == nil || adm.begun {
		return nil
	}
	adm.begun = true
	return adm
}

// finish lets a transaction linger for its repetitions; its call, which weighs more,
// is forgotten: nothing cancels it any more.
func (a *admitted) finish(key string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if adm := a.byKey[key]; adm != nil {
		adm.until, adm.creds, adm.msg, adm.party = time.Now().Add(lingering), nil, nil, nil
	}
}

// attach notes the call of an INVITE, and reports whether it was cancelled
// before there was one.
func (a *admitted) attach(key string, p *party) (cancelled bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	adm := a.byKey[key]
	if adm == nil {
		return false
	}
	adm.party = p
	return adm.cancelled
}

// cancel finds the call that a CANCEL means, or keeps the CANCEL for it; ok is
// whether the INVITE is known.
func (a *admitted) cancel(key string) (p *party, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	adm := a.byKey[key]
	if adm == nil {
		return nil, false
	}
	adm.cancelled = adm.party == nil
	return adm.party, true
}

func (a *admitted) sweep(now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for key, adm := range a.byKey {
		if now.After(adm.until) {
			delete(a.byKey, key)
			a.disclaim(adm)
			if a.merges[adm.merge] == key {
				delete(a.merges, adm.merge)
			}
		}
	}
	if len(a.byKey) == 0 { // maps do not shrink: give the memory of a flood back
		a.byKey, a.merges = maps.Clone(a.byKey), maps.Clone(a.merges)
	}
}

// disclaim takes back what add has counted.
func (a *admitted) disclaim(adm *admission) {
	if !adm.claim {
		return
	}
	a.total--
	source := adm.flow.source.Addr()
	if a.claims[source]--; a.claims[source] <= 0 {
		delete(a.claims, source)
	}
}
