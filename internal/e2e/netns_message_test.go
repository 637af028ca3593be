package e2e

import (
	"crypto/md5" //nolint:gosec // what digest is made of (RFC 8760)
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// message is SIP as it stands on the wire, read and written by hand: a peer
// that is built on the code under test would share its mistakes.
type message struct {
	first   string
	headers []string
	body    string
}

func parseMessage(b []byte) message {
	head, body, _ := strings.Cut(string(b), "\r\n\r\n")
	lines := strings.Split(head, "\r\n")
	return message{first: lines[0], headers: lines[1:], body: body}
}

func (m message) bytes() []byte {
	text := m.first + "\r\n" + strings.Join(m.headers, "\r\n") + "\r\n"
	if m.body != "" {
		text += "Content-Type: application/sdp\r\n"
	}
	return []byte(text + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(m.body), m.body))
}

// get is the value of the first header of a name.
func (m message) get(name string) string {
	for _, h := range m.headers {
		if key, value, _ := strings.Cut(h, ":"); strings.EqualFold(strings.TrimSpace(key), name) {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// method of a request, or of the request that a response answers.
func (m message) method() string {
	if m.status() == 0 {
		return m.first[:max(strings.IndexByte(m.first, ' '), 0)]
	}
	_, method, _ := strings.Cut(m.get("CSeq"), " ")
	return method
}

// status of a response, 0 for a request.
func (m message) status() int {
	text, ok := strings.CutPrefix(m.first, "SIP/2.0 ")
	if !ok || len(text) < 3 {
		return 0
	}
	code, _ := strconv.Atoi(text[:3])
	return code
}

// uri is the Request-URI.
func (m message) uri() string {
	parts := strings.Split(m.first, " ")
	return parts[min(1, len(parts)-1)]
}

// answer makes a response. to is the To value with our tag; source goes into
// the Via as RFC 3581 asks.
func (m message) answer(status, to, source string, extra ...string) message {
	host, port, _ := strings.Cut(source, ":")
	via := regexp.MustCompile(`;rport\b`).ReplaceAllString(m.get("Via"), ";rport="+port+";received="+host)
	r := message{first: "SIP/2.0 " + status}
	r.headers = append([]string{
		"Via: " + via, "From: " + m.get("From"), "To: " + to, "Call-ID: " + m.get("Call-ID"), "CSeq: " + m.get("CSeq"),
	}, extra...)
	return r
}

// angled is the URI between the angle brackets of a header.
func angled(value string) string {
	_, value, _ = strings.Cut(value, "<")
	value, _, _ = strings.Cut(value, ">")
	return value
}

// parameter of a digest header.
func parameter(header, name string) string {
	found := regexp.MustCompile(`[ ,]` + name + `="?([^",]*)`).FindStringSubmatch(header)
	if found == nil {
		return ""
	}
	return found[1]
}

func md5Hex(text string) string {
	sum := md5.Sum([]byte(text)) //nolint:gosec // as RFC 2617 has it
	return hex.EncodeToString(sum[:])
}

// proves reports whether an Authorization answers our MD5 challenge with
// qop=auth (RFC 2617 §3.2.2.1).
func proves(header, method, realm, nonce, user, secret string) bool {
	one := md5Hex(user + ":" + realm + ":" + secret)
	two := md5Hex(method + ":" + parameter(header, "uri"))
	want := md5Hex(strings.Join([]string{one, nonce, parameter(header, "nc"), parameter(header, "cnonce"), "auth", two}, ":"))
	return parameter(header, "username") == user && parameter(header, "nonce") == nonce && parameter(header, "response") == want
}

// describe is an SDP that offers PCMA and telephone-event.
func describe(host string, port uint16) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 %[1]s\r\ns=-\r\nc=IN IP4 %[1]s\r\nt=0 0\r\n"+
		"m=audio %[2]d RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\n", host, port)
}
