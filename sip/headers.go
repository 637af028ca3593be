package sip

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

// abilities are the headers that say what we can do (RFC 3261 §11.2).
func abilities() []wire.Header {
	s := supports()
	return []wire.Header{
		{Name: "Allow", Value: strings.Join(s.Methods, ", ")},
		{Name: "Accept", Value: "application/sdp"},
		{Name: "Accept-Encoding", Value: "identity"},
		{Name: "Accept-Language", Value: "en"},
		{Name: "Supported", Value: strings.Join(s.Options, ", ")},
	}
}

// reasonHeader tells a page why it is hung up on (RFC 3326, with a protocol of
// our own); only what its person may want to know.
func reasonHeader(r leg.EndReason) []wire.Header {
	switch r.Slug {
	case leg.Moved.Slug, leg.TakenOver.Slug, leg.Transferred.Slug, leg.CallerHangup.Slug:
		return []wire.Header{{Name: "Reason", Value: `ivrd;text="` + r.Slug + `"`}}
	}
	return nil
}

// has reports whether a list header holds a token, in any case of letters.
func has(m *wire.Message, header, token string) bool {
	for _, v := range m.Values(header) {
		if strings.EqualFold(v, token) {
			return true
		}
	}
	return false
}

// userPart is a URI's user without parameters, escapes and the visual
// separators of telephone numbers (RFC 3966 §5.1.1).
func userPart(user string) string {
	user, _, _ = strings.Cut(user, ";")
	user, _, _ = strings.Cut(user, ":")
	if plain, err := url.PathUnescape(user); err == nil {
		user = plain
	}
	if strings.HasPrefix(user, "+") {
		user = strings.NewReplacer("-", "", ".", "", "(", "", ")", "", " ", "").Replace(user)
	}
	if len(user) > 128 {
		user = user[:128]
	}
	return user
}

// seconds reads a header that begins with delta-seconds.
func seconds(value string) (time.Duration, bool) {
	value, _, _ = strings.Cut(value, ";")
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	return time.Duration(n) * time.Second, err == nil
}

func secondsText(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// asserted is the identity that a trusted trunk states: P-Asserted-Identity
// (RFC 3325), else From.
func asserted(m *wire.Message) string {
	for _, v := range m.Values("P-Asserted-Identity") {
		a, ok := wire.ParseAddress(v)
		switch {
		case !ok:
		case a.URI.IsSIP() && a.URI.User != "":
			return userPart(a.URI.User)
		case a.URI.Scheme == "tel":
			return userPart(a.URI.Opaque)
		}
	}
	return userPart(m.From.URI.User)
}

// displayName keeps what can be shown of a peer's display name.
func displayName(s string) string {
	var b strings.Builder
	for _, r := range s {
		if b.Len() >= 64 {
			break
		}
		if r >= ' ' && r != 0x7f && r != '\\' && r != '"' {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// escapeUser makes a user part that cannot leave its place in a URI.
func escapeUser(s string) string {
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("-_.!~*'()&=+$,?/", c) >= 0:
			b.WriteByte(c)
		default:
			b.WriteString("%" + strings.ToUpper(strconv.FormatUint(uint64(c)|0x100, 16)[1:]))
		}
	}
	return b.String()
}
