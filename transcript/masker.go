package transcript

const (
	// recentSegments may still change when more is said.
	recentSegments = 24
	// A number goes on after this many segments of others, and of its speaker without
	// digits.
	othersBetween = 8
	ownBetween    = 3
	// ackContent is what others may say in between so that a number goes on as if
	// nothing were there: three words.
	ackContent = 6
	// weakContent is what may be said in between at all: six words, and more where a
	// personal number is on its way.
	weakContent  = 12
	namedContent = 30
	// fewestJoined digits are a beginning to which something may be joined across
	// other words.
	fewestJoined = 3
)

// Masker masks what is said in one call, segment by segment, personal numbers also
// where they are spoken as words and where they are spread over several segments. The
// zero value is ready for use; a Masker is not for several goroutines.
//
// Digits at the end of what a speaker has said are hidden until more words of theirs
// show what they are: as what was shown once cannot be hidden again, nothing of a
// number is shown before its end is known. Then what is no personal number comes back.
type Masker struct {
	recent []*utterance
	known  []*number // that were masked, the latest last
	// segments that were added.
	segments int
	over     bool
}

// Masked is the text of a segment as it may be shown. Hidden says that something in it
// was masked.
type Masked struct {
	Seq    int
	Text   string
	Hidden bool
}

// Add masks a final segment, and returns it first; then earlier segments whose masked
// text is another one now. A number of a segment that is known replaces its text. In a text of more than 4 kB all
// digits are hidden.
func (m *Masker) Add(seq int, speaker Speaker, text string) []Masked {
	u := newUtterance(seq, speaker, text)
	m.put(u)
	m.segments++
	m.settle()
	changed := m.render()
	out := []Masked{u.masked()}
	for _, c := range changed {
		if c != u {
			out = append(out, c.masked())
		}
	}
	return out
}

// Flush says that nothing more comes, and returns the segments whose text is another
// one now.
func (m *Masker) Flush() []Masked {
	m.over = true
	m.settle()
	m.over = false
	var out []Masked
	for _, u := range m.render() {
		out = append(out, u.masked())
	}
	return out
}

// Interim masks a text that may still change: all digits in it.
func (m *Masker) Interim(_ Speaker, text string) string { return withoutDigits(text) }
