// Package obs is how ivrd is watched: log lines that hold no personal numbers
// and no secrets, and the metrics registry.
package obs

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/ivrd/ivrd/transcript"
)

// MaxText is the longest text in a log line, in bytes; the rest is cut off.
const MaxText = 2048

// redacted replaces what must not be logged at all.
const redacted = "[redacted]"

// NewLogger writes lines to w in format "json" or "text", masked.
func NewLogger(w io.Writer, format string, level slog.Leveler) (*slog.Logger, error) {
	options := &slog.HandlerOptions{Level: level}
	switch format {
	case "json":
		return slog.New(NewHandler(slog.NewJSONHandler(w, options))), nil
	case "text":
		return slog.New(NewHandler(slog.NewTextHandler(w, options))), nil
	}
	return nil, fmt.Errorf(`choose log format %q: want "json" or "text"`, format)
}

// Handler masks what it passes on: personal numbers in messages and values,
// values under keys that name secrets, control characters, and length.
type Handler struct {
	next slog.Handler
}

// NewHandler wraps the handler that writes.
func NewHandler(next slog.Handler) *Handler { return &Handler{next} }

// Enabled asks the handler that writes.
func (h *Handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.next.Enabled(ctx, level)
}

// Handle masks a record.
func (h *Handler) Handle(ctx context.Context, r slog.Record) error {
	masked := slog.NewRecord(r.Time, r.Level, text(r.Message), r.PC)
	r.Attrs(func(a slog.Attr) bool {
		masked.AddAttrs(attr(a))
		return true
	})
	return h.next.Handle(ctx, masked)
}

// WithAttrs masks the attributes once, for all lines to come.
func (h *Handler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Handler{h.next.WithAttrs(maskAttrs(attrs))}
}

// WithGroup opens a group.
func (h *Handler) WithGroup(name string) slog.Handler {
	return &Handler{h.next.WithGroup(text(name))}
}

func maskAttrs(attrs []slog.Attr) []slog.Attr {
	masked := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		masked[i] = attr(a)
	}
	return masked
}

func attr(a slog.Attr) slog.Attr {
	if denied(a.Key) {
		return slog.String(text(a.Key), redacted)
	}
	return slog.Attr{Key: text(a.Key), Value: value(a.Value)}
}

// largest is the greatest integer that is left alone: shorter ones are ports,
// counts, SSRCs and RTP times.
const largest = 9_999_999_999

func value(v slog.Value) slog.Value {
	v = v.Resolve()
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(text(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(maskAttrs(v.Group())...)
	case slog.KindInt64:
		if n := v.Int64(); n > largest {
			return integer(v)
		}
	case slog.KindUint64:
		if n := v.Uint64(); n > largest {
			return integer(v)
		}
	case slog.KindAny:
		return slog.StringValue(text(plain(v.Any())))
	}
	return v
}

// integer keeps a large number a number unless it is a personal one.
func integer(v slog.Value) slog.Value {
	s := v.String()
	if masked := transcript.Mask(s); masked != s {
		return slog.StringValue(masked)
	}
	return v
}

// plain writes a value of any type as the text that is then masked. A type that
// knows how it is written (an error, a Secret) is asked.
func plain(v any) string {
	switch v := v.(type) {
	case nil:
		return "<nil>"
	case []byte: // packets and messages: raw, whatever they are
		return fmt.Sprintf("[%d bytes]", len(v))
	case error, fmt.Stringer, fmt.Formatter:
		return fmt.Sprintf("%+v", v)
	case json.Marshaler:
		if b, err := v.MarshalJSON(); err == nil {
			return string(b)
		}
	case encoding.TextMarshaler:
		if b, err := v.MarshalText(); err == nil {
			return string(b)
		}
	}
	return fmt.Sprintf("%+v", v)
}

// denied reports whether a key names something that is never logged. Words of
// the key are compared, so that "pin_code" is denied and "spinning" is not.
func denied(key string) bool {
	start := 0
	for i, r := range key {
		boundary := !unicode.IsLetter(r) && !unicode.IsDigit(r)
		if boundary || unicode.IsUpper(r) && i > 0 && lowerBefore(key, i) {
			if secretWord(key[start:i]) {
				return true
			}
			start = i
			if boundary {
				start += utf8.RuneLen(r)
			}
		}
	}
	return secretWord(key[min(start, len(key)):])
}

func lowerBefore(key string, i int) bool {
	r, _ := utf8.DecodeLastRuneInString(key[:i])
	return unicode.IsLower(r)
}

func secretWord(word string) bool {
	switch strings.ToLower(word) {
	case "password", "passwd", "pin", "secret", "digits", "digit", "dtmf", "authorization", "cookie", "token", "otp", "ha1", "apikey":
		return true
	}
	return false
}

// text bounds, masks and escapes.
func text(s string) string {
	return escape(transcript.Mask(bound(s)))
}

// bound cuts a text that is too long. Digits at the cut go with it: they may
// be half of a number that the masking would no longer know.
func bound(s string) string {
	if len(s) <= MaxText {
		return s
	}
	cut := MaxText
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	head := strings.TrimRightFunc(s[:cut], func(r rune) bool {
		return !unicode.IsLetter(r) || strings.ContainsRune("零〇一二三四五六七八九幺两", r)
	})
	return head + "…"
}

// escape writes control characters, and those that change the direction or the
// lines of a text, as \uXXXX, so that no value can forge a line or hide in one.
func escape(s string) string {
	clean := strings.IndexFunc(s, unsafe)
	if clean < 0 && utf8.ValidString(s) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unsafe(r) {
			fmt.Fprintf(&b, "\\u%04x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

func unsafe(r rune) bool {
	return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029'
}
