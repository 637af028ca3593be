// Package digest is HTTP digest authentication for SIP (RFC 7616, RFC 8760):
// challenges and their verification on our side, answers to a peer's. It
// knows SHA-256 and MD5, and qop "auth" only.
package digest

import (
	"crypto/md5" //nolint:gosec // RFC 3261's algorithm: many telephones have no other
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"strings"
)

// The algorithms, strongest first.
const (
	SHA256 = "SHA-256"
	MD5    = "MD5"
)

// Algorithms in the order in which challenges offer them (RFC 8760 §2.4).
func Algorithms() []string { return []string{SHA256, MD5} }

func hasher(algorithm string) func() hash.Hash {
	switch algorithm {
	case SHA256:
		return sha256.New
	case MD5:
		return md5.New
	}
	return nil
}

// sum is H(a:b:c…) in hex; algorithm must be known.
func sum(algorithm string, parts ...string) string {
	h := hasher(algorithm)()
	h.Write([]byte(strings.Join(parts, ":")))
	return hex.EncodeToString(h.Sum(nil))
}

// HA1 is H(user:realm:secret), what a store of secrets keeps.
func HA1(algorithm, user, realm, secret string) string { return sum(algorithm, user, realm, secret) }

// response is request-digest for qop=auth (RFC 7616 §3.4.1).
func response(algorithm, ha1, nonce, nc, cnonce, method, uri string) string {
	return sum(algorithm, ha1, nonce, nc, cnonce, "auth", sum(algorithm, method, uri))
}

// Params are the parameters of a challenge or of credentials.
type Params map[string]string

// Parse reads a header value of the Digest scheme.
func Parse(value string) (Params, bool) {
	scheme, rest, ok := strings.Cut(strings.TrimSpace(value), " ")
	if !ok || !strings.EqualFold(scheme, "Digest") {
		return nil, false
	}
	p := Params{}
	for rest = strings.TrimSpace(rest); rest != ""; {
		var key, val string
		key, val, rest, ok = nextParam(rest)
		if !ok {
			return nil, false
		}
		if _, twice := p[key]; twice {
			return nil, false
		}
		p[key] = val
	}
	return p, true
}

func nextParam(s string) (key, value, rest string, ok bool) {
	key, s, ok = strings.Cut(s, "=")
	key, s = strings.ToLower(strings.TrimSpace(key)), strings.TrimLeft(s, " \t")
	if !ok || key == "" || strings.ContainsAny(key, " \",") {
		return "", "", "", false
	}
	if !strings.HasPrefix(s, `"`) {
		value, rest, _ = strings.Cut(s, ",")
		return key, strings.TrimSpace(value), strings.TrimSpace(rest), true
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		switch c := s[i]; c {
		case '\\':
			if i++; i < len(s) {
				b.WriteByte(s[i])
			}
		case '"':
			rest = strings.TrimSpace(s[i+1:])
			if rest != "" && rest[0] != ',' {
				return "", "", "", false
			}
			return key, b.String(), strings.TrimSpace(strings.TrimPrefix(rest, ",")), true
		default:
			b.WriteByte(c)
		}
	}
	return "", "", "", false
}

// Answer makes the credentials for a challenge. It refuses challenges that
// are not for realm (when realm is given), that want an unknown algorithm, or
// that do not offer qop=auth while asking for a qop at all.
func Answer(challenge Params, realm, user, secret, method, uri string) (string, error) {
	algorithm := strings.ToUpper(challenge["algorithm"])
	if algorithm == "" {
		algorithm = MD5
	}
	switch {
	case hasher(algorithm) == nil:
		return "", fmt.Errorf("answer challenge: algorithm is unknown")
	case challenge["nonce"] == "":
		return "", fmt.Errorf("answer challenge: no nonce")
	case realm != "" && challenge["realm"] != realm:
		return "", fmt.Errorf("answer challenge: realm is not the configured one")
	}
	ha1 := HA1(algorithm, user, challenge["realm"], secret)
	var b strings.Builder
	fmt.Fprintf(&b, `Digest username=%s, realm=%s, nonce=%s, uri=%s, algorithm=%s`,
		quote(user), quote(challenge["realm"]), quote(challenge["nonce"]), quote(uri), algorithm)
	if qop := challenge["qop"]; qop == "" {
		fmt.Fprintf(&b, `, response="%s"`, sum(algorithm, ha1, challenge["nonce"], sum(algorithm, method, uri)))
	} else if offersAuth(qop) {
		cnonce := rand.Text()
		fmt.Fprintf(&b, `, qop=auth, nc=00000001, cnonce="%s", response="%s"`, cnonce,
			response(algorithm, ha1, challenge["nonce"], "00000001", cnonce, method, uri))
	} else {
		return "", fmt.Errorf("answer challenge: qop is not auth")
	}
	if opaque, ok := challenge["opaque"]; ok {
		b.WriteString(", opaque=" + quote(opaque))
	}
	return b.String(), nil
}

func offersAuth(qop string) bool {
	for q := range strings.SplitSeq(qop, ",") {
		if strings.EqualFold(strings.TrimSpace(q), "auth") {
			return true
		}
	}
	return false
}

func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\r", "", "\n", "").Replace(s) + `"`
}

// Choose picks the strongest challenge that we can answer.
func Choose(values []string) (Params, bool) {
	var found []Params
	for _, v := range values {
		if p, ok := Parse(v); ok {
			found = append(found, p)
		}
	}
	for _, algorithm := range Algorithms() {
		for _, p := range found {
			a := strings.ToUpper(p["algorithm"])
			if a == algorithm || a == "" && algorithm == MD5 {
				return p, true
			}
		}
	}
	return nil, false
}
