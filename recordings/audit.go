package recordings

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
)

// auditChain is the single writer of the audit log. Entry n holds the hash of
// entry n-1; its own hash is under a keyed MAC, and so is the head, which is
// kept beside the store: a chain that was rewritten, added to or cut is found.
// Only a rollback of store and head together is not; for that the head must be
// kept in another place as well.
type auditChain struct {
	store AuditStore
	vault *Vault
	key   seal.Key
	head  *headFile

	mu   sync.Mutex
	last AuditEntry
}

func openChain(ctx context.Context, a *Vault) (*auditChain, error) {
	c := &auditChain{store: a.deps.Store, vault: a, head: &headFile{dir: a.cfg.Dir}}
	if err := c.reload(ctx); err != nil {
		return nil, err
	}
	var err error
	if c.last.Seq > 0 { // a new key would make the old entries worthless in silence
		c.key, err = a.ring.Get(ctx, keyAudit)
	} else {
		c.key, err = a.ring.Ensure(ctx, keyAudit, seal.ForAudit)
	}
	if err != nil {
		return nil, fmt.Errorf("open audit chain: %w", err)
	}
	if a.cfg.Inspect {
		return c, nil
	}
	return c, c.checkHead(a)
}

// checkHead sets a head aside that the store does not bear out, so that what
// is appended from now on does not cover the loss.
func (c *auditChain) checkHead(a *Vault) error {
	h, err := c.head.read()
	if errors.Is(err, ErrNotFound) && c.last.Seq == 0 {
		return nil
	}
	if err == nil && h.proved(c.key) && h.seq <= c.last.Seq {
		return nil
	}
	a.deps.Log.Error("the audit log has lost entries or its head (hint: ivrd verify --audit)",
		"entries", c.last.Seq, "head", h.seq, "err", err)
	return c.head.setAside()
}

func (c *auditChain) reload(ctx context.Context) error {
	last, err := c.store.LastAudit(ctx)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return fmt.Errorf("read last audit entry: %w", err)
	}
	c.last = last
	return nil
}

// leaf is the hash of an entry.
func (e *AuditEntry) leaf() seal.Hash {
	return new(seal.Canonical).Text("ivrd/audit/v1").Int(e.Seq, e.At.UnixNano()).
		Text(e.Actor, e.Role, e.Action, e.Object, e.Reason, e.IP, e.PrevHash).Leaf()
}

func auditMAC(k seal.Key, what string, seq int64, hash string) string {
	mac := new(seal.Canonical).Text("ivrd/audit-mac/v1", what, hash).Int(seq).MAC(k)
	return hex.EncodeToString(mac[:])
}

// seal completes an entry that follows prev.
func (e *AuditEntry) seal(k seal.Key, prev *AuditEntry) {
	e.Seq, e.PrevHash = prev.Seq+1, prev.Hash
	hash := e.leaf()
	e.Hash = hex.EncodeToString(hash[:])
	e.MAC = auditMAC(k, "entry", e.Seq, e.Hash)
}

// append adds an entry; both store and head are durable when it returns.
func (c *auditChain) append(ctx context.Context, e AuditEntry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e.At.IsZero() {
		e.At = time.Now()
	}
	e.At = e.At.UTC().Round(0)
	for range 3 {
		e.seal(c.key, &c.last)
		err := c.vault.retryFull(func() error { return c.store.AppendAudit(ctx, e) })
		if errors.Is(err, ErrExists) { // another process (ivrd keys rotate) was faster
			if err := c.reload(ctx); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		c.last = e
		return c.head.write(head{seq: e.Seq, hash: e.Hash, mac: auditMAC(c.key, "head", e.Seq, e.Hash)})
	}
	return errors.New("other processes append faster")
}

// Audit implements Archive.
func (a *Vault) Audit(ctx context.Context, e AuditEntry) error {
	if a.isClosed() {
		return fmt.Errorf("append audit entry: %w", ErrClosed)
	}
	if err := a.chain.append(ctx, e); err != nil {
		return fmt.Errorf("append audit entry: %w", err)
	}
	return nil
}

// VerifyAudit implements Archive.
func (a *Vault) VerifyAudit(ctx context.Context) ([]Fault, error) {
	c := a.chain
	// Whoever appends meanwhile makes the store newer than the head, never the
	// reverse, since the head is read first.
	h, headErr := c.head.read()
	check := auditCheck{key: c.key, head: h}
	if err := c.store.Audit(ctx, 0, func(e AuditEntry) error { check.entry(&e); return nil }); err != nil {
		return nil, fmt.Errorf("verify audit: %w", err)
	}
	switch {
	case errors.Is(headErr, ErrNotFound):
		if check.prev.Seq > 0 {
			check.fault("head", "is missing")
		}
	case headErr != nil:
		return check.faults, fmt.Errorf("verify audit: %w", headErr)
	case !h.proved(c.key):
		check.fault("head", "is changed")
	case h.seq > check.prev.Seq:
		check.fault("end", fmt.Sprintf("entries %d to %d are missing", check.prev.Seq+1, h.seq))
	}
	if c.head.wasSetAside() {
		check.fault("head", "an earlier loss was found at a start: see audit.head.lost")
	}
	return check.faults, nil
}

type auditCheck struct {
	key    seal.Key
	head   head
	prev   AuditEntry
	faults []Fault
}

func (a *auditCheck) fault(where, what string) {
	a.faults = append(a.faults, Fault{Object: "audit", Where: where, What: what})
}

func (a *auditCheck) entry(e *AuditEntry) {
	where := "entry " + strconv.FormatInt(e.Seq, 10)
	hash := e.leaf()
	switch {
	case e.Seq != a.prev.Seq+1:
		a.fault(where, fmt.Sprintf("follows entry %d: what was between is missing", a.prev.Seq))
	case e.PrevHash != a.prev.Hash:
		a.fault(where, "does not follow the entry before it")
	}
	if hex.EncodeToString(hash[:]) != e.Hash {
		a.fault(where, "is changed")
	} else if !seal.Equal([]byte(e.MAC), []byte(auditMAC(a.key, "entry", e.Seq, e.Hash))) {
		a.fault(where, "was not written by ivrd")
	}
	if e.Seq == a.head.seq && e.Hash != a.head.hash {
		a.fault(where, "is not the one that the head names")
	}
	a.prev = *e
}
