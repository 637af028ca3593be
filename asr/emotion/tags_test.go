package emotion

import (
	"strings"
	"testing"

	"github.com/ivrd/ivrd/transcript"
)

func TestTakeTags(t *testing.T) {
	for _, c := range []struct {
		text, clean string
		want        transcript.Feeling
		ok          bool
	}{
		{"hello", "hello", 0, false},
		{" a < b |> c ", " a < b |> c ", 0, false},
		{"<|en|><|ANGRY|><|Speech|><|woitn|>where is my order", "where is my order", transcript.Anger, true},
		{"<|zh|><|HAPPY|><|Speech|><|withitn|>太好了。", "太好了。", transcript.Happiness, true},
		{"<|zh|><|NEUTRAL|><|BGM|>您好", "您好", transcript.Neutral, true},
		{"<|yue|><|EMO_UNKNOWN|><|Speech|>", "", transcript.Unknown, true},
		{"<|en|><|Speech|>hello", "hello", 0, false},
		{"one <|SAD|> two", "one two", transcript.Sadness, true},
		{"<|ANGRY|>a<|ANGRY|>b<|SAD|>c", "abc", transcript.Anger, true},
		{"<|ANGRY|>a<|HAPPY|>b", "ab", transcript.Unknown, true},
		{"<|<|en|>ANGRY|>a", "a", transcript.Anger, true}, // what taking a tag off makes
		{"<|angry|>a", "a", 0, false},
		{"<|ANGRY", "<|ANGRY", 0, false},
		{"<|" + strings.Repeat("A", 25) + "|>", "<|" + strings.Repeat("A", 25) + "|>", 0, false},
		{"<||>", "<||>", 0, false},
		{"<|a b|>", "<|a b|>", 0, false},
	} {
		clean, e, ok := TakeTags(c.text)
		if clean != c.clean || e.Label != c.want || ok != c.ok {
			t.Errorf("%q: %q, %v, %v; want %q, %v, %v", c.text, clean, e.Label, ok, c.clean, c.want, c.ok)
		}
		if ok && e.Method != "asr-tag" || e.Confidence > tagTrust || (e.Label == transcript.Unknown) != (e.Confidence == 0) {
			t.Errorf("%q: %+v", c.text, e)
		}
	}
}

// FuzzTakeTags: what is left has no tag, is part of the text in its order, and is left
// alone the next time.
func FuzzTakeTags(f *testing.F) {
	for _, s := range []string{"<|en|><|ANGRY|>hi", "<|<|en|>SAD|>", "a <|HAPPY|> b", "|>|>|>", "<|SAD|><|ANGRY|>", "\xff<|SAD|>\x80 ", "<|A|> <|B|> x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		clean, e, ok := TakeTags(text)
		if again, _, found := TakeTags(clean); again != clean || found {
			t.Errorf("%q gives %q, and that %q", text, clean, again)
		}
		rest := text
		for i := range len(clean) {
			at := strings.IndexByte(rest, clean[i])
			if at < 0 {
				t.Fatalf("%q gives %q, which is not in it", text, clean)
			}
			rest = rest[at+1:]
		}
		if !ok && e != (transcript.Emotion{}) || ok && !(e.Confidence >= 0 && e.Confidence <= tagTrust) {
			t.Errorf("%q: %+v", text, e)
		}
	})
}
