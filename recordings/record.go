// Package recordings is the archive of visits: the call record, written as
// the call goes on; the sealed audio; the audit chain. Nothing here waits for
// a call and no call waits for the disk: a Recorder takes frames into memory
// of known size and one writer seals them.
package recordings

import (
	"context"
	"io"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/transcript"
)

// Call is one visit of one caller: the record. Its JSON form is public
// (docs/api.md). From, To and Connected are numbers; whoever shows them masks them.
type Call struct {
	ID         string        `json:"id"`      // channel, 13 digits of Unix ms, 5 random digits
	Channel    string        `json:"channel"` // "PS", "WB", "AP"
	From       string        `json:"from"`
	To         string        `json:"to"`
	Trunk      string        `json:"trunk,omitempty"`
	Language   string        `json:"language,omitempty"`
	StartedAt  time.Time     `json:"started_at"`
	AnsweredAt time.Time     `json:"answered_at,omitzero"`
	EndedAt    time.Time     `json:"ended_at,omitzero"`
	End        leg.EndReason `json:"end,omitzero"`
	Flow       string        `json:"flow,omitempty"`
	FlowVer    string        `json:"flow_version,omitempty"` // SHA-256 of the flow as checked, hex, 12 digits
	Path       []Step        `json:"path"`
	Queue      string        `json:"queue,omitempty"`
	Agent      string        `json:"agent,omitempty"`     // of the house; nobody outside
	Connected  string        `json:"connected,omitempty"` // the last number outside that the flow connected
	WaitMS     int64         `json:"wait_ms"`
	TalkMS     int64         `json:"talk_ms"`
	// Priority is that with which the caller waited in Queue.
	Priority  *routing.Score `json:"priority,omitempty"`
	Recording Recording      `json:"recording"`
	Messages  []Message      `json:"messages,omitempty"`
	// Transfers by agents, oldest first. Queue, Agent and Priority follow them.
	Transfers []Transfer `json:"transfers,omitempty"`
	// Disposition is what the agent says the call was, one of the configured
	// words; Notes what else they say of it. Notes are sealed like the numbers;
	// numbers in them are masked by whoever shows them.
	Disposition string `json:"disposition,omitempty"`
	Notes       string `json:"notes,omitempty"`
	// Legs are the lines of the parties, in order of their coming; written at the
	// call's end.
	Legs []Leg `json:"legs,omitempty"`
	// Transcript says how much of what was said is written down. Intent is what the
	// caller was last understood to want, Emotion how they seemed to feel.
	Transcript Words  `json:"transcript,omitzero"`
	Intent     string `json:"intent,omitempty"`
	Emotion    *Mood  `json:"emotion,omitempty"`

	Node string `json:"node,omitempty"` // the ivrd process that served it
}

// Step is one node of a flow that ran, on the call's clock.
type Step struct {
	Flow string `json:"flow"`
	Node string `json:"node"`
	AtMS int64  `json:"at_ms"`
}

// Recording says what was kept of the sound.
type Recording struct {
	// State: none, live, complete, crashed (ends before the call did), partial
	// (frames were lost to a full disk or a slow writer; marked as gaps),
	// damaged (a crash left it open and it is not what had reached the disk:
	// it stays as it was found, and is not played; or the record is damaged).
	State      string `json:"state"`
	DurationMS int64  `json:"duration_ms"`
	Channels   int    `json:"channels"`
	Gaps       []Gap  `json:"gaps,omitempty"`
	// Cause says what made a recording partial: "disk full", "disk slow",
	// "write failed".
	Cause string `json:"cause,omitempty"`
	// Parts and Chain close the recording: how many sealed parts there are and
	// the hash chain's head, so that a file replaced by an older one is seen.
	// While it goes on they tell what is known to be on the disk, a few seconds
	// late; of a damaged one they tell what was.
	Parts int    `json:"parts"`
	Chain string `json:"chain,omitempty"`
}

// Gap is a stretch of a recording that holds no sound, with its cause:
// secret (a PIN was entered), off (recording switched off), lost, recovered.
type Gap struct {
	FromMS int64  `json:"from_ms"`
	ToMS   int64  `json:"to_ms"`
	Cause  string `json:"cause"`
}

// Message is what a caller left at a record or voicemail node: a span of the
// recording.
type Message struct {
	Tag string `json:"tag"` // the node
	// Mailbox is for whom it was left: a queue or a person.
	Mailbox string `json:"mailbox,omitempty"`
	FromMS  int64  `json:"from_ms"`
	ToMS    int64  `json:"to_ms"`
}

// Transfer is one time that an agent has sent the caller elsewhere: to a queue or
// to a number, which is masked where it is shown. AtMS is on the call's clock.
type Transfer struct {
	AtMS   int64  `json:"at_ms"`
	By     string `json:"by"`
	Queue  string `json:"queue,omitempty"`
	Number string `json:"number,omitempty"`
}

// Query selects calls, newest first.
type Query struct {
	State        string // "live", "ended" or ""
	Queue, Agent string
	From         string // exact caller number
	Since, Until time.Time
	Limit        int    // 1-500; 0 means 50
	Cursor       string // from the previous page
}

// Store keeps what the archive has sealed: rows of calls, the audit chain,
// wrapped keys. It knows no secret. Its conformance suite is
// recordings/storetest. Methods return ErrNotFound for what is not there (keys:
// seal.ErrNoKey) and ErrFull, wrapped, when the disk is full. What a method
// wrote is durable when it returns.
type Store interface {
	CallStore
	AuditStore
	seal.KeyStore
	Close() error
}

// CallStore keeps the rows of calls.
type CallStore interface {
	// CreateCall adds a row and its keys, all or nothing. It fails with
	// ErrExists when the ID is taken.
	CreateCall(ctx context.Context, row Row, keys ...seal.StoredKey) error
	// SaveCalls replaces rows that are there, and adds or replaces segments of calls,
	// all or nothing.
	SaveCalls(context.Context, []Row, ...SegmentRow) error
	// Segments of a call, in order of Seq; none is no error.
	Segments(ctx context.Context, id string) ([]SegmentRow, error)
	Call(ctx context.Context, id string) (Row, error)
	// Calls returns rows from the newest to the oldest.
	Calls(context.Context, RowQuery) ([]Row, error)
	// Unfinished lists the open rows of a node.
	Unfinished(ctx context.Context, node string) ([]Row, error)
}

// AuditStore keeps the audit chain.
type AuditStore interface {
	// AppendAudit stores entry number Seq; ErrExists if it is taken.
	AppendAudit(context.Context, AuditEntry) error
	LastAudit(context.Context) (AuditEntry, error)
	// Audit calls each in order of Seq, from the given one on.
	Audit(ctx context.Context, from int64, each func(AuditEntry) error) error
}

// Row is a call as a store keeps it: in clear what is searched, the numbers and
// notes sealed, everything under one MAC. Times are Unix milliseconds.
type Row struct {
	ID, Node, Queue, Agent      string
	StartedAt, EndedAt, SavedAt int64 // EndedAt is 0 while the call lives
	// Open: the call has no end, or its recording is not closed.
	Open bool
	// FromIndex is the blind index of the caller's number; nil without one.
	FromIndex []byte
	// Key is the ID of the subject's key, under which Personal is sealed.
	Key      string
	Personal []byte
	Doc      []byte // the record without numbers and notes, JSON
	MAC      []byte
}

// RowQuery selects rows; what is empty or zero selects all.
type RowQuery struct {
	State        string // "live" (no end), "ended" or ""
	Queue, Agent string
	FromIndex    []byte
	Since, Until int64 // StartedAt from Since up to, not with, Until
	Limit        int
	// BeforeTime and BeforeID are where the page before ended.
	BeforeTime int64
	BeforeID   string
}

// AuditEntry is one link of the audit chain. It holds no personal data in
// clear: objects are IDs.
type AuditEntry struct {
	Seq      int64     `json:"seq"`
	At       time.Time `json:"at"`
	Actor    string    `json:"actor"` // a person's name, "system", or "-"
	Role     string    `json:"role"`
	Action   string    `json:"action"` // "login", "play", "key.rotate", …
	Object   string    `json:"object"`
	Reason   string    `json:"reason,omitempty"`
	IP       string    `json:"ip,omitempty"`
	PrevHash string    `json:"prev"`
	Hash     string    `json:"hash"`
	// MAC is keyed, so that nobody without the audit key adds to the chain.
	MAC string `json:"mac"`
}

// Archive is what the rest of the house uses. Open recovers what a crash left
// behind before it returns.
type Archive interface { //nolint:interfacebloat // one method a thing that is asked of it
	// Begin writes the record of a new call, drawing its ID, and returns the
	// visit. With the store gone it fails: policy decides what happens then.
	Begin(ctx context.Context, call Call) (Visit, error)
	// Call fails with ErrDamaged where the record is not what was written.
	Call(ctx context.Context, id string) (Call, error)
	// Calls gives of a record that is damaged its ID and start only, with a
	// recording in the state damaged.
	Calls(context.Context, Query) ([]Call, string, error)
	// Transcript is what was said, as far as it is written down: of a running call what is
	// final. It fails with ErrNotFound where the caller was erased, and with ErrDamaged
	// where it is not what was written.
	Transcript(ctx context.Context, id string) ([]transcript.Segment, error)
	// Play opens the sealed sound of a call as WAV (8 kHz, 16-bit): stereo
	// (left the caller, right agent and prompts) when track is TrackNone, else
	// mono of that track. Nothing but the parts that are read is opened.
	// Whoever calls it has written the audit entry first.
	Play(ctx context.Context, id string, track media.Track) (Playback, error)
	// Audit appends to the chain and returns when it is durable.
	Audit(ctx context.Context, e AuditEntry) error
	// Verify checks one call (or all, with "") and names every fault.
	Verify(ctx context.Context, id string) ([]Fault, error)
	VerifyAudit(ctx context.Context) ([]Fault, error)
	Close() error
}

// Playback is an opened recording.
type Playback interface {
	io.ReadSeekCloser
	Size() int64
}

// Fault is something that is not whole.
type Fault struct {
	Object string `json:"object"` // call ID, or "audit"
	Where  string `json:"where"`  // "part 17", "header", "entry 204"
	What   string `json:"what"`
}

// Visit is the open record of a running call. Its methods never wait for the
// disk; the last write is Finish.
type Visit interface {
	ID() string
	// Call is the record as it is now, also after Finish.
	Call() Call
	// Update changes the record; it is saved soon after, in order.
	Update(func(*Call))
	// Say adds a final segment to the transcript, or replaces the one of its number. It
	// is sealed, and saved soon after.
	Say(transcript.Segment)
	// Record starts the sealed recording, at most once; the returned Recorder
	// is the session's tap. It fails with ErrRefused when the policy refuses
	// (disk full).
	Record(start media.Time) (Recorder, error)
	// Finish seals what is left, saves the record with its end and returns when
	// it is durable. Later calls do nothing.
	Finish(ctx context.Context, end leg.EndReason, at time.Time) error
}

// Recorder seals what it is tapped. It copies each frame and never blocks.
type Recorder interface {
	media.PacketTap
	// Pause leaves an explicit gap from at on, until Resume. A frame that is
	// tapped while paused is dropped, whatever its time. Pauses do not nest: a
	// second one changes nothing, and one Resume ends it.
	Pause(at media.Time, cause string)
	Resume(at media.Time)
}
