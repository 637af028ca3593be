package sphinx

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/ivrd/ivrd/internal/spelling"
)

// Dictionary is the set of words whose sound is known.
type Dictionary map[string]struct{}

// maxDistance is how many letters a hint may differ in.
const maxDistance = 3

// ReadDictionary reads the words of a dictionary of CMU's form: a word, in brackets
// the number of a variant, and its phones.
func ReadDictionary(r io.Reader) (Dictionary, error) {
	d := Dictionary{}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		word, phones, ok := strings.Cut(lines.Text(), " ")
		if !ok || phones == "" || strings.HasPrefix(word, ";") || strings.HasPrefix(word, "#") {
			continue
		}
		if i := strings.IndexByte(word, '('); i > 0 {
			word = word[:i]
		}
		d[strings.ToLower(word)] = struct{}{}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read dictionary: %w", err)
	}
	if len(d) == 0 {
		return nil, fmt.Errorf("read dictionary: it has no words")
	}
	return d, nil
}

// Model is where Debian's pocketsphinx-en-us installs the model.
const Model = "/usr/share/pocketsphinx/model/en-us"

// dictionaryFile is its dictionary.
const dictionaryFile = "cmudict-en-us.dict"

// OpenDictionary reads the dictionary in a model's directory.
func OpenDictionary(model string) (Dictionary, error) {
	f, err := os.Open(filepath.Join(model, dictionaryFile)) //nolint:gosec // the operator's
	if err != nil {
		return nil, fmt.Errorf("%w (hint: install pocketsphinx-en-us)", err)
	}
	defer func() { _ = f.Close() }()
	return ReadDictionary(f)
}

// Has reports whether a word, in lower case, is known.
func (d Dictionary) Has(word string) bool {
	_, ok := d[word]
	return ok
}

// Nearest is the known word that is spelt most alike, or "": of those equally near the
// first in the alphabet.
func (d Dictionary) Nearest(word string) string {
	best, least := "", min(maxDistance, len(word)/2)+1
	for known := range d {
		if max(len(word)-len(known), len(known)-len(word)) > least {
			continue
		}
		if n := spelling.Distance(word, known); n < least || n == least && best != "" && known < best {
			best, least = known, n
		}
	}
	return best
}
