// Package secret holds the one type for passwords, tokens and the like.
package secret

import (
	"fmt"
	"io"
	"log/slog"
)

// Hidden is what a secret prints as.
const Hidden = "•••"

// Text is a string that cannot be printed, logged or marshalled: every such
// way gives Hidden, and only Reveal gives it away. The zero value is empty.
//
// The text stands behind a pointer because fmt prints the unexported fields
// of a struct that holds a Text without asking the Text.
type Text struct{ text *string }

// New wraps a secret.
func New(s string) Text { return Text{&s} }

// Reveal returns the secret itself.
func (t Text) Reveal() string {
	if t.text == nil {
		return ""
	}
	return *t.text
}

// IsZero reports whether there is no secret.
func (t Text) IsZero() bool { return t.Reveal() == "" }

func (Text) String() string { return Hidden }

// GoString hides the secret from %#v.
func (Text) GoString() string { return Hidden }

// Format hides the secret from every verb of fmt.
func (Text) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Hidden) }

// LogValue hides the secret from log/slog.
func (Text) LogValue() slog.Value { return slog.StringValue(Hidden) }

// MarshalText hides the secret from JSON, YAML and XML.
func (Text) MarshalText() ([]byte, error) { return []byte(Hidden), nil }

// UnmarshalText takes a secret from a request or a file.
func (t *Text) UnmarshalText(b []byte) error {
	*t = New(string(b))
	return nil
}
