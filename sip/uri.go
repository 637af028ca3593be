package sip

import (
	"fmt"
	"net"
	"strconv"
	"strings"

	"github.com/ivrd/ivrd/sip/wire"
)

// HostPort is the host and port that a SIP URI names; without a port it is
// that of SIP (RFC 3261 §19.1.2).
func HostPort(uri string) (string, error) {
	u, ok := wire.ParseURI(uri)
	if !ok || !u.IsSIP() {
		return "", fmt.Errorf("read URI %q: it is not a SIP URI (hint: sip:1000@127.0.0.1)", uri)
	}
	port := u.Port
	if port == 0 {
		port = 5060
	}
	return net.JoinHostPort(strings.Trim(u.Host, "[]"), strconv.Itoa(port)), nil
}
