package emotion

import (
	"testing"

	"github.com/ivrd/ivrd/transcript"
)

func TestWords(t *testing.T) {
	for _, c := range []struct {
		text    string
		feeling transcript.Feeling // the strongest; Unknown is none
		valence float64            // its sign; 0 is none
	}{
		{"", transcript.Unknown, 0},
		{"I want to pay my bill", transcript.Unknown, 0},
		{"I am very angry", transcript.Anger, -1},
		{"I'M FURIOUS", transcript.Anger, -1},
		{"I’m fed up with this", transcript.Anger, -1},
		{"i am sick of waiting", transcript.Anger, -1},
		{"my mother is sick", transcript.Unknown, 0},
		{"I'm not angry", transcript.Unknown, 1},
		{"I am not at all angry, but sad", transcript.Sadness, -1},
		{"I'm not happy but angry", transcript.Anger, -1},
		{"I am not happy", transcript.Unknown, -1},
		{"it is not bad", transcript.Unknown, 1},
		{"not only angry", transcript.Anger, -1},
		{"no problem I am happy", transcript.Happiness, 1},
		{"I can't believe it", transcript.Surprise, 0},
		{"don't worry", transcript.Unknown, 1},
		{"I am worried", transcript.Fear, -1},
		{"that is disgusting", transcript.Disgust, -1},
		{"good morning", transcript.Unknown, 0},
		{"the emergency contact is my wife", transcript.Unknown, 0},
		{"unfamiliar words with madness and sadness inside", transcript.Unknown, 0},
		{"我很生气", transcript.Anger, -1},
		{"我不生气", transcript.Unknown, 1},
		{"我没有那么生气", transcript.Unknown, 1},
		{"我不太高兴", transcript.Unknown, -1},
		{"不是很满意", transcript.Unknown, -1},
		{"我非常不满意", transcript.Anger, -1},
		{"不用担心", transcript.Unknown, 1},
		{"我有点担心", transcript.Fear, -1},
		{"太好了，谢谢", transcript.Happiness, 1},
		{"没问题，我很高兴", transcript.Happiness, 1},
		{"这东西太恶心了", transcript.Disgust, -1},
		{"我父亲去世了，很难过", transcript.Sadness, -1},
		{"没想到这么快", transcript.Surprise, 0},
		{"不好意思，请问意外险怎么办理", transcript.Unknown, 0},
		{"差不多", transcript.Unknown, 0},
		{"这个 service 真的很 terrible", transcript.Unknown, -1},
		{"我要查询余额", transcript.Unknown, 0},
	} {
		w := read(c.text)
		got, most := w.feelings.Best()
		if most == 0 {
			got = transcript.Unknown
		}
		v := w.valence()
		if got != c.feeling || v.Value*c.valence < 0 || (v.Value == 0) != (c.valence == 0) {
			t.Errorf("%q: %v, valence %+v; want %v, %+.0f", c.text, got, v, c.feeling, c.valence)
		}
		if v.Value < -1 || v.Value > 1 || v.Confidence > mostSure {
			t.Errorf("%q: valence %+v is out of bounds", c.text, v)
		}
	}
}

// A phrase that two lists hold would say what the later one does.
func TestListsDoNotContradict(t *testing.T) {
	l := theLexicon()
	n := 0
	for _, list := range lists() {
		one := newLexicon(list)
		n += len(one.english) + len(one.chinese)
	}
	if all := len(l.english) + len(l.chinese); n != all {
		t.Errorf("%d entries of %d are in two lists", n-all, n)
	}
	if n < 300 {
		t.Errorf("%d entries", n)
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"I'm not angry", "我不生气, but sad", "''''", "\xff\xfe不", "I'm so happy 太好了"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		w := read(text)
		v := w.valence()
		if w.hits > w.count || !(v.Value >= -1 && v.Value <= 1) || !(v.Confidence >= 0 && v.Confidence <= mostSure) {
			t.Errorf("%d of %d words, valence %+v", w.hits, w.count, v)
		}
	})
}
