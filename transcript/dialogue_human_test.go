package transcript

import (
	"math/rand/v2"
	"strings"
)

// How people and engines say numbers, apart from words and groups.

var (
	arabDigits   = strings.Split("0123456789", "")
	noughtDigits = strings.Fields("nought one two three four five six seven eight nine")
	letterDigits = strings.Fields("o one two three four five six seven eight nine")
	dongDigits   = strings.Split("洞幺两三四五六拐八勾", "")
	liangDigits  = strings.Split("零一两三四五六七八九", "")
	bankDigits   = strings.Split("零壹贰叁肆伍陆柒捌玖", "")
)

// saying uses each digit in some words.
func saying(forms []string, x string) speller {
	return func(g string) []piece { return each(g, forms, x) }
}

// rounded rounds the end of a group: nine hundred, eight thousand.
func rounded(s speller, hundred, thousand string) speller {
	return func(g string) []piece {
		for _, end := range []struct{ zeros, word string }{{"000", thousand}, {"00", hundred}} {
			head, ok := strings.CutSuffix(g, end.zeros)
			if !ok || head == "" || head[len(head)-1] == '0' {
				continue
			}
			ps := s(head)
			ps[len(ps)-1].text += end.word
			ps[len(ps)-1].n += len(end.zeros)
			return ps
		}
		return s(g)
	}
}

// cardinals says a group of three or four as one numeral.
func cardinals(s speller) speller {
	below := pairs()
	return func(g string) []piece {
		if len(g) < 3 || len(g) > 4 || strings.ContainsAny(g[:len(g)-1], "0") || g[len(g)-1] == 'X' {
			return s(g)
		}
		word := enDigits[g[len(g)-3]-'0'] + " hundred and " + below(nil, []string{g[len(g)-2:]})[0].text
		if len(g) == 4 {
			word = enDigits[g[0]-'0'] + " thousand " + word
		}
		return []piece{{text: word, n: len(g)}}
	}
}

// cardinalsZh says three digits as a numeral: 一百三十八.
func cardinalsZh(s speller) speller {
	return func(g string) []piece {
		if len(g) != 3 || strings.ContainsAny(g, "0X") {
			return s(g)
		}
		return []piece{{text: zhDigits[g[0]-'0'] + "百" + zhDigits[g[1]-'0'] + "十" + zhDigits[g[2]-'0'], n: 3}}
	}
}

// plural says three nines and four ones.
func plural(s speller) speller {
	return func(g string) []piece {
		ps := again(s, map[int]string{3: "three ", 4: "four "})(g)
		for i, p := range ps {
			if p.n > 1 {
				ps[i].text += "s"
			}
			if p.n > 1 && strings.HasSuffix(p.text, "six") {
				ps[i].text = p.text + "es"
			}
		}
		return ps
	}
}

// altered changes pieces by chance.
func altered(how notation, f func(r *rand.Rand, ps []piece, i int)) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		for i := range ps {
			f(r, ps, i)
		}
		return ps
	}
}

// hesitant puts fillers between any two digits.
func hesitant(how notation, fillers ...string) notation {
	return altered(how, func(r *rand.Rand, ps []piece, i int) {
		if i > 0 && r.IntN(5) == 0 {
			ps[i].sep = pick1(r, fillers)
		}
	})
}

// separated puts one of some separators between groups.
func separated(how notation, seps ...string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps, sep := how(r, groups), pick1(r, seps)
		for i := range ps {
			if ps[i].border {
				ps[i].sep = sep
			}
		}
		return ps
	}
}

// called says before each group which one comes; the last name is for the last.
func called(how notation, names ...string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		n := 0
		for i := range ps {
			if !ps[i].border {
				continue
			}
			n++
			ps[i].sep = names[min(n, len(names)-2)]
			if n == len(groups)-1 {
				ps[i].sep = names[len(names)-1]
			}
		}
		ps[0].text = names[0] + ps[0].text
		return ps
	}
}

// corrected says one digit wrong first. %w is the wrong one, %r the right one.
func corrected(how notation, forms ...string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		i, wrong := r.IntN(len(ps)), r.IntN(len(ps))
		if ps[i].n != 1 || ps[wrong].n != 1 || ps[i].text == ps[wrong].text || ps[wrong].at != nil {
			return ps
		}
		ps[i].text = strings.NewReplacer("%w", ps[wrong].text, "%r", ps[i].text).Replace(pick1(r, forms))
		ps[i].at = []int{0, 0}
		return ps
	}
}

// restarted begins a group again after some of its digits.
func restarted(how notation, phrases ...string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		var starts []int
		for i := range ps {
			if i == 0 || ps[i].border {
				starts = append(starts, i)
			}
		}
		from := pick1(r, starts)
		said, digits := "", 0
		for i := from; i < from+2 && i < len(ps) && (i == from || !ps[i].border); i++ {
			if i > from {
				said += ps[i].sep
			}
			said += ps[i].text
			digits += ps[i].n
		}
		all := make([]int, digits)
		for i := range all {
			all[i] = i
		}
		ps[from].at = append(all, ps[from].digitsFrom(0)...)
		ps[from].text = said + pick1(r, phrases) + ps[from].text
		return ps
	}
}

// normalised writes each digit as a figure or as a word, as inverse text normalisation
// does that gave up half way.
func normalised(s speller, sep string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		var all []piece
		figure := false
		for i, g := range groups {
			for j, c := range g {
				was := figure
				figure = r.IntN(2) == 0
				how := s
				if figure {
					how = saying(arabDigits, "X")
				}
				p := how(string(c))[0]
				p.border = i > 0 && j == 0
				if !figure || !was || r.IntN(3) == 0 {
					p.sep = sep
				}
				all = append(all, p)
			}
		}
		return all
	}
}

// inThousands writes separators as in an amount: 13,800,138,000.
func inThousands(r *rand.Rand, groups []string) []piece {
	ps := written("", "")(r, []string{strings.Join(groups, "")})
	for i := 1; i < len(ps); i++ {
		if (len(ps)-i)%3 == 0 {
			ps[i].sep, ps[i].border = ",", true
		}
	}
	return ps
}

// bracketed writes (415) 555-2671.
func bracketed(r *rand.Rand, groups []string) []piece {
	ps := written("", "-")(r, groups)
	for i := range ps {
		if ps[i].border {
			ps[0].text = "(" + ps[0].text
			ps[i-1].text += ")"
			ps[i].sep = " "
			break
		}
	}
	return ps
}

// regrouped takes other groups, of one to most digits.
func regrouped(how notation, most int) notation {
	return func(r *rand.Rand, groups []string) []piece {
		digits := strings.Join(groups, "")
		var again []string
		for digits != "" {
			n := min(1+r.IntN(most), len(digits))
			again = append(again, digits[:n])
			digits = digits[n:]
		}
		return how(r, again)
	}
}

// misheard writes what sounds like a digit.
func misheard(how notation) notation {
	sounds := map[string][]string{"two": {"to", "too"}, "four": {"for"}, "eight": {"ate"}, "one": {"won"}}
	return altered(how, func(r *rand.Rand, ps []piece, i int) {
		if like := sounds[ps[i].text]; like != nil && r.IntN(3) == 0 {
			ps[i].text = pick1(r, like)
		}
	})
}

// ending says the X of an identity number in another way.
func ending(how notation, forms ...string) notation {
	return altered(how, func(r *rand.Rand, ps []piece, i int) {
		if ps[i].text == "X" {
			ps[i].text = pick1(r, forms)
		}
	})
}

// softly puts a particle behind groups.
func softly(how notation, particles ...string) notation {
	return altered(how, func(r *rand.Rand, ps []piece, i int) {
		if ps[i].border {
			ps[i].sep = pick1(r, particles) + ps[i].sep
		}
	})
}

// awkward splits a piece of several words, such as "double" and "one".
func awkward(r *rand.Rand, ps []piece) parts {
	for _, i := range r.Perm(len(ps)) {
		p := ps[i]
		at := strings.IndexAny(p.text, " 个-")
		if p.n < 2 || p.at != nil || at < 1 {
			continue
		}
		if strings.HasPrefix(p.text[at:], "个") {
			at += len("个")
		}
		rest := strings.TrimLeft(p.text[at:], " -")
		before := append(ps[:i:i], piece{text: p.text[:at], sep: p.sep, at: counting(0, len(decode(p.text[:at])))})
		return parts{of: [][]piece{before, append([]piece{{text: rest, n: p.n, at: counting(p.n-len(decode(rest)), p.n)}}, ps[i+1:]...)}}
	}
	return anywhere(r, ps)
}

// counting are the numbers from one to below another.
func counting(from, to int) []int {
	all := []int{}
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return all
}

func echoed(r *rand.Rand, ps []piece) parts {
	p := byGroup(r, ps)
	p.others, p.echo = 0, true
	return p
}

func urged(r *rand.Rand, ps []piece) parts {
	p := byGroup(r, ps)
	p.others = 1 + r.IntN(2)
	return p
}

func interrupted(r *rand.Rand, ps []piece) parts {
	p := halves(r, ps)
	p.aside = true
	return p
}

func endedByOther(r *rand.Rand, ps []piece) parts {
	p := halves(r, ps)
	p.others, p.ended = 0, true
	return p
}

func revised(r *rand.Rand, ps []piece) parts {
	p := anywhere(r, ps)
	if r.IntN(2) == 0 {
		p = wholly(r, ps)
	}
	p.drafts = true
	return p
}

// twice says groups again at once: 138, 138, 0013, 0013.
func twice(how notation, between string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		for from := 0; from < len(ps); {
			to, said, all, digits := from+1, ps[from].text, ps[from].digitsFrom(0), ps[from].n
			for to < len(ps) && !ps[to].border {
				said += ps[to].sep + ps[to].text
				all = append(all, ps[to].digitsFrom(digits)...)
				digits += ps[to].n
				to++
			}
			if r.IntN(2) == 0 {
				ps[from].at = append(all, ps[from].digitsFrom(0)...)
				ps[from].text = said + between + ps[from].text
			}
			from = to
		}
		return ps
	}
}

// swapped says a group with two digits changed about, and then right.
func swapped(how notation, phrases ...string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		i := r.IntN(len(ps) - 1)
		a, b := ps[i], ps[i+1]
		if b.border || a.n != 1 || b.n != 1 || a.at != nil || b.at != nil {
			return ps
		}
		ps[i].text = b.text + b.sep + a.text + pick1(r, phrases) + a.text
		ps[i].at = []int{1, 0, 0}
		return ps
	}
}

// followed says how often a digit comes: zero twice, eight three times.
func followed(s speller) speller {
	return func(g string) []piece {
		ps := again(s, map[int]string{2: "2", 3: "3"})(g)
		for i, p := range ps {
			if p.n > 1 {
				ps[i].text = p.text[1:] + map[int]string{2: " twice", 3: " three times"}[p.n]
			}
		}
		return ps
	}
}

// wrapped puts each group in brackets or quotation marks.
func wrapped(how notation, open, end string) notation {
	return func(r *rand.Rand, groups []string) []piece {
		ps := how(r, groups)
		for i := range ps {
			if i == 0 || ps[i].border {
				ps[i].text = open + ps[i].text
			}
			if i == len(ps)-1 || ps[i+1].border {
				ps[i].text += end
			}
		}
		return ps
	}
}

// wordBefore puts a word before each digit.
func wordBefore(s speller, word string) speller {
	return func(g string) []piece {
		ps := s(g)
		for i := range ps {
			ps[i].text = word + ps[i].text
		}
		return ps
	}
}
