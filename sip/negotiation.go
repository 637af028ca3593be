package sip

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"net/netip"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/sdp"
)

// eventPT is our number for telephone-event in offers; answers follow the
// peer's.
const eventPT = 101

// negotiation is the offer/answer state of one leg (RFC 3264). The party's
// goroutine owns it. Nothing changes until commit, so that a failed exchange
// leaves the session as it was.
type negotiation struct {
	local  sdp.Local
	keys   map[string][]byte
	signal netip.Addr // where the peer's signalling comes from

	sent    []byte       // our last description
	offered *sdp.Session // our offer that waits for its answer
	// answered says that sent is our answer to remote, and not an offer: it can
	// be given again to who asks the same again.
	answered bool
	remote   *sdp.Session // the peer's last description
	agreed   *sdp.Agreed
	held     bool
	// offers says that the first offer was ours: in a browser's media we are
	// then the controlling side (RFC 8445 §6.1.1).
	offers bool
}

func newNegotiation(addr netip.AddrPort, codecs []media.Codec, secure bool, ours func(netip.AddrPort) bool) *negotiation {
	n := &negotiation{keys: map[string][]byte{}}
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails (crypto/rand)
	n.local = sdp.Local{
		Addr: addr, Codecs: formats(codecs), EventPT: eventPT, Secure: secure, Key: n.key, Forbidden: ours,
		// A session ID that fits the 63 bits that some readers have.
		Origin: sdp.Origin{User: "ivrd", ID: binary.BigEndian.Uint64(id[:]) >> 2, Version: 1, Addr: addr.Addr()},
	}
	return n
}

// key keeps our key of a suite for the life of the leg: a new offer with the
// old key changes nothing.
func (n *negotiation) key(suite string) []byte {
	if n.keys[suite] == nil {
		n.keys[suite] = sdp.NewKey(suite)
	}
	return n.keys[suite]
}

func formats(codecs []media.Codec) []sdp.Format {
	if len(codecs) == 0 {
		codecs = media.Codecs()
	}
	var out []sdp.Format
	for _, c := range codecs {
		out = append(out, sdp.Format{PT: c.PayloadType(), Name: c.Name(), Rate: c.ClockRate(), Channels: 1})
	}
	return out
}

// written writes a description of ours, with a new version if it differs from
// the last one.
func (n *negotiation) written(s *sdp.Session) []byte {
	s.Origin = n.local.Origin
	body := s.Bytes()
	if n.sent != nil && !bytes.Equal(body, n.sent) {
		n.local.Origin.Version++
		s.Origin = n.local.Origin
		body = s.Bytes()
	}
	return body
}

// offer makes our offer.
func (n *negotiation) offer() []byte {
	n.offers = n.offers || n.agreed == nil
	o := sdp.Offer(n.wanted())
	body := n.written(o)
	n.offered, n.sent, n.answered = o, body, false
	return body
}

// wanted is what we offer: first of all what the call has, so that a refresh
// changes nothing. Numbers keep their meaning (RFC 3264 §8.3.2), and the codecs
// that the call does not use are there for whom the peer may bring in (RFC 3261
// §14.2).
func (n *negotiation) wanted() sdp.Local {
	l, a := n.local, n.agreed
	if a == nil {
		return l
	}
	l.Suite, l.Codecs = a.Suite, []sdp.Format{a.Codec}
	for _, c := range n.local.Codecs {
		if !c.Is(a.Codec) && c.PT != a.Codec.PT && c.PT != a.EventPT {
			l.Codecs = append(l.Codecs, c)
		}
	}
	switch {
	case a.EventPT > 0:
		l.EventPT = a.EventPT
	case a.Codec.PT == l.EventPT:
		l.EventPT = 0
	}
	return l
}

// outcome is an exchange that commit makes valid.
type outcome struct {
	body   []byte // our answer, if it was the peer's offer
	remote *sdp.Session
	agreed *sdp.Agreed // nil: nothing has changed
	web    *sdp.Web    // our end, if it was the peer's offer
}

// answer reads the peer's offer and makes our answer.
func (n *negotiation) answer(body []byte) (*outcome, error) {
	offer, err := sdp.Parse(body)
	if err != nil {
		return nil, err
	}
	if n.answered && sdp.Equal(n.remote, offer) {
		return &outcome{body: n.sent, remote: offer}, nil
	}
	local := n.local
	local.Web = n.restarted(offer)
	answer, agreed, err := sdp.Answer(offer, local)
	if err != nil {
		return nil, err
	}
	return &outcome{body: n.written(answer), remote: offer, agreed: agreed, web: local.Web}, nil
}

// restarted is our end of a browser's media, with new credentials when the
// browser comes with new ones (RFC 8839 §4.4.1.1.1).
func (n *negotiation) restarted(offer *sdp.Session) *sdp.Web {
	if n.local.Web == nil || !n.local.Web.ICE() || n.agreed == nil || n.agreed.Web == nil {
		return n.local.Web
	}
	for _, m := range offer.Media {
		if m.Kind == "audio" && m.Port > 0 && m.Web.ICE() && (m.Web.Ufrag != n.agreed.Web.Ufrag || m.Web.Pwd != n.agreed.Web.Pwd) {
			w := *n.local.Web
			w.Ufrag, w.Pwd = token()[:8], token()+token()
			return &w
		}
	}
	return n.local.Web
}

// webOf is what the peer of a handshake must be told of a stream; nil for other
// streams.
func webOf(s media.Stream) *sdp.Web {
	w, ok := s.(media.WebStream)
	if !ok {
		return nil
	}
	l := w.Web()
	return &sdp.Web{Ufrag: l.Ufrag, Pwd: l.Pwd, Fingerprint: l.Fingerprint, Candidates: l.Candidates}
}

// webRemote is what media needs to find a browser, and to know its peer by.
func (n *negotiation) webRemote(a *sdp.Agreed) *media.WebRemote {
	if a.Web == nil || n.local.Web == nil {
		return nil
	}
	return &media.WebRemote{
		Ufrag: a.Web.Ufrag, Pwd: a.Web.Pwd, Fingerprint: a.Web.Fingerprint, Candidates: a.Web.Candidates,
		LocalUfrag: n.local.Web.Ufrag, LocalPwd: n.local.Web.Pwd, Controlling: n.offers, Client: a.Setup == "active",
	}
}

// accept reads the peer's answer to our offer.
func (n *negotiation) accept(body []byte) (*outcome, error) {
	if n.offered == nil {
		return nil, sdp.ErrAnswer // of nothing
	}
	answer, err := sdp.Parse(body)
	if err != nil {
		return nil, err
	}
	agreed, err := sdp.Accept(n.offered, answer, n.local)
	if err != nil {
		return nil, err
	}
	return &outcome{remote: answer, agreed: agreed}, nil
}

// commit makes an outcome the state of the session and returns what media
// needs; ok is false when nothing has changed.
func (n *negotiation) commit(o *outcome) (r media.Remote, ok bool) {
	n.offered, n.remote = nil, o.remote
	if n.answered = o.body != nil; n.answered {
		n.sent = o.body
	}
	if o.agreed == nil {
		return r, false
	}
	if old := n.agreed; old != nil && o.agreed.Remote.Addr().IsUnspecified() {
		o.agreed.Remote, o.agreed.RTCP = old.Remote, old.RTCP // held the old way: the address is not news
	}
	n.agreed = o.agreed
	if o.web != nil {
		n.local.Web = o.web
	}
	if n.local.Web != nil { // the roles of the handshake stay
		w := *n.local.Web
		w.Mid, w.Setup = o.agreed.Web.Mid, o.agreed.Setup
		n.local.Web = &w
	}
	n.local.Secure = o.agreed.Suite != "" || o.agreed.Web != nil // a secure call stays so, whoever offers
	return n.mediaRemote(o.agreed), true
}

func (n *negotiation) mediaRemote(a *sdp.Agreed) media.Remote {
	codec, _ := media.CodecByName(a.Codec.Name)
	r := media.Remote{
		Addr: a.Remote, RTCP: a.RTCP, Signalling: n.signal, Codec: codec, PayloadType: a.Codec.PT, EventType: a.EventPT,
		Direction: directionOf(a.Direction), Ptime: time.Duration(a.Ptime) * time.Millisecond, Web: n.webRemote(a),
	}
	if a.Web != nil && !n.local.Web.ICE() {
		r.RTCPMux, r.NoRTCP = a.Web.Mux, !a.Web.Mux
	}
	if a.Suite != "" {
		r.SRTP = &media.SRTPKeys{Suite: a.Suite, Send: a.Send, Receive: a.Receive}
	}
	return r
}

func directionOf(d sdp.Direction) media.Direction {
	switch d {
	case sdp.SendOnly:
		return media.SendOnly
	case sdp.RecvOnly:
		return media.RecvOnly
	case sdp.Inactive:
		return media.Inactive
	default:
		return media.SendRecv
	}
}
