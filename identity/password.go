package identity

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

// Argon2 are the parameters of Argon2id (RFC 9106).
type Argon2 struct {
	Time      uint32
	MemoryKiB uint32
	Threads   uint8
}

// defaultArgon2 is what OWASP's Password Storage Cheat Sheet asks for.
var defaultArgon2 = Argon2{Time: 2, MemoryKiB: 19 * 1024, Threads: 1}

const (
	saltLength = 16
	hashLength = 32
	// maxPassword bounds the work on a password, in bytes.
	maxPassword = 256
	// maxMemoryKiB bounds what a stored hash can make us allocate: 1 GiB.
	maxMemoryKiB = 1 << 20
	maxTime      = 64
)

// hasher computes password hashes, a few at once: each takes a core and
// memory that calls need.
type hasher struct {
	params  Argon2
	slots   chan struct{}
	wait    time.Duration
	running atomic.Int64
	peak    atomic.Int64
	total   atomic.Uint64
	waiting atomic.Int64
}

// maxWaiting is how many may queue for a slot; more are refused at once.
const maxWaiting = 128

func newHasher(params Argon2, atOnce int, wait time.Duration) *hasher {
	if params == (Argon2{}) {
		params = defaultArgon2
	}
	if atOnce <= 0 {
		atOnce = max(1, runtime.GOMAXPROCS(0)/2)
	}
	if wait <= 0 {
		wait = 3 * time.Second
	}
	return &hasher{params: params, slots: make(chan struct{}, atOnce), wait: wait}
}

// acquire takes a slot or fails with ErrBusy.
func (h *hasher) acquire(ctx context.Context) error {
	defer h.waiting.Add(-1)
	if h.waiting.Add(1) > maxWaiting {
		return ErrBusy
	}
	ctx, cancel := context.WithTimeoutCause(ctx, h.wait, ErrBusy)
	defer cancel()
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// derive runs Argon2id in a slot.
func (h *hasher) derive(ctx context.Context, password string, p phc) ([]byte, error) {
	if err := h.acquire(ctx); err != nil {
		return nil, err
	}
	defer func() { <-h.slots }()
	defer h.running.Add(-1)
	now := h.running.Add(1)
	for peak := h.peak.Load(); now > peak && !h.peak.CompareAndSwap(peak, now); peak = h.peak.Load() {
	}
	h.total.Add(1)
	return argon2.IDKey([]byte(password), p.salt, p.Time, p.MemoryKiB, p.Threads, hashLength), nil
}

// hash makes the stored form of a new password.
func (h *hasher) hash(ctx context.Context, password Secret) (string, error) {
	p := phc{Argon2: h.params, salt: make([]byte, saltLength)}
	_, _ = rand.Read(p.salt)
	sum, err := h.derive(ctx, password.Reveal(), p)
	if err != nil {
		return "", err
	}
	p.sum = sum
	return p.String(), nil
}

// verify compares a password with its stored form. It does the same work when
// there is none, so that time does not tell who exists.
func (h *hasher) verify(ctx context.Context, password Secret, stored string) (bool, error) {
	p, err := parsePHC(stored)
	known := err == nil
	if !known {
		p = phc{Argon2: h.params, salt: make([]byte, saltLength), sum: make([]byte, hashLength)}
	}
	text := password.Reveal()
	if len(text) > maxPassword {
		text, known = text[:maxPassword], false
	}
	sum, err := h.derive(ctx, text, p)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(sum, p.sum) == 1 && known, nil
}

// phc is a password hash with its parameters.
type phc struct {
	Argon2
	salt, sum []byte
}

// String is the PHC format: $argon2id$v=19$m=19456,t=2,p=1$salt$hash.
func (p phc) String() string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version,
		p.MemoryKiB, p.Time, p.Threads, b64.EncodeToString(p.salt), b64.EncodeToString(p.sum))
}

var errPHC = errors.New("not an Argon2id hash within bounds")

func parsePHC(s string) (phc, error) {
	f := strings.Split(s, "$")
	if len(f) != 6 || f[0] != "" || f[1] != "argon2id" || f[2] != "v="+strconv.Itoa(argon2.Version) {
		return phc{}, errPHC
	}
	var p phc
	if err := p.parseParams(f[3]); err != nil {
		return phc{}, err
	}
	b64 := base64.RawStdEncoding.Strict()
	salt, saltErr := b64.DecodeString(f[4])
	sum, sumErr := b64.DecodeString(f[5])
	if saltErr != nil || sumErr != nil || len(salt) < 8 || len(salt) > 64 || len(sum) != hashLength {
		return phc{}, errPHC
	}
	p.salt, p.sum = salt, sum
	return p, nil
}

func (p *phc) parseParams(s string) error {
	var values [3]uint64
	parts := strings.Split(s, ",")
	if len(parts) != len(values) {
		return errPHC
	}
	for i, name := range []string{"m=", "t=", "p="} {
		digits, ok := strings.CutPrefix(parts[i], name)
		v, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || v == 0 {
			return errPHC
		}
		values[i] = v
	}
	if values[0] > maxMemoryKiB || values[1] > maxTime || values[2] > 255 {
		return errPHC
	}
	p.MemoryKiB, p.Time, p.Threads = uint32(values[0]), uint32(values[1]), uint8(values[2])
	return nil
}
