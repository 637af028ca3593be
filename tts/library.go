package tts

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/ivrd/ivrd/media"
)

// ErrNoPrompt says that there is no recorded prompt of that name.
var ErrNoPrompt = errors.New("no such prompt")

// maxPhraseWords bounds the search for a phrase.
const maxPhraseWords = 40

// Library holds recorded prompts, loaded once: <language>/<name>.wav, and
// phrases to build sentences of, <language>/phrases/index.json with their
// sounds beside it. It does not change after it was opened and may be used by
// all calls at once.
type Library struct {
	languages map[string]*shelf
}

// shelf is what one language has.
type shelf struct {
	prompts map[string]*media.Prompt
	phrases map[string]*media.Prompt // by normalised text
	longest int                      // words in the longest phrase
}

// phraseIndex is the form of phrases/index.json: file names by the text that
// they speak.
type phraseIndex struct {
	Phrases map[string]string `json:"phrases"`
}

// OpenLibrary loads every prompt below dir. The error joins all faults, each
// with its file. A directory that is not there is an empty library.
func OpenLibrary(dir string) (*Library, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return &Library{}, nil
	}
	return ReadLibrary(os.DirFS(dir))
}

// ReadLibrary is OpenLibrary for any file system, such as an embedded one.
func ReadLibrary(files fs.FS) (*Library, error) {
	entries, err := fs.ReadDir(files, ".")
	if err != nil {
		return nil, fmt.Errorf("read prompts: %w", err)
	}
	l := &Library{languages: map[string]*shelf{}}
	var faults []error
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		s, err := readShelf(files, e.Name())
		faults = append(faults, err)
		l.languages[e.Name()] = s
	}
	if err := errors.Join(faults...); err != nil {
		return nil, err
	}
	return l, nil
}

func readShelf(files fs.FS, language string) (*shelf, error) {
	s := &shelf{prompts: map[string]*media.Prompt{}, phrases: map[string]*media.Prompt{}}
	entries, err := fs.ReadDir(files, language)
	if err != nil {
		return nil, fmt.Errorf("read prompts: %w", err)
	}
	var faults []error
	for _, e := range entries {
		name, isWAV := strings.CutSuffix(e.Name(), ".wav")
		if e.IsDir() || !isWAV {
			continue
		}
		pcm, err := readSound(files, path.Join(language, e.Name()))
		faults = append(faults, err)
		s.prompts[name] = media.NewPrompt(language+"/"+name, pcm)
	}
	return s, errors.Join(append(faults, s.readPhrases(files, path.Join(language, "phrases")))...)
}

func (s *shelf) readPhrases(files fs.FS, dir string) error {
	raw, err := fs.ReadFile(files, path.Join(dir, "index.json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read phrases: %w", err)
	}
	var index phraseIndex
	if err := json.Unmarshal(raw, &index); err != nil {
		return fmt.Errorf("read phrases: %s/index.json: %w", dir, err)
	}
	var faults []error
	for text, file := range index.Phrases {
		faults = append(faults, s.addPhrase(files, text, path.Join(dir, file)))
	}
	return errors.Join(faults...)
}

func (s *shelf) addPhrase(files fs.FS, text, file string) error {
	w := words(text)
	if len(w) == 0 || len(w) > maxPhraseWords {
		return fmt.Errorf("read phrases: %s: text of %d words (1 to %d are possible)", file, len(w), maxPhraseWords)
	}
	pcm, err := readSound(files, file)
	if err != nil {
		return err
	}
	pcm = trim(pcm)
	fade(pcm)
	s.phrases[join(w)] = media.NewPrompt(strings.TrimSuffix(file, ".wav"), pcm)
	s.longest = max(s.longest, len(w))
	return nil
}

// readSound reads a WAV file of any rate as 8 kHz PCM.
func readSound(files fs.FS, name string) ([]int16, error) {
	f, err := files.Open(name)
	if err != nil {
		return nil, fmt.Errorf("read prompt: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read from
	pcm, rate, err := media.ReadWAV(f)
	if err != nil {
		return nil, fmt.Errorf("read prompt %s: %w", name, err)
	}
	if rate != media.SampleRate {
		pcm = media.Resample(pcm, rate, media.SampleRate)
	}
	return pcm, nil
}

// Prompt finds a recorded prompt; its error is ErrNoPrompt.
func (l *Library) Prompt(language, name string) (*media.Prompt, error) {
	if s := l.languages[language]; s != nil {
		if p := s.prompts[name]; p != nil {
			return p, nil
		}
	}
	return nil, fmt.Errorf("find prompt %s/%s.wav: %w", language, name, ErrNoPrompt)
}

// Exists reports whether a prompt is recorded in a language.
func (l *Library) Exists(language, name string) bool {
	_, err := l.Prompt(language, name)
	return err == nil
}

// Phrases builds a text of recorded phrases, with pauses where its marks ask
// for them. It reports false when a word is in no phrase.
func (l *Library) Phrases(language, text string) ([]*media.Prompt, bool) {
	s := l.languages[language]
	if s == nil {
		return nil, false
	}
	w := words(text)
	pieces := s.cover(w)
	if len(pieces) == 0 {
		return nil, false
	}
	var out []*media.Prompt
	at := 0
	for i, n := range pieces {
		out = append(out, s.phrases[join(w[at:at+n])])
		at += n
		if pause := w[at-1].pause; pause > 0 && i < len(pieces)-1 {
			out = append(out, media.NewPrompt("pause", media.Silence(pause)))
		}
	}
	return out, true
}

// cover cuts w into as few recorded phrases as possible and, of equals, takes
// the longest first, since joints are what sounds wrong. It returns the number
// of words of each; none when some word is in no phrase.
func (s *shelf) cover(w []word) []int {
	// fewest[i] is how many phrases w[i:] needs, next[i] the words of the first.
	fewest, next := make([]int, len(w)+1), make([]int, len(w)+1)
	for i := len(w) - 1; i >= 0; i-- {
		fewest[i] = len(w) + 1
		for n := min(s.longest, len(w)-i); n > 0; n-- {
			if s.phrases[join(w[i:i+n])] != nil && fewest[i+n]+1 < fewest[i] {
				fewest[i], next[i] = fewest[i+n]+1, n
			}
		}
	}
	if fewest[0] > len(w) {
		return nil
	}
	var pieces []int
	for i := 0; i < len(w); i += next[i] {
		pieces = append(pieces, next[i])
	}
	return pieces
}
