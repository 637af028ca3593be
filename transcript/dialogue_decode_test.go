package transcript

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// decode reads digits and dots in any notation of the dialogues. It shares nothing with
// the masker.
func decode(text string) string {
	text = strings.ToLower(strings.Map(func(c rune) rune {
		if c >= '！' && c <= '～' {
			return c - '！' + '!'
		}
		return c
	}, text))
	text = phrases.ReplaceAllString(text, " ")
	text = nothing.ReplaceAllString(text, "0")
	text = times.ReplaceAllStringFunc(text, func(s string) string {
		m := times.FindStringSubmatch(s)
		return strings.Repeat(m[1]+" ", map[string]int{"twice": 2, "three times": 3}[m[2]])
	})
	text = inARow.ReplaceAllStringFunc(text, func(s string) string {
		r := []rune(s)
		return strings.Repeat(string(r[1]), map[rune]int{'俩': 2, '孖': 2, '双': 2, '仨': 3}[r[0]])
	})
	text = cardinal.ReplaceAllStringFunc(text, func(s string) string {
		m := cardinal.FindStringSubmatch(s)
		return m[1] + " " + m[2] + " " + m[3]
	})
	text = cardinalZh.ReplaceAllString(text, "$1$2")
	text = rounds.ReplaceAllStringFunc(text, func(s string) string {
		m := rounds.FindStringSubmatch(s)
		return m[1] + map[string]string{"hundred": "00", "thousand": "000", "百": "00", "千": "000"}[m[2]]
	})
	text = many.ReplaceAllStringFunc(text, func(s string) string {
		m := many.FindStringSubmatch(s)
		return strings.Repeat(m[2]+" ", map[string]int{"three": 3, "four": 4}[m[1]])
	})
	text = doubles.ReplaceAllStringFunc(text, func(s string) string {
		how, what, _ := strings.Cut(s, " ")
		return strings.Repeat(what+" ", map[string]int{"double": 2, "triple": 3, "treble": 3, "quadruple": 4}[how])
	})
	text = countedZh.ReplaceAllStringFunc(text, func(s string) string {
		r := []rune(s)
		return strings.Repeat(string(r[2]), map[rune]int{'两': 2, '兩': 2, '俩': 2, '2': 2, '三': 3, '3': 3, '四': 4, '4': 4}[r[0]])
	})
	return symbolsOnly.ReplaceAllString(decoder().Replace(text), "")
}

// heard reads a text in which an engine took words for digits.
func heard(text string) string {
	return decode(homophone.ReplaceAllStringFunc(text, func(s string) string {
		return map[byte]string{'f': "4", 't': "2", 'a': "8", 'w': "1"}[s[0]]
	}))
}

var decoder = sync.OnceValue(func() *strings.Replacer {
	var pairs []string
	for i, w := range strings.Fields("ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen") {
		pairs = append(pairs, w, fmt.Sprint(10+i))
	}
	for i, w := range strings.Fields("twenty thirty forty fifty sixty seventy eighty ninety") {
		for j, u := range enDigits[1:] {
			pairs = append(pairs, w+"-"+u, fmt.Sprint(10*(i+2)+j+1))
		}
		pairs = append(pairs, w, fmt.Sprint(10*(i+2)))
	}
	for _, forms := range [][]string{enDigits, ohDigits, zhDigits, yaoDigits, zeroDigits, dongDigits, bankDigits, liangDigits, pilotDigits, nilDigits, traditional, heardDigits} {
		for i, w := range forms {
			pairs = append(pairs, w, fmt.Sprint(i))
		}
	}
	return strings.NewReplacer(append(pairs, "x", "X", "叉", "X", "艾克斯", "X", "两", "2")...)
})

var (
	symbolsOnly = regexp.MustCompile(`[^0-9X•]+`)
	doubles     = regexp.MustCompile(`(double|triple|treble|quadruple) (\w+)`)
	countedZh   = regexp.MustCompile(`[两兩俩三四234][个個](.)`)
	// Numerals that count digits or moments, and so are none of the number.
	phrases = regexp.MustCompile(`(first|last|next|final|middle|other) (two|three|four|five|six|seven|eight|nine|ten|•+)\b|followed by|and then|(one|•) (second|moment)|` +
		`[前后後中间間尾最末]+[两二三四五六八•]+[位个個碼]|接下来|等[一•]下|[看想][一•]下|空[一•]格|最后[一•]位|[两兩俩三四234][个個]$|next|prefix|as in x-ray|for x-ray|[一•]个`)
	homophone  = regexp.MustCompile(`\b(for|to|too|ate|won)\b`)
	nothing    = regexp.MustCompile(`\b(o|nought)\b`)
	times      = regexp.MustCompile(`(\w+) (twice|three times)`)
	inARow     = regexp.MustCompile(`[俩孖双仨]([^个個])`)
	digitEn    = `(zero|oh|o|nought|one|two|three|four|five|six|seven|eight|nine)`
	many       = regexp.MustCompile(`\b(three|four) (zero|nought|one|two|three|four|five|six|seven|eight|nine)(?:s|es)\b`)
	cardinal   = regexp.MustCompile(`\b(?:` + digitEn + ` thousand )?` + digitEn + ` hundred and ([a-z-]+)`)
	rounds     = regexp.MustCompile(digitEn[:len(digitEn)-1] + `|[一二三四五六七八九两1-9])(?: |)(hundred|thousand|百|千)`)
	cardinalZh = regexp.MustCompile(`([一二三四五六七八九])百([一二三四五六七八九])十`)
)
