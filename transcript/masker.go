package transcript

// Masker masks what is said in one call, segment by segment.
type Masker struct{}

// Masked is the text of a segment as it may be shown. Hidden says that something in it
// was masked.
type Masked struct {
	Seq    int
	Text   string
	Hidden bool
}

// Add masks a final segment.
func (m *Masker) Add(seq int, _ Speaker, text string) []Masked {
	masked := Mask(text)
	return []Masked{{seq, masked, masked != text}}
}

// Flush says that nothing more comes.
func (m *Masker) Flush() []Masked { return nil }

// Interim masks a text that may still change.
func (m *Masker) Interim(_ Speaker, text string) string { return Mask(text) }
