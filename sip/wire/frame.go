package wire

import "bytes"

// Frame finds the end of the first message of a stream (RFC 3261 §18.3). It
// returns its length, or 0 when more bytes are needed. A Fault means that the
// stream cannot be followed any more: answer what was read, then close.
func Frame(data []byte, limit int) (int, *Message, *Fault) {
	end := bytes.Index(data, []byte("\r\n\r\n"))
	if end < 0 {
		if len(data) > limit {
			return 0, headOnly(data), &Fault{Status: 513, Reason: "Message Too Large"}
		}
		return 0, nil, nil
	}
	m := headOnly(data[:end])
	if m == nil {
		return 0, nil, drop("not SIP")
	}
	n, f := m.contentLength()
	switch {
	case f != nil:
		return 0, m, f
	case n < 0:
		return 0, m, bad("Missing Content-Length")
	case end+4+n > limit:
		return 0, m, &Fault{Status: 513, Reason: "Message Too Large"}
	case end+4+n > len(data):
		return 0, nil, nil
	}
	return end + 4 + n, nil, nil
}

// headOnly reads start line and headers; nil when it is no SIP.
func headOnly(head []byte) *Message {
	start, lines, _ := bytes.Cut(head, []byte("\r\n"))
	m := &Message{}
	if f := m.parseStart(string(start)); f != nil && f.Status == 0 {
		return nil
	}
	_ = m.parseHeaders(lines) // as far as it can be read: it will be refused
	return m
}

// KeepAlive measures the CR LF pairs before a message (RFC 5626 §3.5.1): n
// bytes to skip, and whether they hold a ping (two pairs).
func KeepAlive(data []byte) (n int, ping bool) {
	for bytes.HasPrefix(data[n:], []byte("\r\n")) {
		n += 2
	}
	return n, n >= 4
}
