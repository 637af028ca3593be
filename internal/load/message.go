package load

import (
	"bytes"
	"errors"
	"strconv"
	"strings"
)

// message is a SIP message as far as a caller needs to understand it (RFC 3261 §7).
type message struct {
	method, uri string // of a request
	status      int    // of a response
	reason      string
	headers     []header
	body        []byte
}

type header struct{ name, value string }

var errMessage = errors.New("read SIP message: it is malformed")

// parseMessage reads a datagram. The result does not share its memory.
func parseMessage(data []byte) (*message, error) {
	head, body, ok := bytes.Cut(data, []byte("\r\n\r\n"))
	if !ok {
		return nil, errMessage
	}
	text := string(head)
	first, rest, _ := strings.Cut(text, "\r\n")
	m := &message{body: bytes.Clone(body)}
	if !m.parseStart(first) || !m.parseHeaders(rest) {
		return nil, errMessage
	}
	if n, err := strconv.Atoi(m.get("Content-Length")); err == nil && n >= 0 && n < len(m.body) {
		m.body = m.body[:n]
	}
	if m.get("Call-ID") == "" || m.get("CSeq") == "" || m.get("Via") == "" {
		return nil, errMessage
	}
	return m, nil
}

func (m *message) parseStart(line string) bool {
	a, rest, ok := strings.Cut(line, " ")
	b, c, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || a == "" {
		return false
	}
	if a == "SIP/2.0" {
		n, err := strconv.Atoi(b)
		m.status, m.reason = n, c
		return err == nil && n >= 100 && n <= 699
	}
	m.method, m.uri = a, b
	return b != "" && c == "SIP/2.0"
}

// parseHeaders splits lines; a line that begins with white space goes on with
// the one before (§7.3.1).
func (m *message) parseHeaders(text string) bool {
	for line := range strings.SplitSeq(text, "\r\n") {
		if strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") {
			if len(m.headers) == 0 {
				return false
			}
			m.headers[len(m.headers)-1].value += " " + strings.TrimSpace(line)
			continue
		}
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return false
		}
		m.headers = append(m.headers, header{long(strings.TrimSpace(name)), strings.TrimSpace(value)})
	}
	return true
}

// long is the full name of a header that may have come in its compact form.
func long(name string) string {
	if len(name) > 1 {
		return name
	}
	switch strings.ToLower(name) {
	case "v":
		return "Via"
	case "f":
		return "From"
	case "t":
		return "To"
	case "i":
		return "Call-ID"
	case "m":
		return "Contact"
	case "l":
		return "Content-Length"
	case "c":
		return "Content-Type"
	case "x":
		return "Session-Expires"
	}
	return name
}

// get is the value of the first header of a name.
func (m *message) get(name string) string {
	for _, h := range m.headers {
		if strings.EqualFold(h.name, name) {
			return h.value
		}
	}
	return ""
}

func (m *message) all(name string) []string {
	var out []string
	for _, h := range m.headers {
		if strings.EqualFold(h.name, name) {
			out = append(out, h.value)
		}
	}
	return out
}

// cseq is the number and method of CSeq; zero and "" when it is malformed.
func (m *message) cseq() (int, string) {
	number, method, _ := strings.Cut(m.get("CSeq"), " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		return 0, ""
	}
	return n, strings.TrimSpace(method)
}

// branch is that of the topmost Via.
func (m *message) branch() string { return param(m.get("Via"), "branch") }

// param is a parameter of a header's first value that stands behind its
// address.
func param(value, name string) string {
	if _, after, ok := strings.Cut(value, ">"); ok {
		value = after
	}
	for part := range strings.SplitSeq(value, ";") {
		part, _, _ = strings.Cut(part, ",")
		if k, v, ok := strings.Cut(part, "="); ok && strings.EqualFold(strings.TrimSpace(k), name) {
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// uriOf is the URI of an address such as From or Contact.
func uriOf(address string) string {
	if _, after, ok := strings.Cut(address, "<"); ok {
		uri, _, _ := strings.Cut(after, ">")
		return uri
	}
	uri, _, _ := strings.Cut(address, ";")
	return strings.TrimSpace(uri)
}

// userOf is the user part of a URI.
func userOf(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	user, _, ok := strings.Cut(rest, "@")
	if !ok {
		return ""
	}
	return user
}

// hostOf is the host part of a URI, with its port when there is one.
func hostOf(uri string) string {
	_, rest, _ := strings.Cut(uri, ":")
	if _, host, ok := strings.Cut(rest, "@"); ok {
		rest = host
	}
	host, _, _ := strings.Cut(rest, ";")
	return host
}

// lines builds a message.
type lines struct{ strings.Builder }

func (l *lines) line(parts ...string) {
	for _, p := range parts {
		l.WriteString(p)
	}
	l.WriteString("\r\n")
}

// end writes the body and returns the message.
func (l *lines) end(contentType string, body []byte) []byte {
	if len(body) > 0 {
		l.line("Content-Type: ", contentType)
	}
	l.line("Content-Length: ", strconv.Itoa(len(body)))
	l.line()
	l.Write(body)
	return []byte(l.String())
}

// reply begins the answer to a request (§8.2.6.2).
func reply(m *message, status int, reason, tag string) *lines {
	l := &lines{}
	l.line("SIP/2.0 ", strconv.Itoa(status), " ", reason)
	for _, name := range []string{"Via", "Record-Route", "From", "To", "Call-ID", "CSeq"} {
		for _, v := range m.all(name) {
			if name == "To" && tag != "" && param(v, "tag") == "" {
				v += ";tag=" + tag
			}
			l.line(name, ": ", v)
		}
	}
	return l
}
