package intent

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/transcript"
)

// Kind of an entity.
type Kind string

// The kinds that are known by rule.
const (
	Amount Kind = "amount" // of money: "1200.50", with a currency when one was said
	Date   Kind = "date"   // "2026-11-05", "2026-W45", "2026-11"
	Time   Kind = "time"   // of day: "15:30"
	Order  Kind = "order"  // number of an order, by a pattern
	Phone  Kind = "phone"  // Chinese mobile and E.164; personal
	Card   Kind = "card"   // bank card, Luhn's check digit holds; personal
	ID     Kind = "id"     // Chinese identity number (GB 11643-1999), its check digit holds; personal
	Number Kind = "number" // seven digits or more that are none of these, as of an account; personal
)

// Entity is something that the caller named.
type Entity struct {
	Kind Kind `json:"kind"`
	// Start and End are byte offsets in the text.
	Start int `json:"start"`
	End   int `json:"end"`
	// Value is the normal form; of personal kinds masked.
	Value string `json:"value"`
	// Currency of an amount (ISO 4217), "" when none was named.
	Currency string `json:"currency,omitempty"`
	// Private is the normal form of personal kinds: digits, with a plus sign where
	// it was said, with the X of an identity number. It does not print.
	Private secret.Text `json:"-"`
}

// Personal reports whether the entity must not be shown in full.
func (e Entity) Personal() bool { return !e.Private.IsZero() }

// DefaultOrder is a pattern for order numbers: two to four letters and six
// digits or more, or "order" with five digits or more.
const DefaultOrder = `(?i)\b[a-z]{2,4}-?\d{6,12}\b|(?:\border\s*(?:number|no\.?|#)?\s*|订单号?)(\d{5,12})`

// Finder finds entities. It does not change after NewFinder.
type Finder struct{ order *regexp.Regexp }

// NewFinder takes a pattern for order numbers, "" for DefaultOrder; where it has
// a group, the group is the number.
func NewFinder(order string) (*Finder, error) {
	if order == "" {
		order = DefaultOrder
	}
	p, err := regexp.Compile(order)
	if err != nil {
		return nil, fmt.Errorf("read order pattern: %w (hint: RE2 syntax)", err)
	}
	return &Finder{p}, nil
}

// longestText in which entities are looked for, in bytes: two minutes of speech.
const longestText = 2048

// Find returns the entities of a text in order; they do not overlap. Dates are
// reckoned from now, in its time zone.
func (f *Finder) Find(text string, now time.Time) []Entity {
	text = clipBytes(text, longestText)
	var found found
	for _, e := range personal(text) {
		found.add(e)
	}
	for _, m := range f.order.FindAllStringSubmatchIndex(text, -1) {
		start, end := m[0], m[1]
		if len(m) > 2 && m[2] >= 0 {
			start, end = m[2], m[3]
		}
		if end > start {
			found.add(Entity{Kind: Order, Start: start, End: end, Value: strings.ToUpper(text[start:end])})
		}
	}
	for _, find := range []func(string) []Entity{amounts, func(t string) []Entity { return dates(t, now) }, times, numbers} {
		for _, e := range find(text) {
			found.add(e)
		}
	}
	slices.SortFunc(found, func(a, b Entity) int { return a.Start - b.Start })
	return found
}

// found are entities without overlaps: who comes first stays.
type found []Entity

func (f *found) add(e Entity) {
	if !slices.ContainsFunc(*f, func(o Entity) bool { return e.Start < o.End && o.Start < e.End }) {
		*f = append(*f, e)
	}
}

// clipBytes shortens a text to n bytes at a rune's border.
func clipBytes(text string, n int) string {
	if len(text) <= n {
		return text
	}
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return text[:n]
}

// Mask returns a text with personal numbers masked: those that were found in it,
// also where they are spoken as words, and what transcript.Mask knows. What is
// longer than Find reads is cut off.
func (f *Finder) Mask(text string) string {
	text = clipBytes(text, longestText)
	var b strings.Builder
	done := 0
	for _, e := range f.Find(text, time.Time{}) {
		if !e.Personal() {
			continue
		}
		b.WriteString(text[done:e.Start])
		b.WriteString(e.Value)
		done = e.End
	}
	b.WriteString(text[done:])
	return transcript.Mask(b.String())
}
