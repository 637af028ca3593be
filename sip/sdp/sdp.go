// Package sdp reads and writes session descriptions (RFC 8866) as far as
// telephone audio needs them, and makes offers and answers (RFC 3264). It is
// strict in what could hurt (sizes, addresses, keys) and tolerant of
// attributes that it does not know.
package sdp

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// Limits of a description. A browser's has about 120 lines.
const (
	MaxSize  = 16 << 10
	MaxLines = 500
	MaxMedia = 32
)

// Direction is one of the four of RFC 8866 §6.7, as written by its sender.
type Direction string

// The directions.
const (
	SendRecv Direction = "sendrecv"
	SendOnly Direction = "sendonly"
	RecvOnly Direction = "recvonly"
	Inactive Direction = "inactive"
)

// Reverse is the direction as the other side sees it.
func (d Direction) Reverse() Direction {
	switch d {
	case SendOnly:
		return RecvOnly
	case RecvOnly:
		return SendOnly
	default:
		return d
	}
}

// Session is a session description.
type Session struct {
	Origin Origin
	Media  []Media
}

// Origin is the o= line. Version grows with every change (RFC 3264 §8).
type Origin struct {
	User        string
	ID, Version uint64
	Addr        netip.Addr
}

// Media is one m= section; session-level values have been moved into it.
type Media struct {
	Kind, Proto string
	Port        int
	// Addr is the connection address; invalid when there was none.
	Addr netip.Addr
	// Formats in the order of preference; for kinds other than audio only PT
	// is filled, as far as it is a number.
	Formats   []Format
	Raw       []string // the formats as written, for rejected sections
	Direction Direction
	Ptime     int // milliseconds; 0 means not said
	RTCP      netip.AddrPort
	Cryptos   []Crypto
	Web       Web
}

// Format is a payload type with its meaning.
type Format struct {
	PT   uint8
	Name string // upper case: PCMU, TELEPHONE-EVENT
	Rate int
	// Channels is 1 when not said.
	Channels int
	Fmtp     string
}

// Is reports whether two formats name the same codec.
func (f Format) Is(g Format) bool {
	return f.Name == g.Name && f.Rate == g.Rate && f.Channels == g.Channels
}

// event is the name of RFC 4733 digits.
const event = "TELEPHONE-EVENT"

// static are the payload types of RFC 3551 that need no rtpmap.
func static(pt uint8) (Format, bool) {
	f := Format{PT: pt, Rate: 8000, Channels: 1}
	switch pt {
	case 0:
		f.Name = "PCMU"
	case 3:
		f.Name = "GSM"
	case 4:
		f.Name = "G723"
	case 8:
		f.Name = "PCMA"
	case 9:
		f.Name = "G722" // its clock is 8000 by an old mistake (RFC 3551 §4.5.2)
	case 13:
		f.Name = "CN"
	case 18:
		f.Name = "G729"
	default:
		return Format{}, false
	}
	return f, true
}

// Parse reads a description.
func Parse(data []byte) (*Session, error) {
	if len(data) > MaxSize {
		return nil, errors.New("parse SDP: too large")
	}
	lines := strings.Split(strings.TrimRight(string(data), "\r\n"), "\n")
	if len(lines) > MaxLines {
		return nil, errors.New("parse SDP: too many lines")
	}
	p := parser{session: &Session{}, base: Media{Direction: SendRecv}}
	for i, line := range lines {
		line = strings.TrimSuffix(line, "\r")
		if line == "" {
			continue // some senders put empty lines at the end
		}
		if len(line) < 2 || line[1] != '=' || strings.ContainsAny(line, "\r\x00") {
			return nil, fmt.Errorf("parse SDP: line %d is malformed", i+1)
		}
		if i == 0 && line != "v=0" {
			return nil, errors.New("parse SDP: does not begin with v=0")
		}
		if err := p.line(line[0], line[2:]); err != nil {
			return nil, fmt.Errorf("parse SDP: line %d: %w", i+1, err)
		}
	}
	return p.finish()
}

type parser struct {
	session  *Session
	base     Media // session-level values
	origin   bool
	maps     map[uint8]Format
	fmtps    map[uint8]string
	rtcpPort int
}

// current is the section that an attribute belongs to.
func (p *parser) current() *Media {
	if n := len(p.session.Media); n > 0 {
		return &p.session.Media[n-1]
	}
	return &p.base
}

func (p *parser) line(kind byte, value string) error {
	switch kind {
	case 'o':
		return p.parseOrigin(value)
	case 'c':
		addr, err := parseConnection(value)
		p.current().Addr = addr
		return err
	case 'm':
		return p.parseMedia(value)
	case 'a':
		return p.parseAttribute(value)
	}
	return nil
}

func (p *parser) parseOrigin(value string) error {
	f := strings.Fields(value)
	if len(f) != 6 || p.origin || len(p.session.Media) > 0 {
		return errors.New("bad o=")
	}
	id, err1 := strconv.ParseUint(f[1], 10, 64)
	version, err2 := strconv.ParseUint(f[2], 10, 64)
	if err1 != nil || err2 != nil {
		return errors.New("bad o= number")
	}
	p.origin = true
	addr, _ := netip.ParseAddr(f[5]) // may be a host name; nobody sends to it
	p.session.Origin = Origin{User: f[0], ID: id, Version: version, Addr: addr.WithZone("")}
	return nil
}

// parseConnection takes addresses only: a name in an SDP is never resolved.
func parseConnection(value string) (netip.Addr, error) {
	f := strings.Fields(value)
	if len(f) != 3 || f[0] != "IN" {
		return netip.Addr{}, errors.New("bad c=")
	}
	text, _, _ := strings.Cut(f[2], "/") // TTL of a multicast address
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" || addr.Is4() != (f[1] == "IP4") {
		return netip.Addr{}, errors.New("bad c= address")
	}
	return addr, nil
}

func (p *parser) parseMedia(value string) error {
	f := strings.Fields(value)
	if len(f) < 4 {
		return errors.New("bad m=")
	}
	if len(p.session.Media) == MaxMedia {
		return errors.New("too many m=")
	}
	portText, _, _ := strings.Cut(f[1], "/")
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil {
		return errors.New("bad m= port")
	}
	p.closeMedia()
	m := p.base
	m.Kind, m.Port, m.Proto, m.Raw = f[0], int(port), f[2], f[3:]
	m.Cryptos, m.Web.Candidates = slices.Clone(p.base.Cryptos), nil
	p.session.Media = append(p.session.Media, m)
	p.maps, p.fmtps, p.rtcpPort = map[uint8]Format{}, map[uint8]string{}, 0
	return nil
}

func (p *parser) parseAttribute(value string) error {
	name, arg, _ := strings.Cut(value, ":")
	m := p.current()
	switch name {
	case "sendrecv", "sendonly", "recvonly", "inactive":
		m.Direction = Direction(name)
	case "ptime":
		n, err := strconv.ParseUint(strings.TrimSpace(arg), 10, 10)
		if err == nil {
			m.Ptime = int(n) // "a=ptime:20.5" and the like are no reason to refuse a call
		}
	case "rtpmap":
		return p.parseRtpmap(arg)
	case "fmtp":
		pt, params, _ := strings.Cut(arg, " ")
		if n, err := parsePT(pt); err == nil && p.fmtps != nil {
			p.fmtps[n] = strings.TrimSpace(params)
		}
	case "rtcp":
		return p.parseRTCP(arg)
	case "crypto":
		if c, ok := parseCrypto(arg); ok && len(m.Cryptos) < 16 {
			m.Cryptos = append(m.Cryptos, c)
		}
	default:
		m.Web.attribute(name, arg)
	}
	return nil
}

func parsePT(s string) (uint8, error) {
	n, err := strconv.ParseUint(s, 10, 7)
	return uint8(n), err
}

func (p *parser) parseRtpmap(arg string) error {
	pt, encoding, ok := strings.Cut(arg, " ")
	n, err := parsePT(pt)
	if !ok || err != nil || p.maps == nil {
		return errors.New("bad a=rtpmap")
	}
	parts := strings.Split(strings.TrimSpace(encoding), "/")
	f := Format{PT: n, Name: strings.ToUpper(parts[0]), Channels: 1}
	if f.Name == "" || len(parts) < 2 || len(parts) > 3 || strings.ContainsAny(f.Name, " \t") {
		return errors.New("bad a=rtpmap")
	}
	rate, err := strconv.ParseUint(parts[1], 10, 20)
	if err != nil || rate == 0 {
		return errors.New("bad a=rtpmap rate")
	}
	f.Rate = int(rate)
	if len(parts) == 3 {
		if ch, err := strconv.ParseUint(parts[2], 10, 4); err == nil && ch > 0 {
			f.Channels = int(ch)
		}
	}
	p.maps[n] = f
	return nil
}

// parseRTCP reads RFC 3605's attribute; without an address it is the media's.
func (p *parser) parseRTCP(arg string) error {
	port, conn, _ := strings.Cut(arg, " ")
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || len(p.session.Media) == 0 {
		return errors.New("bad a=rtcp")
	}
	m := p.current()
	m.RTCP = netip.AddrPort{}
	p.rtcpPort = int(n)
	if conn == "" {
		return nil
	}
	addr, err := parseConnection(conn)
	m.RTCP = netip.AddrPortFrom(addr, uint16(n))
	return err
}

// closeMedia gives the formats of the last section their meaning, once all
// its attributes are known.
func (p *parser) closeMedia() {
	if len(p.session.Media) == 0 {
		return
	}
	m := p.current()
	if m.Kind == "audio" {
		for _, text := range m.Raw {
			if f, ok := p.format(text); ok && !slices.ContainsFunc(m.Formats, func(g Format) bool { return g.PT == f.PT }) {
				m.Formats = append(m.Formats, f)
			}
		}
	}
	if p.rtcpPort > 0 && !m.RTCP.IsValid() {
		m.RTCP = netip.AddrPortFrom(m.Addr, uint16(p.rtcpPort))
	}
	p.rtcpPort = 0
}

func (p *parser) format(text string) (Format, bool) {
	pt, err := parsePT(text)
	if err != nil {
		return Format{}, false
	}
	f, ok := p.maps[pt]
	if !ok {
		f, ok = static(pt)
	}
	f.Fmtp = p.fmtps[pt]
	return f, ok
}

func (p *parser) finish() (*Session, error) {
	p.closeMedia()
	if !p.origin {
		return nil, errors.New("parse SDP: no o=")
	}
	return p.session, nil
}
