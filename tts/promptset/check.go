package promptset

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math"
	"path"

	"github.com/ivrd/ivrd/media"
)

// minLevel is the RMS below which a sound counts as silent, in sample units
// (-46 dBov): speech at the house's level, pauses and all, is 20 dB above it.
const minLevel = 160

// Check finds what is out of step in a set: a text that changed after it was
// rendered, a sound that is missing or silent, a stale index of phrases.
func Check(files fs.FS) error {
	texts, err := ReadTexts(files)
	if err != nil {
		return err
	}
	done, err := readRendered(files)
	if err != nil {
		return err
	}
	var faults []error
	for _, s := range texts.sounds() {
		if err := checkSound(files, s, done); err != nil {
			faults = append(faults, fmt.Errorf("prompt %s: %w (hint: make prompts)", s.file, err))
		}
	}
	for language := range texts.Phrases {
		faults = append(faults, checkIndex(files, language, texts.phraseIndex(language)))
	}
	return errors.Join(faults...)
}

func checkSound(files fs.FS, s sound, done rendered) error {
	switch done.Texts[s.file] {
	case hash(s.text):
	case "":
		return errors.New("was never rendered")
	default:
		return errors.New("text has changed since it was rendered")
	}
	f, err := files.Open(s.file)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // only read from
	pcm, rate, err := media.ReadWAV(f)
	if err != nil {
		return err
	}
	if rate != media.SampleRate {
		return fmt.Errorf("rate is %d Hz, not %d", rate, media.SampleRate)
	}
	if level(pcm) < minLevel {
		return errors.New("is silent")
	}
	return nil
}

func checkIndex(files fs.FS, language string, want map[string]string) error {
	name := path.Join(language, "phrases", "index.json")
	raw, err := fs.ReadFile(files, name)
	if err != nil {
		return fmt.Errorf("read phrases: %w", err)
	}
	var have struct{ Phrases map[string]string }
	if err := json.Unmarshal(raw, &have); err != nil {
		return fmt.Errorf("read phrases: %s: %w", name, err)
	}
	if !maps.Equal(have.Phrases, want) {
		return fmt.Errorf("%s does not list the phrases of %s (hint: make prompts)", name, textsFile)
	}
	return nil
}

// level is the RMS of pcm in sample units.
func level(pcm []int16) float64 {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(len(pcm), 1)))
}
