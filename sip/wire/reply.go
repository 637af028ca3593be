package wire

import (
	"net/netip"
	"strconv"
)

// Reply builds an answer to a request that may be malformed: it copies what
// RFC 3261 §8.2.6.2 asks for as far as it could be read, always in SIP/2.0.
// tag goes into To when it has none; source goes into the top Via as
// "received" and "rport" (§18.2.1, RFC 3581 §4).
func Reply(req *Message, source netip.AddrPort, status int, reason, tag string, extra ...Header) []byte {
	return ReplyBody(req, source, status, reason, tag, nil, extra...)
}

// ReplyBody is Reply with a body.
func ReplyBody(req *Message, source netip.AddrPort, status int, reason, tag string, body []byte, extra ...Header) []byte {
	res := &Message{Status: status, Reason: reason, Body: body}
	for i, v := range replyVias(req, source) {
		if i == MaxVias {
			break
		}
		res.Headers = append(res.Headers, Header{"Via", v})
	}
	for _, name := range mandatory() {
		if !req.Has(name) {
			continue
		}
		v := req.Get(name)
		if name == "To" {
			if a, ok := ParseAddress(v); ok && a.Tag() == "" && tag != "" {
				v += ";tag=" + tag
			}
		}
		res.Headers = append(res.Headers, Header{name, v})
	}
	res.Headers = append(res.Headers, extra...)
	return res.Bytes()
}

func replyVias(req *Message, source netip.AddrPort) []string {
	values := req.Values("Via")
	if len(values) == 0 {
		return nil
	}
	if via, ok := ParseVia(values[0]); ok {
		values[0] = Received(via, source).String()
	}
	return values
}

// Received notes in a Via where its request came from.
func Received(via Via, source netip.AddrPort) Via {
	via.Params = append([]Param(nil), via.Params...)
	_, rport := get(via.Params, "rport")
	if rport {
		via.set("rport", strconv.Itoa(int(source.Port())))
	}
	if host, err := netip.ParseAddr(trimBrackets(via.Host)); rport || err != nil || host.Unmap() != source.Addr().Unmap() {
		via.set("received", source.Addr().Unmap().String())
	}
	return via
}

func trimBrackets(host string) string {
	if len(host) > 2 && host[0] == '[' {
		return host[1 : len(host)-1]
	}
	return host
}

// ReplyTo is where the answer to a datagram goes: to its source, and to the
// source's port when the client asked for that, else to the port of its Via.
// No host of a message is ever believed.
func ReplyTo(req *Message, source netip.AddrPort) netip.AddrPort {
	values := req.Values("Via")
	if len(values) == 0 {
		return source
	}
	via, ok := ParseVia(values[0])
	if _, rport := get(via.Params, "rport"); !ok || rport {
		return source
	}
	port := via.Port
	if port == 0 {
		port = 5060
	}
	return netip.AddrPortFrom(source.Addr(), uint16(port))
}
