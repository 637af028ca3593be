package identity

import (
	"crypto/rand"
	"encoding/base32"
	"strings"

	"github.com/ivrd/ivrd/internal/secret"
)

// Secret is a password, a token or a phone's secret. It cannot be printed,
// logged or marshalled: only Reveal gives it away.
type Secret = secret.Text

// NewSecret wraps a secret.
func NewSecret(text string) Secret { return secret.New(text) }

// generate makes a secret of 160 bits in groups that people can read out and
// type: base32 has neither 0 nor 1.
func generate() Secret {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand aborts the process instead
	s := strings.ToLower(base32.StdEncoding.EncodeToString(b[:]))
	var groups []string
	for ; s != ""; s = s[4:] {
		groups = append(groups, s[:4])
	}
	return secret.New(strings.Join(groups, "-"))
}
