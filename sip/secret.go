package sip

import (
	"fmt"
	"log/slog"
)

// Secret is a password that does not print: not by fmt, not by slog, not as
// JSON or YAML. Reveal is the one way to its text.
type Secret string

const redacted = "•••"

// Reveal returns the text.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string { return redacted }

// GoString implements fmt.GoStringer, for %#v.
func (Secret) GoString() string { return redacted }

// Format implements fmt.Formatter, for every verb.
func (Secret) Format(f fmt.State, _ rune) { _, _ = f.Write([]byte(redacted)) }

// MarshalText implements encoding.TextMarshaler.
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue implements slog.LogValuer.
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }
