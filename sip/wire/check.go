package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
)

// check validates what every element must understand of a message (RFC 3261
// §8.2, §16.3) and rewrites those headers in canonical form.
func (m *Message) check() *Fault {
	for _, step := range []func() *Fault{m.checkOnce, m.checkVias, m.checkParties, m.checkCSeq, m.checkNumbers, m.checkAddresses, m.checkTarget} {
		if f := step(); f != nil {
			if m.Status > 0 {
				return drop(f.Reason)
			}
			return f
		}
	}
	return nil
}

func (m *Message) checkOnce() *Fault {
	for _, name := range mandatory() {
		if m.count(name) == 0 {
			return bad("Missing " + name)
		}
	}
	for _, name := range single() {
		if m.count(name) > 1 {
			return bad("Duplicate " + name)
		}
	}
	m.CallID = m.Get("Call-ID")
	if m.CallID == "" || strings.ContainsAny(m.CallID, " \t,;\x00") {
		return bad("Bad Call-ID")
	}
	return nil
}

func (m *Message) checkVias() *Fault {
	values := m.Values("Via")
	if len(values) == 0 {
		return bad("Missing Via")
	}
	if len(values) > MaxVias {
		return bad("Too Many Vias")
	}
	// Only the topmost is ours to understand; the others are copied.
	top, ok := ParseVia(values[0])
	if !ok {
		return bad("Bad Via")
	}
	m.Via = top
	values[0] = top.String()
	m.replace("Via", values)
	return nil
}

func (m *Message) checkParties() *Fault {
	var ok bool
	if m.From, ok = ParseAddress(m.Get("From")); !ok || m.From.Any {
		return bad("Bad From")
	}
	if m.To, ok = ParseAddress(m.Get("To")); !ok || m.To.Any {
		return bad("Bad To")
	}
	m.replace("From", []string{m.From.String()})
	m.replace("To", []string{m.To.String()})
	return nil
}

// checkCSeq: a number below 2**31 and the method of the request (§8.1.1.5).
func (m *Message) checkCSeq() *Fault {
	number, method, _ := strings.Cut(m.Get("CSeq"), " ")
	method = strings.TrimSpace(method)
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil || !isToken(method) {
		return bad("Bad CSeq")
	}
	if m.Status == 0 && method != m.Method {
		return bad("CSeq Method Mismatch")
	}
	m.CSeq = uint32(n)
	m.replace("CSeq", []string{strconv.FormatUint(n, 10) + " " + method})
	m.addBranch()
	return nil
}

// addBranch gives a request of RFC 2543 (no branch, or none with the magic
// cookie) one that its retransmissions and its ACK share, so that those who
// match transactions need only one rule (§17.2.3).
func (m *Message) addBranch() {
	const cookie = "z9hG4bK"
	if b := m.Via.Branch(); m.Status > 0 || len(b) > len(cookie) && strings.HasPrefix(b, cookie) {
		return
	}
	sum := sha256.Sum256([]byte(m.CallID + "\x00" + m.From.Tag() + "\x00" + strconv.Itoa(int(m.CSeq)) + "\x00" + m.Via.String()))
	via := m.Via
	via.Params = slices.Clone(via.Params)
	via.set("branch", cookie+"-2543-"+hex.EncodeToString(sum[:8]))
	m.Via = via
	values := m.Values("Via")
	values[0] = via.String()
	m.replace("Via", values)
}

func (m *Message) checkNumbers() *Fault {
	if m.Status > 0 {
		return nil
	}
	for name, limit := range map[string]uint64{"Max-Forwards": 255, "Expires": 1<<32 - 1, "Min-SE": 1<<32 - 1, "RSeq": 1<<32 - 1} {
		if !m.Has(name) {
			continue
		}
		value, _, _ := strings.Cut(m.Get(name), ";")
		if n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64); err != nil || n > limit {
			return bad("Bad " + name)
		}
	}
	if !m.Has("Max-Forwards") { // RFC 2543 did not have it
		m.Headers = append(m.Headers, Header{"Max-Forwards", "70"})
	}
	return nil
}

// checkAddresses rewrites the headers that hold lists of addresses.
func (m *Message) checkAddresses() *Fault {
	for _, name := range []string{"Contact", "Route", "Record-Route"} {
		values := m.Values(name)
		for i, v := range values {
			a, ok := ParseAddress(v)
			if !ok || a.Any && (name != "Contact" || len(values) > 1) || name == "Contact" && m.setsTarget() && !a.URI.IsSIP() {
				return bad("Bad " + name)
			}
			values[i] = a.String()
		}
		if len(values) > 0 {
			m.replace(name, values)
		} else if m.Has(name) {
			return bad("Bad " + name)
		}
	}
	if m.Method == "INVITE" && m.count("Contact") != 1 {
		return bad("Missing Contact")
	}
	return nil
}

// setsTarget reports whether requests of the dialog will go to the Contact of
// this one, so that it must be one SIP URI (§8.1.1.8, RFC 3311 §5.1).
func (m *Message) setsTarget() bool { return m.Method == "INVITE" || m.Method == "UPDATE" }

func (m *Message) checkTarget() *Fault {
	if m.Status > 0 {
		return nil
	}
	var ok bool
	if m.Target, ok = ParseURI(m.URI); !ok {
		return bad("Bad Request-URI")
	}
	if !m.Target.IsSIP() {
		return &Fault{Status: 416, Reason: "Unsupported URI Scheme"}
	}
	m.URI = m.Target.String()
	return nil
}

// replace puts values, one a line, where the first field of the name stood.
func (m *Message) replace(name string, values []string) {
	out := make([]Header, 0, len(m.Headers)+len(values))
	done := false
	for _, h := range m.Headers {
		if h.Name != name {
			out = append(out, h)
			continue
		}
		if !done {
			for _, v := range values {
				out = append(out, Header{name, v})
			}
			done = true
		}
	}
	m.Headers = out
}

// Supports is what the user agent behind the check can do.
type Supports struct {
	Methods []string // answered, and named by Allow
	Options []string // option tags of Require
}

// Judge applies the rules of a user agent server (§8.2) to a valid request
// that no dialog has been looked up for. ACK is never answered, so a Fault of
// an ACK means to drop it.
func (m *Message) Judge(s Supports) *Fault {
	f := m.judge(s)
	if f != nil && m.Method == "ACK" {
		return drop(f.Reason)
	}
	return f
}

func (m *Message) judge(s Supports) *Fault {
	if !slices.Contains(s.Methods, m.Method) {
		return m.wrongMethod(s)
	}
	if m.Method == "CANCEL" || m.Method == "ACK" {
		return nil // §8.2.2.3: Require does not count here
	}
	var unsupported []string
	for _, tag := range m.Values("Require") {
		if !slices.Contains(s.Options, strings.ToLower(tag)) {
			unsupported = append(unsupported, tag)
		}
	}
	if len(unsupported) > 0 {
		return &Fault{Status: 420, Reason: "Bad Extension", Extra: []Header{{"Unsupported", strings.Join(unsupported, ", ")}}}
	}
	return m.judgeBody()
}

func (m *Message) wrongMethod(s Supports) *Fault {
	switch {
	case !isKnownMethod(m.Method):
		return &Fault{Status: 501, Reason: "Not Implemented"}
	case m.Method == "REFER" && m.To.Tag() == "":
		// Whoever is not in a call with us has nothing to transfer.
		return &Fault{Status: 403, Reason: "Forbidden"}
	default:
		return &Fault{
			Status: 405, Reason: "Method Not Allowed",
			Extra: []Header{{"Allow", strings.Join(s.Methods, ", ")}},
		}
	}
}

// judgeBody refuses what the methods that negotiate cannot read (§8.2.3).
func (m *Message) judgeBody() *Fault {
	if !slices.Contains([]string{"INVITE", "UPDATE", "PRACK"}, m.Method) {
		return nil
	}
	if accept := m.Values("Accept"); m.Method == "INVITE" && m.Has("Accept") && !slices.ContainsFunc(accept, acceptsSDP) {
		return &Fault{Status: 406, Reason: "Not Acceptable"}
	}
	if len(m.Body) == 0 {
		return nil
	}
	if enc := m.Get("Content-Encoding"); enc != "" && !strings.EqualFold(enc, "identity") {
		return &Fault{Status: 415, Reason: "Unsupported Media Type", Extra: []Header{{"Accept-Encoding", "identity"}}}
	}
	if mediaType(m.Get("Content-Type")) != "application/sdp" {
		return &Fault{Status: 415, Reason: "Unsupported Media Type", Extra: []Header{{"Accept", "application/sdp"}}}
	}
	return nil
}

func mediaType(s string) string {
	s, _, _ = strings.Cut(s, ";")
	return strings.ToLower(strings.ReplaceAll(strings.TrimSpace(s), " ", ""))
}

func acceptsSDP(s string) bool {
	return slices.Contains([]string{"application/sdp", "application/*", "*/*"}, mediaType(s))
}
