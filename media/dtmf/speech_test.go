package dtmf_test

import (
	"bytes"
	"math"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
)

// voices are men and women who speak several languages.
var voices = []string{
	"en-us", "en-us+f2", "en-gb+m3", "en-gb-scotland+f4", "cmn", "cmn+f3", "de+m1", "fr+f1", "es+m7",
	"it+f5", "ru+m4", "pl+f2", "pt-br+m2", "sv+f3", "tr+m5", "hi+f4", "ja+f1", "vi+m6", "nl+croak", "en-us+whisper",
}

// nonsense is a text whose words no language has, but each voice can say.
func nonsense(rng *rand.Rand, words int) string {
	onsets := strings.Fields("b br ch d dr f fl g gl gr h j k kl kr l m n p pl pr r s sh sk sl sp st str t th tr v w y z")
	vowels := strings.Fields("a ai au e ea ee i ie o oa oi oo ou u ue")
	codas := strings.Fields("_ _ _ b ck d g l ll m n nd ng nt p r rk rm s sh st t th x")
	var b strings.Builder
	for i := range words {
		for range 1 + rng.IntN(3) {
			b.WriteString(onsets[rng.IntN(len(onsets))] + vowels[rng.IntN(len(vowels))] + strings.Trim(codas[rng.IntN(len(codas))], "_"))
		}
		if i%9 == 8 {
			b.WriteString([]string{".", "?", "!", ","}[rng.IntN(4)])
		}
		b.WriteString(" ")
	}
	return b.String()
}

// speak says about so many words in one voice, at 8 kHz.
func speak(t *testing.T, rng *rand.Rand, voice string, words int) []int16 {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "espeak-ng", "--stdin", "--stdout", "-v", voice,
		"-s", strconv.Itoa(110+rng.IntN(140)), "-p", strconv.Itoa(rng.IntN(100)))
	cmd.Stdin = strings.NewReader(nonsense(rng, words))
	wav, err := cmd.Output()
	if err != nil {
		t.Fatalf("speak with voice %s: %v", voice, err)
	}
	pcm, rate, err := media.ReadWAV(bytes.NewReader(wav))
	if err != nil {
		t.Fatal(err)
	}
	return media.Resample(pcm, rate, media.SampleRate)
}

// level brings a sound to a mean power in dBm0.
func level(pcm []int16, dBm0 float64) {
	var sum float64
	for _, v := range pcm {
		sum += float64(v) * float64(v)
	}
	gain := peak(dBm0) / math.Sqrt(2*sum/float64(len(pcm))+1)
	for i, v := range pcm {
		pcm[i] = int16(math.Round(min(max(gain*float64(v), math.MinInt16), math.MaxInt16)))
	}
}

// falseKeys hears sound that holds no key.
func falseKeys(pcm []int16, codec media.Codec) (found string) {
	var encoder media.Encoder
	var decoder media.Decoder
	if encoder.Reset(codec, media.SampleRate) != nil || decoder.Reset(codec, media.SampleRate) != nil {
		return "no codec"
	}
	wire := make([]byte, media.FrameSamples)
	frame := make([]int16, media.FrameSamples)
	var d dtmf.Detector
	for ; len(pcm) >= media.FrameSamples; pcm = pcm[media.FrameSamples:] {
		encoder.Encode(wire, pcm[:media.FrameSamples])
		decoder.Decode(frame, wire)
		if key, ok := d.Frame(frame); ok {
			found += string(rune(key))
		}
	}
	return found
}

// talk speaks for so long and reports the keys that were found in it.
func talk(t *testing.T, want time.Duration, seed uint64) {
	testkit.Need(t, "espeak-ng")
	rng := rand.New(rand.NewPCG(seed, 3))
	var heard time.Duration
	for i := 0; heard < want; i++ {
		voice := voices[i%len(voices)]
		pcm := speak(t, rng, voice, 150)
		level(pcm, []float64{-12, -15, -20, -26}[rng.IntN(4)])
		if found := falseKeys(pcm, media.Codecs()[i%3]); found != "" {
			t.Errorf("voice %s (text %d): found %q in speech", voice, i, found)
		}
		heard += media.Time(len(pcm)).Duration()
	}
	t.Logf("seed %d: %v of speech", seed, heard.Round(time.Second))
}

func TestSpeechIsNoKey(t *testing.T) { talk(t, time.Minute, 1) }

// TestSoakSpeechIsNoKey speaks for at least half an hour, in all voices and
// with words that nobody has heard yet.
func TestSoakSpeechIsNoKey(t *testing.T) {
	talk(t, max(testkit.Soak(t), 30*time.Minute), uint64(time.Now().UnixNano()))
}
