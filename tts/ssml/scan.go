package ssml

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The elements.
const (
	Speak  = "speak"
	Break  = "break"
	SayAs  = "say-as"
	Manner = "prosody"
)

// Item is text between tags, or a tag.
type Item struct {
	Text string // without entities
	Tag  *Tag
}

// Tag begins or ends an element.
type Tag struct {
	Name string // Speak, Break, SayAs or Manner
	// Ends: the tag is the element's last. A break has only one tag.
	Ends bool

	Pause   time.Duration // of a break
	As      string        // of a say-as: what its text is read as
	Prosody Prosody       // of a prosody
}

// Marked reports whether a text holds markup, and not only words: a text without
// any < is taken as it is, & included.
func Marked(text string) bool { return strings.Contains(text, "<") }

// Scan takes a text with markup apart. The error says what is wrong and quotes the
// tag; whether tags are nested well is Nest's business.
func Scan(text string) ([]Item, error) {
	var items []Item
	for text != "" {
		words, rest, found := strings.Cut(text, "<")
		if words != "" {
			plain, err := unescape(words)
			if err != nil {
				return nil, err
			}
			items = append(items, Item{Text: plain})
		}
		if !found {
			break
		}
		body, after, closed := cutTag(rest)
		if !closed {
			return nil, fmt.Errorf("<%s is not closed by > (hint: no value can stand in a tag, and a < that is no tag is written &lt;)", short(rest))
		}
		tags, err := parseTag(body)
		if err != nil {
			return nil, fmt.Errorf("<%s>: %w", short(body), err)
		}
		for i := range tags {
			items = append(items, Item{Tag: &tags[i]})
		}
		text = after
	}
	return items, nil
}

// cutTag cuts s after the > that is not in quotes.
func cutTag(s string) (body, rest string, ok bool) {
	quote := byte(0)
	for i := range len(s) {
		switch c := s[i]; {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'':
			quote = c
		case c == '<':
			return "", "", false
		case c == '>':
			return s[:i], s[i+1:], true
		}
	}
	return "", "", false
}

// short is the beginning of what an error quotes.
func short(s string) string {
	const most = 40
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

var (
	tagForm       = regexp.MustCompile(`^(/?)\s*([A-Za-z][A-Za-z0-9:_-]*)((?:\s+[A-Za-z][A-Za-z0-9:_-]*\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(/?)$`)
	attributeForm = regexp.MustCompile(`([A-Za-z][A-Za-z0-9:_-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

// parseTag reads what stands between < and >. An element that begins and ends in
// one tag is two, but for a break.
func parseTag(body string) ([]Tag, error) {
	m := tagForm.FindStringSubmatch(body)
	if m == nil {
		return nil, errors.New(`no tag (hint: write it like <break time="500ms"/>, and a < that is no tag as &lt;)`)
	}
	name, ends, empty := m[2], m[1] != "", m[4] != ""
	names := []string{Speak, Break, SayAs, Manner}
	if !slices.Contains(names, name) {
		return nil, fmt.Errorf("the element is not known (hint: there are %s)", strings.Join(names, ", "))
	}
	if ends {
		if empty || strings.TrimSpace(m[3]) != "" {
			return nil, errors.New("a closing tag has nothing but its name")
		}
		return []Tag{{Name: name, Ends: true}}, nil
	}
	attributes := map[string]string{}
	for _, a := range attributeForm.FindAllStringSubmatch(m[3], -1) {
		if _, twice := attributes[a[1]]; twice {
			return nil, fmt.Errorf("%s is there twice", a[1])
		}
		attributes[a[1]] = a[2] + a[3]
	}
	t, err := newTag(name, attributes)
	switch {
	case err != nil:
		return nil, err
	case name == Break && !empty:
		return nil, errors.New(`a break holds nothing (hint: end it with />)`)
	case name != Break && empty:
		return nil, errors.New("the element holds nothing")
	}
	return []Tag{t}, nil
}

// newTag understands the attributes; every one must be known.
func newTag(name string, attributes map[string]string) (Tag, error) {
	t := Tag{Name: name}
	for key, value := range attributes {
		var err error
		switch name + " " + key {
		case "break time":
			t.Pause, err = pause(value)
		case "break strength":
			t.Pause, err = strength(value)
		case "say-as interpret-as":
			t.As, err = reading(value)
		case "prosody rate":
			t.Prosody.Rate, err = rate(value)
		case "prosody pitch":
			t.Prosody.Pitch, err = pitch(value)
		case "prosody volume":
			t.Prosody.Volume, err = volume(value)
		case "speak version", "speak xmlns", "speak xml:lang":
		default:
			err = errors.New("the attribute is not known")
		}
		if err != nil {
			return Tag{}, fmt.Errorf("%s: %w", key, err)
		}
	}
	_, timed := attributes["time"]
	_, strong := attributes["strength"]
	switch {
	case name == Break && timed == strong:
		return Tag{}, errors.New(`wants either time, such as "500ms", or strength`)
	case name == SayAs && t.As == "":
		return Tag{}, errors.New("wants interpret-as")
	case name == Manner && len(attributes) == 0:
		return Tag{}, errors.New("wants rate, pitch or volume")
	}
	return t, nil
}

// Readings are what a say-as may ask for.
func Readings() []string {
	return []string{"digits", "characters", "currency", "date", "cardinal", "telephone"}
}

func reading(s string) (string, error) {
	if !slices.Contains(Readings(), s) {
		return "", fmt.Errorf("%q is not known (hint: %s)", s, strings.Join(Readings(), ", "))
	}
	return s, nil
}

// maxPause is the longest pause: a caller takes more for the end of the call.
const maxPause = 10 * time.Second

func pause(s string) (time.Duration, error) {
	unit := strings.TrimLeft(s, "0123456789.")
	d, err := time.ParseDuration(s)
	if err != nil || unit != "ms" && unit != "s" || d > maxPause {
		return 0, fmt.Errorf("wants a time up to 10s, such as 500ms or 1.5s, got %q", s)
	}
	return d, nil
}

// strength is as long as common engines make it.
func strength(s string) (time.Duration, error) {
	return oneOf(s, map[string]time.Duration{
		"none": 0, "x-weak": 100 * time.Millisecond, "weak": 200 * time.Millisecond, "medium": 400 * time.Millisecond,
		"strong": 700 * time.Millisecond, "x-strong": 1200 * time.Millisecond,
	})
}

func rate(s string) (float64, error) {
	if number, ok := strings.CutSuffix(s, "%"); ok {
		v, err := hundredth(number)
		if err != nil || v-1 < minRate || v-1 > maxRate {
			return 0, fmt.Errorf("wants 50%% to 200%% of the usual rate, got %q", s)
		}
		return v - 1, nil
	}
	return oneOf(s, map[string]float64{"x-slow": -0.4, "slow": -0.2, "medium": 0, "default": 0, "fast": 0.25, "x-fast": 0.6})
}

// pitch takes semitones; the named ones are steps that are well heard.
func pitch(s string) (float64, error) {
	if number, ok := strings.CutSuffix(s, "st"); ok {
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v >= minPitch && v <= maxPitch) {
			return 0, fmt.Errorf("wants -12st to +12st, got %q", s)
		}
		return v, nil
	}
	return oneOf(s, map[string]float64{"x-low": -6, "low": -3, "medium": 0, "default": 0, "high": 3, "x-high": 6})
}

func volume(s string) (float64, error) {
	if number, ok := strings.CutSuffix(s, "dB"); ok {
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v >= minVolume && v <= maxVolume) {
			return 0, fmt.Errorf("wants -40dB to +6dB, got %q", s)
		}
		return v, nil
	}
	return oneOf(s, map[string]float64{"silent": minVolume, "x-soft": -12, "soft": -6, "medium": 0, "default": 0, "loud": 3, "x-loud": 6})
}

// hundredth reads percents.
func hundredth(s string) (float64, error) {
	v, err := strconv.ParseUint(s, 10, 16)
	return float64(v) / 100, err
}

func oneOf[V any](s string, values map[string]V) (V, error) {
	v, ok := values[s]
	if !ok {
		names := make([]string, 0, len(values))
		for name := range values {
			names = append(names, name)
		}
		slices.Sort(names)
		return v, fmt.Errorf("%q is not known (hint: %s)", s, strings.Join(names, ", "))
	}
	return v, nil
}

// entities of XML; a text has no use for others.
var entities = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&", "&quot;", `"`, "&apos;", "'")

var entityForm = regexp.MustCompile(`&(?:(?:lt|gt|amp|quot|apos);)?`)

func unescape(s string) (string, error) {
	if slices.Contains(entityForm.FindAllString(s, -1), "&") {
		return "", errors.New("a & stands alone (hint: beside tags it is written &amp;, and < is written &lt;)")
	}
	return entities.Replace(s), nil
}

// Nest watches how elements lie in each other.
type Nest struct{ open []string }

// Take goes on by a tag.
func (n *Nest) Take(t Tag) error {
	inside := ""
	if len(n.open) > 0 {
		inside = n.open[len(n.open)-1]
	}
	switch {
	case t.Ends && inside != t.Name:
		return fmt.Errorf("</%s> ends nothing here", t.Name)
	case t.Ends:
		n.open = n.open[:len(n.open)-1]
		return nil
	case inside == SayAs:
		return fmt.Errorf("<%s> stands within a say-as, which holds words only", t.Name)
	case t.Name == Speak && inside != "":
		return errors.New("<speak> stands within another element")
	case t.Name != Break:
		n.open = append(n.open, t.Name)
	}
	return nil
}

// Open is the innermost element that has begun and not ended, or "".
func (n *Nest) Open() string {
	if len(n.open) == 0 {
		return ""
	}
	return n.open[len(n.open)-1]
}
