package quality

import "github.com/ivrd/ivrd/media"

// Impairment is what a codec costs (ITU-T G.113 Appendix I): Ie without loss,
// and Bpl, how well it bears the loss of packets.
type Impairment struct{ Ie, Bpl float64 }

// G711 is G.711 whose lost frames are concealed as in its own Appendix I (G.113
// Table I.4).
func G711() Impairment { return Impairment{Bpl: 25.1} }

// G711Bare is G.711 with silence in place of what is lost (as G711).
func G711Bare() Impairment { return Impairment{Bpl: 4.3} }

// Of is the impairment of a codec. Every codec is rated as G.711 with
// concealment on the narrow-band scale: who hears a forwarded loss conceals it
// as their own. A wide-band codec sounds better than that says. The scale of
// G.107.1 (R up to 129) could not be compared with the telephone at the other
// end of the call.
func Of(media.Codec) Impairment { return G711() }
