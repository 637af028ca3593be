// Package promptset keeps a directory of rendered prompts in step with the
// texts that they speak: texts.yaml says what is spoken, rendered.json what
// was, and the sounds lie where tts.Library reads them.
package promptset

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/ivrd/ivrd/tts"
)

const (
	textsFile    = "texts.yaml"
	renderedFile = "rendered.json"
)

// Texts is texts.yaml.
type Texts struct {
	// Prompts by name, then by language.
	Prompts map[string]map[string]string `yaml:"prompts"`
	// Phrases that sentences are built of, by language.
	Phrases map[string][]string `yaml:"phrases"`
}

// ReadTexts reads texts.yaml strictly and checks that it can be rendered.
func ReadTexts(files fs.FS) (Texts, error) {
	raw, err := fs.ReadFile(files, textsFile)
	if err != nil {
		return Texts{}, fmt.Errorf("read prompt texts: %w", err)
	}
	var t Texts
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	if err := d.Decode(&t); err != nil {
		return Texts{}, fmt.Errorf("read %s: %w", textsFile, err)
	}
	return t, t.check()
}

// check finds texts without words, names that are no file names, and prompts
// that one language has and another lacks.
func (t Texts) check() error {
	var faults []error
	languages := t.languages()
	for _, name := range slices.Sorted(maps.Keys(t.Prompts)) {
		if !fileName(name) {
			faults = append(faults, fmt.Errorf("%s: prompt name %q is no file name", textsFile, name))
		}
		for _, language := range languages {
			if tts.Normalize(t.Prompts[name][language]) == "" {
				faults = append(faults, fmt.Errorf("%s: prompt %s says nothing in %q", textsFile, name, language))
			}
		}
	}
	for _, language := range languages {
		if !fileName(language) {
			faults = append(faults, fmt.Errorf("%s: language %q is no file name", textsFile, language))
		}
		for _, text := range t.Phrases[language] {
			if tts.Normalize(text) == "" {
				faults = append(faults, fmt.Errorf("%s: phrase %q has no word in %q", textsFile, text, language))
			}
		}
	}
	return errors.Join(faults...)
}

// fileName reports whether a name can be that of a file, or of a directory of
// files, on any system.
func fileName(name string) bool {
	const fit = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"
	return name != "" && strings.Trim(name, fit) == ""
}

// languages are all that any prompt or phrase is written in, sorted.
func (t Texts) languages() []string {
	seen := map[string]bool{}
	for _, texts := range t.Prompts {
		for language := range texts {
			seen[language] = true
		}
	}
	for language := range t.Phrases {
		seen[language] = true
	}
	return slices.Sorted(maps.Keys(seen))
}

// sound is one file that a set consists of.
type sound struct {
	file           string // below the set's directory
	language, text string
}

// sounds lists every file of the set, sorted by name.
func (t Texts) sounds() []sound {
	var out []sound
	for name, texts := range t.Prompts {
		for language, text := range texts {
			out = append(out, sound{path.Join(language, name+".wav"), language, text})
		}
	}
	for language := range t.Phrases {
		for text, file := range t.phraseIndex(language) {
			out = append(out, sound{path.Join(language, "phrases", file), language, text})
		}
	}
	slices.SortFunc(out, func(a, b sound) int { return strings.Compare(a.file, b.file) })
	return out
}

// phraseIndex is what phrases/index.json of a language holds: file names by
// normalised text.
func (t Texts) phraseIndex(language string) map[string]string {
	index := map[string]string{}
	for _, text := range t.Phrases[language] {
		normal := tts.Normalize(text)
		index[normal] = phraseFile(normal)
	}
	return index
}

// phraseFile names a phrase's file: its words when they make a short name in
// ASCII, else a part of its hash.
func phraseFile(normal string) string {
	slug := strings.ReplaceAll(normal, " ", "-")
	plain := strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
	if !plain || len(slug) > 40 {
		slug = hash(normal)[:12]
	}
	return slug + ".wav"
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// rendered is rendered.json: the hash of the text that each sound speaks.
type rendered struct {
	Engine string            `json:"engine"`
	Texts  map[string]string `json:"texts_sha256"`
}

func readRendered(files fs.FS) (rendered, error) {
	r := rendered{Texts: map[string]string{}}
	raw, err := fs.ReadFile(files, renderedFile)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	if err != nil {
		return r, fmt.Errorf("read %s: %w", renderedFile, err)
	}
	return r, nil
}
