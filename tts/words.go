package tts

import (
	"strings"
	"time"
	"unicode"
)

// How long a joint waits where the text has a mark.
const (
	commaPause = 120 * time.Millisecond
	stopPause  = 280 * time.Millisecond
)

// word is one thing that a phrase is made of: a run of letters and digits in
// lower case, or a single Chinese character.
type word struct {
	text string
	// pause is what the marks after the word ask for.
	pause time.Duration
}

// words cuts a text. Marks separate words (a hyphen too: "twenty-one" is two),
// except an apostrophe or a full stop inside a word ("don't", "a.m.").
func words(text string) []word {
	var out []word
	runes := []rune(strings.ToLower(text))
	for i := 0; i < len(runes); {
		r := runes[i]
		switch {
		case unicode.Is(unicode.Han, r):
			out = append(out, word{text: string(r)})
			i++
		case letter(r):
			end := wordEnd(runes, i)
			out = append(out, word{text: string(runes[i:end])})
			i = end
		default:
			if len(out) > 0 {
				last := &out[len(out)-1]
				last.pause = max(last.pause, pauseOf(r))
			}
			i++
		}
	}
	return out
}

func letter(r rune) bool {
	return !unicode.Is(unicode.Han, r) && (unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r))
}

// wordEnd is where the word that begins at i ends.
func wordEnd(runes []rune, i int) int {
	for i < len(runes) {
		inside := i+1 < len(runes) && letter(runes[i+1])
		joins := runes[i] == '\'' || runes[i] == '’' || runes[i] == '.'
		if !letter(runes[i]) && (!joins || !inside) {
			break
		}
		i++
	}
	return i
}

func pauseOf(r rune) time.Duration {
	switch r {
	case ',', ';', ':', '，', '、', '；', '：':
		return commaPause
	case '.', '!', '?', '。', '！', '？':
		return stopPause
	}
	return 0
}

// Normalize is the form in which phrases are compared: their words in lower
// case with single spaces and no marks. "Twenty-one!" is "twenty one".
func Normalize(text string) string { return join(words(text)) }

func join(w []word) string {
	texts := make([]string, len(w))
	for i := range w {
		texts[i] = w[i].text
	}
	return strings.Join(texts, " ")
}
