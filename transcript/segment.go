package transcript

// Speaker is who is heard in a segment: a role, not a person.
type Speaker string

// The speakers. IVR is the house: prompts and synthesis.
const (
	Caller     Speaker = "caller"
	Agent      Speaker = "agent"
	Supervisor Speaker = "supervisor"
	Other      Speaker = "other" // whom the flow has connected
	IVR        Speaker = "ivr"
)

// Kind is how the words of a segment came about.
type Kind string

// The kinds of segments.
const (
	Spoken Kind = "words"  // written down by a dictation engine
	Choice Kind = "choice" // one of the phrases that were asked for; what was said may differ
	Keys   Kind = "keys"   // pressed, not said
	Prompt Kind = "prompt" // what the house has said: its own text
	Voice  Kind = "voice"  // somebody spoke, and nobody wrote it down: no text
)

// Segment is one thing that was said or pressed in a call, as it is shown and stored:
// personal numbers in it are masked. Times are those of the recording.
type Segment struct {
	// Seq numbers the segments of a call from 1, in order of their coming. What comes
	// again under its number replaces what was there: words were heard better, or a
	// later segment has shown a number to be one.
	Seq     int     `json:"seq"`
	Speaker Speaker `json:"speaker"`
	// Who is the person of the house, where it is one.
	Who     string `json:"who,omitempty"`
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
	Kind    Kind   `json:"kind"`
	Text    string `json:"text"`
	// Final is false while the words may still change; only final ones are stored. Final and
	// without text it takes back words that were none.
	Final bool `json:"final"`
	// Engine that heard the words; empty for what was not heard by one.
	Engine   string `json:"engine,omitempty"`
	Language string `json:"language,omitempty"`
	// Confidence from 0 to 1, nil where the engine has none.
	Confidence *float64 `json:"confidence,omitempty"`
	// Words with their times, where the engine tells them and nothing was masked.
	Words    []Word   `json:"words,omitempty"`
	Intent   *Intent  `json:"intent,omitempty"`
	Entities []Entity `json:"entities,omitempty"`
	Emotion  *Emotion `json:"emotion,omitempty"`
}

// Word of a segment.
type Word struct {
	Text    string `json:"text"`
	StartMS int64  `json:"start_ms"`
	EndMS   int64  `json:"end_ms"`
}

// Intent is what a segment was understood to want, with its probability.
type Intent struct {
	Name string  `json:"name"`
	P    float64 `json:"p"`
}

// Entity is something that the speaker named: its kind, and its value in normal form,
// masked where it is personal.
type Entity struct {
	Kind  string `json:"kind"`
	Value string `json:"value"`
}

// Coverage is how much of a call is written down.
type Coverage string

// The coverages. Menus: what was said to the house and by it, as far as it was one of
// the phrases that were asked for; no engine here writes conversation down.
const (
	CoverageNone         Coverage = ""
	CoverageMenus        Coverage = "menus"
	CoverageConversation Coverage = "conversation"
)
