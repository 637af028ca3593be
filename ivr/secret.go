package ivr

import (
	"fmt"
	"log/slog"
)

// hidden is what a Secret shows of itself.
const hidden = "•••"

// Secret holds keys that a caller pressed. It cannot be printed, logged or
// marshalled: every such way gives "•••". Copies share the same bytes, so
// that Wipe ends all of them. The zero value is empty.
type Secret struct {
	// fmt reads the unexported fields of a struct around a Secret without
	// asking the methods below. It follows one pointer at times, never two.
	keys **[]byte
}

// NewSecret takes keys over; the caller must not use the slice again.
func NewSecret(keys []byte) Secret {
	p := &keys
	return Secret{keys: &p}
}

// Reveal returns the keys themselves, not a copy. It is the only way to them.
func (s Secret) Reveal() []byte {
	if s.keys == nil {
		return nil
	}
	return **s.keys
}

// Len is the number of keys.
func (s Secret) Len() int { return len(s.Reveal()) }

// Wipe overwrites the keys, in every copy, and leaves them empty.
func (s Secret) Wipe() {
	if s.keys == nil {
		return
	}
	clear(**s.keys)
	**s.keys = nil
}

func (Secret) String() string { return hidden }

// GoString hides the keys from %#v.
func (Secret) GoString() string { return hidden }

// Format hides the keys from every verb of fmt.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(hidden)) }

// MarshalJSON hides the keys.
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + hidden + `"`), nil }

// MarshalText hides the keys.
func (Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }

// MarshalYAML hides the keys.
func (Secret) MarshalYAML() (any, error) { return hidden, nil }

// LogValue hides the keys from log/slog.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }
