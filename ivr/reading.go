package ivr

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// readAs spells text as a say-as asks. The text may be a value of the call: the
// error does not hold it.
func readAs(as, text, language string, zone *time.Location) (string, error) {
	s, ok := speakers()[language]
	if !ok {
		return "", fmt.Errorf("not known in %q", language)
	}
	text = strings.TrimSpace(text)
	var spoken string
	var err error
	switch as {
	case "digits":
		spoken, err = speakDigits(text, s)
	case "characters":
		spoken = speakCharacters(text, s)
	case "telephone":
		spoken = speakTelephone(text, s)
	case "currency":
		spoken, err = speakAmount(text, s)
	case "date":
		spoken, err = speak(strings.ReplaceAll(text, "/", "-"), format{name: "date"}, language, zone)
	default: // cardinal
		spoken, err = speak(text, format{name: "number"}, language, zone)
	}
	if err == nil && spoken == "" {
		err = errors.New("nothing in it can be read so")
	}
	return spoken, err
}

// speakCharacters reads each character by itself. What has no name, such as a
// Chinese one, is its own; spaces are left out.
func speakCharacters(text string, s speaker) string {
	var words []string
	for _, r := range text {
		word := s.digit(r)
		if word == "" {
			word = s.mark(r)
		}
		if word == "" {
			word = strings.TrimSpace(string(r))
		}
		if word != "" {
			words = append(words, word)
		}
	}
	return s.join(words)
}

// mobileForm is a Chinese mobile number that is written without groups.
var mobileForm = regexp.MustCompile(`^(\+?86)?(1\d{2})(\d{4})(\d{4})$`)

// speakTelephone reads a number in groups: those in which it is written, or those in
// which Chinese mobile numbers are said.
func speakTelephone(text string, s speaker) string {
	groups := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune(" -()./", r) })
	if len(groups) == 1 {
		if m := mobileForm.FindStringSubmatch(groups[0]); m != nil {
			groups = m[1:]
		}
	}
	var spoken []string
	for _, g := range groups {
		var words []string
		for _, r := range g {
			if w := s.digit(r); w != "" {
				words = append(words, w)
			}
		}
		if len(words) > 0 {
			spoken = append(spoken, s.join(words))
		}
	}
	return strings.Join(spoken, s.comma())
}

// signs are how currencies are written before an amount.
func signs() []struct{ sign, code string } {
	return []struct{ sign, code string }{
		{"HK$", "HKD"}, {"US$", "USD"}, {"$", "USD"}, {"¥", "CNY"}, {"￥", "CNY"}, {"€", "EUR"}, {"£", "GBP"},
	}
}

var errNoAmount = errors.New("it is no amount with its currency, such as 1,234.50 CNY")

// amountForm is a number with its currency on one side: a sign, or a code.
var amountForm = regexp.MustCompile(`^(-?)([^\d\s.,-]*)\s*(-?[\d.,]+)\s*([^\d\s.,-]*)$`)

// speakAmount reads 1234.50 CNY, $1,234.50 and -€5.
func speakAmount(text string, s speaker) (string, error) {
	m := amountForm.FindStringSubmatch(strings.ReplaceAll(text, "−", "-"))
	if m == nil || (m[2] == "") == (m[4] == "") {
		return "", errNoAmount
	}
	code := m[2] + m[4]
	all := signs()
	if i := slices.IndexFunc(all, func(v struct{ sign, code string }) bool { return v.sign == code }); i >= 0 {
		code = all[i].code
	}
	c, known := currencyOf(strings.ToUpper(code))
	d, err := decimalOf(m[1] + m[3])
	if !known || err != nil {
		return "", errNoAmount
	}
	return s.money(d.round(c.places), c), nil
}

// groupedForm is a number in thousands.
var groupedForm = regexp.MustCompile(`^-?\d{1,3}(,\d{3})+(\.\d+)?$`)

// ungroup leaves out the commas between thousands, where all of them are.
func ungroup(number string) string {
	if groupedForm.MatchString(number) {
		return strings.ReplaceAll(number, ",", "")
	}
	return number
}
