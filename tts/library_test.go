package tts

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/ivrd/ivrd/media"
)

// money is a library that can say small sums.
func money(t *testing.T) *Library {
	t.Helper()
	l, err := ReadLibrary(fstest.MapFS{
		"en/welcome.wav": wav(time.Second),
		"en/phrases/index.json": {Data: []byte(`{"phrases": {
			"you have": "you-have.wav", "one": "one.wav", "one hundred": "one-hundred.wav",
			"hundred yuan": "hundred-yuan.wav", "yuan": "yuan.wav", "two": "two.wav", "Thank you!": "bye.wav"}}`)},
		"en/phrases/you-have.wav":     wav(300 * time.Millisecond),
		"en/phrases/one.wav":          wav(200 * time.Millisecond),
		"en/phrases/two.wav":          wav(200 * time.Millisecond),
		"en/phrases/one-hundred.wav":  wav(400 * time.Millisecond),
		"en/phrases/hundred-yuan.wav": wav(500 * time.Millisecond),
		"en/phrases/yuan.wav":         wav(250 * time.Millisecond),
		"en/phrases/bye.wav":          wav(250 * time.Millisecond),
		"zh/welcome.wav":              wav(time.Second),
		"texts.yaml":                  {Data: []byte("not a sound")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestLibraryPrompts(t *testing.T) {
	l := money(t)
	p, err := l.Prompt("en", "welcome")
	if err != nil || p.Duration() != time.Second || p.Name() != "en/welcome" {
		t.Errorf("got %v, %v", p, err)
	}
	again, _ := l.Prompt("en", "welcome")
	if again != p {
		t.Error("a prompt is not shared")
	}
	for _, missing := range []struct{ language, name string }{{"en", "other"}, {"fr", "welcome"}, {"en", "../zh/welcome"}} {
		if _, err := l.Prompt(missing.language, missing.name); !errors.Is(err, ErrNoPrompt) || l.Exists(missing.language, missing.name) {
			t.Errorf("%v: %v", missing, err)
		}
	}
}

func TestPhrases(t *testing.T) {
	l := money(t)
	for text, want := range map[string]string{
		"You have one hundred yuan.":    "you-have one-hundred yuan",
		"you have two hundred yuan":     "you-have two hundred-yuan",
		"One, two. Thank you":           "one pause two pause bye",
		"One!":                          "one",
		"you have one thousand yuan":    "",
		"you":                           "",
		"":                              "",
		"one one one one hundred, yuan": "one one one one-hundred pause yuan",
	} {
		var got []string
		prompts, ok := l.Phrases("en", text)
		for _, p := range prompts {
			got = append(got, strings.TrimPrefix(p.Name(), "en/phrases/"))
		}
		if strings.Join(got, " ") != want || ok != (want != "") {
			t.Errorf("%q: got %q (%v), want %q", text, got, ok, want)
		}
	}
	if _, ok := l.Phrases("zh", "one"); ok {
		t.Error("a phrase of another language was found")
	}
}

func TestPhrasesAreFewestFirst(t *testing.T) {
	// Longest first alone would take "a b" and find no end.
	s := &shelf{longest: 3, phrases: map[string]*media.Prompt{}}
	for _, text := range []string{"a b", "a", "b c d", "c"} {
		s.phrases[text] = media.NewPrompt(text, nil)
	}
	if got := s.cover(words("a b c d")); fmt.Sprint(got) != "[1 3]" {
		t.Errorf("got %v", got)
	}
}

func TestPhraseEdgesAreShort(t *testing.T) {
	quiet := append(make([]int16, 4000), tone(5000, 0, time.Second)...)
	var file strings.Builder
	file.Write(media.WAVHeader(media.SampleRate, 1, int64(2*len(quiet))))
	for _, v := range quiet {
		file.Write([]byte{byte(v), byte(v >> 8)})
	}
	l, err := ReadLibrary(fstest.MapFS{
		"en/phrases/index.json": {Data: []byte(`{"phrases": {"one": "one.wav"}}`)},
		"en/phrases/one.wav":    {Data: []byte(file.String())},
	})
	if err != nil {
		t.Fatal(err)
	}
	prompts, _ := l.Phrases("en", "one")
	if d := prompts[0].Duration(); d < time.Second || d > time.Second+60*time.Millisecond+20*time.Millisecond {
		t.Errorf("1 s of sound within 2.5 s lasts %v as a phrase", d)
	}
}

func TestLibraryNamesEveryFault(t *testing.T) {
	_, err := ReadLibrary(fstest.MapFS{
		"en/bad.wav":            {Data: []byte("RIFF")},
		"en/phrases/index.json": {Data: []byte(`{"phrases": {"one": "gone.wav", "!": "mark.wav"}}`)},
		"zh/phrases/index.json": {Data: []byte(`{`)},
	})
	for _, want := range []string{"en/bad.wav", "en/phrases/gone.wav", "en/phrases/mark.wav", "zh/phrases/index.json"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not name %s", err, want)
		}
	}
}

func TestNoLibraryIsEmpty(t *testing.T) {
	l, err := OpenLibrary(t.TempDir() + "/none")
	if err != nil || l.Exists("en", "welcome") {
		t.Errorf("got %v, %v", l, err)
	}
}

func FuzzPhraseCover(f *testing.F) {
	f.Add("a b\nb c\nc", "a b c")
	f.Add("您的余额是\n一\n百\n元", "您的余额是一百元")
	f.Add("a\na a\na a a", "a a a a a a a")
	f.Fuzz(func(t *testing.T, recorded, text string) {
		s := &shelf{phrases: map[string]*media.Prompt{}}
		for line := range strings.Lines(recorded) {
			if w := words(line); len(w) > 0 && len(w) <= maxPhraseWords {
				s.phrases[join(w)] = media.NewPrompt("", nil)
				s.longest = max(s.longest, len(w))
			}
		}
		w := words(text)
		at := 0
		for _, n := range s.cover(w) {
			if n < 1 || s.phrases[join(w[at:at+n])] == nil {
				t.Fatalf("piece of %d words at %d is not recorded", n, at)
			}
			at += n
		}
		if at != 0 && at != len(w) {
			t.Fatalf("pieces cover %d of %d words", at, len(w))
		}
	})
}
