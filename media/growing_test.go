package media_test

import (
	"bytes"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
)

// However a sound comes, and whenever somebody asks for a codec, it is the same as
// if it had been there at once.
func TestGrowingSoundsLikeThePromptItBecomes(t *testing.T) {
	pcm := append(media.Tone(440, -20, 1310*time.Millisecond), media.Tone(900, -30, 17*time.Millisecond)...)
	whole := media.NewPrompt("whole", pcm)
	g := media.NewGrowing("grown", time.Minute, nil)
	p := g.Prompt()
	p.Prepare(media.PCMU)
	for i, at := 1, 0; at < len(pcm); i, at = i+37, min(at+i, len(pcm)) {
		if !g.Append(pcm[at:min(at+i, len(pcm))]) {
			t.Fatal("refused")
		}
		if i > 300 {
			p.Prepare(media.L16)
		}
	}
	if p.Complete() || p.Frames() != len(pcm)/media.FrameSamples {
		t.Errorf("before its end: %d frames, complete %v", p.Frames(), p.Complete())
	}
	g.End()
	g.End()
	if g.Append(pcm) || !p.Complete() || p.Frames() != whole.Frames() || p.Name() != "grown" {
		t.Fatalf("after its end: %d frames, complete %v", p.Frames(), p.Complete())
	}
	for _, c := range append(media.Codecs(), media.L16) {
		if c == media.G722 { // the other is made by another filter
			continue
		}
		for i := range p.Frames() {
			full := i < p.Frames()-1 // the last is filled up
			if !bytes.Equal(p.Frame(c, i), whole.Frame(c, i)) || full && p.Level(i) != whole.Level(i) {
				t.Fatalf("%v: frame %d differs", c, i)
			}
		}
	}
	if p.Level(-1) != -100 || p.Level(p.Frames()) != -100 {
		t.Error("there is a level where there is no frame")
	}
}

func TestGrowingInWideband(t *testing.T) {
	g := media.NewGrowing("", time.Minute, nil)
	pcm := media.Tone(440, -20, time.Second)
	for at := 0; at < len(pcm); at += 800 {
		g.Append(pcm[at : at+800])
		g.Prompt().Prepare(media.G722)
	}
	g.End()
	var d media.Decoder
	if err := d.Reset(media.G722, media.SampleRate); err != nil {
		t.Fatal(err)
	}
	var heard []int16
	frame := make([]int16, media.FrameSamples)
	for i := range g.Prompt().Frames() {
		d.Decode(frame, g.Prompt().Frame(media.G722, i))
		heard = append(heard, frame...)
	}
	if l := power(heard, media.SampleRate); l < -20.5 || l > -19.5 {
		t.Errorf("a tone of -20 dBov has %.1f", l)
	}
}

func TestGrowingIsBounded(t *testing.T) {
	g := media.NewGrowing("", 2*time.Second, nil)
	if g.Append(media.Silence(3*time.Second)) || g.Prompt().Frames() != 100 || g.Append(media.Silence(time.Second)) {
		t.Errorf("%d frames of 2 s", g.Prompt().Frames())
	}
}

// Players read while the sound comes, without a lock and without allocating.
func TestGrowingIsReadWhileItGrows(t *testing.T) {
	var starved atomic.Int64
	g := media.NewGrowing("", time.Minute, &starved)
	p := g.Prompt()
	p.Prepare(media.PCMU)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for i := 0; ; {
				complete := p.Complete()
				if i == p.Frames() && complete {
					return
				}
				for ; i < p.Frames(); i++ {
					if p.Frame(media.PCMU, i)[80] != media.PCMU.Silence() || p.Level(i) != -100 {
						t.Error("what is read is not what came")
					}
				}
			}
		})
	}
	for range 500 {
		g.Append(media.Silence(media.FrameDuration))
	}
	g.End()
	wg.Wait()
	p.Starved()
	if starved.Load() != 1 {
		t.Error("a pause was not counted")
	}
	if n := testing.AllocsPerRun(100, func() { _ = p.Frame(media.PCMU, 77) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
