package asr

import (
	"slices"
	"strings"

	"github.com/ivrd/ivrd/media"
)

// VoskConfig says how a Vosk server (alphacep/vosk-server, its WebSocket) is reached.
type VoskConfig struct {
	Name string // empty for "vosk"
	Link Link
	// Alternatives asked for. With some, words have no confidence.
	Alternatives int
	// Languages of the server's model, as in BCP 47; when it is one, segments say it.
	Languages []string
	// PhrasesOnly: it is not to take dictation.
	PhrasesOnly bool
}

// NewVosk is a client of a Vosk server, which has one model and takes dictation, or a
// grammar where the model allows for one (a model with a static graph ignores it). Words
// have confidences (posteriors), segments none. Phrases are sent in lower case, as
// models have their words, with one more for whatever else is said. It fails when the
// link does.
func NewVosk(c VoskConfig) (Recognizer, error) {
	c.Name = named(c.Name, "vosk")
	return newEngine(c.Name, c.Link, "",
		Traits{Dictation: !c.PhrasesOnly, Grammar: true, Interim: true, Times: true, Progress: true, Languages: c.Languages},
		func(o Options) protocol { return &vosk{VoskConfig: c, phrases: o.Phrases} })
}

type vosk struct {
	VoskConfig

	phrases []string
}

// voskUnknown is the word for what is in no grammar.
const voskUnknown = "[unk]"

func (v *vosk) start() ([]string, error) {
	type config struct {
		SampleRate   int      `json:"sample_rate"`
		Words        bool     `json:"words"`
		Alternatives int      `json:"max_alternatives"`
		Phrases      []string `json:"phrase_list,omitempty"`
	}
	c := config{media.SampleRate, true, v.Alternatives, nil}
	if len(v.phrases) > 0 {
		for _, p := range v.phrases {
			c.Phrases = append(c.Phrases, strings.ToLower(p))
		}
		c.Phrases = append(c.Phrases, voskUnknown)
	}
	s, err := text(map[string]config{"config": c})
	return []string{s}, err
}

func (*vosk) encode(dst []byte, pcm []int16) []byte { return linear16(dst, pcm) }

// The server compares the end byte for byte: the spaces belong to it.
func (*vosk) end() []string { return []string{`{"eof" : 1}`} }

func (*vosk) keepAlive() string { return "" }

type voskResult struct {
	Text  string     `json:"text"`
	Words []voskWord `json:"result"`
}

type voskWord struct {
	Word  string   `json:"word"`
	Start float64  `json:"start"`
	End   float64  `json:"end"`
	Conf  *float64 `json:"conf"`
}

// parse reads one of {"partial"}, {"text", "result"} and {"alternatives"}: one answer to
// each binary message, and one to the end.
func (v *vosk) parse(msg []byte, at progress) (reply, error) {
	var m struct {
		Partial *string `json:"partial"`
		voskResult
		Alternatives []voskResult `json:"alternatives"`
	}
	if err := unmarshal(msg, &m); err != nil {
		return reply{}, err
	}
	r := reply{heard: at.acked, done: at.last}
	if m.Partial != nil {
		if *m.Partial != "" && *m.Partial != voskUnknown {
			r.segments = []Segment{{Text: *m.Partial, Start: at.floor, End: at.acked, Language: v.language()}}
		}
		return r, nil
	}
	best, others := m.voskResult, []Alternative(nil)
	if len(m.Alternatives) > 0 {
		best = m.Alternatives[0]
		for _, a := range m.Alternatives[1:] {
			others = append(others, Alternative{Text: a.Text})
		}
	}
	if best.Text != "" {
		r.segments = []Segment{v.segment(best, others, at)}
	}
	return r, nil
}

func (v *vosk) segment(m voskResult, others []Alternative, at progress) Segment {
	s := Segment{
		Final: true, EndOfUtterance: true, Text: m.Text, Start: at.floor, End: at.acked,
		Language: v.language(), Alternatives: others,
	}
	if n := len(m.Words); n > 0 {
		s.Timed, s.Start, s.End = true, seconds(m.Words[0].Start), seconds(m.Words[n-1].End)
	}
	for _, w := range m.Words {
		if w.Word != voskUnknown {
			s.Words = append(s.Words, Word{w.Word, seconds(w.Start), seconds(w.End), confidence(w.Conf)})
		}
	}
	if known := slices.DeleteFunc(strings.Fields(m.Text), func(w string) bool { return w == voskUnknown }); len(known) == 0 {
		s.Text, s.NoMatch = "", true
	} else {
		s.Text = strings.Join(known, " ")
	}
	return s
}

// language of all that is heard, if it is one.
func (v *vosk) language() string {
	if len(v.Languages) != 1 {
		return ""
	}
	return v.Languages[0]
}
