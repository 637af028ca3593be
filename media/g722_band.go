package media

// g722Band is the ADPCM state of one band: a quantizer whose step follows the
// sound, and a predictor of two poles and six zeros. A reconstructed sample is
// r = s + d: s is predicted, d is the quantized difference.
type g722Band struct {
	s, sz  int32    // the predicted sample, and the zeros' part of it
	nb     int32    // log2 of the quantizer's step, 11 fractional bits
	a1, a2 int32    // poles, 14 fractional bits
	p1, p2 int32    // the past two of p = sz + d
	r1     int32    // the past reconstructed sample, doubled
	b      [6]int32 // zeros, 14 fractional bits
	d      [6]int32 // the past six differences, doubled
}

// The limits of nb (LOGSCL, LOGSCH) and of the poles (UPPOL1, UPPOL2).
const (
	maxLogLow  = 18432
	maxLogHigh = 22528
	maxPole2   = 12288
	maxPoles   = 15360
)

// encodeLow codes one sample of the lower band in six bits (QUANTL).
func (b *g722Band) encodeLow(x int32) byte {
	step := stepLow(b.nb)
	e := saturate(x - b.s)
	sign := e >> 31
	// The Recommendation searches the first level with magnitude < level·step
	// >> 12. That is the first level of at least this quotient.
	q := (uint32(e^sign)<<12 + 1<<12 + uint32(step) - 1) / uint32(step)
	code := lowCodes[sign&1][min(q, lowLevelEnd)]
	b.adaptLow(code, step)
	return code
}

// decodeLow is the sample of the lower band that six bits stand for.
func (b *g722Band) decodeLow(code byte) int32 {
	step := stepLow(b.nb)
	r := clip15(b.s + step*lowValues6[code&0x3F]>>15)
	b.adaptLow(code, step)
	return r
}

// adaptLow follows the upper four of the six bits only, so that a decoder that
// lacks the others (modes 2 and 3) follows as well (INVQAL, LOGSCL).
func (b *g722Band) adaptLow(code byte, step int32) {
	code = code >> 2 & 0x0F
	b.nb = min(max(b.nb*127>>7+lowLogs[code], 0), maxLogLow)
	b.predict(step * lowValues4[code] >> 15)
}

// encodeHigh codes one sample of the upper band in two bits (QUANTH).
func (b *g722Band) encodeHigh(x int32) byte {
	step := stepHigh(b.nb)
	e := saturate(x - b.s)
	sign := e >> 31
	code := byte(3 + 2*sign) // 3 for a small positive, 1 for a small negative difference
	if e^sign >= highLevel*step>>12 {
		code--
	}
	b.adaptHigh(code, step)
	return code
}

// decodeHigh is the sample of the upper band that two bits stand for.
func (b *g722Band) decodeHigh(code byte) int32 {
	step := stepHigh(b.nb)
	r := clip15(b.s + step*highValues[code&3]>>15)
	b.adaptHigh(code, step)
	return r
}

func (b *g722Band) adaptHigh(code byte, step int32) {
	code &= 3
	b.nb = min(max(b.nb*127>>7+highLogs[code], 0), maxLogHigh)
	b.predict(step * highValues[code] >> 15)
}

// predict takes in the difference of this sample and predicts the next one
// (PARREC, RECONS, FILTEP, PREDIC).
func (b *g722Band) predict(diff int32) {
	p := b.sz + diff
	r := saturate(2 * (b.s + diff))
	b.adaptPoles(p)
	b.adaptZeros(saturate(2 * diff))
	b.s = saturate(r*b.a1>>15 + b.r1*b.a2>>15 + b.sz)
	b.r1 = r
}

// adaptPoles moves the poles by the signs of p and of the two before it
// (UPPOL2, UPPOL1). Zero counts as positive.
func (b *g722Band) adaptPoles(p int32) {
	differ1, differ2 := (p^b.p1)>>31, (p^b.p2)>>31 // -1 when the signs do
	b.p1, b.p2 = p, b.p1
	f := 4 * min(max(b.a1, -8191), 8191)
	a2 := b.a2*127>>7 + negate(f, ^differ1)>>7 + negate(128, differ2)
	b.a2 = min(max(a2, -maxPole2), maxPole2)
	limit := maxPoles - b.a2
	b.a1 = min(max(b.a1*255>>8+negate(192, differ1), -limit), limit)
}

// adaptZeros moves each zero by whether d and its own past difference have the
// same sign, and takes d into the past (UPZERO, FILTEZ). The Recommendation
// saturates the sum to 16 bits; FFmpeg does not, and neither do we: it takes a
// stream that no encoder makes to reach there, and then two of a kind agree.
func (b *g722Band) adaptZeros(d int32) {
	gain := int32(128)
	if d == 0 {
		gain = 0
	}
	w, x := &b.b, &b.d
	w[0] = w[0]*255>>8 + negate(gain, (d^x[0])>>31)
	w[1] = w[1]*255>>8 + negate(gain, (d^x[1])>>31)
	w[2] = w[2]*255>>8 + negate(gain, (d^x[2])>>31)
	w[3] = w[3]*255>>8 + negate(gain, (d^x[3])>>31)
	w[4] = w[4]*255>>8 + negate(gain, (d^x[4])>>31)
	w[5] = w[5]*255>>8 + negate(gain, (d^x[5])>>31)
	x[5], x[4], x[3], x[2], x[1], x[0] = x[4], x[3], x[2], x[1], x[0], d
	b.sz = w[0]*x[0]>>15 + w[1]*x[1]>>15 + w[2]*x[2]>>15 +
		w[3]*x[3]>>15 + w[4]*x[4]>>15 + w[5]*x[5]>>15
}

// negate is -v where mask is -1, and v where it is 0.
func negate(v, mask int32) int32 { return (v ^ mask) - mask }

func clip15(v int32) int32 { return min(max(v, -1<<14), 1<<14-1) }
