package asr

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/media"
)

// DeepgramConfig says how Deepgram's live transcription is reached, in the cloud or on
// one's own machines.
type DeepgramConfig struct {
	Name string // empty for "deepgram"
	// Link: an empty URL means wss://api.deepgram.com/v1/listen. What its query sets is
	// left as it is.
	Link Link
	// Model; empty for "nova-3".
	Model string
	// Language for sessions that name none; empty for the service's own.
	Language string
	// Languages that it is used for, as in BCP 47; empty for all.
	Languages []string
	// PhrasesOnly: it is not to take dictation.
	PhrasesOnly bool
	// Linear: 16-bit sound, at twice the bytes of µ-law.
	Linear bool
	// Endpointing is the silence that ends an utterance; zero for 300 ms.
	Endpointing time.Duration
}

// NewDeepgram is a client of Deepgram's live transcription. Phrases are hints (keyterm,
// of older models keywords). It fails when the link does.
func NewDeepgram(c DeepgramConfig) (Recognizer, error) {
	c.Name, c.Model = named(c.Name, "deepgram"), named(c.Model, "nova-3")
	if c.Endpointing == 0 {
		c.Endpointing = 300 * time.Millisecond
	}
	c.Link.URL = named(c.Link.URL, "wss://api.deepgram.com/v1/listen")
	c.Link.query = c.query
	return newEngine(c.Name, c.Link, "Token",
		Traits{Dictation: !c.PhrasesOnly, Interim: true, Times: true, Languages: c.Languages},
		func(o Options) protocol { return &deepgram{linear: c.Linear, language: named(o.Language, c.Language)} })
}

// query adds what a session asks for to what the URL has.
func (c *DeepgramConfig) query(q url.Values, o Options) {
	set := func(key, value string) {
		if value != "" && !q.Has(key) {
			q.Set(key, value)
		}
	}
	encoding := "mulaw"
	if c.Linear {
		encoding = "linear16"
	}
	q.Set("encoding", encoding)
	q.Set("sample_rate", strconv.Itoa(media.SampleRate))
	q.Set("channels", "1")
	// Also without interest in them: they tell how far it has listened, and UtteranceEnd
	// needs them.
	q.Set("interim_results", "true")
	set("model", c.Model)
	set("language", named(o.Language, c.Language))
	set("endpointing", strconv.FormatInt(c.Endpointing.Milliseconds(), 10))
	set("utterance_end_ms", "1000")
	set("punctuate", "true")
	hint := "keywords"
	if strings.HasPrefix(q.Get("model"), "nova-3") {
		hint = "keyterm"
	}
	for room := 4 << 10; len(o.Phrases) > 0 && room >= len(o.Phrases[0]); o.Phrases = o.Phrases[1:] {
		q.Add(hint, o.Phrases[0])
		room -= len(o.Phrases[0])
	}
}

type deepgram struct {
	linear   bool
	language string
	open     bool       // an utterance has segments and no end yet
	spoken   media.Time // its end
}

func (*deepgram) start() ([]string, error) { return nil, nil }

func (d *deepgram) encode(dst []byte, pcm []int16) []byte {
	if d.linear {
		return linear16(dst, pcm)
	}
	n := len(dst)
	dst = slices.Grow(dst, len(pcm))[:n+len(pcm)]
	media.PCMU.Encode(dst[n:], pcm)
	return dst
}

func (*deepgram) end() []string { return []string{`{"type":"Finalize"}`, `{"type":"CloseStream"}`} }

// The connection is closed after 10 s without sound; every 3 to 5 s is asked for.
func (*deepgram) keepAlive() string { return `{"type":"KeepAlive"}` }

type deepgramMessage struct {
	Type        string          `json:"type"`
	Start       float64         `json:"start"`
	Duration    float64         `json:"duration"`
	Final       bool            `json:"is_final"`
	SpeechFinal bool            `json:"speech_final"`
	Finalized   bool            `json:"from_finalize"`
	LastWordEnd float64         `json:"last_word_end"`
	Description string          `json:"description"`
	Channel     deepgramChannel `json:"channel"`
}

// deepgramChannel is an object in Results and a list of numbers in UtteranceEnd.
type deepgramChannel struct {
	Alternatives []deepgramAlternative `json:"alternatives"`
}

func (c *deepgramChannel) UnmarshalJSON(b []byte) error {
	type plain deepgramChannel
	if len(b) > 0 && b[0] == '[' {
		return nil
	}
	return unmarshal(b, (*plain)(c))
}

type deepgramAlternative struct {
	Transcript string      `json:"transcript"`
	Confidence *float64    `json:"confidence"`
	Words      []timedWord `json:"words"`
	Languages  []string    `json:"languages"`
}

func (d *deepgram) parse(msg []byte, at progress) (reply, error) {
	var m deepgramMessage
	if err := unmarshal(msg, &m); err != nil {
		return reply{}, err
	}
	switch m.Type {
	case "Results":
		heard := min(max(seconds(m.Start+m.Duration), 0), at.sent)
		return reply{segments: d.results(&m), heard: heard}, nil
	case "UtteranceEnd":
		return reply{segments: d.endUtterance()}, nil
	case "Error":
		return reply{}, &Error{Kind: ErrRefused, Detail: quoted(m.Description)}
	}
	return reply{}, nil
}

// results makes a segment of what has words, and of an end alone one without.
func (d *deepgram) results(m *deepgramMessage) []Segment {
	ends := m.Final && (m.SpeechFinal || m.Finalized)
	if len(m.Channel.Alternatives) == 0 || m.Channel.Alternatives[0].Transcript == "" {
		if ends {
			return d.endUtterance()
		}
		return nil
	}
	best := m.Channel.Alternatives[0]
	s := Segment{
		Final: m.Final, EndOfUtterance: ends, Text: best.Transcript, Timed: true,
		Start: seconds(m.Start), End: seconds(m.Start + m.Duration),
		Confidence: confidence(best.Confidence), Language: d.language,
	}
	if len(best.Languages) > 0 {
		s.Language = best.Languages[0]
	}
	if n := len(best.Words); n > 0 { // closer than the stretch that was looked at
		s.Start, s.End = seconds(best.Words[0].Start), seconds(best.Words[n-1].End)
	}
	for _, w := range best.Words {
		s.Words = append(s.Words, w.word())
	}
	for _, a := range m.Channel.Alternatives[1:] {
		s.Alternatives = append(s.Alternatives, Alternative{a.Transcript, confidence(a.Confidence)})
	}
	if m.Final {
		d.open, d.spoken = !ends, s.End
	}
	return []Segment{s}
}

func (d *deepgram) endUtterance() []Segment {
	if !d.open {
		return nil
	}
	d.open = false
	return []Segment{{Final: true, EndOfUtterance: true, Timed: true, Start: d.spoken, End: d.spoken}}
}
