package asr

import (
	"maps"
	"slices"

	"github.com/ivrd/ivrd/media"
)

// JambonzConfig says how a server of the jambonz custom speech protocol is reached:
// any vendor's adapter, or a helper on a Unix socket.
type JambonzConfig struct {
	Name string // empty for "jambonz"
	Link Link
	// Language for sessions that name none; empty for "en-US".
	Language string
	// Languages of the engine behind the adapter, as in BCP 47; empty for all.
	Languages []string
	// PhrasesOnly: behind the adapter is an engine without dictation.
	PhrasesOnly bool
	// NoInterim: the adapter tells nothing before the end of an utterance.
	NoInterim bool
	// Options are sent in the start message of every session, below what the session
	// itself has in Extra. Phrases are in "hints", as jambonz sends them.
	Options map[string]any
}

// NewJambonz is a client of the jambonz custom speech protocol
// (docs.jambonz.org, "Adding custom speech vendors"), in linear 16-bit sound at 8 kHz.
//
// The protocol has no times. An adapter may add "start" and "end" to a transcription,
// and "words" of "word", "start", "end" and "confidence" to an alternative, in seconds
// of the sound that it was sent, and "declined": true to an error that says nothing
// about its health: that it is full, or cannot hear these phrases. It fails when the
// link does.
func NewJambonz(c JambonzConfig) (Recognizer, error) {
	c.Name, c.Language = named(c.Name, "jambonz"), named(c.Language, "en-US")
	t := Traits{Dictation: !c.PhrasesOnly, Grammar: c.PhrasesOnly, Interim: !c.NoInterim, Languages: c.Languages}
	return newEngine(c.Name, c.Link, "Bearer", t, func(o Options) protocol { return &jambonz{c, o} })
}

type jambonz struct {
	JambonzConfig
	asked Options
}

func (j *jambonz) start() ([]string, error) {
	options := map[string]any{}
	maps.Copy(options, j.Options)
	if len(j.asked.Phrases) > 0 {
		options["hints"] = j.asked.Phrases
	}
	maps.Copy(options, j.asked.Extra)
	s, err := text(struct {
		Type     string         `json:"type"`
		Language string         `json:"language"`
		Format   string         `json:"format"`
		Encoding string         `json:"encoding"`
		Rate     int            `json:"sampleRateHz"`
		Interim  bool           `json:"interimResults"`
		Options  map[string]any `json:"options"`
	}{"start", named(j.asked.Language, j.Language), "raw", "LINEAR16", media.SampleRate, j.asked.Interim, options})
	return []string{s}, err
}

func (*jambonz) encode(dst []byte, pcm []int16) []byte { return linear16(dst, pcm) }
func (*jambonz) end() []string                         { return []string{`{"type":"stop"}`} }
func (*jambonz) keepAlive() string                     { return "" }

type jambonzMessage struct {
	Type         string               `json:"type"`
	Final        bool                 `json:"is_final"`
	Language     string               `json:"language"`
	Error        string               `json:"error"`
	Declined     bool                 `json:"declined"`
	Start        *float64             `json:"start"`
	End          *float64             `json:"end"`
	Alternatives []jambonzAlternative `json:"alternatives"`
}

type jambonzAlternative struct {
	Transcript string      `json:"transcript"`
	Confidence *float64    `json:"confidence"`
	Words      []timedWord `json:"words"`
}

type timedWord struct {
	Word       string   `json:"word"`
	Punctuated string   `json:"punctuated_word"`
	Start      float64  `json:"start"`
	End        float64  `json:"end"`
	Confidence *float64 `json:"confidence"`
}

func (w timedWord) word() Word {
	return Word{named(w.Punctuated, w.Word), seconds(w.Start), seconds(w.End), confidence(w.Confidence)}
}

// parse passes over what is neither a transcription nor an error, as adapters have
// messages of their own.
func (j *jambonz) parse(msg []byte, at progress) (reply, error) {
	var m jambonzMessage
	if err := unmarshal(msg, &m); err != nil {
		return reply{}, err
	}
	switch m.Type {
	case "error":
		kind := ErrRefused
		if m.Declined {
			kind = ErrDeclined
		}
		return reply{}, &Error{Kind: kind, Detail: quoted(m.Error)}
	case "transcription":
		return reply{segments: m.segments(at)}, nil
	}
	return reply{}, nil
}

func (m *jambonzMessage) segments(at progress) []Segment {
	if len(m.Alternatives) == 0 {
		return nil
	}
	best := m.Alternatives[0]
	if best.Transcript == "" && !m.Final {
		return nil
	}
	s := Segment{
		Final: m.Final, EndOfUtterance: m.Final, NoMatch: m.Final && best.Transcript == "", Text: best.Transcript,
		Start: at.floor, End: at.sent, Confidence: confidence(best.Confidence), Language: m.Language,
	}
	if n := len(best.Words); n > 0 {
		s.Timed, s.Start, s.End = true, seconds(best.Words[0].Start), seconds(best.Words[n-1].End)
	}
	if m.Start != nil && m.End != nil {
		s.Timed, s.Start, s.End = true, seconds(*m.Start), seconds(*m.End)
	}
	for w := range slices.Values(best.Words) {
		s.Words = append(s.Words, w.word())
	}
	for _, a := range m.Alternatives[1:] {
		s.Alternatives = append(s.Alternatives, Alternative{a.Transcript, confidence(a.Confidence)})
	}
	return []Segment{s}
}
