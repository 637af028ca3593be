package recordings

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
)

// IDs of the keys that the archive keeps in the store.
const (
	keyIndex = "house/index" // blind indexes
	keyRows  = "house/rows"  // MACs of rows
	keyAudit = "house/audit" // MACs of the audit chain
)

// subjectKeyID names the key of a caller whom we do not know: one per call.
// Once customers are known it is theirs, and only the wrapping of the call
// key changes.
func subjectKeyID(id string) string { return "subject/call/" + id }

func callKeyID(id string) string { return "call/" + id }

// houseKeys protect the rows of all calls.
type houseKeys struct{ index, rows seal.Key }

// personal is what identifies a caller, and whom they were sent to; it is sealed
// under the subject's key.
type personal struct {
	From string `json:"from"`
	To   string `json:"to"`
	// Transfers holds the numbers of the record's transfers, one for each; of one
	// to a queue "".
	Transfers []string `json:"transfers,omitempty"`
	Connected string   `json:"connected,omitempty"`
	Notes     string   `json:"notes,omitempty"`
}

// takeNumbers moves the numbers and notes out of a record, which is the caller's own copy
// but for its lists.
func takeNumbers(c *Call) personal {
	p := personal{From: c.From, To: c.To, Connected: c.Connected, Notes: c.Notes}
	c.From, c.To, c.Connected, c.Notes, c.Transfers = "", "", "", "", slices.Clone(c.Transfers)
	for i := range c.Transfers {
		p.Transfers = append(p.Transfers, c.Transfers[i].Number)
		c.Transfers[i].Number = ""
	}
	return p
}

// putNumbers is the reverse.
func (p *personal) putNumbers(c *Call) {
	c.From, c.To, c.Connected, c.Notes = p.From, p.To, p.Connected, p.Notes
	for i := range min(len(c.Transfers), len(p.Transfers)) {
		c.Transfers[i].Number = p.Transfers[i]
	}
}

func personalField(id string) seal.Field {
	return seal.Field{Table: "calls", Column: "personal", Key: id}
}

// normalise makes one form of a number: what is not a digit or a letter goes,
// as do 00 and + in front.
func normalise(number string) string {
	n := strings.Map(func(r rune) rune {
		switch {
		case r >= '0' && r <= '9', r >= 'a' && r <= 'z':
			return r
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		default:
			return -1
		}
	}, number)
	return strings.TrimPrefix(n, "00")
}

func (h *houseKeys) fromIndex(number string) []byte {
	n := normalise(number)
	if n == "" {
		return nil
	}
	return seal.BlindIndex(h.index, "calls.from", n)
}

// row makes the stored form of a record.
func (h *houseKeys) row(c Call, subject seal.Key, keyID string, now time.Time) (Row, error) {
	from := c.From
	numbers, err := json.Marshal(takeNumbers(&c))
	if err != nil {
		return Row{}, fmt.Errorf("encode call %s: %w", c.ID, err)
	}
	r := Row{
		ID: c.ID, Node: c.Node, Queue: c.Queue, Agent: c.Agent,
		StartedAt: c.StartedAt.UnixMilli(), SavedAt: now.UnixMilli(),
		Open:      c.EndedAt.IsZero() || c.Recording.State == stateLive,
		FromIndex: h.fromIndex(from), Key: keyID,
		Personal: subject.SealField(personalField(c.ID), numbers),
	}
	if !c.EndedAt.IsZero() {
		r.EndedAt = c.EndedAt.UnixMilli()
	}
	if r.Doc, err = json.Marshal(c); err != nil {
		return Row{}, fmt.Errorf("encode call %s: %w", c.ID, err)
	}
	mac := r.mac(h.rows)
	r.MAC = mac[:]
	return r, nil
}

func (r *Row) mac(k seal.Key) seal.Hash {
	open := int64(0)
	if r.Open {
		open = 1
	}
	return new(seal.Canonical).
		Text("ivrd/row/v1", r.ID, r.Node, r.Queue, r.Agent, r.Key).
		Int(r.StartedAt, r.EndedAt, r.SavedAt, open).
		Data(r.FromIndex, r.Personal, r.Doc).MAC(k)
}

// whole reports whether the row is as it was written.
func (h *houseKeys) whole(r *Row) bool {
	mac := r.mac(h.rows)
	return seal.Equal(mac[:], r.MAC)
}

// call decodes the record, without what is personal.
func (r *Row) call() (Call, error) {
	var c Call
	if err := json.Unmarshal(r.Doc, &c); err != nil {
		return Call{}, fmt.Errorf("decode call %s: %w", r.ID, err)
	}
	if c.ID != r.ID {
		return Call{}, fmt.Errorf("decode call %s: it is the record of another call", r.ID)
	}
	return c, nil
}

// openPersonal adds what is personal to a decoded record.
func (r *Row) openPersonal(c *Call, subject seal.Key) error {
	text, err := subject.OpenField(personalField(r.ID), r.Personal)
	if err != nil {
		return fmt.Errorf("open numbers of call %s: %w", r.ID, err)
	}
	var p personal
	if err := json.Unmarshal(text, &p); err != nil {
		return fmt.Errorf("decode numbers of call %s: %w", r.ID, err)
	}
	p.putNumbers(c)
	return nil
}

const defaultPage, maxPage = 50, 500

// rowQuery translates a query; a cursor is "time-id" of the last row.
func (h *houseKeys) rowQuery(q Query) (RowQuery, error) {
	r := RowQuery{State: q.State, Queue: q.Queue, Agent: q.Agent, Limit: q.Limit}
	if r.Limit == 0 {
		r.Limit = defaultPage
	}
	if r.Limit < 1 || r.Limit > maxPage {
		return r, fmt.Errorf("query calls: limit %d is not 1-%d", q.Limit, maxPage)
	}
	if q.State != "" && q.State != "live" && q.State != "ended" {
		return r, fmt.Errorf("query calls: state %q is not live or ended", q.State)
	}
	if q.From != "" {
		if r.FromIndex = h.fromIndex(q.From); r.FromIndex == nil {
			r.FromIndex = []byte{0} // is nobody's
		}
	}
	if !q.Since.IsZero() {
		r.Since = q.Since.UnixMilli()
	}
	if !q.Until.IsZero() {
		r.Until = q.Until.UnixMilli()
	}
	if q.Cursor != "" {
		at, id, ok := strings.Cut(q.Cursor, "-")
		ms, err := strconv.ParseInt(at, 10, 64)
		if !ok || err != nil || !idForm.MatchString(id) {
			return r, fmt.Errorf("query calls: cursor is not one of ours")
		}
		r.BeforeTime, r.BeforeID = ms, id
	}
	return r, nil
}

func (r *Row) cursor() string { return fmt.Sprintf("%d-%s", r.StartedAt, r.ID) }
