package wire

import (
	"bytes"
	"strconv"
	"strings"
)

// Fault is why a message is refused. A Fault without Status belongs to
// something that must not be answered: a response, or no SIP at all.
type Fault struct {
	Status int
	Reason string // the phrase of the status line
	Extra  []Header
}

func (f *Fault) Error() string { return strconv.Itoa(f.Status) + " " + f.Reason }

func bad(reason string) *Fault { return &Fault{Status: 400, Reason: reason} }

func drop(reason string) *Fault { return &Fault{Reason: reason} }

// Parse reads one whole datagram or framed message. Together with a Fault it
// returns what could be read, which is enough for Reply when Status is set.
func Parse(data []byte) (*Message, *Fault) {
	head, body, whole := bytes.Cut(data, []byte("\r\n\r\n"))
	start, lines, _ := bytes.Cut(head, []byte("\r\n"))
	m := &Message{}
	startFault := m.parseStart(string(start))
	if startFault != nil && startFault.Status == 0 {
		return nil, startFault
	}
	headerFault := m.parseHeaders(lines)
	if m.Status > 0 && (startFault != nil || headerFault != nil || !whole) {
		return nil, drop("malformed response")
	}
	switch {
	case startFault != nil:
		return m, startFault
	case headerFault != nil:
		return m, headerFault
	case !whole:
		return m, bad("Missing End Of Headers")
	}
	if f := m.setBody(body); f != nil {
		return m, f
	}
	return m, m.check()
}

// parseStart reads the first line (§7.1, §7.2): single spaces, nothing after.
func (m *Message) parseStart(line string) *Fault {
	if len(line) >= 4 && strings.EqualFold(line[:4], "SIP/") {
		return m.parseStatusLine(line)
	}
	version := line[strings.LastIndexByte(strings.TrimRight(line, " \t"), ' ')+1:]
	if !isVersion(strings.TrimSpace(version)) {
		return drop("not SIP")
	}
	m.Version = strings.ToUpper(strings.TrimSpace(version))
	parts := strings.Split(line, " ")
	m.Method = parts[0]
	switch {
	case m.Version != "SIP/2.0":
		return &Fault{Status: 505, Reason: "Version Not Supported"}
	case len(parts) != 3 || version != strings.TrimSpace(version):
		return bad("Bad Request Line")
	case !isToken(m.Method):
		return bad("Bad Method")
	}
	m.URI = parts[1]
	return nil
}

func isVersion(s string) bool {
	return len(s) >= 7 && strings.EqualFold(s[:4], "SIP/") && strings.Trim(s[4:], "0123456789.") == ""
}

func (m *Message) parseStatusLine(line string) *Fault {
	version, rest, _ := strings.Cut(line, " ")
	code, reason, _ := strings.Cut(rest, " ")
	status, err := strconv.ParseUint(code, 10, 16)
	if !strings.EqualFold(version, "SIP/2.0") || err != nil || status < 100 || status > 699 {
		return drop("bad status line")
	}
	m.Version, m.Status, m.Reason = "SIP/2.0", int(status), reason
	return nil
}

// parseHeaders splits and names the header fields. On a fault it goes on, so
// that the answer can carry what was readable.
func (m *Message) parseHeaders(lines []byte) *Fault {
	var fault *Fault
	for len(lines) > 0 {
		var line []byte
		line, lines = unfold(lines)
		if len(line) == 0 {
			continue
		}
		name, value, ok := strings.Cut(string(line), ":")
		name = strings.TrimRight(name, " \t")
		if !ok || !isToken(name) || strings.ContainsAny(value, "\r\n") {
			fault = bad("Bad Header Line")
			continue
		}
		if len(m.Headers) == MaxHeaders {
			return &Fault{Status: 513, Reason: "Message Too Large"}
		}
		m.Headers = append(m.Headers, Header{canonicalName(name), strings.TrimSpace(value)})
	}
	return fault
}

// unfold takes one header field with its continuation lines (§7.3.1); each
// fold becomes one space.
func unfold(data []byte) (line, rest []byte) {
	line, rest, _ = bytes.Cut(data, []byte("\r\n"))
	if len(rest) == 0 || rest[0] != ' ' && rest[0] != '\t' {
		return line, rest
	}
	folded := bytes.Clone(bytes.TrimRight(line, " \t"))
	for len(rest) > 0 && (rest[0] == ' ' || rest[0] == '\t') {
		var next []byte
		next, rest, _ = bytes.Cut(rest, []byte("\r\n"))
		folded = append(append(folded, ' '), bytes.Trim(next, " \t")...)
	}
	return folded, rest
}

// setBody applies Content-Length (§18.3): what is beyond it is thrown away,
// too little is an error. Framed messages have exactly their length.
func (m *Message) setBody(body []byte) *Fault {
	n, f := m.contentLength()
	switch {
	case f != nil:
		return f
	case n < 0:
		m.Body = body
	case n > len(body):
		return bad("Content-Length Beyond Message")
	default:
		m.Body = body[:n]
	}
	return nil
}

// contentLength returns -1 when the header is missing.
func (m *Message) contentLength() (int, *Fault) {
	switch m.count("Content-Length") {
	case 0:
		return -1, nil
	case 1:
	default:
		return 0, bad("Duplicate Content-Length")
	}
	n, err := strconv.ParseUint(m.Get("Content-Length"), 10, 31)
	if err != nil {
		return 0, bad("Bad Content-Length")
	}
	return int(n), nil
}
