package media_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

func TestPromptFrames(t *testing.T) {
	pcm := media.Tone(440, -20, 50*time.Millisecond)
	p := media.NewPrompt("beep", pcm)
	clear(pcm) // the prompt has its own
	for _, c := range g711() {
		if got := p.Frames(); got != 3 {
			t.Fatalf("%v: %d frames, want 3", c, got)
		}
		if b := p.Frame(c, 0); len(b) != 160 || cap(b) != 160 || b[4] == c.Silence() {
			t.Errorf("%v: frame 0 has length %d, capacity %d, byte %#02x", c, len(b), cap(b), b[4])
		}
		last := p.Frame(c, 2)
		for i := 80; i < 160; i++ {
			if last[i] != c.Silence() {
				t.Fatalf("%v: padding holds %#02x at %d", c, last[i], i)
			}
		}
	}
	if p.Duration() != 50*time.Millisecond || p.Name() != "beep" {
		t.Errorf("duration %v, name %q", p.Duration(), p.Name())
	}
	if empty := media.NewPrompt("", nil); empty.Frames() != 0 {
		t.Error("an empty prompt has frames")
	}
}

func TestPromptFrameDoesNotAllocate(t *testing.T) {
	p := media.NewPrompt("beep", media.Tone(440, -20, time.Second))
	p.Prepare(media.PCMU)
	var sum int
	if n := testing.AllocsPerRun(100, func() { sum += len(p.Frame(media.PCMU, 7)) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestToneLevel(t *testing.T) {
	for _, level := range []float64{-3.02, -20, -50} {
		power := 0.0
		pcm := media.Tone(1000, level, time.Second)
		for _, s := range pcm {
			power += float64(s) * float64(s)
		}
		got := 10 * math.Log10(power/float64(len(pcm))/(32768*32768))
		if math.Abs(got-level) > 0.05 {
			t.Errorf("level %.2f dBov, want %.2f", got, level)
		}
	}
}

func TestTimeConversions(t *testing.T) {
	if got := media.Time(160).Duration(); got != 20*time.Millisecond {
		t.Errorf("a frame lasts %v", got)
	}
	if got := media.TimeOf(time.Hour); got != 3600*8000 {
		t.Errorf("an hour is %d samples", got)
	}
}

func TestPromptInEveryCodec(t *testing.T) {
	narrow := media.NewPrompt("narrow", sine(1000, 8000, 8100))
	wide := media.NewPromptAt("wide", 16000, sine(1000, 16000, 16200))
	for _, p := range []*media.Prompt{narrow, wide} {
		for _, c := range allCodecs {
			if n := p.Frames(); n != 51 {
				t.Fatalf("%s: %d frames in %v, want 51", p.Name(), n, c)
			}
			var wire []byte
			for i := range p.Frames() {
				frame := p.Frame(c, i)
				if len(frame) != c.FrameBytes() || cap(frame) != len(frame) {
					t.Fatalf("%s: frame %d in %v has length %d, capacity %d", p.Name(), i, c, len(frame), cap(frame))
				}
				wire = append(wire, frame...)
			}
			pcm := heard(t, c, c.AudioRate(), wire)
			if got := level(pcm[:c.AudioRate()], c.AudioRate(), 1000); math.Abs(got - -9.23) > 0.2 {
				t.Errorf("%s in %v: the tone has %.2f dBov, want -9.23", p.Name(), c, got)
			}
		}
		if p.Duration() != 1012500*time.Microsecond {
			t.Errorf("%s lasts %v", p.Name(), p.Duration())
		}
	}
}

// Only a prompt that was made wide has what lies above 4 kHz.
func TestPromptIsWideband(t *testing.T) {
	p := media.NewPromptAt("high", 16000, sine(6000, 16000, 16000))
	for c, wants := range map[media.Codec][2]float64{media.G722: {-9.5, -9}, media.L16: {-200, -80}} {
		var wire []byte
		for i := range p.Frames() {
			wire = append(wire, p.Frame(c, i)...)
		}
		if got := power(heard(t, c, c.AudioRate(), wire), c.AudioRate()); got < wants[0] || got > wants[1] {
			t.Errorf("%v: 6 kHz has %.1f dBov, want %v", c, got, wants)
		}
	}
}

// TestLevelOfAPrompt: at any rate, of each frame, the last one's padding aside.
func TestLevelOfAPrompt(t *testing.T) {
	pcm := slices.Concat(media.Tone(400, -20, 20*time.Millisecond), media.Silence(20*time.Millisecond), media.Tone(400, -30, 10*time.Millisecond))
	for rate := range 2 {
		hz := media.SampleRate << rate
		p := media.NewPromptAt("x", hz, media.Resample(pcm, media.SampleRate, hz))
		for i, want := range []float64{-20, -45, -30, -100} {
			if got := float64(p.Level(i)); math.Abs(got-want) > 1 && (i != 1 || got > want) {
				t.Errorf("at %d Hz frame %d has %.1f dBov, want %.0f", hz, i, got, want)
			}
		}
		if p.Level(-1) != -100 {
			t.Error("a frame before the first has a level")
		}
	}
}
