package wire

import (
	"net/netip"
	"strconv"
	"strings"
)

// URI is a SIP URI in its parts, or of another scheme with everything after
// the colon in Opaque.
type URI struct {
	Scheme, User, Host string
	Port               int
	Params             []Param
	Headers            string // after '?'
	Opaque             string // of schemes other than sip and sips
}

// Param is one parameter; a flag has no value.
type Param struct{ Key, Value string }

// get returns a parameter; keys are compared without case.
func get(params []Param, key string) (string, bool) {
	for _, p := range params {
		if strings.EqualFold(p.Key, key) {
			return p.Value, true
		}
	}
	return "", false
}

// Param returns a URI parameter.
func (u URI) Param(key string) (string, bool) { return get(u.Params, key) }

// IsSIP reports whether the scheme is sip or sips.
func (u URI) IsSIP() bool { return u.Scheme == "sip" || u.Scheme == "sips" }

func (u URI) String() string {
	if !u.IsSIP() {
		return u.Scheme + ":" + u.Opaque
	}
	var b strings.Builder
	b.WriteString(u.Scheme + ":")
	if u.User != "" {
		b.WriteString(u.User + "@")
	}
	b.WriteString(u.Host)
	if u.Port > 0 {
		b.WriteString(":" + strconv.Itoa(u.Port))
	}
	writeParams(&b, u.Params)
	if u.Headers != "" {
		b.WriteString("?" + u.Headers)
	}
	return b.String()
}

func writeParams(b *strings.Builder, params []Param) {
	for _, p := range params {
		b.WriteString(";" + p.Key)
		if p.Value != "" {
			b.WriteString("=" + p.Value)
		}
	}
}

// ParseURI parses a URI of any scheme (RFC 3261 §19.1.1).
func ParseURI(s string) (URI, bool) {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || !isScheme(scheme) || rest == "" || strings.ContainsAny(s, " \t<>\"\r\n\x00") {
		return URI{}, false
	}
	u := URI{Scheme: strings.ToLower(scheme)}
	if !u.IsSIP() {
		u.Opaque = rest
		return u, true
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 {
		u.User, rest = rest[:at], rest[at+1:]
		if u.User == "" || strings.ContainsAny(u.User, "@") {
			return URI{}, false
		}
	}
	rest, u.Headers, _ = strings.Cut(rest, "?")
	rest, params, hasParams := strings.Cut(rest, ";")
	if hasParams {
		if u.Params, ok = parseParams(params); !ok {
			return URI{}, false
		}
	}
	u.Host, u.Port, ok = parseHostPort(rest)
	return u, ok
}

func isScheme(s string) bool {
	if s == "" || !isAlpha(s[0]) {
		return false
	}
	for i := range len(s) {
		if c := s[i]; !isAlpha(c) && (c < '0' || c > '9') && !strings.ContainsRune("+-.", rune(c)) {
			return false
		}
	}
	return true
}

func isAlpha(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }

// parseHostPort accepts a host name, an IPv4 address or an IPv6 reference,
// with white space around the colon (RFC 3261 §25.1, RFC 4475 wsinv). Host
// keeps the brackets of an IPv6 reference.
func parseHostPort(s string) (host string, port int, ok bool) {
	var portText string
	host = strings.TrimSpace(s)
	if strings.HasPrefix(host, "[") {
		end := strings.IndexByte(host, ']')
		if end < 0 {
			return "", 0, false
		}
		host, portText = host[:end+1], strings.TrimSpace(host[end+1:])
		if addr, err := netip.ParseAddr(host[1:end]); err != nil || !addr.Is6() {
			return "", 0, false
		}
		if portText != "" && portText[0] != ':' {
			return "", 0, false
		}
		portText = strings.TrimPrefix(portText, ":")
	} else {
		var colon bool
		host, portText, colon = strings.Cut(host, ":")
		host = strings.TrimSpace(host)
		if !isHost(host) || colon && strings.TrimSpace(portText) == "" {
			return "", 0, false
		}
	}
	if portText = strings.TrimSpace(portText); portText == "" {
		return host, 0, true
	}
	n, err := strconv.ParseUint(portText, 10, 16)
	return host, int(n), err == nil && n > 0
}

func isHost(s string) bool {
	if s == "" || len(s) > 255 {
		return false
	}
	for i := range len(s) {
		c := s[i]
		if !isAlpha(c) && (c < '0' || c > '9') && c != '-' && c != '.' && c != '_' {
			return false
		}
	}
	return true
}

// parseParams parses ";a=b;c", without the first semicolon, allowing white
// space around its parts and quoted values. Keys become lower case; one that
// comes twice is refused (RFC 3261 §7.3.1), for readers differ on which counts.
func parseParams(s string) ([]Param, bool) {
	var out []Param
	for _, part := range splitOutside(s, ';') {
		key, value, hasValue := strings.Cut(part, "=")
		key, value = strings.ToLower(strings.TrimSpace(key)), strings.TrimSpace(value)
		if key == "" && !hasValue && strings.TrimSpace(part) == "" {
			continue // ";;" and a trailing ";" are harmless and common
		}
		if _, twice := get(out, key); twice || !validParamKey(key) || hasValue && value == "" || !validParamValue(value) {
			return nil, false
		}
		out = append(out, Param{key, value})
	}
	return out, true
}

func validParamKey(s string) bool {
	return s != "" && !strings.ContainsAny(s, " \t\"<>\r\n,@\x00")
}

func validParamValue(s string) bool {
	if strings.HasPrefix(s, `"`) {
		return isQuoted(s)
	}
	return !strings.ContainsAny(s, " \t\"<>\r\n\x00")
}

// isQuoted reports whether s is one whole quoted-string.
func isQuoted(s string) bool {
	if len(s) < 2 || s[0] != '"' {
		return false
	}
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i == len(s)-1
		}
	}
	return false
}

// Address is a name-addr or addr-spec with parameters (RFC 3261 §20.10).
type Address struct {
	Display string // as quoted-string content or token words, unparsed
	URI     URI
	Params  []Param
	// Any is the "*" of a Contact.
	Any bool
}

// Tag returns the tag parameter of a From or To.
func (a Address) Tag() string {
	t, _ := get(a.Params, "tag")
	return t
}

// Param returns a header parameter.
func (a Address) Param(key string) (string, bool) { return get(a.Params, key) }

func (a Address) String() string {
	if a.Any {
		return "*"
	}
	var b strings.Builder
	if a.Display != "" {
		b.WriteString(`"` + a.Display + `" `)
	}
	b.WriteString("<" + a.URI.String() + ">")
	writeParams(&b, a.Params)
	return b.String()
}

// ParseAddress parses one address.
func ParseAddress(s string) (Address, bool) {
	s = strings.TrimSpace(s)
	if s == "*" {
		return Address{Any: true}, true
	}
	var a Address
	rest := s
	if strings.HasPrefix(s, `"`) {
		end := quoteEnd(s)
		if end < 0 {
			return a, false
		}
		a.Display, rest = s[1:end], strings.TrimSpace(s[end+1:])
		if !strings.HasPrefix(rest, "<") {
			return a, false
		}
	} else if lt := strings.IndexByte(s, '<'); lt >= 0 {
		a.Display, rest = strings.TrimSpace(s[:lt]), s[lt:]
		if !isDisplay(a.Display) {
			return a, false
		}
	}
	var uri, params string
	if strings.HasPrefix(rest, "<") {
		end := strings.IndexByte(rest, '>')
		if end < 0 {
			return a, false
		}
		uri, params = strings.TrimSpace(rest[1:end]), strings.TrimSpace(rest[end+1:])
		if params != "" && params[0] != ';' {
			return a, false
		}
	} else {
		// Without brackets everything after ';' belongs to the header, and a
		// URI with '?' or ',' must not stand here (§20.10).
		uri, params, _ = strings.Cut(rest, ";")
		if uri = strings.TrimSpace(uri); strings.ContainsAny(uri, "?,") {
			return a, false
		}
	}
	var ok bool
	if a.URI, ok = ParseURI(uri); !ok {
		return a, false
	}
	a.Params, ok = parseParams(strings.TrimPrefix(params, ";"))
	return a, ok
}

// quoteEnd is the index of the quote that closes s[0], or -1.
func quoteEnd(s string) int {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case '"':
			return i
		}
	}
	return -1
}

// isDisplay checks an unquoted display name: tokens and white space only, so
// that "Bell, Alexander <sip:…>" is refused (RFC 4475 baddn).
func isDisplay(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r != ' ' && r != '\t' && !isTokenRune(r) })
}

// Via is one value of a Via header.
type Via struct {
	Transport string // upper case
	Host      string
	Port      int
	Params    []Param
}

// Branch returns the branch parameter.
func (v Via) Branch() string {
	b, _ := get(v.Params, "branch")
	return b
}

// SentBy is host and port as one key.
func (v Via) SentBy() string { return strings.ToLower(v.Host) + ":" + strconv.Itoa(v.Port) }

func (v Via) String() string {
	var b strings.Builder
	b.WriteString("SIP/2.0/" + v.Transport + " " + v.Host)
	if v.Port > 0 {
		b.WriteString(":" + strconv.Itoa(v.Port))
	}
	writeParams(&b, v.Params)
	return b.String()
}

// set replaces or appends a parameter.
func (v *Via) set(key, value string) {
	for i, p := range v.Params {
		if strings.EqualFold(p.Key, key) {
			v.Params[i].Value = value
			return
		}
	}
	v.Params = append(v.Params, Param{key, value})
}

// ParseVia parses one Via value with any white space that the grammar allows.
func ParseVia(s string) (Via, bool) {
	proto, params, hasParams := strings.Cut(s, ";")
	parts := strings.SplitN(proto, "/", 3)
	if len(parts) != 3 || !strings.EqualFold(strings.TrimSpace(parts[0]), "SIP") || strings.TrimSpace(parts[1]) != "2.0" {
		return Via{}, false
	}
	rest := strings.TrimLeft(parts[2], " \t")
	space := strings.IndexAny(rest, " \t")
	if space < 1 || !isToken(rest[:space]) {
		return Via{}, false
	}
	v := Via{Transport: strings.ToUpper(rest[:space])}
	var ok bool
	if v.Host, v.Port, ok = parseHostPort(rest[space:]); !ok {
		return Via{}, false
	}
	if hasParams {
		v.Params, ok = parseParams(params)
	}
	return v, ok
}
