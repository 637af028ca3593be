package quality

import "github.com/ivrd/ivrd/media"

// Impairment is what a codec costs (ITU-T G.113 Appendix I, of wide-band ones
// Appendix IV): Ie without loss, and Bpl, how well it bears the loss of packets.
type Impairment struct {
	Ie, Bpl float64
	Wide    bool // on the scale of G.107.1
}

// G711 is G.711 whose lost frames are concealed as in its own Appendix I (G.113
// Table I.4).
func G711() Impairment { return Impairment{Bpl: 25.1} }

// G722 is G.722 at 64 kbit/s (G.113 Table IV.1). G.113 has no Bpl of it: this is the
// least of those that it has of wide-band codecs (Table IV.4, G.722.2 at 12.65
// kbit/s), all of them planning values for random loss.
func G722() Impairment { return Impairment{Ie: 13, Bpl: 4.3, Wide: true} }

// Of is the impairment of a codec. L16 is rated as G.711, which is no more than the
// quantisation that G.107 takes for granted. Losses are taken to be concealed: who
// hears a forwarded one conceals it as their own.
func Of(c media.Codec) Impairment {
	if c == media.G722 {
		return G722()
	}
	return G711()
}

// span is by how much the scale of R is longer than that of a telephone: an R of 129
// is as good as can be where wide-band sound is expected (G.107.1 Annex A).
func (i Impairment) span() float64 {
	if i.Wide {
		return 1.29
	}
	return 1
}
