package emotion

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

// talker is a caller whose utterances are known.
type talker struct {
	*Analyser
	at media.Time
}

func newTalker() *talker { return &talker{Analyser: New(Config{})} }

// hears sound and a second of silence, and judges the former.
func (k *talker) hears(pcm [][]int16, text string) Result {
	from := k.at
	for _, p := range pcm {
		k.Frame(k.at, p, p == nil)
		k.at += media.FrameSamples
	}
	r := k.Utterance(from, k.at, text)
	for _, p := range frames(silence(1)) {
		k.Frame(k.at, p, false)
		k.at += media.FrameSamples
	}
	return r
}

// usual is a synthetic voice that talks with some melody.
func usual() voice {
	return voice{rate: 16000, level: -26, jitter: 0.005, breath: 0.1, tilt: 0.9, beat: 4, pitch: melody(130, 2)}
}

// melody goes up and down by some semitones.
func melody(hz, semitones float64) func(float64) float64 {
	return func(sec float64) float64 { return hz * math.Pow(2, semitones/12*math.Sin(2*math.Pi*0.7*sec)) }
}

func (v voice) wire(seed uint64, sec, gain float64) [][]int16 {
	x := to8k(v.say(rand.New(rand.NewPCG(seed, 3)), sec), v.rate)
	return frames(scale(x, gain))
}

// asUsual is the usual voice for 16 s.
var asUsual = sync.OnceValue(func() (out [4][]float64) {
	for i := range out {
		v := usual()
		out[i] = to8k(v.say(rand.New(rand.NewPCG(uint64(i), 3)), 4), v.rate)
	}
	return out
})

// learn the usual voice.
func (k *talker) learn(gain float64) {
	for _, x := range asUsual() {
		k.hears(frames(scale(slices.Clone(x), gain)), "")
	}
}

func TestArousalOfSyntheticVoices(t *testing.T) {
	louder, faster, higher, lively, strained := usual(), usual(), usual(), usual(), usual()
	louder.level += 8
	faster.beat *= 1.5
	higher.pitch = melody(180, 2)
	lively.pitch = melody(130, 5)
	strained.tilt = 0.5
	all := usual()
	all.level, all.beat, all.pitch, all.tilt = louder.level, faster.beat, melody(180, 5), strained.tilt
	dull := usual()
	dull.level, dull.beat, dull.pitch = -30, 2.5, melody(118, 0.3)
	for _, c := range []struct {
		name     string
		v        voice
		min, max float64
	}{
		{"as usual", usual(), 0.4, 0.6},
		{"louder", louder, 0.62, 1},
		{"faster", faster, 0.57, 1},
		{"higher", higher, 0.62, 1},
		{"livelier", lively, 0.55, 1},
		{"strained", strained, 0.53, 1},
		{"all of it", all, 0.85, 1},
		{"monotonous, slow and soft", dull, 0, 0.35},
	} {
		k := newTalker()
		k.learn(0)
		a := k.hears(c.v.wire(9, 3, 0), "").Emotion.Arousal
		t.Logf("%s: %.2f", c.name, a)
		if a.Value < c.min || a.Value > c.max || a.Confidence < 0.9 {
			t.Errorf("%s: arousal %+v, want %.2f to %.2f", c.name, a, c.min, c.max)
		}
	}
}

// Speech of another synthesiser, with loss.
func TestArousalOfSpeech(t *testing.T) {
	testkit.Need(t, "espeak-ng")
	const text = "I have been waiting for my order since Monday, and I would like to know where it is."
	for _, name := range []string{"en-us", "en-us+f3"} {
		wire := func(s speaker, gain float64) [][]int16 {
			s.voice = name
			x, rate := s.says(t, text)
			scale(x, -26+gain-levelOf(x))
			return lossy(rand.New(rand.NewPCG(7, 7)), frames(to8k(x, rate)), 0.03)
		}
		k := newTalker()
		for range 3 {
			k.hears(wire(speaker{pitch: 50, speed: 160}, 0), "")
		}
		calm := k.hears(wire(speaker{pitch: 50, speed: 160}, 0), "").Emotion.Arousal.Value
		excited := k.hears(wire(speaker{pitch: 75, speed: 220}, 6), "").Emotion.Arousal.Value
		dull := k.hears(wire(speaker{pitch: 35, speed: 115, flat: true}, -4), "").Emotion.Arousal.Value
		t.Logf("%s: calm %.2f, high, fast and loud %.2f, low, flat and slow %.2f", name, calm, excited, dull)
		if math.Abs(calm-0.5) > 0.1 || excited < 0.75 || dull > 0.3 {
			t.Errorf("%s: want about 0.5, above 0.75, below 0.3", name)
		}
	}
}

// The same caller on a louder or softer line gets the same result.
func TestGainOfTheLine(t *testing.T) {
	shout := usual()
	shout.level += 6
	shout.beat = 5
	var at0 transcript.Emotion
	for _, gain := range []float64{0, -10, 10} {
		k := newTalker()
		k.learn(gain)
		e := k.hears(shout.wire(9, 3, gain), "This is not what I ordered.").Emotion
		if gain == 0 {
			at0 = e
		}
		t.Logf("%+.0f dB: %v, arousal %.3f", gain, e.Label, e.Arousal.Value)
		if e.Label != at0.Label || math.Abs(e.Arousal.Value-at0.Arousal.Value) > 0.03 || math.Abs(e.Confidence-at0.Confidence) > 0.03 {
			t.Errorf("%+.0f dB: %+v, without gain %+v", gain, e, at0)
		}
	}
}

func TestFeatures(t *testing.T) {
	v := usual()
	v.pitch = melody(150, 3)
	pcm := append(v.wire(1, 3, 0), append(frames(silence(0.5)), v.wire(2, 3, 0)...)...)
	whole := newTalker().hears(pcm, "").Features
	lost := newTalker().hears(lossy(rand.New(rand.NewPCG(1, 1)), pcm, 0.1), "").Features
	for _, f := range []Features{whole, lost} {
		t.Logf("%+v", f)
		for _, c := range []struct {
			name           string
			got, want, off float64
		}{
			{"pitch", f.Pitch, semitones(150), 0.4},
			{"deviation of pitch", f.PitchSD, 3 / math.Sqrt2, 0.4},
			{"range of pitch", f.PitchRange, 6, 0.8},
			{"level", f.Level, -26, 3},
			{"syllables", f.Rate, 4, 0.6},
			{"pauses", float64(f.Pauses), 1, 0},
			{"pause ratio", f.PauseRatio, 0.5 / 6.5, 0.03},
		} {
			if math.Abs(c.got-c.want) > c.off {
				t.Errorf("%s is %.2f, want %.2f ± %.2f", c.name, c.got, c.want, c.off)
			}
		}
	}
	if lost.Lost == 0 || lost.Heard+lost.Lost != whole.Heard || whole.Lost != 0 {
		t.Errorf("heard %d and lost %d of %d", lost.Heard, lost.Lost, whole.Heard)
	}
	if math.Abs(lost.Jitter-whole.Jitter) > 0.005 || math.Abs(lost.Slope-whole.Slope) > 0.5 || math.Abs(lost.Hammarberg-whole.Hammarberg) > 1 {
		t.Errorf("loss changes the voice")
	}
}

// Rough voices have more jitter and shimmer, breathy ones less harmony; effort makes the
// spectrum flat.
func TestFeaturesOfVoices(t *testing.T) {
	rough, breathy, strained := usual(), usual(), usual()
	rough.jitter, breathy.breath, strained.tilt = 0.06, 4, 0.6
	of := func(v voice) Features { return newTalker().hears(v.wire(5, 4, 0), "").Features }
	n, r, b, s := of(usual()), of(rough), of(breathy), of(strained)
	t.Logf("jitter %.4f and %.4f, harmonicity %.1f and %.1f, slope %.1f and %.1f, Hammarberg %.1f and %.1f",
		n.Jitter, r.Jitter, n.Harmonicity, b.Harmonicity, n.Slope, s.Slope, n.Hammarberg, s.Hammarberg)
	if r.Jitter < 1.5*n.Jitter || b.Harmonicity > n.Harmonicity-2 || s.Slope < n.Slope+1 || s.Hammarberg > n.Hammarberg-2 {
		t.Error("a rough, a breathy or a strained voice is not told from the usual")
	}
}

// What is no speech is of no feeling, after a baseline too.
func TestWhatIsNoSpeechIsUnknown(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	tone := silence(3)
	for i := range tone {
		tone[i] = 6000 * (math.Sin(2*math.Pi*350*float64(i)/media.SampleRate) + math.Sin(2*math.Pi*440*float64(i)/media.SampleRate))
	}
	for name, pcm := range map[string][][]int16{
		"silence":    frames(silence(3)),
		"noise":      frames(noisy(rng, silence(3), -25)),
		"soft noise": frames(noisy(rng, silence(3), -50)),
		"a tone":     frames(tone),
		"loss":       make([][]int16, 150),
		"a syllable": usual().wire(1, 0.25, 0),
		"nothing":    nil,
	} {
		for _, learnt := range []bool{false, true} {
			k := newTalker()
			if learnt {
				k.learn(0)
			}
			e := k.hears(pcm, "I am furious").Emotion
			if e.Label != transcript.Unknown || e.Confidence != 0 || e.Arousal.Confidence != 0 || e.Scores[transcript.Unknown] != 1 {
				t.Errorf("%s, learnt %v: %+v", name, learnt, e)
			}
		}
	}
}

func TestBaseline(t *testing.T) {
	k := newTalker()
	shout := usual()
	shout.level, shout.beat, shout.pitch = -18, 6, melody(190, 4)
	if e := k.hears(shout.wire(1, 2, 0), "").Emotion; e.Arousal.Confidence != 0 || e.Label != transcript.Unknown {
		t.Errorf("something is said of a voice that is not known: %+v", e)
	}
	k = newTalker()
	k.learn(0)
	if e := k.hears(usual().wire(5, 3, 0), "").Emotion; e.Label != transcript.Neutral || e.Confidence > mostSure {
		t.Errorf("as usual: %+v", e)
	}
	first := k.hears(shout.wire(1, 3, 0), "").Emotion
	if first.Label != transcript.Unknown {
		t.Errorf("a shout without words is %v, want unknown: it may be joy", first.Label)
	}
	var last transcript.Emotion
	for i := range uint64(20) { // a minute
		last = k.hears(shout.wire(i, 3, 0), "").Emotion
	}
	t.Logf("arousal of a shout: at first %.2f, after a minute %.2f", first.Arousal.Value, last.Arousal.Value)
	if last.Arousal.Value < 0.75 || last.Arousal.Value > first.Arousal.Value {
		t.Errorf("a minute of shouting is %.2f, at first %.2f: want still high, and adapted", last.Arousal.Value, first.Arousal.Value)
	}
	k.Reset()
	if e := k.Utterance(0, k.at, ""); e.Features.Heard != 0 || e.Emotion.Label != transcript.Unknown {
		t.Errorf("after a reset: %+v", e)
	}
}

func TestWordsAndVoice(t *testing.T) {
	shout := usual()
	shout.level, shout.beat, shout.pitch = -18, 6, melody(180, 4)
	dull := usual()
	dull.level, dull.beat, dull.pitch = -30, 2.5, melody(115, 0.3)
	for _, c := range []struct {
		v    voice
		text string
		want transcript.Feeling
	}{
		{shout, "This is outrageous, I am furious!", transcript.Anger},
		{shout, "你们太过分了，我很生气", transcript.Anger},
		{shout, "That is wonderful, I am so happy", transcript.Happiness},
		{shout, "Please help me, I am scared", transcript.Fear},
		{dull, "My father passed away and I am sad", transcript.Sadness},
		{usual(), "This food is disgusting", transcript.Disgust},
		{usual(), "Wow, I can't believe it", transcript.Surprise},
		{usual(), "I would like to know my balance", transcript.Neutral},
		{shout, "I would like to know my balance", transcript.Unknown},
		{usual(), "I am happy and furious", transcript.Unknown},
	} {
		k := newTalker()
		k.learn(0)
		e := k.hears(c.v.wire(9, 3, 0), c.text).Emotion
		var sum float64
		for _, v := range e.Scores {
			sum += v
		}
		if e.Label != c.want || e.Confidence > mostSure || math.Abs(sum-1) > 1e-9 || e.Method != "rules-v1" {
			t.Errorf("%q: %+v, want %v", c.text, e, c.want)
		}
	}
}

// Frames that come late, twice, or after a gap do no harm.
func TestClock(t *testing.T) {
	a := New(Config{Baseline: 10 * time.Second})
	pcm := usual().wire(1, 2, 0)
	const hour = 3600 * media.SampleRate
	for i, p := range pcm {
		at := media.Time(hour + i*media.FrameSamples)
		a.Frame(at, p, false)
		a.Frame(at, p, false)
		a.Frame(0, p, false)
		a.Frame(-media.FrameSamples, p, false)
	}
	if f := a.Features(hour, hour+2*media.SampleRate); f.Heard != 2*media.SampleRate || f.Lost != 0 {
		t.Errorf("heard %d, lost %d of 2 s", f.Heard, f.Lost)
	}
	later := media.Time(hour + 4*media.SampleRate)
	a.Frame(later, pcm[0], false)
	if f := a.Features(hour, later+media.FrameSamples); f.Lost != 2*media.SampleRate {
		t.Errorf("lost %d in a gap of 2 s", f.Lost)
	}
	a.Frame(2*hour, pcm[0], false)
	if f := a.Features(0, math.MaxInt64); f.Heard != media.FrameSamples || f.Heard+f.Lost != keptFrames*media.FrameSamples {
		t.Errorf("heard %d, lost %d of the last 30 s", f.Heard, f.Lost)
	}
}

func TestFramesDoNotAllocate(t *testing.T) {
	pcm := usual().wire(1, 2, 0)
	a, s := New(Config{}), NewSound(time.Second)
	i := 0
	if n := testing.AllocsPerRun(1000, func() {
		p := pcm[i%len(pcm)]
		a.Frame(media.Time(i*media.FrameSamples), p, i%30 == 0)
		s.Frame(media.Time(i*media.FrameSamples), p, i%30 == 0)
		i++
	}); n != 0 {
		t.Errorf("%v allocations a frame", n)
	}
	if n := testing.AllocsPerRun(10, func() { a.Utterance(0, media.Time(i*media.FrameSamples), "") }); n != 0 {
		t.Errorf("%v allocations an utterance without words", n)
	}
}

func BenchmarkFrame(b *testing.B) {
	for _, c := range []struct {
		name string
		pcm  [][]int16
	}{{"silence", frames(silence(2))}, {"speech", usual().wire(1, 4, 0)}} {
		b.Run(c.name, func(b *testing.B) {
			a := New(Config{})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				a.Frame(media.Time(i*media.FrameSamples), c.pcm[i%len(c.pcm)], false)
			}
		})
	}
}

func BenchmarkUtterance(b *testing.B) {
	k := newTalker()
	k.hears(usual().wire(1, 5, 0), "")
	b.ReportAllocs()
	for b.Loop() {
		k.Utterance(0, 5*media.SampleRate, "I have called three times and nobody helps, this is ridiculous")
	}
}
