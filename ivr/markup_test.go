package ivr

import (
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/tts/ssml"
)

func TestReadAs(t *testing.T) {
	for _, c := range []struct{ as, text, en, zh string }{
		{"digits", "138 0013 8000", "one three eight zero zero one three eight zero zero zero", "幺三八零零幺三八零零零"},
		{"telephone", "13800138000", "one three eight, zero zero one three, eight zero zero zero", "幺三八，零零幺三，八零零零"},
		{"telephone", "+8613800138000", "plus eight six, one three eight, zero zero one three, eight zero zero zero", "加八六，幺三八，零零幺三，八零零零"},
		{"telephone", "010-8888 1234", "zero one zero, eight eight eight eight, one two three four", "零幺零，八八八八，幺二三四"},
		{"telephone", "(555) 0199", "five five five, zero one nine nine", "五五五，零幺九九"},
		{"telephone", "95588", "nine five five eight eight", "九五五八八"},
		{"characters", "a1-京B", "A one dash 京 B", "A幺杠京B"},
		{"characters", "x@y_z", "X at Y underscore Z", "X艾特Y下划线Z"},
		{"currency", "1234.50 CNY", "one thousand two hundred thirty-four yuan and fifty fen", "一千二百三十四元五角"},
		{"currency", "$1,234.50", "one thousand two hundred thirty-four dollars and fifty cents", "一千二百三十四美元五十美分"},
		{"currency", "-$1,234.50", "minus one thousand two hundred thirty-four dollars and fifty cents", "负一千二百三十四美元五十美分"},
		{"currency", "¥-0.05", "minus five fen", "负五分"},
		{"currency", "￥0", "zero yuan", "零元"},
		{"currency", "2 eur", "two euros", "两欧元"},
		{"currency", "HK$1,000,000", "one million Hong Kong dollars", "一百万港元"},
		{"currency", "USD 0.01", "one cent", "一美分"},
		{"date", "2026-11-20", "November twentieth, twenty twenty-six", "二零二六年十一月二十日"},
		{"date", "2026/01/02", "January second, twenty twenty-six", "二零二六年一月二日"},
		{"date", "2026-11-19T18:00:00Z", "November twentieth, twenty twenty-six", "二零二六年十一月二十日"},
		{"cardinal", "1,001", "one thousand one", "一千零一"},
		{"cardinal", "-2.5", "minus two point five", "负二点五"},
	} {
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			got, err := readAs(c.as, " "+c.text+" ", language, time.FixedZone("CST", 8*3600))
			if err != nil || got != want {
				t.Errorf("%s as %s in %s: got %q, %v; want %q", c.text, c.as, language, got, err, want)
			}
		}
	}
}

func TestReadAsRefusesWithoutQuoting(t *testing.T) {
	for _, c := range []struct{ as, text string }{
		{"digits", "secret"[:0]},
		{"telephone", "京京"},
		{"characters", " "},
		{"currency", "7777"},
		{"currency", "$7777 CNY"},
		{"currency", "7777 XYZ"},
		{"currency", "$1,23.7777"},
		{"date", "7777"},
		{"date", "2026-02-30"},
		{"cardinal", "7777x"},
		{"cardinal", ""},
	} {
		got, err := readAs(c.as, c.text, "en", time.UTC)
		if err == nil || strings.Contains(err.Error(), "7777") {
			t.Errorf("%q as %s: got %q, %v", c.text, c.as, got, err)
		}
	}
	if _, err := readAs("digits", "1", "fr", time.UTC); err == nil {
		t.Error("a language without a speaker was spoken")
	}
}

// textOf is a text of a flow in English.
func textOf(t *testing.T, source string) *text {
	t.Helper()
	flows, faults := CheckFiles(map[string][]byte{"f.yaml": []byte(`
flow: f
languages: [en]
start: a
nodes:
  a: {collect: {play: x, digits: 1-9, into: v}, on: {ok: b, noinput: end, nomatch: end}}
  b:
    say: |-
      ` + source + `
    next: end
`)}, CheckOptions{})
	if len(faults) > 0 {
		t.Fatalf("%s: %v", source, faults)
	}
	return flows.flows["f"].byName["b"].verb.(*speakVerb).prompts.say["en"]
}

func spoken(t *testing.T, source, value string) ssml.Speech {
	t.Helper()
	s, err := textOf(t, source).spoken(map[string]any{"v": value}, "en", time.UTC)
	if err != nil {
		t.Fatalf("%s: %v", source, err)
	}
	return s
}

func TestMarkupBecomesSpeech(t *testing.T) {
	slow := ssml.Prosody{Rate: -0.2}
	for source, want := range map[string]ssml.Speech{
		`Fish & chips.`:                        {{Text: "Fish & chips."}},
		`&lt; {v}`:                             {{Text: "&lt; 12"}},
		`A<break time="500ms"/>B &lt; &amp; C`: {{Text: "A"}, {Pause: 500 * time.Millisecond}, {Text: "B < & C"}},
		`<speak>Dial <say-as interpret-as="digits">{v}</say-as>, ${v}.</speak>`: {{Text: "Dial one two, 12."}},
		`Your code: <prosody rate="slow">{v|digits}<break time='1.5s'/><prosody volume="+3dB" pitch="-2st" rate="slow">bye</prosody></prosody>`: {
			{Text: "Your code: "},
			{Text: "one two", Prosody: slow},
			{Pause: 1500 * time.Millisecond},
			{Text: "bye", Prosody: ssml.Prosody{Rate: 0.8*0.8 - 1, Pitch: -2, Volume: 3}},
		},
	} {
		got := spoken(t, source, "12")
		for i := range got {
			if i < len(want) && got[i].Prosody.Rate-want[i].Prosody.Rate < 1e-9 && want[i].Prosody.Rate-got[i].Prosody.Rate < 1e-9 {
				got[i].Prosody.Rate = want[i].Prosody.Rate
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s:\n got %+v\nwant %+v", source, got, want)
		}
	}
}

// What a caller says stays words, whatever it looks like.
func TestValuesAreNeverMarkup(t *testing.T) {
	for _, value := range []string{
		`<break time="10s"/>`, `</prosody>`, `</speak><speak>`, `&lt;break time="10s"/&gt;`, `&amp;`, `<say-as interpret-as="digits">1</say-as>`, `"/><break time="9s"/>`, "\x01400s", `]]>`, `<!-- -->`,
	} {
		got := spoken(t, `<prosody rate="fast">You said {v}.</prosody><break time="1s"/>{v}`, value)
		want := ssml.Speech{{Text: "You said " + value + ".", Prosody: ssml.Prosody{Rate: 0.25}}, {Pause: time.Second}, {Text: value}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q: got %+v", value, got)
		}
		if got := spoken(t, "You said ${v}.", value); !reflect.DeepEqual(got, ssml.Plain("You said "+value+".")) {
			t.Errorf("%q: got %+v", value, got)
		}
	}
}

func TestWhatCannotBeReadIsAFault(t *testing.T) {
	_, err := textOf(t, `<say-as interpret-as="currency">{v}</say-as>`).spoken(map[string]any{"v": "7777"}, "en", time.UTC)
	if err == nil || strings.Contains(err.Error(), "7777") {
		t.Errorf("got %v", err)
	}
}

// FuzzValueInMarkup: a value changes the words where it stands and nothing else.
func FuzzValueInMarkup(f *testing.F) {
	for _, v := range []string{"", "12", `<break time="10s"/>`, "</prosody>", "&lt;", "{v}", "${env.X}", "\x00<", "十二"} {
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := spoken(t, `a<break time="1s"/><prosody pitch="high">b {v} c</prosody> d ${v}`, value)
		want := ssml.Speech{{Text: "a"}, {Pause: time.Second}, {Text: "b " + value + " c", Prosody: ssml.Prosody{Pitch: 3}}, {Text: " d " + value}}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%q became %+v", value, got)
		}
	})
}
