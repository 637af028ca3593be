package asr_test

import (
	"fmt"
	"testing"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/asrtest"
	"github.com/ivrd/ivrd/media"
)

func ms(n media.Time) media.Time { return n * media.SampleRate / 1000 }

// dialects are every engine of the package that is reached over WebSocket.
func dialects() map[string]asrtest.Dialect {
	return map[string]asrtest.Dialect{
		"vosk": vosk(), "vosk with alternatives": voskAlternatives(), "jambonz": jambonz(), "helper": helper(), "deepgram": deepgram(),
	}
}

func TestConformance(t *testing.T) {
	for name, d := range dialects() {
		t.Run(name, func(t *testing.T) { asrtest.Run(t, d) })
	}
}

func TestHostileServers(t *testing.T) {
	for name, d := range dialects() {
		t.Run(name, func(t *testing.T) { asrtest.Hostile(t, d) })
	}
}

// As vosk-server's asr_server.py sends what vosk-api writes.
func vosk() asrtest.Dialect {
	return asrtest.Dialect{
		New: func(l asr.Link) (asr.Recognizer, error) {
			return asr.NewVosk(asr.VoskConfig{Link: l, Languages: []string{"en"}})
		},
		Bytes: 2,
		Ack:   "{\n  \"partial\" : \"\"\n}",
		End:   `{"eof" : 1}`,
		Steps: []asrtest.Step{
			{After: 1.7, Say: "{\n  \"partial\" : \"i have\"\n}"},
			{After: 2.1, Say: "{\n  \"partial\" : \"i have a question\"\n}"},
			{After: 3, Say: `{
  "result" : [{
      "conf" : 1.000000,
      "end" : 1.350000,
      "start" : 1.230000,
      "word" : "i"
    }, {
      "conf" : 0.912345,
      "end" : 1.620000,
      "start" : 1.350000,
      "word" : "have"
    }, {
      "conf" : 1.000000,
      "end" : 2.040000,
      "start" : 1.650000,
      "word" : "questions"
    }],
  "text" : "i have questions"
}`},
			{After: 3.5, Say: `{"result" : [{"conf" : 0.7, "end" : 3.3, "start" : 3.1, "word" : "[unk]"}], "text" : "[unk]"}`},
		},
		Last:    []string{`{"result" : [{"conf" : 0.5, "end" : 4.3, "start" : 4.0, "word" : "bye"}], "text" : "bye"}`},
		Interim: "i have",
		Want: []asr.Segment{
			{
				Text: "i have questions", Language: "en", EndOfUtterance: true, Timed: true, Start: ms(1230), End: ms(2040),
				Words: []asr.Word{{"i", ms(1230), ms(1350), new(1.0)}, {"have", ms(1350), ms(1620), new(0.912345)}, {"questions", ms(1650), ms(2040), new(1.0)}},
			},
			{Language: "en", EndOfUtterance: true, NoMatch: true, Timed: true, Start: ms(3100), End: ms(3300)},
			{
				Text: "bye", Language: "en", EndOfUtterance: true, Timed: true, Start: ms(4000), End: ms(4300),
				Words: []asr.Word{{"bye", ms(4000), ms(4300), new(0.5)}},
			},
		},
		Result: func(start, end float64) string {
			return fmt.Sprintf(`{"text":"hello","result":[{"word":"hello","start":%g,"end":%g,"conf":1}]}`, start, end)
		},
		Wrong: []string{`{"text":5}`, `{"partial":["a"]}`, `{"result":{}}`, `[]`, `"x"`, `{"text":"a","result":[{"word":"a","start":"0"}]}`, `{"alternatives":[1]}`},
	}
}

// With max_alternatives words have no confidence, and that of an alternative is a
// likelihood, no probability.
func voskAlternatives() asrtest.Dialect {
	d := vosk()
	d.New = func(l asr.Link) (asr.Recognizer, error) { return asr.NewVosk(asr.VoskConfig{Link: l, Alternatives: 2}) }
	d.Steps = []asrtest.Step{
		{After: 1.7, Say: `{"partial" : "i have"}`},
		{After: 2.5, Say: `{"alternatives" : [{"confidence" : 231.4, "result" : [{"end" : 1.6, "start" : 1.2, "word" : "yes"}], "text" : "yes"}, {"confidence" : 229.1, "result" : [], "text" : "yet"}]}`},
	}
	d.Last = []string{`{"alternatives" : [{"confidence" : 1.0, "text" : ""}]}`}
	d.Want = []asr.Segment{{
		Text: "yes", EndOfUtterance: true, Timed: true, Start: ms(1200), End: ms(1600),
		Words: []asr.Word{{Text: "yes", Start: ms(1200), End: ms(1600)}}, Alternatives: []asr.Alternative{{Text: "yet"}},
	}}
	return d
}

// As jambonz documents it and its example adapters send it: without times.
func jambonz() asrtest.Dialect {
	return asrtest.Dialect{
		New:           func(l asr.Link) (asr.Recognizer, error) { return asr.NewJambonz(asr.JambonzConfig{Link: l}) },
		Authorization: "Bearer",
		Bytes:         2,
		End:           `{"type":"stop"}`,
		Steps: []asrtest.Step{
			{After: 1.7, Say: `{"type":"transcription","is_final":false,"alternatives":[{"confidence":0.4,"transcript":"I'd like"}],"language":"en-US","channel":1}`},
			{After: 2.7, Say: `{"type":"transcription","is_final":true,"alternatives":[{"confidence":0.9,"transcript":"I'd like to know"},{"transcript":"I'd like two"}],"language":"en-US","channel":1}`},
			{After: 3, Say: `{"type":"metadata","anything":[1,2,{}]}`},
		},
		Last:    []string{`{"type":"transcription","is_final":true,"alternatives":[{"transcript":"my balance"}],"channel":1}`},
		Interim: "I'd like",
		Want: []asr.Segment{
			{Text: "I'd like to know", Language: "en-US", EndOfUtterance: true, Confidence: new(0.9), Alternatives: []asr.Alternative{{Text: "I'd like two"}}},
			{Text: "my balance", EndOfUtterance: true},
		},
		Wrong: []string{`{"type":7}`, `{"type":"transcription","is_final":"yes"}`, `{"type":"transcription","alternatives":{}}`, `{"type":"transcription","alternatives":[[]]}`, `[]`},
	}
}

// As an adapter sends it that knows when words were said, on a Unix socket; it hears
// phrases only.
func helper() asrtest.Dialect {
	d := jambonz()
	d.New = func(l asr.Link) (asr.Recognizer, error) {
		return asr.NewJambonz(asr.JambonzConfig{Link: l, PhrasesOnly: true})
	}
	d.URL = "unix:///run/ivrd/asr.sock"
	d.Steps = []asrtest.Step{
		{After: 1.7, Say: `{"type":"transcription","is_final":false,"alternatives":[{"transcript":"bill"}],"start":1.2,"end":1.5}`},
		{After: 2.7, Say: `{"type":"transcription","is_final":true,"alternatives":[{"transcript":"billing please","words":[{"word":"billing","start":1.2,"end":1.7},{"word":"please","start":1.8,"end":2.2}]}],"start":1.15,"end":2.25}`},
		{After: 3, Say: `{"type":"transcription","is_final":true,"alternatives":[{"transcript":""}],"start":2.6,"end":2.8}`},
	}
	d.Last = []string{`{"type":"transcription","is_final":true,"alternatives":[{"confidence":7,"transcript":"agent","words":[{"word":"agent","start":3.1,"end":3.4,"confidence":0.3}]}]}`}
	d.Interim = "bill"
	d.Want = []asr.Segment{
		{
			Text: "billing please", EndOfUtterance: true, Timed: true, Start: ms(1150), End: ms(2250),
			Words: []asr.Word{{Text: "billing", Start: ms(1200), End: ms(1700)}, {Text: "please", Start: ms(1800), End: ms(2200)}},
		},
		{EndOfUtterance: true, NoMatch: true, Timed: true, Start: ms(2600), End: ms(2800)},
		{
			Text: "agent", EndOfUtterance: true, Timed: true, Start: ms(3100), End: ms(3400),
			Words: []asr.Word{{"agent", ms(3100), ms(3400), new(0.3)}},
		},
	}
	d.Result = func(start, end float64) string {
		return fmt.Sprintf(`{"type":"transcription","is_final":true,"alternatives":[{"transcript":"hello"}],"start":%g,"end":%g}`, start, end)
	}
	return d
}

// As Deepgram's live API documents it.
func deepgram() asrtest.Dialect {
	return asrtest.Dialect{
		New:           func(l asr.Link) (asr.Recognizer, error) { return asr.NewDeepgram(asr.DeepgramConfig{Link: l}) },
		Authorization: "Token",
		Bytes:         1,
		End:           `{"type":"CloseStream"}`,
		KeepAlive:     `{"type":"KeepAlive"}`,
		Steps: []asrtest.Step{
			{After: 0.5, Say: `{"type":"SpeechStarted","channel":[0],"timestamp":1.21}`},
			{After: 2, Say: `{"type":"Results","channel_index":[0,1],"duration":2.0,"start":0.0,"is_final":false,"speech_final":false,"channel":{"alternatives":[{"transcript":"I have","confidence":0.71,"words":[{"word":"i","start":1.2,"end":1.4,"confidence":0.7,"punctuated_word":"I"},{"word":"have","start":1.4,"end":1.6,"confidence":0.7,"punctuated_word":"have"}]}]},"metadata":{"request_id":"52cc0efe-fa77-4aa7-b79c-0dda09de2f14"},"from_finalize":false}`},
			{After: 2.5, Say: `{"type":"Results","channel_index":[0,1],"duration":2.3,"start":0.0,"is_final":true,"speech_final":false,"channel":{"alternatives":[{"transcript":"I have a question","confidence":0.98,"words":[{"word":"i","start":1.2,"end":1.4,"confidence":0.99,"punctuated_word":"I"},{"word":"question","start":1.7,"end":2.2,"confidence":0.95,"punctuated_word":"question"}]}]},"from_finalize":false}`},
			{After: 3.2, Say: `{"type":"Results","channel_index":[0,1],"duration":0.7,"start":2.3,"is_final":true,"speech_final":true,"channel":{"alternatives":[{"transcript":"about that.","confidence":0.9,"words":[{"word":"about","start":2.4,"end":2.6,"confidence":0.9},{"word":"that","start":2.6,"end":2.9,"confidence":0.9,"punctuated_word":"that."}]}]},"from_finalize":false}`},
			{After: 3.3, Say: `{"type":"UtteranceEnd","channel":[0,1],"last_word_end":2.9}`},
			{After: 4.2, Say: `{"type":"Results","channel_index":[0,1],"duration":0.9,"start":3.1,"is_final":true,"speech_final":false,"channel":{"alternatives":[{"transcript":"Well","confidence":0.8,"words":[{"word":"well","start":3.5,"end":3.8,"confidence":0.8,"punctuated_word":"Well"}]}]},"from_finalize":false}`},
			{After: 4.9, Say: `{"type":"UtteranceEnd","channel":[0,1],"last_word_end":3.8}`},
			{After: 5, Say: `{"type":"Results","channel_index":[0,1],"duration":0.8,"start":4.0,"is_final":true,"speech_final":true,"channel":{"alternatives":[{"transcript":"","confidence":0.0,"words":[]}]},"from_finalize":false}`},
		},
		Last: []string{
			`{"type":"Results","channel_index":[0,1],"duration":0.5,"start":5.0,"is_final":true,"speech_final":false,"channel":{"alternatives":[{"transcript":"Bye","confidence":0.5,"words":[{"word":"bye","start":5.1,"end":5.4,"confidence":0.5,"punctuated_word":"Bye"}]}]},"from_finalize":true}`,
			`{"type":"Metadata","transaction_key":"deprecated","request_id":"8c8ebea9-dbec-45fa-a035-e4632cb05b5f","duration":6.0,"channels":1}`,
		},
		Interim: "I have",
		Want: []asr.Segment{
			{
				Text: "I have a question", Confidence: new(0.98), Timed: true, Start: ms(1200), End: ms(2200),
				Words: []asr.Word{{"I", ms(1200), ms(1400), new(0.99)}, {"question", ms(1700), ms(2200), new(0.95)}},
			},
			{
				Text: "about that.", Confidence: new(0.9), EndOfUtterance: true, Timed: true, Start: ms(2400), End: ms(2900),
				Words: []asr.Word{{"about", ms(2400), ms(2600), new(0.9)}, {"that.", ms(2600), ms(2900), new(0.9)}},
			},
			{
				Text: "Well", Confidence: new(0.8), Timed: true, Start: ms(3500), End: ms(3800),
				Words: []asr.Word{{"Well", ms(3500), ms(3800), new(0.8)}},
			},
			{EndOfUtterance: true, Timed: true, Start: ms(3800), End: ms(3800)},
			{
				Text: "Bye", Confidence: new(0.5), EndOfUtterance: true, Timed: true, Start: ms(5100), End: ms(5400),
				Words: []asr.Word{{"Bye", ms(5100), ms(5400), new(0.5)}},
			},
		},
		Result: func(start, end float64) string {
			return fmt.Sprintf(`{"type":"Results","start":%g,"duration":%g,"is_final":true,"speech_final":true,"channel":{"alternatives":[{"transcript":"hello","confidence":1,"words":[{"word":"hello","start":%g,"end":%g}]}]}}`, start, end-start, start, end)
		},
		Wrong: []string{`{"type":"Results","start":"0"}`, `{"type":"Results","channel":{"alternatives":7}}`, `{"type":"Results","channel":"x"}`, `{"type":["Results"]}`, `[]`},
	}
}
