// Package sip is the user agent: listeners, validation, digest, registrar,
// trunks, dialogs, SDP. It turns telephones into legs and knows nothing of
// what a call is for. sipgo gives it parsing, transactions and transports.
package sip

import (
	"context"
	"log/slog"
	"net/netip"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// Config is the part of the configuration that sip owns. Zero values mean the
// defaults stated with each field.
type Config struct {
	// Listen addresses; empty means the transport is off.
	UDP, TCP, TLS string
	// CertFile and KeyFile make TLS possible.
	CertFile, KeyFile string
	// Realm of our digest challenges; "ivrd" when empty. It is also taken for
	// our domain: who claims to be somebody of it must prove it.
	Realm string
	// Advertise is the address in Contact, Via and SDP when we are behind
	// address translation; zero means the local one.
	Advertise, MediaAdvertise netip.Addr
	Trunks                    []Trunk
	Limits                    Limits
	// Outbound rules: nothing goes out without one.
	Outbound []OutboundRule
	// PhoneCodecs are those of desk phones, best first; empty means media.Codecs.
	PhoneCodecs []media.Codec
	// PhoneSRTP is for desk phones, PhoneSRTPOf for those of one person; pages
	// are secured anyway.
	PhoneSRTP   SRTP
	PhoneSRTPOf map[string]SRTP
}

// SRTP is how the sound of a peer is secured.
type SRTP string

// The ways. Each but the first refuses calls that come without SRTP, of either
// kind; who comes with another kind than ours is taken.
const (
	// SRTPOptional offers plain RTP and takes what the peer offers.
	SRTPOptional SRTP = "optional"
	// SRTPbySDES offers keys in the description (RFC 4568).
	SRTPbySDES SRTP = "sdes"
	// SRTPbyDTLS offers a handshake on the RTP port (RFC 5763).
	SRTPbyDTLS SRTP = "dtls"
)

func (s SRTP) required() bool { return s == SRTPbySDES || s == SRTPbyDTLS }

// Trunk is a carrier or a peer PBX.
type Trunk struct {
	Name string
	// Match are the source addresses that prove an incoming call to be the
	// trunk's. Empty together with Username: the peer must answer our digest.
	Match []netip.Prefix
	// Server is host:port that outgoing calls and registrations go to;
	// Transport udp, tcp or tls.
	Server, Transport string
	// Domain of the trunk's URIs (default: Server's host). Realm, when set, is
	// the only realm we answer challenges for.
	Domain, Realm      string
	Username, Password Secret
	Register           bool
	Expires            time.Duration // of our registration; 0 means 5 min
	// Trusted: From and P-Asserted-Identity of the trunk are believed.
	Trusted bool
	// KeepAlive is the interval of OPTIONS; 0 means none.
	KeepAlive time.Duration
	MaxCalls  int // both directions; 0 means no cap
	Codecs    []media.Codec
	// SRTP of both directions; empty means SRTPbySDES where Transport is tls, else
	// SRTPOptional.
	SRTP SRTP
	// DTMF is how keys travel: "rfc4733" (telephone-event), "info" (SIP INFO),
	// "inband" (tones in the sound), or "auto" and empty: telephone-event where
	// it is agreed, else in the sound. INFO that come are taken with each.
	DTMF string
}

// OutboundRule allows calls to numbers with a prefix.
type OutboundRule struct {
	Prefix   string // "+86"; "" matches every number
	Trunk    string
	MaxCalls int // by this rule at once; 0 means no cap
	// MaxPerUser caps the calls of one person at once; 0 means 2. Calls without
	// a FromUser are not counted.
	MaxPerUser int
}

// Limits protect the listener.
type Limits struct {
	MaxConns, MaxConnsPerIP int           // 5000, 32
	PartialTimeout          time.Duration // 10 s for one message to arrive
	UnprovedIdle            time.Duration // 32 s for a connection that never proved itself
	Idle                    time.Duration // 15 min for one that did and carries no phone and no call now
	MaxMessage              int           // 65535 bytes
	RingTimeout             time.Duration // 180 s for an INVITE without a final answer
	SessionExpires          time.Duration // 30 min (RFC 4028); Min-SE 90 s
	MaxExpires, MinExpires  time.Duration // of registrations: 1 h, 60 s
}

// Handler gets the calls. Incoming runs on a goroutine of its own and must
// Accept or Reject; returning without either rejects with leg.Internal.
type Handler interface {
	// Known reports whether a number is ours: 404 otherwise. Known and Full are
	// asked by the reader of the socket: they must not wait for anything.
	Known(number string) bool
	// Full is asked before anything else: a non-zero duration refuses the call
	// with 503 and Retry-After.
	Full() time.Duration
	Incoming(ctx context.Context, in *Incoming)
}

// Secrets gives the digest secrets of people. HA1 returns the hash
// H(user:realm:secret) for algorithm "SHA-256" or "MD5", and false when there
// is no such user (the challenge still looks and takes the same).
type Secrets interface {
	HA1(ctx context.Context, user, realm, algorithm string) (string, bool)
}

// DialRequest is a call that we make.
type DialRequest struct {
	// Exactly one of User (a registered person: all bindings ring), Number
	// (through the outbound rules) and URI (only with AllowURI; the phone of
	// ivrd call uses it) is set.
	User, Number, URI string
	AllowURI          bool
	// From is the caller's number to present, FromUser the person on whose
	// behalf we call (for caps).
	From, DisplayName, FromUser string
	// Asserted says that From was proved to us (a trusted trunk's caller, one of
	// our people) or is a number of the house: only then a trunk is told so
	// (P-Asserted-Identity, RFC 3325).
	Asserted bool
	Timeout  time.Duration
	Options  media.StreamOptions
	// Prefer is offered first, if it may be offered at all: the codec of whom they
	// will talk with, so that sound need not be decoded. 0 means no wish.
	Prefer media.Codec
	// Username and Password answer a challenge of the far end (ivrd call).
	Username string
	Password Secret
	// SRTP of a call to a URI; others are secured as their trunk or phone is.
	SRTP SRTP
	// Page says what the call is, to the page that rings; other phones are not
	// told.
	Page Page
}

// Page is for a person's page. A person who has pages is rung at one of them
// only, that which registered last.
type Page struct {
	CallID, Role string
	// Auto asks to answer without a ring.
	Auto bool
	// Phone is the name of the page's secret, when another is wanted than the
	// last.
	Phone string
}

// Binding is where a person's phone is reachable.
type Binding struct {
	User, Contact, Transport string
	Source                   netip.AddrPort
	Expires                  time.Time
	UserAgent                string
}

// TrunkState is what is known of a trunk.
type TrunkState struct {
	Name string
	// Registered: our registration there is valid. Up: it answers OPTIONS (or
	// is not asked).
	Registered, Up bool
	// Registers: we are to register there.
	Registers bool
	Calls     int
}

// Counters count since the start. They hold no personal data.
type Counters struct {
	Dropped       uint64 // what was no SIP, or must not be answered
	Refused       uint64 // requests answered by the front door
	Busy          uint64 // of these: INVITEs refused because Full said so, or because set-ups are late
	Admitted      uint64 // requests that reached a transaction
	Incoming      uint64 // calls offered to the handler
	Outgoing      uint64 // calls begun by Dial
	AuthFailures  uint64
	ConnsRefused  uint64
	EventsDropped uint64 // leg events that nobody read
	Legs          int    // now
	Conns         int    // now
	Bindings      int    // now
}

// Deps are what a Server needs from others.
type Deps struct {
	Handler Handler
	Secrets Secrets // nil: nobody can register
	// Guest gives the number of a demo caller's page by the name of its secret;
	// nil: there are none.
	Guest func(username string) (number string, ok bool)
	// Registered is told that a phone or page of a person has come; it must not
	// block. It may be nil.
	Registered func(user string)
	Log        *slog.Logger
}

// Dialer is what call needs of the Server to make legs.
type Dialer interface {
	// Dial starts a call and returns at once with the leg; its events tell the
	// rest. An error means that no leg went out: leg.EndReason by AsReason.
	Dial(ctx context.Context, s media.Session, r DialRequest) (leg.Leg, error)
	Registered(user string) bool
}
