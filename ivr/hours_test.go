package ivr

import (
	"testing"
	"time"
)

func TestHours(t *testing.T) {
	flows, faults := Load(map[string][]byte{"f": []byte(`flow: f
languages: [en]
start: a
hours:
  office:
    timezone: Asia/Shanghai
    open:
      mon-fri: 09:00-18:00
      sat: [09:00-12:00, 13:00-15:00]
      sat-mon: 20:00-24:00
    holidays: [12-30..01-02, 02-29, 2026-10-01..2026-10-07]
    days: {2026-10-05: 10:00-11:00, 2026-11-23: closed}
nodes:
  a: {hangup: }
`)})
	for _, f := range faults {
		t.Fatal(f)
	}
	office := flows.Flow("f").hours["office"]
	for _, c := range []struct {
		at            string
		open, holiday bool
	}{
		{"2026-11-20T08:59:59+08:00", false, false}, // a Friday
		{"2026-11-20T09:00:00+08:00", true, false},
		{"2026-11-20T17:59:59+08:00", true, false},
		{"2026-11-20T18:00:00+08:00", false, false},
		{"2026-11-20T01:00:00Z", true, false},
		{"2026-11-20T10:00:00Z", false, false},
		{"2026-11-21T12:30:00+08:00", false, false},
		{"2026-11-21T14:00:00+08:00", true, false},
		{"2026-11-22T23:59:00+08:00", true, false},
		{"2026-11-24T23:59:00+08:00", false, false},
		{"2026-11-23T10:00:00+08:00", false, false}, // a special day, closed
		{"2026-10-01T10:00:00+08:00", false, true},
		{"2026-10-05T10:30:00+08:00", true, true}, // a special day in a holiday
		{"2026-10-05T12:00:00+08:00", false, true},
		{"2026-10-08T10:00:00+08:00", true, false},
		{"2025-10-01T10:00:00+08:00", true, false}, // another year
		{"2026-12-31T10:00:00+08:00", false, true}, // every year, over its end
		{"2027-01-01T10:00:00+08:00", false, true},
		{"2027-01-04T10:00:00+08:00", true, false},
		{"2028-02-29T10:00:00+08:00", false, true},
	} {
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if office.open(at) != c.open || office.holiday(at) != c.holiday {
			t.Errorf("%s: open %v, holiday %v", c.at, office.open(at), office.holiday(at))
		}
	}
}
