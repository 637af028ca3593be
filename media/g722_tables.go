package media

// The tables of ITU-T G.722 §6.2. Output values (QM6, QM4, QM2) have 15
// fractional bits of a step.

// highLevel is the one decision level of the upper band.
const highLevel = 564

var (
	lowValues6 = [64]int32{
		-136, -136, -136, -136, -24808, -21904, -19008, -16704,
		-14984, -13512, -12280, -11192, -10232, -9360, -8576, -7856,
		-7192, -6576, -6000, -5456, -4944, -4464, -4008, -3576,
		-3168, -2776, -2400, -2032, -1688, -1360, -1040, -728,
		24808, 21904, 19008, 16704, 14984, 13512, 12280, 11192,
		10232, 9360, 8576, 7856, 7192, 6576, 6000, 5456,
		4944, 4464, 4008, 3576, 3168, 2776, 2400, 2032,
		1688, 1360, 1040, 728, 432, 136, -432, -136,
	}
	lowValues4 = [16]int32{
		0, -20456, -12896, -8968, -6288, -4240, -2584, -1200,
		20456, 12896, 8968, 6288, 4240, 2584, 1200, 0,
	}
	highValues = [4]int32{-7408, -1616, 7408, 1616}

	// How a code moves the log of the step (WL by RL42, WH by RH2).
	lowLogs = [16]int32{
		-60, 3042, 1198, 538, 334, 172, 58, -30,
		3042, 1198, 538, 334, 172, 58, -30, -60,
	}
	highLogs = [4]int32{798, -214, 798, -214}
)

// lowLevels are the decision levels of the lower band (Q6), 12 fractional bits
// of a step.
var lowLevels = [...]uint32{
	35, 72, 110, 150, 190, 233, 276, 323, 370, 422,
	473, 530, 587, 650, 714, 786, 858, 940, 1023, 1121,
	1219, 1339, 1458, 1612, 1765, 1980, 2195, 2557, 2919,
}

const lowLevelEnd = 2919 + 1 // above all levels

// lowCodes is the code of a difference by its sign (1 is negative) and by its
// magnitude in the units of lowLevels, rounded up (ILP, ILN).
var lowCodes = lowCodeTable()

func lowCodeTable() (t [2][lowLevelEnd + 1]byte) {
	level := 0
	for q := range uint32(lowLevelEnd + 1) {
		for level < len(lowLevels) && lowLevels[level] < q {
			level++
		}
		t[0][q] = byte(61 - level)
		t[1][q] = byte(33 - level)
		if level < 2 {
			t[1][q] = byte(63 - level)
		}
	}
	return t
}

// The steps by the upper bits of their logs (SCALEL, SCALEH). The lower band's
// are two octaves above the upper band's.
var steps = stepTable()

const (
	logIndexShift = 6
	octave        = 32 // of the table
)

func stepLow(nb int32) int32  { return steps[nb>>logIndexShift+2*octave] }
func stepHigh(nb int32) int32 { return steps[nb>>logIndexShift] }

func stepTable() (t [maxLogHigh>>logIndexShift + 1]int32) {
	mantissas := [octave]int32{ // ILB
		2048, 2093, 2139, 2186, 2233, 2282, 2332, 2383,
		2435, 2489, 2543, 2599, 2656, 2714, 2774, 2834,
		2896, 2960, 3025, 3091, 3158, 3228, 3298, 3371,
		3444, 3520, 3597, 3676, 3756, 3838, 3922, 4008,
	}
	for i := range t {
		t[i] = mantissas[i%octave] << 1 >> (11 - i/octave) << 2
	}
	return t
}
