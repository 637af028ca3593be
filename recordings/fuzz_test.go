package recordings

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
)

// FuzzCursor: a cursor from outside is refused, or is one that we would write.
func FuzzCursor(f *testing.F) {
	f.Add("1700000000000-PS170000000000012345")
	f.Add("-1-PS170000000000012345")
	f.Add("1-PS1")
	f.Add("' OR 1")
	h := &houseKeys{}
	f.Fuzz(func(t *testing.T, cursor string) {
		q, err := h.rowQuery(Query{Cursor: cursor})
		if err != nil || cursor == "" {
			return
		}
		again, err := h.rowQuery(Query{Cursor: (&Row{StartedAt: q.BeforeTime, ID: q.BeforeID}).cursor()})
		if err != nil || again.BeforeTime != q.BeforeTime || again.BeforeID != q.BeforeID {
			t.Fatalf("%q reads as %+v, and that as %+v, %v", cursor, q, again, err)
		}
	})
}

// FuzzRow: whatever stands in a changed row, it decodes or fails; numbers
// never open from what was not sealed.
func FuzzRow(f *testing.F) {
	h := &houseKeys{index: seal.NewKey(), rows: seal.NewKey()}
	subject := seal.NewKey()
	id := "PS170000000000012345"
	good, err := h.row(Call{ID: id, From: "+861", StartedAt: time.UnixMilli(1700000000000)}, subject, "k", time.Now())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good.Doc, good.Personal, good.MAC)
	f.Add([]byte(`{"id":"PS170000000000012345"}`), []byte{1}, []byte{})
	f.Add([]byte(`null`), []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, doc, personal, mac []byte) {
		r := good
		r.Doc, r.Personal, r.MAC = doc, personal, mac
		same := string(doc) == string(good.Doc) && string(personal) == string(good.Personal)
		if h.whole(&r) != (same && string(mac) == string(good.MAC)) {
			t.Fatal("the MAC does not tell what is changed")
		}
		c, err := r.call()
		if err != nil {
			return
		}
		if _, err := json.Marshal(c); err != nil {
			t.Skip() // a year beyond 9999
		}
		if err := r.openPersonal(&c, subject); err == nil && string(personal) != string(good.Personal) {
			t.Fatal("numbers opened that were never sealed")
		}
	})
}

// FuzzHead: a head proves nothing unless the key made it.
func FuzzHead(f *testing.F) {
	k := seal.NewKey()
	f.Add("ivrd-audit-head 7 abc " + auditMAC(k, "head", 7, "abc"))
	f.Add("ivrd-audit-head 0  ")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		h := parseHead(text)
		if h.proved(k) && !strings.Contains(text, auditMAC(k, "head", h.seq, h.hash)) {
			t.Fatal("a head is proved without its MAC")
		}
	})
}
