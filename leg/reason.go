package leg

// Class says who is to blame for an end.
type Class string

// The classes of an end.
const (
	Success  Class = "success"
	Caller   Class = "caller"
	Agent    Class = "agent"
	Upstream Class = "upstream" // the trunk, the network, a service we depend on
	Server   Class = "server"
)

// EndReason is why a leg or a call ended: a class and a stable slug, which are
// stored, counted and shown, and for a peer's refusal the SIP status.
// It holds no personal data. sip maps it to a status, api to a sentence.
type EndReason struct {
	Class Class  `json:"class"`
	Slug  string `json:"reason"`
	// Status is the SIP status that the peer refused with; 0 otherwise.
	Status int `json:"status,omitempty"`
}

func (r EndReason) String() string { return string(r.Class) + ":" + r.Slug }

// IsZero reports whether no reason was given.
func (r EndReason) IsZero() bool { return r.Slug == "" }

// The reasons. A slug, once released, keeps its meaning.
var (
	CallerHangup  = EndReason{Class: Success, Slug: "caller-hangup"} // BYE from the caller
	AgentHangup   = EndReason{Class: Success, Slug: "agent-hangup"}
	FlowHangup    = EndReason{Class: Success, Slug: "flow-hangup"} // the flow's hangup node
	CallerCancel  = EndReason{Class: Caller, Slug: "caller-cancel"}
	NoMedia       = EndReason{Class: Upstream, Slug: "no-media"} // no RTP for the media timeout
	NoAck         = EndReason{Class: Upstream, Slug: "no-ack"}
	SessionExpiry = EndReason{Class: Upstream, Slug: "session-expired"} // RFC 4028
	MediaFailed   = EndReason{Class: Upstream, Slug: "media-failed"}    // a browser's sound found no way or lost it, or a handshake failed
	// BadFingerprint: somebody else's certificate came where a handshake makes the
	// keys.
	BadFingerprint = EndReason{Class: Upstream, Slug: "fingerprint-mismatch"}
	ConnLost       = EndReason{Class: Upstream, Slug: "connection-lost"}
	Refused        = EndReason{Class: Upstream, Slug: "refused"} // Status says how
	Busy           = EndReason{Class: Upstream, Slug: "busy"}
	NoAnswer       = EndReason{Class: Upstream, Slug: "no-answer"}
	Unreachable    = EndReason{Class: Upstream, Slug: "unreachable"}
	Withdrawn      = EndReason{Class: Success, Slug: "withdrawn"}   // we gave up ringing: nobody is to blame
	TakenOver      = EndReason{Class: Success, Slug: "taken-over"}  // a supervisor has taken the agent's place
	Transferred    = EndReason{Class: Success, Slug: "transferred"} // the agent has sent the caller elsewhere
	Moved          = EndReason{Class: Success, Slug: "moved"}       // the person goes on at another page
	UnknownNumber  = EndReason{Class: Caller, Slug: "unknown-number"}
	UnknownSource  = EndReason{Class: Caller, Slug: "unknown-source"}
	Forbidden      = EndReason{Class: Caller, Slug: "forbidden"}
	NoCodec        = EndReason{Class: Caller, Slug: "no-common-codec"}
	BadRequest     = EndReason{Class: Caller, Slug: "bad-request"}
	NoCapacity     = EndReason{Class: Server, Slug: "no-capacity"}
	NoPorts        = EndReason{Class: Server, Slug: "no-media-ports"}
	NoStorage      = EndReason{Class: Server, Slug: "no-storage"} // policy: no call without its record
	FlowFault      = EndReason{Class: Server, Slug: "flow-fault"}
	Internal       = EndReason{Class: Server, Slug: "internal"}
	Shutdown       = EndReason{Class: Server, Slug: "shutdown"}
	TooLong        = EndReason{Class: Server, Slug: "too-long"} // the longest that a call may take
	Crash          = EndReason{Class: Server, Slug: "crash"}    // found at the next start
)
