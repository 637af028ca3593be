package media

import (
	"net/netip"
	"time"
)

// Session is the media of one call. All its streams live on one worker of the
// engine, so that a bridge needs no lock and no hand-off. Methods may be
// called from any goroutine; none of them waits for the network.
type Session interface {
	// Open reserves an RTP/RTCP port pair and starts a stream that is silent
	// until Connect. It fails with ErrNoPorts when the range is exhausted.
	Open(StreamOptions) (Stream, error)
	// Bridge makes a and b hear each other and no one else, replacing any
	// earlier bridge of either; what they were being played stops. A stream
	// bridged with itself is an echo. It returns the media time from which it
	// holds.
	Bridge(a, b Stream) (Time, error)
	// Mix says, for all streams at once, whom each hears and where its voice is
	// recorded from the returned time on; streams that are not named hear nobody.
	// Who hears one other gets that one's frames undecoded where the codecs are
	// the same; who hears several gets their sum. What a stream is being played
	// goes on and is heard instead. Streams that have closed are passed over.
	Mix([]Party) (Time, error)
	// Unbridge leaves s and its peer alone (each hears only what is played to
	// it) and returns when that holds. Without a bridge it does nothing.
	Unbridge(s Stream) Time
	// SetTap sends a copy of every frame of every track to tap from the
	// returned time on; nil ends it. After SetTap(nil) returns, the old tap is
	// not called again.
	SetTap(tap PacketTap) Time
	// Now is the session's clock.
	Now() Time
	// Close closes every stream, waits until the worker has let go of them,
	// and may be called twice. Ports go to rest, not back into use.
	Close() error
}

// Party is one stream's part in a Mix.
type Party struct {
	Stream Stream
	Hears  []Stream
	// Overhears are those whose prompts are heard, too: what they are played.
	Overhears []Stream
	Track     Track // of the stream's voice
}

// StreamOptions say what a stream is to its call.
type StreamOptions struct {
	// Name identifies the leg in logs; it must hold no personal data.
	Name string
	// Track is where the sound that arrives on this stream is recorded.
	Track Track
	// PlayTrack is where the sound that is played to this stream is recorded
	// (TrackPrompts for the caller, TrackNone for an agent).
	PlayTrack Track
	// Codecs offered and accepted, best first; empty means all.
	Codecs []Codec
	// KeepDigits: digits that arrive on this stream are reported only, not
	// relayed to the other leg of a bridge.
	KeepDigits bool
	// Activity: tell when the peer speaks, by EventSpeechBegan, EventSpeechEnded and
	// Stats.Talk. The sound is decoded for it.
	Activity bool
	// Web: the far end is a browser. The stream is a WebStream then.
	Web bool
	// DTLS: the keys come from a handshake on the RTP port, as of a phone that
	// speaks DTLS-SRTP without ICE. The stream is a WebStream then, too.
	DTLS bool
}

// Stream is the media half of one leg.
type Stream interface {
	// Local is the address at which we receive RTP, as it is bound (what is
	// advertised may differ: see sip). RTCP is the next port up.
	Local() netip.AddrPort
	// Connect sets what was negotiated; a re-INVITE calls it again. The source
	// lock is kept when the remote address has not changed.
	Connect(Remote) error
	// Play replaces what is being played. Its end is reported by an
	// EventPlayed with the returned ID, also when it was replaced or stopped.
	Play(Play) PlayID
	// Stop ends what is being played, if anything.
	Stop()
	// SendDigits queues digits (0-9 * # A-D; others are refused with an error) of
	// 100 ms each with 100 ms between them. They go the way that Connect's Remote
	// says: SendKey, else RFC 4733, else in the sound; it fails without any.
	SendDigits(digits string) error
	// Events delivers digits and ends of playback in order. It is closed when
	// the stream is closed. Up to 64 events are kept for a slow reader; more
	// are dropped and counted in Stats.
	Events() <-chan StreamEvent
	// Stats is a snapshot.
	Stats() Stats
	// Close ends the stream and puts its ports to rest; it may be called twice.
	Close() error
}

// Pauser is a stream whose playback can wait.
type Pauser interface {
	// Pause lets what is being played wait until Resume, also when PauseOnSpeech has
	// paused it; another Play begins anew. Nothing of a prompt is lost: it goes on with
	// the frame that it fades out in.
	Pause()
	// Resume lets it go on where it stopped. Without a pause it does nothing.
	Resume()
}

// DigitTaker is a stream that takes keys which its peer sent by signalling (SIP
// INFO). Each is treated as one that came by RTP: reported by EventDigit,
// relayed, and an end to what StopOnDigit plays; but not when RTP or the sound
// tells of the same press (see dtmf.Once).
type DigitTaker interface {
	// TakeDigit takes '0'-'9', '*', '#', 'A'-'D'. After Close it does nothing.
	TakeDigit(key byte)
}

// WebStream is a stream whose keys come from a DTLS handshake (RFC 5763). With a
// browser ICE finds the path first, and RTP and RTCP have one port; a phone is
// where its description says. Connect of it needs Remote.Web.
type WebStream interface {
	Stream
	// Web is what the peer must be told beside codecs.
	Web() WebLocal
}

// WebLocal describes our end of media that a handshake secures.
type WebLocal struct {
	Ufrag, Pwd string // of ICE; empty where there is none
	// Fingerprint of our certificate: SHA-256, upper-case hex with colons.
	Fingerprint string
	Candidates  []netip.AddrPort
}

// WebRemote describes the peer's end. Of a phone only Fingerprint and Client
// mean something.
type WebRemote struct {
	Ufrag, Pwd, Fingerprint string
	Candidates              []netip.AddrPort
	// LocalUfrag and LocalPwd are what the browser was told at last: they change
	// when it has restarted ICE.
	LocalUfrag, LocalPwd string
	// Controlling says that we nominate the path (we made the first offer);
	// Client that we begin the DTLS handshake.
	Controlling, Client bool
}

// Direction is what SDP's a=sendrecv and its sisters say, as seen by us.
type Direction uint8

// The directions (RFC 8866 §6.7). Inactive is hold by both sides.
const (
	SendRecv Direction = iota
	SendOnly
	RecvOnly
	Inactive
)

// Remote is the far end of a stream as negotiated by SDP.
type Remote struct {
	// Addr is where the peer's SDP says it receives RTP.
	Addr netip.AddrPort
	// RTCP is where the peer receives RTCP; zero means Addr's port plus one.
	RTCP netip.AddrPort
	// Signalling is the address that the peer's SIP comes from. RTP may also
	// be taken from there after proof (a peer behind address translation).
	Signalling netip.Addr
	// Vouched says that Addr may be believed although the signalling does not
	// come from there. Else nothing is sent before proof to an address that
	// differs from Signalling: it may be a third party's.
	Vouched bool
	// Codec is the one audio codec of the answer, PayloadType its number.
	Codec       Codec
	PayloadType uint8
	// EventType is the payload type of telephone-event; 0 means none agreed.
	EventType uint8
	// InBand says that keys are tones in the sound, both ways, as no
	// telephone-event is agreed: what comes is listened to for keys
	// (dtmf.Detector), and what SendDigits sends is sound (dtmf.Tones).
	InBand bool
	// SendKey, when set, takes the keys that are for the peer, from SendDigits and
	// from a bridge, instead of RTP and the sound: its signalling carries them.
	// It does not block, and keeps them apart by itself.
	SendKey   func(key byte)
	Direction Direction
	// Ptime is the peer's wish (0 means 20 ms). We send 20 ms packets and
	// accept any length up to 60 ms.
	Ptime time.Duration
	// SRTP holds the keys when RTP is secured by SDES; nil means plain RTP.
	SRTP *SRTPKeys
	// RTCPMux: RTCP travels with RTP (RFC 5761). NoRTCP: there is none at all, as
	// where DTLS has made keys for the RTP port only.
	RTCPMux, NoRTCP bool
	// Web is set where a handshake makes the keys: SRTP means nothing then, nor do
	// Addr, RTCP and Signalling where ICE finds the path.
	Web *WebRemote
}

// SRTPKeys are the keys of a secured stream, by SDES (RFC 4568) or DTLS (RFC 5764).
type SRTPKeys struct {
	// Suite is the name on the wire, such as AES_CM_128_HMAC_SHA1_80.
	Suite string
	// Send protects what we send, Receive opens what we get: master key
	// followed by master salt, as in a=crypto inline.
	Send, Receive []byte
}

// Play is what to play: the prompts in order, without a gap.
type Play struct {
	Prompts []*Prompt
	// Loop starts again after the last prompt until stopped.
	Loop bool
	// StopOnDigit ends playback in the worker when a digit begins, within one
	// frame (barge-in by key).
	StopOnDigit bool
	// PauseOnSpeech pauses playback in the worker as soon as the peer seems to speak,
	// some 60 ms after they begin, before EventSpeechBegan can say so. It goes on where it
	// stopped when that was none (a cough, a click), and at the latest after so long,
	// counted again from EventSpeechBegan, unless Pause or Stop is called. 0: it is not
	// paused. Needs StreamOptions.Activity.
	PauseOnSpeech time.Duration
}

// PlayID names one call of Stream.Play.
type PlayID uint64

// EventKind tells stream events apart.
type EventKind uint8

// The events of a stream.
const (
	// EventDigit is one key, reported once, when it begins.
	EventDigit EventKind = iota + 1
	// EventPlayed is the end of a playback.
	EventPlayed
	// EventNoMedia says that no valid RTP has come for the media timeout.
	EventNoMedia
	// EventMedia says that the first valid RTP has come, or that it is back
	// after EventNoMedia.
	EventMedia
	// EventFailed says that a browser's path did not come up or is lost, or that a
	// handshake has failed.
	EventFailed
	// EventSpeechBegan says that the peer speaks, EventSpeechEnded that they have
	// fallen silent: some 120 and 700 ms after At, where it was (see media/vad). A
	// reader who is slow may miss them; the other events keep half of the room.
	EventSpeechBegan
	EventSpeechEnded
	// EventSpeechPaused: for 300 ms nothing was said since At, and speech may have ended.
	EventSpeechPaused
)

// Failure is what has failed of a WebStream.
type Failure uint8

// The failures.
const (
	FailedPath        Failure = iota + 1 // ICE: no way, or nothing comes any more
	FailedKeys                           // DTLS: the handshake
	FailedFingerprint                    // DTLS: somebody else's certificate
)

func (f Failure) String() string { return [...]string{"none", "path", "keys", "fingerprint"}[f] }

// StreamEvent is one event of a stream. It must not be logged: it may hold a
// key of a secret.
type StreamEvent struct {
	At    Time
	Play  PlayID
	Kind  EventKind
	Digit byte // EventDigit: '0'-'9', '*', '#', 'A'-'D'
	// Completed is false when a playback was stopped, replaced or barged in.
	Completed bool
	Failure   Failure // EventFailed
}

// Stats count what a stream has sent and received.
type Stats struct {
	Sent, Received        uint64
	Lost, Late, Duplicate uint64
	Foreign               uint64        // packets from sources that are not the peer
	Invalid               uint64        // not RTP, wrong payload type, failed authentication
	Jitter                time.Duration // RFC 3550 §6.4.1
	RTT                   time.Duration // from RTCP; 0 until known
	EventsDropped         uint64
	FirstMedia            Time // when the first valid packet came; -1 before
	LastMedia             Time
	RemoteLost            uint32 // as the peer's RTCP reports it
	RemoteJitter          time.Duration
	// FramesTapped went to the tap, TapMissed of them without sound.
	FramesTapped, TapMissed uint64
	// Talk is how long the peer has spoken, without pauses; 0 without
	// StreamOptions.Activity.
	Talk  time.Duration
	Codec Codec // that is agreed; 0 before
	// Heard is the peer's voice as it comes to us, PeerHeard ours as the peer's
	// RTCP tells of it.
	Heard, PeerHeard Quality
}

// PacketTap takes read-only copies of the frames of a call, in the wire
// codec. Frame is called by the media worker: it must not block, and payload
// is valid only until it returns. A nil payload says that this frame of the
// track was lost on the line. Frames of one track come in order of time.
type PacketTap interface {
	Frame(track Track, at Time, codec Codec, payload []byte)
}
