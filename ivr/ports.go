// Package ivr is the language of call flows: its grammar, its checks and the
// run of a flow against three small ports. It imports nothing of ivrd but markup, and no
// network, so that flows can be tested, simulated and replayed in virtual
// time. docs/flows.md is the language's reference.
package ivr

import (
	"context"
	"errors"
	"time"

	"github.com/ivrd/ivrd/tts/ssml"
)

// ErrHangup says that the caller has gone.
var ErrHangup = errors.New("the caller has hung up")

// ErrUnrecorded says that the call must not go on, because it cannot be
// recorded. The node of on_error is still run when it only speaks, so that the
// caller is told; then the run ends with this fault.
var ErrUnrecorded = errors.New("the call cannot be recorded")

// Prompt is one thing to say: a prompt file by name, or text in a language.
// Exactly one of File and Text is set.
type Prompt struct {
	File     string // name without language and ending: "welcome"
	Text     string // already formatted, as it is to be spoken
	Language string
	// Marked is Text with its pauses and ways of speaking; nil where it has none.
	Marked ssml.Speech
}

// Speech is what is to be spoken.
func (p Prompt) Speech() ssml.Speech {
	if p.Marked != nil {
		return p.Marked
	}
	return ssml.Plain(p.Text)
}

// Listen is one turn: play prompts, then take keys.
type Listen struct {
	Prompts []Prompt
	// Min and Max bound the number of keys, the finish key not counted. With
	// Max 0 nothing is collected: the turn ends when the prompts end.
	Min, Max int
	// Finish ends the input early and is not part of it; 0 means none.
	Finish byte
	// Single are keys that end the turn at once when they come first (menu
	// options, and keys that begin none).
	Single string
	// Timeout runs from the end of the prompts to the first key, KeyTimeout
	// between keys, after which the keys so far are what was heard.
	Timeout, KeyTimeout time.Duration
	// BargeIn lets the first key, or speech, stop the prompts. Without it keys pressed
	// during the prompts are thrown away.
	BargeIn bool
	// Secret: recorder, taps, logs and monitors get nothing of the caller's
	// side from before the prompts end until the turn is over.
	Secret bool
	// Phrases are what may be said in place of keys, in Language; nil for nothing.
	// What comes first, a key or a phrase, is what was heard.
	Phrases  []string
	Language string
	// SpeechTimeout is how long an answer in words may take. Decision is how long the
	// prompts wait for words when the caller seems to speak; shorter speech that is no
	// phrase lets them go on where they stopped.
	SpeechTimeout, Decision time.Duration
	// Tongues are the phrases by language while the caller's is not known. Phrases and
	// Language are empty then.
	Tongues []Tongue
	// Free: anything may be said. The phrases are then all that an engine without
	// dictation can hear.
	Free bool
	// Strict: to be asked again is better than to be misheard.
	Strict bool
}

// Tongue is what may be said in one language.
type Tongue struct {
	Language string
	Phrases  []string
}

// HeardKind says how a turn ended.
type HeardKind uint8

// The ends of a turn.
const (
	HeardKeys    HeardKind = iota + 1 // Keys holds them
	HeardNothing                      // time ran out without a key
	HeardPlayed                       // the prompts are over and nothing was to be collected
	HeardPhrase                       // Phrase is one of those that were offered
	HeardSpeech                       // something was said that is none of them
	HeardWords                        // Words were said where anything may be
)

// Heard is what a turn gave.
type Heard struct {
	Kind HeardKind
	Keys Secret // keys are always carried in the type that cannot print
	// Phrase as it was offered.
	Phrase string
	// Words as they were heard, with the numbers in them: in a type that cannot print.
	Words Secret
}

// Connect asks for another party.
type Connect struct {
	Target   string        // a person ("alice"), or a number that an outbound rule allows
	Timeout  time.Duration // how long to ring
	Hold     []Prompt      // played to the caller, in a loop, while it rings
	CallerID string
	Language string // of the caller; empty while unknown
}

// ConnectResult is how a connect ended.
type ConnectResult string

// The ends of a connect; each is an outcome of the node.
const (
	ConnectEnded    ConnectResult = "ok"       // talked, and the other party hung up first
	ConnectBusy     ConnectResult = "busy"     // busy or declined
	ConnectNoAnswer ConnectResult = "noanswer" // rang out
	ConnectFailed   ConnectResult = "error"    // not registered, not allowed, unreachable
)

// Enqueue asks for an agent of a queue.
type Enqueue struct {
	Queue string
	// Skills with the least proficiency (1–5) that the agent must have.
	Skills map[string]int
	// Language of the caller; empty while unknown.
	Language string
	// Value of the user and Difficulty of the problem, 0–100.
	Value, Difficulty float64
	// Terms are what Difficulty is the sum of; nil when the flow names it.
	Terms   []Term
	Timeout time.Duration // until somebody answers
	Hold    []Prompt      // played in a loop while the caller waits
	// News is what to say between, each Every; nil says nothing. It is called by
	// the goroutine that called Enqueue. A wait of 0 is not known.
	Every time.Duration
	News  func(position int, wait time.Duration) ([]Prompt, error)
}

// EnqueueResult is how a wait ended.
type EnqueueResult string

// The ends of a wait; each is an outcome of the node.
const (
	EnqueueAnswered EnqueueResult = "answered" // talked, and the agent hung up first
	EnqueueTimeout  EnqueueResult = "timeout"
	EnqueueFailed   EnqueueResult = "error" // the queue cannot be entered
)

// Record asks for a message.
type Record struct {
	Prompts    []Prompt
	Max        time.Duration // longest message
	Silence    time.Duration // ends after this much silence; 0 means never
	Finish     string        // keys that end it
	Beep       bool
	MinSpeech  time.Duration // shorter counts as nothing
	MessageTag string        // the node's name, kept in the record
	Mailbox    string        // for whom it is: a queue or a person; empty: nobody said
}

// Recorded is the message that a caller left.
type Recorded struct {
	Duration time.Duration // 0: nothing was said
}

// Caller is what a node may do to the caller. Every method returns
// ErrHangup (possibly wrapped) once the caller has gone, and the context's
// error when the run is cancelled; any other error is a fault of the house,
// which the flow may handle by its on_error.
type Caller interface {
	Listen(context.Context, Listen) (Heard, error)
	Connect(context.Context, Connect) (ConnectResult, error)
	Enqueue(context.Context, Enqueue) (EnqueueResult, error)
	Record(context.Context, Record) (Recorded, error)
	// Recording switches the recording of the call on or off from now on. It
	// and Record fail with ErrUnrecorded when the house refuses.
	Recording(ctx context.Context, on bool) error
	// Hangup ends the call, after the flow's last words were played. It may
	// return ErrHangup when that is done: the caller has gone.
	Hangup(context.Context) error
	// Entered reports that a node begins, for the path of the call.
	Entered(flow, node string)
	// Understood reports what the caller's last words were taken to mean, before
	// anything is done about it. Private is empty in its entities.
	Understood(Understanding)
}

// Request is one fetch of data by an http node. Body may hold secrets: it
// must never be logged, and not be kept after Fetch returns (it is wiped).
// URL may hold what the caller entered: log its host at most.
type Request struct {
	Method  string
	URL     string
	Header  map[string]string
	Body    []byte // JSON
	Timeout time.Duration
}

// Response is the answer to a Request; Body is at most 64 KiB of JSON.
type Response struct {
	Status int
	Body   []byte
}

// Fetcher gets data for http nodes. An error means that no answer came (no
// connection, time-out, too large), not a status.
type Fetcher interface {
	Fetch(context.Context, Request) (Response, error)
}

// Clock tells the time to a run; hours() and holidays use it.
type Clock interface {
	Now() time.Time
}
