package emotion

import (
	"math"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/ivrd/ivrd/transcript"
)

// words is what an utterance's text says of feelings.
type words struct {
	count    int // words, or Chinese characters
	hits     int // of the lexicon
	good     float64
	bad      float64
	feelings transcript.Scores // weights, not shares
}

// valence of the words; its confidence grows with how many speak.
func (w *words) valence() transcript.Measure {
	if w.hits == 0 {
		return transcript.Measure{}
	}
	return transcript.Measure{
		Value:      (w.good - w.bad) / (w.good + w.bad + 0.5),
		Confidence: mostSure * (1 - math.Exp(-float64(w.hits))),
	}
}

// entry is what one word or phrase says.
type entry struct {
	feeling transcript.Feeling // Unknown for none
	valence float64            // -1 to 1; 0 hides shorter entries inside
	weight  float64            // of the feeling
}

// lexicon finds the longest entry at a place of a text.
type lexicon struct {
	english map[string]entry // by words in lower case, joined by spaces
	chinese map[string]entry
	// How many words, and characters, the longest entries have.
	mostWords, mostRunes int
}

var theLexicon = sync.OnceValue(func() *lexicon { return newLexicon(lists()...) })

func newLexicon(lists ...list) *lexicon {
	l := &lexicon{english: map[string]entry{}, chinese: map[string]entry{}}
	for _, list := range lists {
		for phrase := range strings.SplitSeq(list.english, ",") {
			phrase = strings.Join(strings.Fields(phrase), " ")
			l.english[phrase] = list.entry
			l.mostWords = max(l.mostWords, strings.Count(phrase, " ")+1)
		}
		for phrase := range strings.FieldsSeq(list.chinese) {
			l.chinese[phrase] = list.entry
			l.mostRunes = max(l.mostRunes, utf8.RuneCountInString(phrase))
		}
	}
	return l
}

// read finds what a text says.
func read(text string) (w words) {
	l := theLexicon()
	for _, clause := range clauses(text) {
		from := 0 // where what denies may stand: "no problem" denies nothing after it
		for i := 0; i < len(clause); {
			e, n := l.longest(clause[i:])
			if n == 0 {
				i++
				continue
			}
			w.add(e, clause[i].negated(clause[from:i]))
			if clause[i].denies() {
				from = i + n
			}
			i += n
		}
		w.count += len(clause)
	}
	return w
}

// token is an English word or a Chinese character.
type token struct {
	text    string
	chinese bool
}

// clauses are tokens between punctuation and words that turn a sentence.
func clauses(text string) (out [][]token) {
	var clause []token
	flush := func() {
		if len(clause) > 0 {
			out = append(out, clause)
		}
		clause = nil
	}
	word := ""
	end := func() {
		if word != "" {
			clause = append(clause, token{text: strings.Trim(word, "'")})
			if slices.Contains(turns, word) {
				flush()
			}
		}
		word = ""
	}
	for _, r := range text {
		switch {
		case unicode.Is(unicode.Han, r):
			end()
			clause = append(clause, token{text: string(r), chinese: true})
		case unicode.IsLetter(r):
			word += string(unicode.ToLower(r))
		case r == '\'' || r == '’':
			word += "'"
		case unicode.IsSpace(r) || unicode.IsDigit(r) || r == '-':
			end()
		default:
			end()
			flush()
		}
	}
	end()
	flush()
	return out
}

// longest entry at the head of tokens, and how many it takes.
func (l *lexicon) longest(ts []token) (entry, int) {
	byLanguage, most, sep := l.english, l.mostWords, " "
	if ts[0].chinese {
		byLanguage, most, sep = l.chinese, l.mostRunes, ""
	}
	key, found, taken := "", entry{}, 0
	for i, t := range ts[:min(most, len(ts))] {
		if t.chinese != ts[0].chinese {
			break
		}
		if i > 0 {
			key += sep
		}
		key += t.text
		if e, ok := byLanguage[key]; ok {
			found, taken = e, i+1
		}
	}
	return found, taken
}

// negated reports whether what stands before a token denies it: in English a negation
// among the three words before, in Chinese one with only light words between.
func (t token) negated(before []token) bool {
	if !t.chinese {
		before = before[max(0, len(before)-3):]
		only := slices.ContainsFunc(before, func(b token) bool { return b.text == "only" })
		return slices.ContainsFunc(before, token.denies) && !only
	}
	for i := len(before) - 1; i >= 0 && i >= len(before)-5; i-- {
		if before[i].denies() {
			return true
		}
		if !strings.Contains(chineseLight, before[i].text) {
			return false
		}
	}
	return false
}

// denies reports whether a token is a negation.
func (t token) denies() bool {
	if t.chinese {
		return strings.Contains(chineseNegations, t.text)
	}
	return slices.Contains(negations, t.text)
}

// denied is what is left of the valence of what is denied: "not good" is bad, "not bad" is
// hardly good. Of the feeling nothing is left.
const denied = -0.5

func (w *words) add(e entry, negated bool) {
	if e.valence == 0 && e.feeling == transcript.Unknown {
		return
	}
	w.hits++
	v := e.valence
	if negated {
		v *= denied
	} else if e.feeling != transcript.Unknown {
		w.feelings[e.feeling] += e.weight
	}
	w.good += max(v, 0)
	w.bad += max(-v, 0)
}
