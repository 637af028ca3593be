package load

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/ivrd/ivrd/media"
)

// eventType is the payload type of keys in our offers.
const eventType = 101

// description is what a session description says of its audio (RFC 8866), as
// far as we use it.
type description struct {
	at        netip.AddrPort
	codec     media.Codec
	event     byte // 0: no keys
	secure    bool
	crypto    cryptoLine // with secure: the first that we can use
	direction string
}

// write is our description. The same session keeps its id; version counts.
func (d description) write(id uint64, version int) []byte {
	l := &lines{}
	addr := d.at.Addr().String()
	l.line("v=0")
	l.line("o=ivrload ", strconv.FormatUint(id, 10), " ", strconv.Itoa(version), " IN IP4 ", addr)
	l.line("s=-")
	l.line("c=IN IP4 ", addr)
	l.line("t=0 0")
	profile, events := "RTP/AVP", ""
	if d.secure {
		profile = "RTP/SAVP"
	}
	if d.event > 0 {
		events = fmt.Sprintf(" %d", d.event)
	}
	l.line(fmt.Sprintf("m=audio %d %s %d%s", d.at.Port(), profile, d.codec.PayloadType(), events))
	l.line(fmt.Sprintf("a=rtpmap:%d %s/8000", d.codec.PayloadType(), d.codec.Name()))
	if d.event > 0 {
		l.line(fmt.Sprintf("a=rtpmap:%d telephone-event/8000", d.event))
		l.line(fmt.Sprintf("a=fmtp:%d 0-16", d.event))
	}
	if d.secure {
		l.line("a=crypto:", d.crypto.String())
	}
	l.line("a=ptime:20")
	l.line("a=", d.direction)
	return []byte(l.String())
}

var errSDP = errors.New("read session description: no audio that we can use")

// parseSDP takes the first audio section. want is the codec that is chosen when
// it is among those offered; else the first that we know is.
func parseSDP(body []byte, want media.Codec) (description, error) {
	d := description{direction: "sendrecv"}
	r := sdpReader{d: &d}
	for line := range strings.SplitSeq(strings.ReplaceAll(string(body), "\r\n", "\n"), "\n") {
		if kind, value, ok := strings.Cut(line, "="); ok && !r.take(kind, strings.TrimSpace(value)) {
			break
		}
	}
	codec, ok := r.choose(want)
	if !ok || !r.addr.IsValid() || !r.addr.Is4() || r.port == 0 || d.secure && len(d.crypto.key) == 0 {
		return d, errSDP
	}
	d.codec, d.at = codec, netip.AddrPortFrom(r.addr, r.port)
	return d, nil
}

// sdpReader is what was read so far.
type sdpReader struct {
	d     *description
	audio bool
	addr  netip.Addr
	port  uint16
	types []string
}

// take reads one line and reports whether there is more of interest.
func (r *sdpReader) take(kind, value string) bool {
	switch kind {
	case "m":
		if r.audio {
			return false
		}
		f := strings.Fields(value)
		if len(f) < 4 || f[0] != "audio" {
			return true
		}
		port, err := strconv.ParseUint(f[1], 10, 16)
		r.audio = err == nil
		r.port, r.types, r.d.secure = uint16(port), f[3:], strings.HasPrefix(f[2], "RTP/SAVP")
	case "c":
		if f := strings.Fields(value); len(f) == 3 {
			r.addr, _ = netip.ParseAddr(f[2])
		}
	case "a":
		r.attribute(value)
	}
	return true
}

func (r *sdpReader) attribute(value string) {
	name, arg, _ := strings.Cut(value, ":")
	switch name {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		r.d.direction = name
	case "rtpmap":
		if pt, format, _ := strings.Cut(arg, " "); strings.EqualFold(format, "telephone-event/8000") {
			n, _ := strconv.ParseUint(pt, 10, 7)
			r.d.event = byte(n)
		}
	case "crypto":
		if c, ok := parseCrypto(arg); ok && r.d.crypto.key == nil {
			r.d.crypto = c
		}
	}
}

// choose goes by the fixed numbers of PCMU and PCMA (RFC 3551 §6).
func (r *sdpReader) choose(want media.Codec) (media.Codec, bool) {
	var best media.Codec
	found := false
	for _, t := range r.types {
		for _, c := range codecs() {
			if t == strconv.Itoa(int(c.PayloadType())) && (!found || c == want) {
				best, found = c, true
			}
		}
	}
	return best, found
}
