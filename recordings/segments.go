package recordings

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/transcript"
)

// Words is what a record says of its transcript, whose segments are sealed and stored
// one by one as they become final.
type Words struct {
	// Segments that are stored.
	Segments int                 `json:"segments"`
	Coverage transcript.Coverage `json:"coverage"`
	// Engines that heard some of them, in order of the first.
	Engines []string `json:"engines,omitempty"`
	// Digest is over all stored segments, so that one which is taken away, or replaced
	// by what stood there before, is seen. SHA-256, hex.
	Digest string `json:"digest,omitempty"`
}

// Mood is what a call's emotions came to. It is a hint: docs/emotion.md.
type Mood struct {
	Label      transcript.Feeling `json:"label"`
	Confidence float64            `json:"confidence"`
	Method     string             `json:"method"`
	// Escalated: repeated anger or fear has raised the signal at some time.
	Escalated bool `json:"escalated"`
}

// maxSegments of a call are kept: a day of talk.
const maxSegments = 20_000

// SegmentRow is a final segment as a store keeps it.
type SegmentRow struct {
	Call   string
	Seq    int
	Sealed []byte // JSON of the segment, under the subject's key
}

func segmentField(id string, seq int) seal.Field {
	return seal.Field{Table: "segments", Column: "sealed", Key: id + "/" + strconv.Itoa(seq)}
}

// said is a segment of a running call.
type said struct {
	transcript.Segment

	version int // of the record, that has it as it is
	hash    seal.Hash
}

// Say implements Visit.
func (v *visit) Say(s transcript.Segment) {
	v.mu.Lock()
	if v.finishing {
		v.mu.Unlock()
		return
	}
	at, there := slices.BinarySearchFunc(v.said, s.Seq, func(x said, seq int) int { return x.Seq - seq })
	if !there && len(v.said) >= maxSegments {
		v.mu.Unlock()
		return
	}
	v.version++
	one := said{Segment: s, version: v.version}
	if there {
		v.said[at] = one
	} else {
		v.said = slices.Insert(v.said, at, one)
	}
	v.call.Transcript.Segments = len(v.said)
	if e := s.Engine; e != "" && !slices.Contains(v.call.Transcript.Engines, e) {
		v.call.Transcript.Engines = append(slices.Clip(v.call.Transcript.Engines), e)
	}
	v.mu.Unlock()
	v.archive.saver.mark(v)
}

// sealed seals the segments that are not saved yet, and brings the digest up to date.
func (v *visit) sealed() ([]SegmentRow, error) {
	var rows []SegmentRow
	for i := range v.said {
		one := &v.said[i]
		if one.version <= v.saved {
			continue
		}
		text, err := json.Marshal(&one.Segment)
		if err != nil {
			return nil, fmt.Errorf("encode segment %d of call %s: %w", one.Seq, v.id, err)
		}
		row := SegmentRow{Call: v.id, Seq: one.Seq, Sealed: v.subject.SealField(segmentField(v.id, one.Seq), text)}
		one.hash = sha256.Sum256(row.Sealed)
		rows = append(rows, row)
	}
	if len(rows) > 0 {
		v.call.Transcript.Digest = digest(len(v.said), func(i int) (int, seal.Hash) { return v.said[i].Seq, v.said[i].hash })
	}
	return rows, nil
}

// digest is over the numbers and hashes of n segments, in order.
func digest(n int, at func(int) (int, seal.Hash)) string {
	if n == 0 {
		return ""
	}
	c := new(seal.Canonical).Text("ivrd/segments/v1")
	for i := range n {
		seq, hash := at(i)
		c.Int(int64(seq)).Data(hash[:])
	}
	sum := c.Leaf()
	return hex.EncodeToString(sum[:])
}

func digestOf(rows []SegmentRow) string {
	return digest(len(rows), func(i int) (int, seal.Hash) { return rows[i].Seq, sha256.Sum256(rows[i].Sealed) })
}

// Transcript implements Archive.
func (a *Vault) Transcript(ctx context.Context, id string) ([]transcript.Segment, error) {
	if v := a.visit(id); v != nil {
		return v.transcript(), nil
	}
	row, err := a.deps.Store.Call(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("find transcript of call %s: %w", id, err)
	}
	c, err := a.decode(ctx, &row)
	if err != nil {
		return nil, err
	}
	rows, err := a.deps.Store.Segments(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read transcript of call %s: %w", id, err)
	}
	if len(rows) == 0 && c.Transcript.Segments == 0 {
		return nil, nil
	}
	subject, err := a.ring.Get(ctx, row.Key)
	if errors.Is(err, seal.ErrNoKey) {
		return nil, fmt.Errorf("read transcript of call %s: its caller was erased: %w", id, ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	defer subject.Zero()
	if digestOf(rows) != c.Transcript.Digest {
		return nil, fmt.Errorf("read transcript of call %s: it is not the one that its record names: %w", id, ErrDamaged)
	}
	return openSegments(rows, subject)
}

func openSegments(rows []SegmentRow, subject seal.Key) ([]transcript.Segment, error) {
	all := make([]transcript.Segment, len(rows))
	for i := range rows {
		if err := rows[i].open(&all[i], subject); err != nil {
			return nil, fmt.Errorf("%w: %w", err, ErrDamaged)
		}
	}
	return all, nil
}

func (r *SegmentRow) open(s *transcript.Segment, subject seal.Key) error {
	text, err := subject.OpenField(segmentField(r.Call, r.Seq), r.Sealed)
	if err != nil {
		return fmt.Errorf("open segment %d of call %s: %w", r.Seq, r.Call, err)
	}
	if err := json.Unmarshal(text, s); err != nil {
		return fmt.Errorf("decode segment %d of call %s: %w", r.Seq, r.Call, err)
	}
	return nil
}

func (v *visit) transcript() []transcript.Segment {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]transcript.Segment, len(v.said))
	for i := range v.said {
		all[i] = v.said[i].Segment
	}
	return all
}

// verifyWords holds the stored segments against the record. The transcript of a call
// that runs changes while it is read, and is looked at when it is over.
func (a *Vault) verifyWords(ctx context.Context, c *check, row *Row, w *Words) error {
	if a.visit(row.ID) != nil {
		return nil
	}
	rows, err := a.deps.Store.Segments(ctx, row.ID)
	if err != nil {
		return fmt.Errorf("verify transcript of call %s: %w", row.ID, err)
	}
	if len(rows) == 0 && w.Segments == 0 {
		return nil
	}
	subject, err := a.ring.Get(ctx, row.Key)
	if err != nil {
		c.fault("key", err.Error())
		return nil
	}
	defer subject.Zero()
	for i := range rows {
		if err := rows[i].open(new(transcript.Segment), subject); err != nil {
			c.fault("segment "+strconv.Itoa(rows[i].Seq), "is changed")
		}
	}
	if digestOf(rows) != w.Digest {
		c.fault("transcript", fmt.Sprintf("it has %d segments and is not the one that its record names, which has %d", len(rows), w.Segments))
	}
	return nil
}
