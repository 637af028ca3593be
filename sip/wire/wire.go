// Package wire reads SIP messages as they come from the network: it frames,
// parses strictly, judges and normalises them, and builds the answers to bad
// ones. It keeps no state and opens no socket, so that every byte from
// outside meets code that can be fuzzed alone.
//
// A message that passes is written again in one canonical form (long header
// names, no folding, no white space before a colon, one value of Via, Route
// and Contact a line). Whoever parses it next cannot understand it otherwise
// than we did: header tricks such as "P-Asserted-Identity :" end here.
package wire

import (
	"bytes"
	"slices"
	"strconv"
	"strings"
)

// Limits of one message. A telephone's INVITE has about 20 headers.
const (
	MaxHeaders = 200
	MaxVias    = 70 // Max-Forwards of a fresh request: no path can be longer
)

// Header is one header field; Name is canonical ("Call-ID", never "i").
type Header struct{ Name, Value string }

// Message is a request or a response.
type Message struct {
	Method, URI string // of a request
	Status      int    // of a response; 0 for a request
	Reason      string
	Version     string // "SIP/2.0"
	Headers     []Header
	Body        []byte

	// What validation found, in parsed form.
	Via      Via // the topmost
	From, To Address
	Target   URI // of the request line
	CSeq     uint32
	CallID   string
}

// Get returns the first value of a header, by canonical name.
func (m *Message) Get(name string) string {
	for _, h := range m.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// Has reports whether a header is there, by canonical name.
func (m *Message) Has(name string) bool { return m.count(name) > 0 }

// Values returns the comma-separated values of all fields of a header.
func (m *Message) Values(name string) []string {
	var out []string
	for _, h := range m.Headers {
		if h.Name == name {
			out = append(out, SplitList(h.Value)...)
		}
	}
	return out
}

func (m *Message) count(name string) int {
	n := 0
	for _, h := range m.Headers {
		if h.Name == name {
			n++
		}
	}
	return n
}

// Bytes writes the message in canonical form. Content-Length is set from the
// body.
func (m *Message) Bytes() []byte {
	var b bytes.Buffer
	if m.Status > 0 {
		b.WriteString("SIP/2.0 " + strconv.Itoa(m.Status) + " " + m.Reason)
	} else {
		b.WriteString(m.Method + " " + m.URI + " SIP/2.0")
	}
	b.WriteString("\r\n")
	for _, h := range m.Headers {
		if h.Name == "Content-Length" {
			continue
		}
		b.WriteString(h.Name + ": " + h.Value + "\r\n")
	}
	b.WriteString("Content-Length: " + strconv.Itoa(len(m.Body)) + "\r\n\r\n")
	b.Write(m.Body)
	return b.Bytes()
}

// SplitList splits a header value at commas outside quotes and brackets.
func SplitList(s string) []string {
	var out []string
	for _, part := range splitOutside(s, ',') {
		if part = strings.TrimSpace(part); part != "" {
			out = append(out, part)
		}
	}
	return out
}

// splitOutside splits s at sep where it stands outside of "…" and <…>.
func splitOutside(s string, sep byte) []string {
	var out []string
	start, quoted, bracket := 0, false, false
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case quoted && c == '\\':
			i++
		case c == '"' && !bracket:
			quoted = !quoted
		case quoted:
		case c == '<':
			bracket = true
		case c == '>':
			bracket = false
		case c == sep && !bracket:
			out = append(out, s[start:i])
			start = i + 1
		}
	}
	return append(out, s[start:])
}

// canonicalName maps every spelling of a header name to one: RFC 3261 §7.3.3
// compact forms, and the headers that the rest of ivrd reads by name. Names
// that nobody reads are kept in title case, so that two spellings still meet.
func canonicalName(name string) string {
	lower := strings.ToLower(name)
	if long, ok := knownName(lower); ok {
		return long
	}
	parts := strings.Split(lower, "-")
	for i, p := range parts {
		if p != "" {
			parts[i] = strings.ToUpper(p[:1]) + p[1:]
		}
	}
	return strings.Join(parts, "-")
}

func knownName(lower string) (string, bool) {
	switch lower {
	case "v":
		return "Via", true
	case "f":
		return "From", true
	case "t":
		return "To", true
	case "i", "call-id":
		return "Call-ID", true
	case "m":
		return "Contact", true
	case "c":
		return "Content-Type", true
	case "l":
		return "Content-Length", true
	case "e":
		return "Content-Encoding", true
	case "k":
		return "Supported", true
	case "s":
		return "Subject", true
	case "r":
		return "Refer-To", true
	case "b":
		return "Referred-By", true
	case "o":
		return "Event", true
	case "u":
		return "Allow-Events", true
	case "x":
		return "Session-Expires", true
	case "a":
		return "Accept-Contact", true
	case "y":
		return "Identity", true
	case "cseq":
		return "CSeq", true
	case "www-authenticate":
		return "WWW-Authenticate", true
	case "rseq":
		return "RSeq", true
	case "rack":
		return "RAck", true
	case "min-se":
		return "Min-SE", true
	case "mime-version":
		return "MIME-Version", true
	}
	return "", false
}

// isToken says whether s is a token of RFC 3261 §25.1.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return !isTokenRune(r) })
}

func isTokenRune(r rune) bool {
	switch {
	case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
		return true
	}
	return strings.ContainsRune("-.!%*_+`'~", r)
}

// mandatory are the headers that each message has exactly once.
func mandatory() []string { return []string{"From", "To", "Call-ID", "CSeq"} }

// single are the headers that may stand once at most.
func single() []string {
	return []string{
		"From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length", "Content-Type",
		"Expires", "Content-Encoding", "Session-Expires", "Min-SE", "RSeq", "RAck",
	}
}

// isKnownMethod tells methods that SIP defines from words that it does not:
// 405 for the first, 501 for the second.
func isKnownMethod(m string) bool {
	return slices.Contains([]string{
		"INVITE", "ACK", "CANCEL", "BYE", "REGISTER", "OPTIONS", "SUBSCRIBE",
		"NOTIFY", "REFER", "INFO", "MESSAGE", "PRACK", "UPDATE", "PUBLISH",
	}, m)
}
