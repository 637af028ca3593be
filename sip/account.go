package sip

import (
	"errors"
	"strings"

	"github.com/ivrd/ivrd/sip/digest"
	"github.com/ivrd/ivrd/sip/wire"
)

// account answers a challenge of the far end, of one realm at most.
type account struct {
	user, secret Secret
	realm        string
}

var errNoAccount = errors.New("answer challenge: no account for it")

// answer makes credentials for a 401 or 407: once, and once more only when
// the far end says that just the nonce was old.
func (acc account) answer(res *wire.Message, method, uri string, again bool) (string, error) {
	name := "WWW-Authenticate"
	if res.Status == 407 {
		name = "Proxy-Authenticate"
	}
	var values []string
	for _, h := range res.Headers {
		if strings.EqualFold(h.Name, name) {
			values = append(values, h.Value)
		}
	}
	challenge, ok := digest.Choose(values)
	if !ok || acc.user.IsZero() || again && !strings.EqualFold(challenge["stale"], "true") {
		return "", errNoAccount
	}
	return digest.Answer(challenge, acc.realm, acc.user.Reveal(), acc.secret.Reveal(), method, uri)
}

// header is the credentials header for a challenge to a request.
func (acc account) header(res, m *wire.Message, again bool) (wire.Header, error) {
	name := "Authorization"
	if res.Status == 407 {
		name = "Proxy-Authorization"
	}
	value, err := acc.answer(res, m.Method, m.URI, again)
	return wire.Header{Name: name, Value: value}, err
}
