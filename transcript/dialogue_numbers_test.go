package transcript

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// numbersAbroad are those that people in the United States, Britain, India and Singapore
// say, and those of China.
func numbersAbroad(r *rand.Rand, kind string) (planted, []string) {
	switch kind {
	case "card":
		return anyCard(r)
	case "phone":
		return pick1(r, []func(*rand.Rand) (planted, []string){american, american, british, british, indian, indian, singaporean, chinesePhone, chinesePhone})(r)
	}
	switch r.IntN(6) {
	case 0:
		d := fmt.Sprintf("%03d%02d%04d", 100+r.IntN(565), 1+r.IntN(99), 1+r.IntN(9999))
		return planted{kind: "ssn", digits: d}, []string{d[:3], d[3:5], d[5:]}
	case 1:
		d := aadhaar(r)
		return planted{kind: "aadhaar", digits: d}, []string{d[:4], d[4:8], d[8:]}
	case 2:
		d := someDigits(r, 7)
		sum := 0
		for i, w := range []int{2, 7, 6, 5, 4, 3, 2} {
			sum += w * int(d[i]-'0')
		}
		return planted{kind: "nric", digits: d, prefix: "S ", suffix: " " + "JZIHGFEDCBA"[sum%11:][:1]}, []string{d[:4], d[4:]}
	}
	return chineseID(r)
}

// numbersOfChina are those of the mainland, Taiwan and Hong Kong.
func numbersOfChina(r *rand.Rand, kind string) (planted, []string) {
	switch kind {
	case "card":
		return anyCard(r)
	case "phone":
		return pick1(r, []func(*rand.Rand) (planted, []string){chinesePhone, chinesePhone, chinesePhone, chinesePhone, taiwanese, hongkongese})(r)
	}
	switch r.IntN(6) {
	case 0:
		return taiwaneseID(r)
	case 1:
		return hongkongID(r)
	}
	return chineseID(r)
}

// phoneNumber is a number of which country may be said before.
func phoneNumber(r *rand.Rand, country, trunk, d string, groups ...int) (planted, []string) {
	p := planted{kind: "phone"}
	if r.IntN(3) == 0 {
		p.country, p.digits = len(country), country+d
		return p, append([]string{country}, chunks(d, groups)...)
	}
	p.digits = trunk + d
	groups[0] += len(trunk)
	return p, chunks(p.digits, groups)
}

func chunks(d string, sizes []int) []string {
	var all []string
	for _, n := range sizes {
		all = append(all, d[:n])
		d = d[n:]
	}
	return all
}

func american(r *rand.Rand) (planted, []string) {
	d := fmt.Sprintf("%03d%03d%04d", 201+r.IntN(780), 200+r.IntN(800), r.IntN(10000))
	return phoneNumber(r, "1", "", d, pick1(r, [][]int{{3, 3, 4}, {3, 3, 2, 2}})...)
}

func british(r *rand.Rand) (planted, []string) {
	d := fmt.Sprintf("7%d%08d", 1+r.IntN(9), r.IntN(100_000_000))
	return phoneNumber(r, "44", "0", d, pick1(r, [][]int{{4, 6}, {4, 3, 3}, {2, 4, 4}})...)
}

func indian(r *rand.Rand) (planted, []string) {
	d := fmt.Sprintf("%d%09d", 6+r.IntN(4), r.IntN(1_000_000_000))
	return phoneNumber(r, "91", "", d, pick1(r, [][]int{{5, 5}, {4, 3, 3}, {2, 2, 2, 2, 2}})...)
}

func singaporean(r *rand.Rand) (planted, []string) {
	return phoneNumber(r, "65", "", fmt.Sprintf("%d%07d", 8+r.IntN(2), r.IntN(10_000_000)), 4, 4)
}

func hongkongese(r *rand.Rand) (planted, []string) {
	return phoneNumber(r, "852", "", fmt.Sprintf("%d%07d", pick1(r, []int{5, 6, 9}), r.IntN(10_000_000)), 4, 4)
}

func taiwanese(r *rand.Rand) (planted, []string) {
	return phoneNumber(r, "886", "0", fmt.Sprintf("9%08d", r.IntN(100_000_000)), 3, 3, 3)
}

func chinesePhone(r *rand.Rand) (planted, []string) {
	d := fmt.Sprintf("1%d%09d", 3+r.IntN(7), r.IntN(1_000_000_000))
	return phoneNumber(r, "86", "", d, pick1(r, [][]int{{3, 4, 4}, {3, 4, 4}, {4, 3, 4}, {4, 4, 3}, {2, 3, 3, 3}, {3, 2, 2, 2, 2}, {5, 6}})...)
}

func anyCard(r *rand.Rand) (planted, []string) {
	issuer := pick1(r, []struct {
		head   string
		groups []int
	}{
		{"4", []int{4, 4, 4, 4}},
		{"53", []int{4, 4, 4, 4}},
		{"2221", []int{4, 4, 8}},
		{"37", []int{4, 6, 5}},
		{"6521", []int{8, 8}},
		{"6217", []int{4, 4, 4, 4, 3}},
		{"6228", []int{6, 13}},
		{"6222", []int{4, 4, 4, 4}},
	})
	n := 0
	for _, g := range issuer.groups {
		n += g
	}
	d := issuer.head
	for len(d) < n-1 {
		d += fmt.Sprint(r.IntN(10))
	}
	d += string(luhnDigit([]byte(d)))
	return planted{kind: "card", digits: d}, chunks(d, issuer.groups)
}

func chineseID(r *rand.Rand) (planted, []string) {
	d, _ := personalNumber(r, "id")
	return planted{kind: "id", digits: d}, chunks(d, pick1(r, [][]int{{6, 8, 4}, {6, 4, 4, 4}, {3, 3, 4, 2, 2, 4}, {4, 4, 4, 6}}))
}

// aadhaar has a check digit of Verhoeff.
func aadhaar(r *rand.Rand) string {
	dihedral := func(a, b int) int {
		switch {
		case a < 5 && b < 5:
			return (a + b) % 5
		case a < 5:
			return 5 + (a+b)%5
		case b < 5:
			return 5 + (a-b+5)%5
		}
		return (a - b + 5) % 5
	}
	step := []int{1, 5, 7, 6, 2, 8, 3, 0, 9, 4}
	d := someDigits(r, 11)
	c := 0
	for i := range d {
		v := int(d[len(d)-1-i] - '0')
		for range i + 1 {
			v = step[v]
		}
		c = dihedral(c, v)
	}
	for v := range 10 {
		if dihedral(c, v) == 0 {
			return d + fmt.Sprint(v)
		}
	}
	panic("no check digit")
}

func taiwaneseID(r *rand.Rand) (planted, []string) {
	const letters = "ABCDEFGHJKLMNPQRSTUV"
	letter := r.IntN(len(letters))
	d := fmt.Sprintf("%d%07d", 1+r.IntN(2), r.IntN(10_000_000))
	sum := (letter+10)/10 + (letter+10)%10*9
	for i := range d {
		sum += int(d[i]-'0') * (8 - i)
	}
	d += fmt.Sprint((10 - sum%10) % 10)
	return planted{kind: "id of Taiwan", digits: d, prefix: letters[letter : letter+1]}, chunks(d, []int{3, 3, 3})
}

func hongkongID(r *rand.Rand) (planted, []string) {
	letter := r.IntN(14) // A to N
	d := fmt.Sprintf("%06d", r.IntN(1_000_000))
	sum := 36*9 + (letter+10)*8
	for i := range d {
		sum += int(d[i]-'0') * (7 - i)
	}
	if sum%11 == 1 {
		return hongkongID(r) // its check digit is an A
	}
	d += fmt.Sprint((11 - sum%11) % 11)
	return planted{kind: "id of Hong Kong", digits: d, prefix: strings.ToUpper(string(rune('a' + letter)))}, chunks(d, []int{3, 3, 1})
}
