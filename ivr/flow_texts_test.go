package ivr_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/tts/ssml"
)

func TestTextsAreThoseInFixedWords(t *testing.T) {
	flows, faults := ivr.Load(map[string][]byte{"f.yaml": []byte(`
flow: f
languages: [en, zh]
start: a
nodes:
  a: {say: {en: Hello., zh: 您好。}, next: b}
  b: {say: {en: "You call from {caller.from|digits}.", zh: 您好。}, next: c}
  c: {say: {en: 'Two, <break time="1s"/><say-as interpret-as="digits">12</say-as>', zh: "{caller.from}<break time='1s'/>"}, next: end}
`)})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	want := []ivr.Text{
		{Language: "en", Speech: ssml.Plain("Hello.")},
		{Language: "zh", Speech: ssml.Plain("您好。")},
		{Language: "en", Speech: ssml.Speech{{Text: "Two, "}, {Pause: time.Second}, {Text: "one two"}}},
	}
	if got := flows.Texts(); !reflect.DeepEqual(got, want) {
		t.Errorf("Texts = %v", got)
	}
}
