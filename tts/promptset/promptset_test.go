package promptset

import (
	"context"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/tts"
)

// The shipped prompts say what texts.yaml says now.
func TestShippedPromptsAreInStep(t *testing.T) {
	dir := filepath.Join("..", "..", "configs", "demo", "prompts")
	if err := Check(os.DirFS(dir)); err != nil {
		t.Error(err)
	}
	if _, err := tts.OpenLibrary(dir); err != nil {
		t.Error(err)
	}
}

// The demo says sums of money without a speech engine.
func TestShippedPhrasesSaySums(t *testing.T) {
	l, err := tts.OpenLibrary(filepath.Join("..", "..", "configs", "demo", "prompts"))
	if err != nil {
		t.Fatal(err)
	}
	for text, language := range map[string]string{
		"You have one thousand two hundred thirty-four yuan and fifty-six fen.": "en",
		"You have minus eight million yuan.":                                    "en",
		"您的余额是一千二百三十四元五角六分。":                                                    "zh",
		"您的余额是两万零九元。":                                                           "zh",
	} {
		prompts, ok := l.Phrases(language, text)
		var length time.Duration
		for _, p := range prompts {
			length += p.Duration()
		}
		if !ok || length < time.Second || length > 12*time.Second {
			t.Errorf("%q: %v of sound, %v", text, length, ok)
		}
	}
}

// beeper speaks every text as a tone.
type beeper struct{ calls int }

func (*beeper) Name() string { return "beeper 1" }

func (b *beeper) Speak(_ context.Context, u tts.Utterance, hear tts.Hear) error {
	b.calls++
	pcm := make([]int16, 4000+len(u.Text))
	for i := range pcm {
		pcm[i] = int16(9000 * math.Sin(float64(i)/3))
	}
	return hear(pcm, 8000)
}

const sample = `
prompts:
  welcome: {en: Welcome., zh: 欢迎。}
phrases:
  en: [you have, Twenty-One]
  zh: [元]
`

func set(t *testing.T, texts string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "texts.yaml"), texts)
	return dir
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func render(t *testing.T, dir string) Report {
	t.Helper()
	r, err := Render(t.Context(), dir, &beeper{})
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(os.DirFS(dir)); err != nil {
		t.Errorf("what was just rendered: %v", err)
	}
	return r
}

func TestRenderOnlyWhatChanged(t *testing.T) {
	dir := set(t, sample)
	if r := render(t, dir); r.Rendered != 5 || r.Kept != 0 || r.Bytes == 0 {
		t.Errorf("at first: %+v", r)
	}
	if r := render(t, dir); r.Rendered != 0 || r.Kept != 5 || r.Removed != 0 {
		t.Errorf("again: %+v", r)
	}
	write(t, filepath.Join(dir, "texts.yaml"), strings.NewReplacer("Welcome.", "Hello.", "you have, ", "").Replace(sample))
	if r := render(t, dir); r.Rendered != 1 || r.Kept != 3 || r.Removed != 1 {
		t.Errorf("after a change: %+v", r)
	}
	if _, err := os.Stat(filepath.Join(dir, "en", "phrases", "you-have.wav")); err == nil {
		t.Error("a phrase that is no longer named is still there")
	}
}

func TestRenderedPhrasesAreFoundByTheLibrary(t *testing.T) {
	dir := set(t, sample)
	render(t, dir)
	l, err := tts.OpenLibrary(dir)
	if err != nil {
		t.Fatal(err)
	}
	if p, ok := l.Phrases("en", "You have twenty one!"); !ok || len(p) != 2 {
		t.Errorf("%d prompts, %v", len(p), ok)
	}
	if _, ok := l.Phrases("zh", "元"); !ok || !l.Exists("zh", "welcome") {
		t.Error("Chinese is not found")
	}
}

func TestCheckFindsFaults(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(t *testing.T, dir string)
		want  string
	}{
		"changed text": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "texts.yaml"), strings.Replace(sample, "Welcome.", "Hello.", 1))
		}, "en/welcome.wav: text has changed"},
		"new text": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "texts.yaml"), strings.Replace(sample, "prompts:", "prompts:\n  bye: {en: Bye., zh: 再见。}", 1))
		}, "zh/bye.wav: was never rendered"},
		"missing sound": {func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "zh", "welcome.wav"))
		}, "zh/welcome.wav: open"},
		"silent sound": {func(t *testing.T, dir string) {
			path := filepath.Join(dir, "zh", "welcome.wav")
			b, _ := os.ReadFile(path)
			write(t, path, string(b[:58])+strings.Repeat("\xff", len(b)-58))
		}, "zh/welcome.wav: is silent"},
		"new phrase": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "texts.yaml"), strings.Replace(sample, "you have", "you have, we have", 1))
		}, "en/phrases/index.json does not list"},
		"missing language": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "texts.yaml"), strings.Replace(sample, ", zh: 欢迎。", "", 1))
		}, `prompt welcome says nothing in "zh"`},
		"unknown key": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "texts.yaml"), sample+"voices: []\n")
		}, "field voices not found"},
		"language of a path": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "texts.yaml"), strings.Replace(sample, "  zh: [", "  ../zh: [", 1))
		}, `language "../zh" is no file name`},
		"name of a path": {func(t *testing.T, dir string) {
			write(t, filepath.Join(dir, "texts.yaml"), strings.Replace(sample, "welcome:", "../welcome:", 1))
		}, "is no file name"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := set(t, sample)
			render(t, dir)
			c.spoil(t, dir)
			if err := Check(os.DirFS(dir)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestPhraseFileNames(t *testing.T) {
	for normal, want := range map[string]string{
		"you have":                     "you-have.wav",
		"元":                            hash("元")[:12] + ".wav",
		strings.Repeat("a ", 21) + "b": hash(strings.Repeat("a ", 21) + "b")[:12] + ".wav",
	} {
		if got := phraseFile(normal); got != want {
			t.Errorf("%q: %s, want %s", normal, got, want)
		}
	}
}

func FuzzReadTexts(f *testing.F) {
	f.Add([]byte(sample))
	f.Add([]byte("prompts: {a: {en: x}}"))
	f.Add([]byte("phrases: {en: [a, A, a.]}"))
	f.Add([]byte("phrases: {../en: [a]}"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		write(t, filepath.Join(dir, "texts.yaml"), string(b))
		texts, err := ReadTexts(os.DirFS(dir))
		if err != nil {
			return
		}
		for _, s := range texts.sounds() {
			if !filepath.IsLocal(s.file) || tts.Normalize(s.text) == "" {
				t.Errorf("sound %+v", s)
			}
		}
	})
}
