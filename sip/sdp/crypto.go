package sdp

import (
	"crypto/rand"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"
)

// Crypto is one a=crypto line (RFC 4568 §9.1): key is master key and salt.
// It has no Stringer for logs: String is the wire form and holds the key.
type Crypto struct {
	Tag   int
	Suite string
	Key   []byte
}

func (c Crypto) String() string {
	return strconv.Itoa(c.Tag) + " " + c.Suite + " inline:" + base64.StdEncoding.EncodeToString(c.Key)
}

// Suites in the order of our preference (RFC 7714, RFC 4568 §6.2).
func Suites() []string {
	return []string{"AEAD_AES_256_GCM", "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32", "AEAD_AES_128_GCM"}
}

// keyLength is master key plus master salt in bytes; 0 for unknown suites.
func keyLength(suite string) int {
	switch suite {
	case "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32":
		return 16 + 14
	case "AEAD_AES_128_GCM":
		return 16 + 12
	case "AEAD_AES_256_GCM":
		return 32 + 12
	}
	return 0
}

// NewKey makes a key for a suite.
func NewKey(suite string) []byte {
	key := make([]byte, keyLength(suite))
	_, _ = rand.Read(key) // never fails (crypto/rand)
	return key
}

// parseCrypto takes the lines that we can use and no others: known suite, one
// inline key of the right length, no MKI, no session parameters that change
// the cipher. A lifetime is accepted: our calls stay far below 2^31 packets.
func parseCrypto(arg string) (Crypto, bool) {
	f := strings.Fields(arg)
	if len(f) < 3 {
		return Crypto{}, false
	}
	tag, err := strconv.ParseUint(f[0], 10, 30)
	inline, ok := strings.CutPrefix(f[2], "inline:")
	if err != nil || !ok || !harmlessParams(f[3:]) {
		return Crypto{}, false
	}
	parts := strings.Split(inline, "|")
	if slices.ContainsFunc(parts[1:], func(s string) bool { return strings.Contains(s, ":") }) {
		return Crypto{}, false // MKI
	}
	key, err := base64.StdEncoding.DecodeString(parts[0])
	if err != nil || len(key) == 0 || len(key) != keyLength(f[1]) {
		return Crypto{}, false
	}
	return Crypto{Tag: int(tag), Suite: f[1], Key: key}, true
}

func harmlessParams(params []string) bool {
	return !slices.ContainsFunc(params, func(p string) bool {
		return !strings.HasPrefix(p, "WSH=") // a hint about the replay window
	})
}

// chooseCrypto picks our most wanted suite of an offer.
func chooseCrypto(offered []Crypto) (Crypto, bool) {
	for _, suite := range Suites() {
		if i := slices.IndexFunc(offered, func(c Crypto) bool { return c.Suite == suite }); i >= 0 {
			return offered[i], true
		}
	}
	return Crypto{}, false
}
