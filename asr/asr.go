// Package asr is how ivrd hears words: the contract of a recognizer, the engines that
// are reached over WebSocket, and Failover, which goes from one to the next in the
// middle of a call.
//
// Sound is that of a call: 8 kHz, mono, 16 bits, on the call's clock. An engine counts
// time from the first sample that it was given and knows nothing of pauses and losses;
// each session keeps the map between the two, so that all times of results are the
// call's.
package asr

import (
	"context"
	"log/slog"

	"github.com/ivrd/ivrd/media"
)

// Recognizer is an engine. Its methods may be called from any goroutine.
type Recognizer interface {
	// Name is the engine's, as the configuration calls it.
	Name() string
	Traits() Traits
	// Open starts a stream for one leg and one stretch of listening. It does not wait:
	// frames are kept while the connection is made, and that it could not be made is
	// how the session ends. It fails with an *Error of ErrNoDictation, ErrLanguage or
	// ErrTooLong when the engine cannot do what is asked. The end of ctx closes the
	// session.
	Open(ctx context.Context, o Options) (Session, error)
}

// Traits are what an engine can do, by its nature and configuration.
type Traits struct {
	// Dictation: it writes down whatever is said. An engine without it needs
	// Options.Phrases, and makes one of them of whatever it hears.
	Dictation bool
	// Grammar: nothing but Options.Phrases is heard. Without it they are hints.
	Grammar bool
	// Interim: what is being said is told before its end.
	Interim bool
	// Times: segments have times of the engine's own.
	Times bool
	// Progress: the engine tells how far it has listened, also in silence, so that what
	// it was given is not taken for heard.
	Progress bool
	// Languages that it understands, as in BCP 47; empty for whatever it is asked for.
	Languages []string
}

// Options of a session.
type Options struct {
	// Language as in BCP 47; empty for the engine's own.
	Language string
	// Phrases that are expected: a grammar or hints, see Traits. Empty for dictation.
	// At most MaxPhrases.
	Phrases []string
	// Interim results are wanted.
	Interim bool
	// Single: the session ends itself after the first utterance.
	Single bool
	// Extra goes into the options of the start message of Jambonz, for its adapter
	// only. Other engines do not look at it.
	Extra map[string]any
	// Log is told what is not an end: that Failover has gone on to another engine.
	// Nil for nobody. No words are logged.
	Log *slog.Logger
}

// Session is one stream of sound into an engine. Write belongs to one goroutine, the
// other methods to any.
type Session interface {
	// Write takes sound. It copies it, never waits, never allocates and does not fail:
	// what comes when 5 s are waiting is counted in Stats.Lost. Frames come in the order
	// of their times. After the end of the session it does nothing.
	Write(Frame)
	// Segments is closed when the session has ended, for the reason that Err gives.
	// An interim result is dropped and counted when 64 segments wait; a final one waits
	// for its reader.
	Segments() <-chan Segment
	// Finish says that no sound comes after what was written, and waits for the last
	// results. It returns what Err does: an *Error of ErrLate when they have not come
	// by the engine's limit or the end of ctx, nil when they have. Somebody must read
	// Segments meanwhile.
	Finish(ctx context.Context) error
	// Close ends the session at once and waits for its goroutines. It always returns
	// nil, and may be called twice. Segments that have been delivered stay readable.
	Close() error
	// Err is why the session has ended: an *Error; nil after Finish, Close, the end of
	// Options.Single, and before the end.
	Err() error
	Stats() Stats
}

// Frame is sound of one leg.
type Frame struct {
	// At is when it begins, on the call's clock.
	At media.Time
	// PCM at 8 kHz, 20 ms as a rule; of more than a frame each is kept by itself.
	PCM []int16
	// Lost: the sound did not arrive. PCM may hold what was made up for it, or be nil.
	Lost bool
}

// Segment is a result: what was said from one time to another.
type Segment struct {
	// Engine that heard it.
	Engine string
	// Final results do not change any more. An interim one is replaced by the next.
	Final bool
	// EndOfUtterance: the speaker has paused. A final segment without text is only that,
	// or NoMatch.
	EndOfUtterance bool
	// NoMatch: something was said, and it was none of the phrases.
	NoMatch bool
	Text    string
	// Start and End on the call's clock. Timed says that the engine gave them; else they
	// are bounds: the end of the segment before and of the sound that the engine had.
	Start, End media.Time
	Timed      bool
	// Words, where the engine tells them.
	Words []Word
	// Confidence from 0 to 1, nil where the engine has none.
	Confidence *float64
	// Language as in BCP 47, where the engine tells it.
	Language string
	// Alternatives to Text, best first.
	Alternatives []Alternative
}

// Word of a segment.
type Word struct {
	Text       string
	Start, End media.Time // on the call's clock
	Confidence *float64   // from 0 to 1, nil where the engine has none
}

// Alternative is another reading of a segment.
type Alternative struct {
	Text       string
	Confidence *float64
}

// Stats of a session.
type Stats struct {
	// Behind is how much sound was written and is not yet heard. Where Traits.Progress is
	// false it is what waits, and how late the results of the last 3 s were.
	Behind media.Time
	// Queued is how much of it the engine was not given yet.
	Queued media.Time
	// Lost frames: they found the ring full, or came after their time.
	Lost uint64
	// Dropped are interim results that nobody took.
	Dropped uint64
	// Finals that had words.
	Finals uint64
	// Restarts and Switches of a Failover: the stream was opened again, at the same
	// engine and at another.
	Restarts, Switches uint64
}

// What engines may be asked for and may answer. A longer answer is cut.
const (
	MaxPhrases    = 500
	maxPhrase     = 200 // bytes
	maxText       = 8 << 10
	maxWords      = 1000
	maxOthers     = 10
	maxTag        = 35      // RFC 5646 §4.4.1
	maxMessage    = 1 << 20 // bytes of a WebSocket message
	maxBacklog    = 64      // segments that wait for their reader
	maxDetail     = 200     // bytes of what an engine says of itself in an error
	ringFrames    = 5 * media.FramesPerSecond
	historyFrames = 8 * media.FramesPerSecond // kept by a Failover for the next engine
)

// check refuses what t cannot do.
func (o *Options) check(engine string, t Traits) error {
	if len(o.Phrases) == 0 && !t.Dictation {
		return &Error{engine, ErrNoDictation, ""}
	}
	if _, ok := t.tongue(o.Language); !ok {
		return &Error{engine, ErrLanguage, quoted(o.Language)}
	}
	if len(o.Phrases) > MaxPhrases {
		return &Error{engine, ErrTooLong, "too many phrases"}
	}
	for _, p := range o.Phrases {
		if len(p) > maxPhrase {
			return &Error{engine, ErrTooLong, "a phrase is too long"}
		}
	}
	return nil
}
