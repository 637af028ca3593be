package ivr

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"
)

// format is how a value is spoken: the part after the bar in {value|format}.
type format struct {
	name     string // "" means as it is
	currency string // money only
}

// speakers knows the languages in which values can be spoken.
func speakers() map[string]speaker {
	return map[string]speaker{"en": english{}, "zh": chinese{}}
}

// speaker spells values as one language says them.
type speaker interface { //nolint:interfacebloat // one method a way of reading
	number(decimal) string
	// count spells a whole number before the thing that is counted.
	count(decimal) string
	// money spells an amount that is already rounded to the currency's parts.
	money(amount decimal, c currency) string
	// digit spells one character that is read out by itself, "" for none.
	digit(rune) string
	// mark spells a character that is no digit and no letter, "" for none.
	mark(rune) string
	// join puts digits that are read out one after the other together.
	join([]string) string
	// comma is what a voice makes a short pause at, between groups of digits.
	comma() string
	date(time.Time) string
	clock(hour, minute int) string
}

// currency is a currency with what its units are called.
type currency struct {
	code    string
	places  int // 2, or 0 for a currency without parts
	english [4]string
	chinese [2]string
}

// currencies that money can be spoken in. English: one and many of the whole,
// one and many of the hundredth. Chinese: the whole and the hundredth ("" for
// 角 and 分).
func currencies() []currency {
	return []currency{
		{"CNY", 2, [4]string{"yuan", "yuan", "fen", "fen"}, [2]string{"元", ""}},
		{"HKD", 2, [4]string{"Hong Kong dollar", "Hong Kong dollars", "cent", "cents"}, [2]string{"港元", ""}},
		{"USD", 2, [4]string{"dollar", "dollars", "cent", "cents"}, [2]string{"美元", "美分"}},
		{"EUR", 2, [4]string{"euro", "euros", "cent", "cents"}, [2]string{"欧元", "欧分"}},
		{"GBP", 2, [4]string{"pound", "pounds", "penny", "pence"}, [2]string{"英镑", "便士"}},
		{"JPY", 0, [4]string{"yen", "yen"}, [2]string{"日元", ""}},
	}
}

func currencyOf(code string) (currency, bool) {
	all := currencies()
	i := slices.IndexFunc(all, func(c currency) bool { return c.code == code })
	if i < 0 {
		return currency{}, false
	}
	return all[i], true
}

func currencyCodes() []string {
	var codes []string
	for _, c := range currencies() {
		codes = append(codes, c.code)
	}
	return codes
}

func formatNames() []string {
	return []string{"digits", "number", "money", "date", "time", "count"}
}

// speak spells v in a language. zone is where dates and times are told.
func speak(v any, f format, language string, zone *time.Location) (string, error) {
	if f.name == "" {
		return plainText(v)
	}
	s, ok := speakers()[language]
	if !ok {
		return "", fmt.Errorf("speak %s: not known in %q", f.name, language)
	}
	switch f.name {
	case "digits":
		return speakDigits(v, s)
	case "date", "time":
		return speakTime(v, f.name, s, zone)
	}
	d, err := decimalOf(v)
	if err != nil {
		return "", fmt.Errorf("speak %s: %w", f.name, err)
	}
	switch f.name {
	case "money":
		c, _ := currencyOf(f.currency)
		return s.money(d.round(c.places), c), nil
	case "count":
		return s.count(d.round(0)), nil
	default:
		return s.number(d.round(6).trim()), nil
	}
}

func speakDigits(v any, s speaker) (string, error) {
	text, err := plainText(v)
	if err != nil {
		return "", err
	}
	var words []string
	for _, r := range text {
		if w := s.digit(r); w != "" {
			words = append(words, w)
		}
	}
	return s.join(words), nil
}

func speakTime(v any, name string, s speaker, zone *time.Location) (string, error) {
	t, err := timeOf(v, zone)
	if err != nil {
		return "", fmt.Errorf("speak %s: %w", name, err)
	}
	if name == "date" {
		return s.date(t), nil
	}
	return s.clock(t.Hour(), t.Minute()), nil
}

var errNoTime = errors.New("the value is no date and no time")

// timeOf reads an RFC 3339 time (told in zone), a date, or an hour and minute.
func timeOf(v any, zone *time.Location) (time.Time, error) {
	if t, ok := v.(time.Time); ok {
		return t.In(zone), nil
	}
	text, ok := v.(string)
	if !ok {
		return time.Time{}, errNoTime
	}
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t.In(zone), nil
	}
	for _, layout := range []string{time.DateOnly, "15:04", time.TimeOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, nil
		}
	}
	return time.Time{}, errNoTime
}

// plainText writes a value as people would: 1200.5, not 1.2005e+03.
func plainText(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case bool:
		return strconv.FormatBool(v), nil
	case int:
		return strconv.Itoa(v), nil
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), nil
	case nil:
		return "", errors.New("there is no value")
	default:
		return "", fmt.Errorf("a %T is no text", v)
	}
}

// decimal is a number as its digits, so that money is rounded as people do
// and not as binary fractions fall.
type decimal struct {
	negative bool
	whole    string // no leading zeros, "0" for none
	fraction string
}

var errNoNumber = errors.New("the value is no number")

func decimalOf(v any) (decimal, error) {
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return decimal{}, errNoNumber
	}
	if _, ok := v.(bool); ok {
		return decimal{}, errNoNumber
	}
	text, err := plainText(v)
	if err != nil {
		return decimal{}, err
	}
	text, negative := strings.CutPrefix(ungroup(strings.TrimSpace(text)), "-")
	whole, fraction, _ := strings.Cut(text, ".")
	digits := whole + fraction
	if digits == "" || len(digits) > 400 || strings.Trim(digits, "0123456789") != "" {
		return decimal{}, errNoNumber
	}
	whole = strings.TrimLeft(whole, "0")
	if whole == "" {
		whole = "0"
	}
	return decimal{negative: negative, whole: whole, fraction: fraction}.normal(), nil
}

// normal has no negative zero.
func (d decimal) normal() decimal {
	if strings.Trim(d.whole+d.fraction, "0") == "" {
		d.negative = false
	}
	return d
}

// round keeps exactly that many places, half away from zero.
func (d decimal) round(places int) decimal {
	if len(d.fraction) <= places {
		d.fraction += strings.Repeat("0", places-len(d.fraction))
		return d
	}
	up := d.fraction[places] >= '5'
	digits := d.whole + d.fraction[:places]
	if up {
		n, _ := new(big.Int).SetString(digits, 10)
		digits = n.Add(n, big.NewInt(1)).String()
	}
	if missing := places + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	d.whole, d.fraction = digits[:len(digits)-places], digits[len(digits)-places:]
	return d.normal()
}

func (d decimal) trim() decimal {
	d.fraction = strings.TrimRight(d.fraction, "0")
	return d
}

// hundredths of a number that was rounded to two places, or 0.
func (d decimal) hundredths() int {
	if len(d.fraction) != 2 {
		return 0
	}
	return int(d.fraction[0]-'0')*10 + int(d.fraction[1]-'0')
}

// small returns the whole part when words are the way to say it: below 10^15.
func (d decimal) small() (int64, bool) {
	if len(d.whole) > 15 {
		return 0, false
	}
	n, err := strconv.ParseInt(d.whole, 10, 64)
	return n, err == nil
}
