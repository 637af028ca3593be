// Package load is a load generator for SIP servers: callers, and telephones
// that are called, with their media, all in one thread, so that it costs little
// beside the server that it measures. It judges what it hears, how exactly its
// own clock ran, and what the server paid.
//
// It speaks SIP over UDP and G.711 over IPv4, in packets of 20 ms. Nothing of
// ivrd's signalling or media server is in it.
package load

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"github.com/ivrd/ivrd/media"
)

// Options are what a run does.
type Options struct {
	// URI is whom to call: sip:1000@127.0.0.1:5060. A run that only serves needs
	// it to register.
	URI string
	// Listen is our IPv4 address and the port of our signalling; port 0 means any.
	Listen netip.AddrPort
	// From begins the name of each caller: digits, which the call's number follows.
	From string
	// User and Password answer challenges.
	User, Password string
	// Register keeps User registered at the URI's host, as a telephone.
	Register bool
	// Serve answers calls that come.
	Serve bool
	// Codec that callers offer, and that is chosen by those who are called when
	// it is offered to them; PCMU unless said.
	Codec, ServeCodec media.Codec
	// SRTP is the suite that callers offer (Suites); "" for plain RTP. Who is
	// called takes what is offered.
	SRTP string
	// Press is a script of keys, once after the answer: w1.5,2,w3,12# waits 1.5 s,
	// presses 2, waits 3 s, presses 12#. Digits are pressed every DigitsEvery
	// instead.
	Press       string
	Digits      string
	DigitsEvery time.Duration
	// Talk is how long a call lasts from its answer; 0: until the run ends it.
	Talk time.Duration
	// Ring bounds the wait for an answer once it rings.
	Ring time.Duration
	// Settle is how long a new load runs before it is measured; 0 means 4 s.
	Settle time.Duration
	// Tone looks whether the right party's tone is heard.
	Tone bool
	// Ports is how many RTP sockets each side has.
	Ports int
	// PID is the server's process, to be measured; 0: none.
	PID int
	// Progress is told what goes on, a line at a time; nil for nobody.
	Progress func(string)
}

func (o *Options) check() (server place, keys *script, err error) {
	if !o.Listen.Addr().Unmap().Is4() {
		return 0, nil, fmt.Errorf("listen on %s: an IPv4 address is needed (hint: 127.0.0.1:5070)", o.Listen)
	}
	if o.URI != "" {
		if server, err = serverOf(o.URI); err != nil {
			return 0, nil, err
		}
	}
	if o.SRTP != "" {
		if _, _, err := keyLengths(o.SRTP); err != nil {
			return 0, nil, err
		}
	}
	if o.Press != "" && o.Digits != "" {
		return 0, nil, errors.New("press keys: a script and digits again and again exclude each other")
	}
	if keys, err = parseScript(o.Press); err == nil && o.Digits != "" {
		keys, err = repeated(o.Digits, o.DigitsEvery)
	}
	if o.Register && (o.User == "" || server == 0) {
		return 0, nil, errors.New("register: a user and the server's URI are needed")
	}
	for _, c := range []*media.Codec{&o.Codec, &o.ServeCodec} {
		if !c.Valid() {
			*c = media.PCMU
		}
	}
	o.Settle = orElse(o.Settle, settle)
	o.Ring, o.Ports = orElse(o.Ring, 30*time.Second), max(o.Ports, 1)
	return server, keys, err
}

func orElse(d, or time.Duration) time.Duration {
	if d == 0 {
		return or
	}
	return d
}

// serverOf is the address that a SIP URI's host has; port 5060 unless it says
// another.
func serverOf(uri string) (place, error) {
	if !strings.HasPrefix(uri, "sip:") {
		return 0, fmt.Errorf("call %s: it is no SIP URI (hint: sip:1000@127.0.0.1:5060)", uri)
	}
	return resolve(hostOf(uri), 5060)
}
