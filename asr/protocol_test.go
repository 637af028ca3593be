package asr

import (
	"errors"
	"math/rand/v2"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

func TestStartMessages(t *testing.T) {
	phrases := []string{"Billing", "查询余额"}
	for _, c := range []struct {
		name string
		p    protocol
		want string
	}{
		{"vosk, dictation", &vosk{}, `{"config":{"sample_rate":8000,"words":true,"max_alternatives":0}}`},
		{"vosk, phrases", &vosk{VoskConfig{Alternatives: 3}, phrases}, `{"config":{"sample_rate":8000,"words":true,"max_alternatives":3,"phrase_list":["billing","查询余额","[unk]"]}}`},
		{
			"jambonz", &jambonz{JambonzConfig{Language: "en-US"}, Options{}},
			`{"type":"start","language":"en-US","format":"raw","encoding":"LINEAR16","sampleRateHz":8000,"interimResults":false,"options":{}}`,
		},
		{
			"jambonz, phrases and options",
			&jambonz{JambonzConfig{Options: map[string]any{"model": "a", "beam": 2}}, Options{Language: "zh-CN", Phrases: phrases, Interim: true, Extra: map[string]any{"model": "b", "grammar": "#JSGF V1.0;"}}},
			`{"type":"start","language":"zh-CN","format":"raw","encoding":"LINEAR16","sampleRateHz":8000,"interimResults":true,"options":{"beam":2,"grammar":"#JSGF V1.0;","hints":["Billing","查询余额"],"model":"b"}}`,
		},
	} {
		if got, err := c.p.start(); err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s starts with\n%s, %v; want\n%s", c.name, got, err, c.want)
		}
	}
}

func TestDeepgramQuery(t *testing.T) {
	o := Options{Language: "en-GB", Phrases: []string{"a b", "c"}}
	for _, c := range []struct {
		config DeepgramConfig
		url    string
		want   string
	}{
		{DeepgramConfig{Model: "nova-3", Endpointing: 300 * time.Millisecond}, "", "channels=1&encoding=mulaw&endpointing=300&interim_results=true&keyterm=a+b&keyterm=c&language=en-GB&model=nova-3&punctuate=true&sample_rate=8000&utterance_end_ms=1000"},
		{DeepgramConfig{Model: "nova-2", Linear: true}, "endpointing=10&tag=x&encoding=opus", "channels=1&encoding=linear16&endpointing=10&interim_results=true&keywords=a+b&keywords=c&language=en-GB&model=nova-2&punctuate=true&sample_rate=8000&tag=x&utterance_end_ms=1000"},
	} {
		q, err := url.ParseQuery(c.url)
		if err != nil {
			t.Fatal(err)
		}
		if c.config.query(q, o); q.Encode() != c.want {
			t.Errorf("the query is\n%s, want\n%s", q.Encode(), c.want)
		}
	}
}

func TestDeepgramURLStaysShort(t *testing.T) {
	q := url.Values{}
	c := DeepgramConfig{Model: "nova-3"}
	c.query(q, Options{Phrases: slices.Repeat([]string{strings.Repeat("a", maxPhrase)}, MaxPhrases)})
	if n := len(q.Encode()); n > 8<<10 || len(q["keyterm"]) < 20 {
		t.Errorf("%d hints in %d bytes", len(q["keyterm"]), n)
	}
}

func TestEncodings(t *testing.T) {
	pcm := []int16{0, 1, -2, 32767}
	if got := (&vosk{}).encode([]byte{9}, pcm); !slices.Equal(got, []byte{9, 0, 0, 1, 0, 0xfe, 0xff, 0xff, 0x7f}) {
		t.Errorf("linear: % x", got)
	}
	if got := (&deepgram{}).encode([]byte{9}, pcm); !slices.Equal(got, []byte{9, 0xff, 0xff, 0x7f, 0x80}) { // −2 is 0 of 14 bits
		t.Errorf("µ-law: % x", got)
	}
}

func TestEnginesSayWhatIsWrong(t *testing.T) {
	for p, msg := range map[protocol]string{
		&jambonz{}:  `{"type":"error","error":"no credit\nleft ` + strings.Repeat("x", 5000) + `"}`,
		&deepgram{}: `{"type":"Error","description":"no credit\nleft","message":"x"}`,
	} {
		_, err := p.parse([]byte(msg), progress{})
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "no credit left") || len(err.Error()) > 300 {
			t.Errorf("%s gives %v", msg[:30], err)
		}
	}
}

// Every engine's parser: whatever comes, times are in order and inside what was sent, and
// nothing is huge.
func fuzz(f *testing.F, speak func() protocol, seeds ...string) {
	f.Helper()
	for _, s := range seeds {
		f.Add([]byte(s), []byte(s), uint32(80_000), uint32(8_000))
	}
	f.Fuzz(func(t *testing.T, first, second []byte, sent, floor uint32) {
		p := speak()
		at := progress{sent: media.Time(sent), acked: media.Time(sent / 2), floor: media.Time(min(floor, sent))}
		for _, msg := range [][]byte{first, second} {
			r, err := p.parse(msg, at)
			if err != nil {
				if _, ours := errors.AsType[*Error](err); !ours || len(err.Error()) > maxDetail+100 {
					t.Fatalf("error %v", err)
				}
				return
			}
			if r.heard < 0 || r.heard > at.sent {
				t.Fatalf("heard %d of %d", r.heard, at.sent)
			}
			for _, s := range r.segments {
				if s, err = settle(s, at); err != nil {
					return
				}
				checkSettled(t, s, at)
				if s.Final {
					at.floor = s.End
				}
			}
		}
	})
}

func checkSettled(t *testing.T, s Segment, at progress) {
	t.Helper()
	edge := s.Start
	for _, w := range s.Words {
		if w.Start < edge || w.End < w.Start || len(w.Text) > maxPhrase || badConfidence(w.Confidence) {
			t.Fatalf("word %+v after %d", w, edge)
		}
		edge = w.End
	}
	if s.Start < at.floor || s.End < edge || s.End > at.sent {
		t.Fatalf("times %d to %d, words to %d, floor %d, sent %d", s.Start, s.End, edge, at.floor, at.sent)
	}
	if len(s.Text) > maxText || len(s.Words) > maxWords || len(s.Alternatives) > maxOthers || len(s.Language) > maxTag || badConfidence(s.Confidence) {
		t.Fatal("more than there may be")
	}
}

func badConfidence(c *float64) bool { return c != nil && !(*c >= 0 && *c <= 1) }

func FuzzVosk(f *testing.F) {
	fuzz(f, func() protocol { return &vosk{} },
		`{"partial":"a"}`, `{"text":"a b","result":[{"word":"a","start":1,"end":2,"conf":0.5},{"word":"b","start":0.1,"end":9e9}]}`,
		`{"text":"[unk]"}`, `{"alternatives":[{"text":"a","confidence":200},{"text":"b"}]}`)
}

func FuzzJambonz(f *testing.F) {
	fuzz(f, func() protocol { return &jambonz{} },
		`{"type":"transcription","is_final":true,"alternatives":[{"confidence":0.9,"transcript":"a","words":[{"word":"a","start":1,"end":2}]},{"transcript":"b"}],"start":1,"end":2,"language":"en"}`,
		`{"type":"error","error":"x"}`, `{"type":"transcription","is_final":false,"alternatives":[{"transcript":"a"}],"start":-1,"end":1e300}`)
}

func FuzzDeepgram(f *testing.F) {
	fuzz(f, func() protocol { return &deepgram{} },
		`{"type":"Results","start":1,"duration":2,"is_final":true,"channel":{"alternatives":[{"transcript":"a","confidence":1,"words":[{"word":"a","start":1,"end":2}],"languages":["en"]}]}}`,
		`{"type":"UtteranceEnd","channel":[0,1],"last_word_end":2}`, `{"type":"Error","description":"x"}`, `{"type":"Results","start":-5,"duration":1e300,"speech_final":true,"is_final":true}`)
}

// An hour of a call in which 5 % of the frames are lost, some told of and some not, and
// listening pauses now and then: what the engine hears at its time was said at the call's.
func TestClockOverAnHour(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a test's
	var c clock
	type sample struct{ engine, call media.Time }
	var said []sample
	at := media.Time(777)
	for end := at + 3600*media.SampleRate; at < end; at += media.FrameSamples {
		switch {
		case r.IntN(20) == 0:
			continue
		case r.IntN(3000) == 0:
			at += media.Time(r.IntN(30 * media.SampleRate))
		}
		fill, late := c.take(at, media.FrameSamples)
		if late != 0 || fill > maxFill {
			t.Fatalf("fill %d, late %d", fill, late)
		}
		said = append(said, sample{c.sent - media.FrameSamples, at})
	}
	if len(c.jumps) < 10 || len(c.jumps) > maxJumps {
		t.Fatalf("%d jumps", len(c.jumps))
	}
	for _, s := range said {
		if got := c.start(s.engine); got != s.call {
			t.Fatalf("engine %d is call %d, want %d", s.engine, got, s.call)
		}
		if got := c.end(s.engine + media.FrameSamples); got != s.call+media.FrameSamples {
			t.Fatalf("end %d is call %d, want %d", s.engine, got, s.call)
		}
	}
}

func TestClockKeepsItsJumpsBounded(t *testing.T) {
	var c clock
	for i := range media.Time(10 * maxJumps) {
		c.take(i*10*media.SampleRate, media.FrameSamples)
	}
	if len(c.jumps) != maxJumps || c.next() != (10*maxJumps-1)*10*media.SampleRate+media.FrameSamples {
		t.Errorf("%d jumps, next %d", len(c.jumps), c.next())
	}
	before := media.Time(0)
	for e := media.Time(0); e < c.sent; e += 1000 {
		if at := c.start(e); at < before {
			t.Fatalf("time goes back at %d", e)
		} else {
			before = at
		}
	}
}
