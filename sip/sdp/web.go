package sdp

import (
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Web is what a section says beside whose keys a handshake makes: the DTLS
// certificate (RFC 8122), who begins (RFC 8842), and of a browser ICE (RFC 8839).
type Web struct {
	Mid string
	// Ufrag and Pwd are empty where there is no ICE: a phone's section.
	Ufrag, Pwd string
	// Fingerprint is SHA-256 in upper-case hex with colons; others are not taken.
	Fingerprint string
	Setup       string // actpass, active, passive
	Mux         bool   // RTP and RTCP on one port (RFC 5761)
	// Candidates of UDP that are addresses; names are never resolved.
	Candidates []netip.AddrPort
}

const (
	// maxCandidates of one section are kept.
	maxCandidates = 32
	// maxToken bounds what is kept of a browser's tokens; RFC 8839 allows 256
	// characters of ufrag and pwd.
	maxToken = 256
)

func (w *Web) attribute(name, arg string) {
	arg = strings.TrimSpace(arg)
	if len(arg) > maxToken {
		return
	}
	switch name {
	case "rtcp-mux":
		w.Mux = arg == ""
	case "mid":
		w.Mid = only(arg, tokens)
	case "ice-ufrag":
		w.Ufrag = only(arg, iceChars)
	case "ice-pwd":
		w.Pwd = only(arg, iceChars)
	case "setup":
		w.Setup = only(arg, tokens)
	case "fingerprint":
		if kind, hash, ok := strings.Cut(arg, " "); ok && strings.EqualFold(kind, "sha-256") {
			w.Fingerprint = fingerprint(strings.TrimSpace(hash))
		}
	case "candidate":
		if c, ok := candidate(arg); ok && len(w.Candidates) < maxCandidates {
			w.Candidates = append(w.Candidates, c)
		}
	}
}

// What tokens (RFC 8866 §9) and the credentials of ICE (RFC 8839 §5.4) are made of.
// They go into checks, and some back to the peer.
const (
	alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	iceChars     = alphanumeric + "+/"
	tokens       = alphanumeric + "!#$%&'*+-.^_`{|}~"
)

// only is the text if it is made of the given characters, else empty.
func only(text, of string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return !strings.ContainsRune(of, r) }) {
		return ""
	}
	return text
}

// fingerprint is a SHA-256 of 32 bytes with colons, in upper case; empty if it is
// none.
func fingerprint(text string) string {
	pairs := strings.Split(text, ":")
	for _, p := range pairs {
		if len(p) != 2 || strings.Trim(p, "0123456789ABCDEFabcdef") != "" {
			return ""
		}
	}
	if len(pairs) != 32 {
		return ""
	}
	return strings.ToUpper(text)
}

// candidate reads "foundation component transport priority address port typ …".
func candidate(arg string) (netip.AddrPort, bool) {
	f := strings.Fields(arg)
	if len(f) < 8 || f[1] != "1" || !strings.EqualFold(f[2], "udp") {
		return netip.AddrPort{}, false
	}
	addr, err := netip.ParseAddr(f[4])
	port, perr := strconv.ParseUint(f[5], 10, 16)
	if err != nil || perr != nil || port == 0 || addr.Zone() != "" {
		return netip.AddrPort{}, false
	}
	return netip.AddrPortFrom(addr.Unmap(), uint16(port)), true
}

// web reports whether a handshake makes a section's keys.
func web(m Media) bool { return m.Proto == "UDP/TLS/RTP/SAVPF" || m.Proto == "UDP/TLS/RTP/SAVP" }

// ICE reports whether ICE finds the way to a section's author.
func (w Web) ICE() bool { return w.Ufrag != "" }

// OfWeb reports whether a description is a browser's: its sound needs ICE and DTLS.
func (s *Session) OfWeb() bool {
	return slices.ContainsFunc(s.Media, func(m Media) bool { return sound(m) && web(m) && m.Web.ICE() })
}

// OfDTLS reports whether a description wants DTLS-SRTP without ICE, as phones do
// (RFC 5763). Where it has other sound as well the handshake is preferred.
func (s *Session) OfDTLS() bool {
	return !s.OfWeb() && slices.ContainsFunc(s.Media, func(m Media) bool { return sound(m) && web(m) && m.Web.proven() })
}

func sound(m Media) bool { return m.Kind == "audio" && m.Port > 0 }

// complete reports whether a browser's section has what is needed.
func (w Web) complete() bool { return w.ICE() && len(w.Pwd) >= 22 && w.proven() }

// proven reports whether a section has what a handshake needs.
func (w Web) proven() bool {
	return w.Fingerprint != "" && slices.Contains([]string{"actpass", "active", "passive"}, w.Setup)
}

// writeWeb writes the attributes of a section whose keys a handshake makes.
func (m Media) writeWeb(b *strings.Builder) {
	w := m.Web
	if !web(m) || !w.ICE() && w.Fingerprint == "" {
		return
	}
	if w.Mid != "" {
		fmt.Fprintf(b, "a=mid:%s\r\n", w.Mid)
	}
	if w.ICE() || w.Mux {
		b.WriteString("a=rtcp-mux\r\n")
	}
	if w.ICE() {
		fmt.Fprintf(b, "a=msid:ivrd audio\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n", w.Ufrag, w.Pwd)
	}
	fmt.Fprintf(b, "a=fingerprint:sha-256 %s\r\na=setup:%s\r\n", w.Fingerprint, w.Setup)
	for i, c := range w.Candidates {
		fmt.Fprintf(b, "a=candidate:%d 1 udp %d %s %d typ host\r\n", i+1, hostPriority-i, c.Addr(), c.Port())
	}
	if len(w.Candidates) > 0 {
		b.WriteString("a=end-of-candidates\r\n")
	}
}

// hostPriority is that of a host candidate (RFC 8445 §5.1.2.1).
const hostPriority = 126<<24 | 65535<<8 | 255

// bundle lists the sections that share one path (RFC 9143): ours has one.
func (s *Session) bundle() string {
	for _, m := range s.Media {
		if web(m) && m.Port > 0 && m.Web.Mid != "" {
			return "a=group:BUNDLE " + m.Web.Mid + "\r\n"
		}
	}
	return ""
}

// role of the DTLS handshake that answers an offer: the one we have, else wish.
func role(offered, have, wish string) string {
	switch {
	case offered == "active":
		return "passive"
	case offered == "passive":
		return "active"
	case have != "":
		return have
	default:
		return wish
	}
}

// wish is the role that we take where the peer leaves it to us. A browser is
// found by then: we begin. With a phone we wait: its first packet opens the way
// through address translation on its side, and shows where it is, while ours
// would go to an address that nobody has proved (RFC 5763 §5 allows both).
func (w Web) wish() string {
	if w.ICE() {
		return "active"
	}
	return "passive"
}
