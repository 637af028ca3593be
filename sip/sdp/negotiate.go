package sdp

import (
	"bytes"
	"errors"
	"net/netip"
	"slices"
	"strconv"
)

// Local is what our side can and wants.
type Local struct {
	// Addr is where we receive RTP, as told to the peer.
	Addr netip.AddrPort
	// Codecs, best first; PT is the number that our offers use.
	Codecs []Format
	// EventPT is our number for telephone-event in offers; 0 means that none is
	// wanted, also in answers.
	EventPT uint8
	// Secure offers RTP/SAVP, and refuses offers of less. Otherwise answers
	// follow the offer.
	Secure bool
	// Suite is the only one that is offered; empty means each that we have.
	Suite string
	// Key returns our key for a suite, the same one each time.
	Key func(suite string) []byte
	// Forbidden are addresses of our own that no peer may name.
	Forbidden func(netip.AddrPort) bool
	Origin    Origin
	// Web is our end of media that a handshake secures, with Setup as it was
	// agreed, or empty; nil for all others. It is a browser's with Ufrag, else a
	// phone's.
	Web *Web
}

// Agreed is what one exchange settled, as media needs it.
type Agreed struct {
	Remote, RTCP netip.AddrPort
	Codec        Format // PT is the number to send with
	EventPT      uint8
	// Direction as our side sees it.
	Direction Direction
	// Hold: the peer does not want to hear us.
	Hold  bool
	Ptime int
	// Suite and the keys when the stream is secure.
	Suite         string
	Send, Receive []byte
	// Web is the peer's end where a handshake makes the keys, Setup our own role
	// in it.
	Web   *Web
	Setup string
}

// The ways that a negotiation fails.
var (
	ErrNoCodec = errors.New("negotiate media: no codec in common")
	ErrAddress = errors.New("negotiate media: address is not allowed")
	ErrAnswer  = errors.New("negotiate media: answer does not fit the offer")
)

// Offer describes one audio stream.
func Offer(l Local) *Session {
	m := Media{
		Kind: "audio", Port: int(l.Addr.Port()), Proto: "RTP/AVP", Addr: l.Addr.Addr(),
		Formats: slices.Clone(l.Codecs), Direction: SendRecv, Ptime: 20,
	}
	if l.EventPT > 0 {
		m.Formats = append(m.Formats, eventFormat(l.EventPT))
	}
	switch {
	case l.Web != nil:
		m.Web = *l.Web
		if m.Proto = "UDP/TLS/RTP/SAVP"; m.Web.ICE() {
			m.Proto = "UDP/TLS/RTP/SAVPF"
			orSet(&m.Web.Mid, "0")
		}
		m.Web.Mux = true
		m.Web.Setup = "actpass" // also in later offers: the roles stay (RFC 8842 §5.2)
	case l.Secure:
		m.Proto = "RTP/SAVP"
		for i, suite := range Suites() {
			if l.Suite == "" || l.Suite == suite {
				m.Cryptos = append(m.Cryptos, Crypto{Tag: i + 1, Suite: suite, Key: l.Key(suite)})
			}
		}
	}
	m.nameFormats()
	return &Session{Origin: l.Origin, Media: []Media{m}}
}

func eventFormat(pt uint8) Format {
	return Format{PT: pt, Name: event, Rate: 8000, Channels: 1, Fmtp: "0-16"}
}

func (m *Media) nameFormats() {
	m.Raw = nil
	for _, f := range m.Formats {
		m.Raw = append(m.Raw, strconv.Itoa(int(f.PT)))
	}
}

// Answer chooses the first usable audio section of an offer and one codec of
// it, in the offerer's order, and refuses the rest (RFC 3264 §6).
func Answer(offer *Session, l Local) (*Session, *Agreed, error) {
	answer := &Session{Origin: l.Origin}
	var agreed *Agreed
	var fault error
	for _, m := range offer.Media {
		if agreed == nil && usable(m, l) && (secure(m) || web(m) || !l.Secure) {
			section, a, err := answerMedia(m, l)
			if err == nil {
				answer.Media, agreed = append(answer.Media, section), a
				continue
			}
			fault = err
		}
		answer.Media = append(answer.Media, Media{Kind: m.Kind, Proto: m.Proto, Raw: m.Raw})
	}
	switch {
	case agreed != nil:
		return answer, agreed, nil
	case fault != nil:
		return nil, nil, fault
	}
	return nil, nil, ErrNoCodec
}

// usable are audio sections whose transport we have. AVPF's feedback may be
// left unused (RFC 4585 §3.1).
func usable(m Media, l Local) bool {
	switch {
	case !sound(m):
		return false
	case l.Web != nil && l.Web.ICE():
		return web(m) && m.Web.complete()
	case l.Web != nil: // its ICE, if it has any, is not for us (RFC 8839 §4.2.5)
		return web(m) && m.Web.proven()
	}
	return slices.Contains([]string{"RTP/AVP", "RTP/AVPF", "RTP/SAVP", "RTP/SAVPF"}, m.Proto)
}

func orSet(s *string, to string) {
	if *s == "" {
		*s = to
	}
}

func secure(m Media) bool { return m.Proto == "RTP/SAVP" || m.Proto == "RTP/SAVPF" }

func answerMedia(m Media, l Local) (Media, *Agreed, error) {
	a, err := readMedia(m, l)
	if err != nil {
		return Media{}, nil, err
	}
	section := Media{Kind: "audio", Port: int(l.Addr.Port()), Proto: m.Proto, Addr: l.Addr.Addr(), Formats: []Format{a.Codec}, Direction: a.Direction, Ptime: 20}
	if web(m) {
		section.Web = *l.Web
		section.Web.Mid, section.Web.Mux, section.Web.Setup = m.Web.Mid, m.Web.Mux, role(m.Web.Setup, l.Web.Setup, l.Web.wish())
		a.Setup = section.Web.Setup
	}
	if secure(m) {
		crypto, ok := chooseCrypto(m.Cryptos)
		if !ok {
			return Media{}, nil, ErrNoCodec
		}
		a.Suite, a.Receive, a.Send = crypto.Suite, crypto.Key, l.Key(crypto.Suite)
		section.Cryptos = []Crypto{{Tag: crypto.Tag, Suite: crypto.Suite, Key: a.Send}}
	}
	if a.EventPT > 0 {
		section.Formats = append(section.Formats, eventFormat(a.EventPT))
	}
	section.nameFormats()
	return section, a, nil
}

// readMedia takes from a section what is needed to send to its author.
func readMedia(m Media, l Local) (*Agreed, error) {
	i := slices.IndexFunc(m.Formats, func(f Format) bool { return slices.ContainsFunc(l.Codecs, f.Is) })
	if i < 0 {
		return nil, ErrNoCodec
	}
	a := &Agreed{
		Remote: netip.AddrPortFrom(m.Addr.Unmap(), uint16(m.Port)), RTCP: m.RTCP, Codec: m.Formats[i],
		Direction: m.Direction.Reverse(), Ptime: m.Ptime,
		Hold: m.Direction == SendOnly || m.Direction == Inactive,
	}
	for _, f := range m.Formats {
		if l.EventPT > 0 && f.Name == event && f.Rate == 8000 {
			a.EventPT = f.PT
		}
	}
	if web(m) {
		a.Web = &m.Web
	}
	if web(m) && l.Web.ICE() { // which finds the address
		a.Remote, a.RTCP = netip.AddrPort{}, netip.AddrPort{}
		return a, nil
	}
	if m.Addr.IsUnspecified() { // hold as RFC 2543 did it
		a.Hold = true
		if a.Direction == SendRecv {
			a.Direction = RecvOnly
		}
		return a, nil
	}
	if !allowed(a.Remote, l) || a.RTCP.IsValid() && !allowed(a.RTCP, l) {
		return nil, ErrAddress
	}
	return a, nil
}

// allowed keeps us from sending a stream to a crowd or to ourselves.
func allowed(to netip.AddrPort, l Local) bool {
	addr := to.Addr()
	return addr.IsValid() && !addr.IsMulticast() && !addr.IsUnspecified() &&
		addr != netip.AddrFrom4([4]byte{255, 255, 255, 255}) &&
		to != l.Addr && (l.Forbidden == nil || !l.Forbidden(to))
}

// Accept reads the answer to an offer of ours.
func Accept(offer, answer *Session, l Local) (*Agreed, error) {
	if len(answer.Media) == 0 || len(answer.Media) > len(offer.Media) {
		return nil, ErrAnswer
	}
	m, ours := answer.Media[0], offer.Media[0]
	switch {
	case m.Kind != "audio":
		return nil, ErrAnswer
	case m.Port == 0:
		return nil, ErrNoCodec
	case !usable(m, l) || secure(m) != secure(ours) || web(m) && m.Web.Setup == "actpass":
		return nil, ErrAnswer
	}
	a, err := readMedia(m, l)
	if err != nil || !secure(m) {
		if err == nil && web(m) {
			a.Setup = role(m.Web.Setup, "", "active")
		}
		return a, err
	}
	if len(m.Cryptos) != 1 {
		return nil, ErrAnswer
	}
	i := slices.IndexFunc(ours.Cryptos, func(c Crypto) bool { return c.Tag == m.Cryptos[0].Tag && c.Suite == m.Cryptos[0].Suite })
	if i < 0 {
		return nil, ErrAnswer
	}
	a.Suite, a.Receive, a.Send = m.Cryptos[0].Suite, m.Cryptos[0].Key, ours.Cryptos[i].Key
	return a, nil
}

// Equal reports whether two descriptions say the same. An unchanged version
// should mean it (RFC 3264 §8), but there are phones that hold without a new one.
func Equal(a, b *Session) bool {
	return a != nil && b != nil && bytes.Equal(a.Bytes(), b.Bytes())
}
