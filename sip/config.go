package sip

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"time"
)

// minSE is the shortest session interval that we accept (RFC 4028 §4).
const minSE = 90 * time.Second

// The ways of keys that a trunk may be told.
const (
	dtmfAuto   = "auto"
	dtmfEvents = "rfc4733"
	dtmfInfo   = "info"
	dtmfInBand = "inband"
)

func orDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}

func (c *Config) setDefaults() {
	orDefault(&c.Realm, "ivrd")
	l := &c.Limits
	orDefault(&l.MaxConns, 5000)
	orDefault(&l.MaxConnsPerIP, 32)
	orDefault(&l.PartialTimeout, 10*time.Second)
	orDefault(&l.UnprovedIdle, 32*time.Second)
	orDefault(&l.Idle, 15*time.Minute)
	orDefault(&l.MaxMessage, 65535)
	orDefault(&l.RingTimeout, 3*time.Minute)
	orDefault(&l.SessionExpires, 30*time.Minute)
	orDefault(&l.MaxExpires, time.Hour)
	orDefault(&l.MinExpires, time.Minute)
	orDefault(&c.PhoneSRTP, SRTPOptional)
	c.Trunks, c.Outbound = slices.Clone(c.Trunks), slices.Clone(c.Outbound)
	for i := range c.Trunks {
		t := &c.Trunks[i]
		orDefault(&t.Transport, "udp")
		if t.SRTP == "" && t.Transport == "tls" { // the keys of SDES travel unseen there
			t.SRTP = SRTPbySDES
		}
		orDefault(&t.SRTP, SRTPOptional)
		orDefault(&t.DTMF, dtmfAuto)
		orDefault(&t.Expires, 5*time.Minute)
		if host, _, err := net.SplitHostPort(t.Server); err == nil {
			orDefault(&t.Domain, host)
		}
	}
	for i := range c.Outbound {
		orDefault(&c.Outbound[i].MaxPerUser, 2)
	}
}

// check refuses what cannot work, before anything is opened.
func (c *Config) check() error {
	if err := checkSRTP(c.PhoneSRTP); err != nil {
		return fmt.Errorf("check phones: %w", err)
	}
	for user, way := range c.PhoneSRTPOf {
		if err := checkSRTP(way); err != nil {
			return fmt.Errorf("check phones of %q: %w", user, err)
		}
	}
	if c.UDP == "" && c.TCP == "" && c.TLS == "" {
		return errors.New("check sip: no listener (hint: set one of udp, tcp and tls)")
	}
	if c.TLS != "" && (c.CertFile == "" || c.KeyFile == "") {
		return errors.New("check sip: tls needs a certificate and a key (hint: set both files)")
	}
	names := map[string]bool{}
	for _, t := range c.Trunks {
		if t.Name == "" || names[t.Name] {
			return fmt.Errorf("check trunk %q: name is empty or used twice", t.Name)
		}
		names[t.Name] = true
		if err := c.checkTrunk(t); err != nil {
			return fmt.Errorf("check trunk %q: %w", t.Name, err)
		}
	}
	for _, r := range c.Outbound {
		if !names[r.Trunk] {
			return fmt.Errorf("check outbound rule %q: no trunk is called %q", r.Prefix, r.Trunk)
		}
	}
	return nil
}

func checkSRTP(way SRTP) error {
	if !slices.Contains([]SRTP{SRTPOptional, SRTPbySDES, SRTPbyDTLS}, way) {
		return fmt.Errorf("srtp %q is unknown (hint: optional, sdes or dtls)", way)
	}
	return nil
}

func (c *Config) checkTrunk(t Trunk) error {
	if !slices.Contains([]string{"udp", "tcp", "tls"}, t.Transport) {
		return fmt.Errorf("transport %q is unknown (hint: udp, tcp or tls)", t.Transport)
	}
	if !slices.Contains([]string{dtmfAuto, dtmfEvents, dtmfInfo, dtmfInBand}, t.DTMF) {
		return fmt.Errorf("dtmf %q is unknown (hint: auto, rfc4733, info or inband)", t.DTMF)
	}
	if t.Server != "" {
		if _, _, err := net.SplitHostPort(t.Server); err != nil {
			return fmt.Errorf("server must be host:port: %w", err)
		}
	}
	if err := checkSRTP(t.SRTP); err != nil {
		return err
	}
	switch {
	case t.Transport == "udp" && c.UDP == "" && t.Server != "":
		return errors.New("udp is not listened on (hint: set udp)")
	case t.Register && (t.Server == "" || t.Username.IsZero()):
		return errors.New("registering needs server and username")
	case len(t.Match) == 0 && t.Username.IsZero() && t.Server == "":
		return errors.New("nothing tells its calls apart (hint: set match or username)")
	case t.KeepAlive > 0 && t.Server == "":
		return errors.New("keep-alive needs a server")
	}
	return nil
}

// matches reports whether a source address belongs to the trunk.
func (t *Trunk) matches(a netip.Addr) bool {
	return slices.ContainsFunc(t.Match, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

// byDigest trunks prove each call by our challenge.
func (t *Trunk) byDigest() bool { return len(t.Match) == 0 && !t.Username.IsZero() && !t.Register }
