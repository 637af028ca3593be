package digest

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// NonceTTL is how long a nonce is good: long enough for a telephone's second
// try, too short to be worth stealing.
const NonceTTL = 60 * time.Second

// maxNonces bounds the memory of used nonces; beyond it the oldest are
// forgotten by refusing them (stale), never by accepting a replay.
const maxNonces = 20000

// Verdict is what became of credentials.
type Verdict uint8

// The verdicts.
const (
	Absent  Verdict = iota // no usable credentials: challenge
	Stale                  // nonce too old or used up: challenge with stale=true
	Wrong                  // secret, user or response is wrong: challenge
	Blocked                // too many failures: 403
	Proved
)

// Secrets gives H(user:realm:secret), and false for an unknown user.
type Secrets interface {
	HA1(ctx context.Context, user, realm, algorithm string) (string, bool)
}

// Verifier challenges and verifies. The zero value is not usable; see New.
type Verifier struct {
	realm   string
	key     []byte // of the nonces; dies with the process, so nonces are server-bound
	secrets Secrets
	guard   *guard

	mu    sync.Mutex
	used  map[string]*nonceUse
	swept time.Time
}

type nonceUse struct {
	count uint64 // highest nc seen
	until time.Time
}

// NewVerifier makes a verifier for one realm.
func NewVerifier(realm string, secrets Secrets) *Verifier {
	key := make([]byte, 32)
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return &Verifier{realm: realm, key: key, secrets: secrets, guard: newGuard(), used: map[string]*nonceUse{}}
}

// Challenges returns the values of WWW-Authenticate or Proxy-Authenticate for
// a source, strongest algorithm first.
func (v *Verifier) Challenges(source netip.Addr, stale bool) []string {
	nonce := v.nonce(source, time.Now())
	var out []string
	for _, algorithm := range Algorithms() {
		s := `Digest realm=` + quote(v.realm) + `, nonce="` + nonce + `", qop="auth", algorithm=` + algorithm
		if stale {
			s += ", stale=true"
		}
		out = append(out, s)
	}
	return out
}

// nonce is time, salt and a MAC over both and the source: an answer to it
// proves that its sender can be reached at the source.
func (v *Verifier) nonce(source netip.Addr, now time.Time) string {
	raw := binary.BigEndian.AppendUint64(nil, uint64(now.UnixMilli()))
	raw = append(raw, rand.Text()[:8]...)
	return base64.RawURLEncoding.EncodeToString(append(raw, v.mac(raw, source)...))
}

func (v *Verifier) mac(raw []byte, source netip.Addr) []byte {
	h := hmac.New(sha256.New, v.key)
	h.Write(raw)
	h.Write(source.Unmap().AsSlice())
	return h.Sum(nil)[:16]
}

// Fresh reports whether credentials carry a nonce of ours that was given to
// this source and is not too old. It costs one MAC and looks nothing up.
func (v *Verifier) Fresh(p Params, source netip.Addr) bool {
	raw, err := base64.RawURLEncoding.DecodeString(p["nonce"])
	if err != nil || len(raw) != 8+8+16 || !hmac.Equal(raw[16:], v.mac(raw[:16], source)) {
		return false
	}
	age := time.Since(time.UnixMilli(int64(binary.BigEndian.Uint64(raw))))
	return age >= -time.Second && age <= NonceTTL
}

// Blocked reports whether the source has failed too often for the user that
// the credentials name.
func (v *Verifier) Blocked(p Params, source netip.Addr) bool {
	return v.guard.blocked(p["username"], source)
}

// Credentials picks our realm's from the values of Authorization or
// Proxy-Authorization.
func (v *Verifier) Credentials(values []string) (Params, bool) {
	for _, value := range values {
		if p, ok := Parse(value); ok && p["realm"] == v.realm {
			return p, true
		}
	}
	return nil, false
}

// Usable reports whether credentials are of a kind that can prove anything:
// qop=auth, an algorithm of ours, a user and a nonce count. It looks nothing up.
func (p Params) Usable() bool {
	algorithm := strings.ToUpper(p["algorithm"])
	if algorithm == "" {
		algorithm = MD5
	}
	nc, err := strconv.ParseUint(p["nc"], 16, 32)
	return hasher(algorithm) != nil && p["qop"] == "auth" && p["username"] != "" && len(p["username"]) <= 128 && err == nil && nc > 0
}

// Verify judges credentials for one request. Known and unknown users cost the
// same: a secret that nobody has stands in for a missing one.
func (v *Verifier) Verify(ctx context.Context, p Params, method string, source netip.Addr) Verdict {
	user, algorithm := p["username"], strings.ToUpper(p["algorithm"])
	if algorithm == "" {
		algorithm = MD5
	}
	if !p.Usable() {
		return Absent
	}
	if !v.Fresh(p, source) {
		return Stale
	}
	if v.guard.blocked(user, source) {
		return Blocked
	}
	ha1, known := v.secrets.HA1(ctx, user, v.realm, algorithm)
	if dummy := HA1(algorithm, user, v.realm, string(v.key)); !known {
		ha1 = dummy
	}
	want := response(algorithm, ha1, p["nonce"], p["nc"], p["cnonce"], method, p["uri"])
	if subtle.ConstantTimeCompare([]byte(want), []byte(strings.ToLower(p["response"]))) != 1 || !known {
		v.guard.failed(user, source)
		return Wrong
	}
	if !v.use(p["nonce"], p["nc"]) {
		return Stale
	}
	return Proved
}

// use marks a nonce count as spent; each is good once and they only grow.
func (v *Verifier) use(nonce, nc string) bool {
	count, err := strconv.ParseUint(nc, 16, 32)
	if err != nil || count == 0 {
		return false
	}
	now := time.Now()
	v.mu.Lock()
	defer v.mu.Unlock()
	u := v.used[nonce]
	if u == nil {
		if len(v.used) >= maxNonces || now.Sub(v.swept) > NonceTTL {
			v.sweep(now)
		}
		if len(v.used) >= maxNonces {
			return false
		}
		u = &nonceUse{until: now.Add(NonceTTL + time.Second)}
		v.used[nonce] = u
	}
	if count <= u.count {
		return false
	}
	u.count = count
	return true
}

func (v *Verifier) sweep(now time.Time) {
	if now.Sub(v.swept) < sweepEvery {
		return
	}
	v.swept = now
	for n, u := range v.used {
		if now.After(u.until) {
			delete(v.used, n)
		}
	}
}
