package recordings

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings/blob"
)

// Verify implements Archive.
func (a *Vault) Verify(ctx context.Context, id string) ([]Fault, error) {
	if id == "" {
		return a.verifyAll(ctx)
	}
	row, err := a.deps.Store.Call(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("verify call %s: %w", id, err)
	}
	return a.verifyCall(ctx, &row)
}

func (a *Vault) verifyAll(ctx context.Context) ([]Fault, error) {
	var faults []Fault
	known := map[string]bool{}
	q := RowQuery{Limit: maxPage}
	for {
		rows, err := a.deps.Store.Calls(ctx, q)
		if err != nil {
			return faults, fmt.Errorf("verify calls: %w", err)
		}
		for i := range rows {
			found, err := a.verifyCall(ctx, &rows[i])
			if err != nil {
				return faults, err
			}
			faults = append(faults, found...)
			known[rows[i].ID] = true
			q.BeforeTime, q.BeforeID = rows[i].StartedAt, rows[i].ID
		}
		if len(rows) < q.Limit {
			break
		}
	}
	strays, err := a.strays(ctx, known)
	return append(faults, strays...), err
}

// strays are recordings without a record. A call that began after the rows
// were listed is asked for by itself.
func (a *Vault) strays(ctx context.Context, known map[string]bool) ([]Fault, error) {
	var faults []Fault
	err := a.blobs.List(audioDir, func(name string) error {
		id := idOfName(name)
		if own, err := audioName(id); err == nil && own == name {
			if known[id] {
				return nil
			}
			if _, err := a.deps.Store.Call(ctx, id); !errors.Is(err, ErrNotFound) {
				return err
			}
		}
		faults = append(faults, Fault{Object: id, Where: "recording", What: "belongs to no record: " + name})
		return nil
	})
	if err != nil {
		return faults, fmt.Errorf("list recordings: %w", err)
	}
	return faults, nil
}

// check gathers the faults of one call.
type check struct {
	id     string
	faults []Fault
}

func (c *check) fault(where, what string) {
	c.faults = append(c.faults, Fault{Object: c.id, Where: where, What: what})
}

func (a *Vault) verifyCall(ctx context.Context, row *Row) ([]Fault, error) {
	c := &check{id: row.ID}
	if !a.house.whole(row) {
		c.fault("record", "is changed")
	}
	call, err := row.call()
	if err != nil {
		c.fault("record", err.Error())
		return c.faults, nil
	}
	if err := a.verifySound(ctx, c, row, &call.Recording); err != nil {
		return c.faults, err
	}
	err = a.verifyWords(ctx, c, row, &call.Transcript)
	return c.faults, err
}

func (a *Vault) verifySound(ctx context.Context, c *check, row *Row, rec *Recording) error {
	name, err := audioName(row.ID)
	if err != nil {
		c.fault("record", "its ID is not one")
		return nil
	}
	f, err := a.blobs.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		if rec.Parts > 0 || rec.State == stateDamaged {
			c.fault("recording", "is missing")
		}
		return nil
	}
	if err != nil {
		return fmt.Errorf("verify call %s: %w", row.ID, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	key, err := a.ring.Get(ctx, callKeyID(row.ID))
	if err != nil {
		c.fault("key", err.Error())
		return nil
	}
	defer key.Zero()
	if row.Open {
		return a.verifyOpen(c, rec, f, key)
	}
	return a.verifyClosed(c, rec, f, key)
}

// verifyOpen checks what is durable of a running recording, or of one that a
// crash left. Its end may be torn in this moment; what its record says is on
// the disk must be there.
func (a *Vault) verifyOpen(c *check, rec *Recording, f blob.File, key seal.Key) error {
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("verify call %s: %w", c.id, err)
	}
	if vis := a.visit(c.id); vis != nil {
		if durable, running := vis.durable(); running {
			size = durable
		}
	}
	ix, _ := seal.Scan(f, size, c.id) // Check tells what is more than torn
	v := seal.Recovery{Call: key, Header: seal.Header{Call: c.id}, Durable: checkpointOf(rec)}
	if err := v.Check(f, size); err != nil {
		c.damage(ix, err)
	}
	c.openAll(seal.NewReader(f, ix, key), ix)
	return nil
}

// damage names the place that an error tells of, or else the end.
func (c *check) damage(ix *seal.Index, err error) {
	scan, ok := errors.AsType[*seal.ScanError](err)
	switch {
	case !ok:
		c.fault("end", err.Error())
	case len(ix.Epochs) == 0:
		c.fault("header", scan.Err.Error())
	default:
		c.fault(partName(scan.Part), scan.Err.Error())
	}
}

func (a *Vault) verifyClosed(c *check, rec *Recording, f blob.File, key seal.Key) error {
	size, err := f.Size()
	if err != nil {
		return fmt.Errorf("verify call %s: %w", c.id, err)
	}
	ix, err := seal.Scan(f, size, c.id)
	if err != nil {
		c.damage(ix, err)
	}
	opened := c.openAll(seal.NewReader(f, ix, key), ix)
	if len(ix.Parts) != rec.Parts {
		c.fault("end", fmt.Sprintf("the recording has %d parts, its record says %d", len(ix.Parts), rec.Parts))
	} else if opened && err == nil && chainText(len(ix.Parts), ix.Chain) != rec.Chain {
		// Every part opens, so it is the header, or a whole other recording.
		c.fault("header", "the recording is not the one that its record names")
	}
	if rec.State == stateDamaged {
		c.fault("recording", "was damaged when a crash was cleared up; it is kept as it was found")
	}
	if len(c.faults) == 0 {
		c.compare(rec, ix)
	}
	return nil
}

// openAll opens every part and names those that do not.
func (c *check) openAll(r *seal.Reader, ix *seal.Index) bool {
	whole := true
	var buf []byte
	for i := range ix.Parts {
		var err error
		if buf, err = r.Open(buf[:0], i); err != nil {
			c.fault(partName(i), "is changed")
			whole = false
		}
	}
	clear(buf[:cap(buf)])
	return whole
}

func partName(i int) string { return "part " + strconv.Itoa(i) }

// compare holds the record against the recording. A record may tell of a loss
// at the end that the recording could not be told of.
func (c *check) compare(rec *Recording, ix *seal.Index) {
	gaps := gapsOf(ix)
	if len(gaps) > len(rec.Gaps) || !slices.Equal(gaps, rec.Gaps[:len(gaps)]) {
		c.fault("record", "its gaps are not those of the recording")
	}
	if ms(media.Time(ix.End())) != rec.DurationMS {
		c.fault("record", "its duration is not that of the recording")
	}
}
