// Package quality estimates what people think of a line, from what is lost and
// how late the rest comes: the E-model of ITU-T G.107, of G.722 that of G.107.1, fed
// frame by frame for what we hear and by RTCP for what the peer hears.
package quality

import (
	"math"
	"time"
)

// The default values of G.107 Table 2: an ordinary telephone in an ordinary
// room at both ends. They are not measured here.
const (
	slr, rlr   = 8.0, 2.0   // send and receive loudness ratings, dB
	stmr, lstr = 15.0, 18.0 // sidetone masking, listener sidetone, dB
	ds         = 3.0        // D-value of the telephone at the send side
	telr       = 65.0       // talker echo loudness rating, dB
	wepl       = 110.0      // weighted echo path loss, dB
	qdu        = 1.0        // quantisation distortion units
	nc, nfor   = -70.0, -64 // circuit noise dBm0p, noise floor dBmp
	ps, pr     = 35.0, 35.0 // room noise at the send and receive side, dB(A)
)

// Path is what lies between a mouth and an ear.
type Path struct {
	Impairment
	Loss  float64       // share of frames lost, 0 to 1
	Burst float64       // burst ratio, see Losses.Burst
	Delay time.Duration // one way; the way back is taken to be as long
}

// R is the transmission rating: 0 to 100 (G.107 §7.1, equation 7-1), of wide-band
// codecs 0 to 129 (G.107.1 §7.1).
func (p Path) R() float64 {
	t := math.Min(math.Max(p.Delay.Seconds()*1000, 0), 10_000)
	r := p.unspoilt(t) - p.equipment()
	return math.Min(math.Max(r, 0), 100*p.span())
}

// unspoilt is R before the codec and the losses, of a way of t ms.
func (p Path) unspoilt(t float64) float64 {
	if p.Wide { // G.107.1 §7.3: nothing is said yet of what disturbs at the same time
		return wideRo - wideDelayed(t)
	}
	no := noise()
	ro := 15 - 1.5*(slr+no)
	return ro - simultaneous(ro, no, t) - delayed(ro, no, t)
}

// equipment is Ie,eff (equation 7-29; in G.107.1, 7-15, losses are random).
func (p Path) equipment() float64 {
	percent := 100 * math.Min(math.Max(p.Loss, 0), 1)
	if percent == 0 {
		return p.Ie
	}
	return p.Ie + (95-p.Ie)*percent/(percent/math.Max(p.Burst, 1)+p.Bpl)
}

// noise is No in dBm0p, the power sum of all (7-3 to 7-7).
func noise() float64 {
	const olr = slr + rlr
	nos := ps - slr - ds - 100 + 0.004*(ps-olr-ds-14)*(ps-olr-ds-14)
	pre := pr + 10*math.Log10(1+power((10-lstr)/10))
	nor := rlr - 121 + pre + 0.008*(pre-35)*(pre-35)
	return 10 * math.Log10(power(nc/10)+power(nos/10)+power(nor/10)+power((nfor+rlr)/10))
}

func power(bel float64) float64 { return math.Pow(10, bel) }

// simultaneous is Is: what disturbs at the same time as the voice, of which only
// the sidetone depends on the delay t in ms (7-8 to 7-17).
func simultaneous(ro, no, t float64) float64 {
	xolr := slr + rlr + 0.2*(64+no-rlr)
	iolr := 20 * (root(1+math.Pow(xolr/8, 8), 8) - xolr/8)
	q := 37 - 15*math.Log10(qdu)
	g := 1.07 + 0.258*q + 0.0602*q*q
	iq := 15 * math.Log10(1+power((ro-100)/15+46/8.4-g/9)+power(46.0/30-g/40))
	return iolr + sidetone(t) + iq
}

// sidetone is Ist.
func sidetone(t float64) float64 {
	s := -10 * math.Log10(power(-stmr/10)+math.Exp(-t/4)*power(-telr/10))
	return 12*root(1+math.Pow((s-13)/6, 8), 8) - 28*root(1+math.Pow((s+1)/19.4, 35), 35) -
		13*root(1+math.Pow((s-3)/33, 13), 13) + 29
}

func root(x, n float64) float64 { return math.Pow(x, 1/n) }

// delayed is Id of a way of t ms each: talker echo, listener echo and the delay
// itself (7-18 to 7-28). Of less than 2 ms the formula of the echo makes a little
// more than it makes of 5.
func delayed(ro, no, t float64) float64 {
	terv := telr - 40*math.Log10((1+t/10)/(1+t/150)) + 6*math.Exp(-0.3*t*t)
	return talkerEcho(-1.5*(no-rlr)-(80+2.5*(terv-14)), t) + listenerEcho(ro, t) + tooLate(t)
}

// talkerEcho is Idte of the difference between Roe and Re (7-19; G.107.1, 7-5).
func talkerEcho(difference, t float64) float64 {
	half := difference / 2
	return (half + math.Sqrt(half*half+100) - 1) * (1 - math.Exp(-t))
}

// listenerEcho is Idle (7-25, 7-26; in G.107.1 the same of its Ro).
func listenerEcho(ro, t float64) float64 {
	half := (ro - 10.5*(wepl+7)*math.Pow(2*t+1, -0.25)) / 2
	return half + math.Sqrt(half*half+169)
}

// wideRo is Ro,WB (G.107.1, 7-2): noise is not looked into.
const wideRo = 129

// wideDelayed is Id,WB of a way of t ms each, with the default values of G.107.1
// (7-4 to 7-14, with corrigendum 1).
func wideDelayed(t float64) float64 {
	k := math.Min(0.08*t+10, 18)
	terv := telr + k - 40*math.Log10((1+t/10)/(1+t/150)) + 6*math.Exp(-0.3*t*t)
	return talkerEcho(wideRo-(80+3*(terv-14)), t) + listenerEcho(wideRo, t) + 1.29*tooLate(t)
}

// tooLate is Idd, which even a perfect line has when it is long (7-27, 7-28).
func tooLate(t float64) float64 {
	if t <= 100 {
		return 0
	}
	x := math.Log2(t / 100)
	return 25 * (root(1+math.Pow(x, 6), 6) - 3*root(1+math.Pow(x/3, 6), 6) + 2)
}

// MOS is what R means as a mean opinion: 1 to 4.5 (G.107 Annex B). Of a wide-band
// codec it is that of R/1.29 (G.107.1 Annex A): the opinion of people who are used to
// wide-band sound, and would have less of a telephone than those who are not.
func MOS(r float64) float64 {
	switch {
	case r <= 0:
		return 1
	case r >= 100:
		return 4.5
	}
	// Below an R of 6.5 the polynomial falls under 1.
	return math.Max(1+0.035*r+r*(r-60)*(100-r)*7e-6, 1)
}
