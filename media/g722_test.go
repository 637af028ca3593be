package media_test

import (
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
)

var updateG722 = flag.Bool("update-g722", false, "make the G.722 vectors anew with ffmpeg")

const g722Dir = "testdata/g722"

// g722Vector is a sound, or a stream that no encoder made, of which testdata
// holds what FFmpeg makes of it.
type g722Vector struct {
	name   string
	pcm    []int16
	stream []byte
}

func g722Vectors(t testing.TB) []g722Vector {
	const half = 8000
	return []g722Vector{
		{name: "speech", pcm: speech(t)},
		{name: "tone-1000", pcm: turn(1000, 1000, 16000, half)},
		{name: "tone-6000", pcm: turn(6000, 6000, 12000, half)},
		{name: "sweep", pcm: turn(50, 7950, 20000, 2*half)},
		{name: "noise", pcm: noise(1, 9000, half)},
		{name: "quiet", pcm: noise(2, 3, half)},
		{name: "silence", pcm: make([]int16, half)},
		{name: "full-scale", pcm: rails(3, 1, half)},
		{name: "square", pcm: rails(4, 40, half)},
		{name: "any-codes", stream: codes(5, 1, 40000)},
		{name: "held-codes", stream: codes(6, 60, 40000)},
	}
}

// TestG722EqualsFFmpeg: our encoder's stream is FFmpeg's bit by bit, and our
// decoder's sound is FFmpeg's. Run with -update-g722 to make the vectors.
func TestG722EqualsFFmpeg(t *testing.T) {
	vectors := g722Vectors(t)
	if *updateG722 {
		makeG722Vectors(t, vectors)
	}
	sums := g722Sums(t)
	if len(sums) != len(vectors) {
		t.Errorf("%d sums for %d vectors", len(sums), len(vectors))
	}
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			stream := v.stream
			if v.pcm != nil {
				stream = readVector(t, v.name+".g722")
				mine := make([]byte, len(v.pcm)/2)
				if n := new(media.G722Encoder).Encode(mine, v.pcm); n != len(mine) || !bytes.Equal(mine, stream) {
					t.Errorf("%d bytes of %d, and not those of FFmpeg", n, len(stream))
				}
			}
			pcm := make([]int16, 2*len(stream))
			if n := new(media.G722Decoder).Decode(pcm, stream); n != len(pcm) {
				t.Errorf("%d samples of %d", n, len(pcm))
			}
			if got := sum(pcm); got != sums[v.name] {
				t.Errorf("decoded sound has the sum %s, FFmpeg's has %q", got, sums[v.name])
			}
		})
	}
}

func readVector(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(g722Dir, name))
	if err != nil {
		t.Fatal(err)
	}
	if len(b) == 0 {
		t.Fatalf("%s is empty", name)
	}
	return b
}

func sum(pcm []int16) string { return fmt.Sprintf("%x", sha256.Sum256(littleEndian(pcm))) }

// g722Sums reads the SHA-256 of FFmpeg's decoded sound, by name.
func g722Sums(t *testing.T) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for line := range strings.Lines(string(readVector(t, "decoded.sha256"))) {
		hash, name, found := strings.Cut(strings.TrimSpace(line), "  ")
		if !found {
			t.Fatalf("decoded.sha256: what is %q?", line)
		}
		sums[name] = hash
	}
	return sums
}

func makeG722Vectors(t *testing.T, vectors []g722Vector) {
	t.Helper()
	var sums strings.Builder
	for _, v := range vectors {
		stream := v.stream
		if v.pcm != nil {
			stream = ffmpeg(t, littleEndian(v.pcm), "-f s16le -ar 16000 -ac 1 -i - -c:a g722 -f g722 -")
			if err := os.WriteFile(filepath.Join(g722Dir, v.name+".g722"), stream, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		decoded := ffmpeg(t, stream, "-f g722 -i - -f s16le -")
		fmt.Fprintf(&sums, "%s  %s\n", sum(samples(decoded)), v.name)
	}
	if err := os.WriteFile(filepath.Join(g722Dir, "decoded.sha256"), []byte(sums.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

func ffmpeg(t *testing.T, in []byte, args string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "ffmpeg", strings.Fields("-v error "+args)...)
	cmd.Stdin = bytes.NewReader(in)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("ffmpeg: %v", err)
	}
	return out
}

// g722Delay is what the two mirror filters delay together, in samples.
const g722Delay = 22

func TestG722KeepsTheSound(t *testing.T) {
	for _, c := range []struct {
		name    string
		pcm     []int16
		wantSNR float64 // dB
	}{
		{"speech", speech(t), 18},
		{"a tone in the lower band", turn(1000, 1000, 16000, 16000), 35},
		{"a tone in the upper band", turn(6000, 6000, 8000, 16000), 20},
	} {
		got := throughG722(c.pcm, media.FrameSamples*2)
		if snr := snr(c.pcm, got[g722Delay:]); snr < c.wantSNR {
			t.Errorf("%s: %.1f dB, want %.1f", c.name, snr, c.wantSNR)
		}
	}
}

// throughG722 encodes and decodes pcm in pieces.
func throughG722(pcm []int16, piece int) []int16 {
	var enc media.G722Encoder
	var dec media.G722Decoder
	var out []int16
	for part := range slices.Chunk(pcm, piece) {
		b := make([]byte, len(part)/2)
		enc.Encode(b, part)
		sound := make([]int16, 2*len(b))
		dec.Decode(sound, b)
		out = append(out, sound...)
	}
	return out
}

func snr(want, got []int16) float64 {
	var signal, wrong float64
	for i := range got {
		d := float64(got[i]) - float64(want[i])
		signal += float64(want[i]) * float64(want[i])
		wrong += d * d
	}
	return 10 * math.Log10(signal/wrong)
}

func TestG722InPiecesEqualsOneShot(t *testing.T) {
	pcm := speech(t)
	whole := throughG722(pcm, len(pcm))
	for _, piece := range []int{2, 14, 320, 642} {
		if !slices.Equal(throughG722(pcm, piece), whole) {
			t.Errorf("pieces of %d samples sound different", piece)
		}
	}
}

func TestG722Reset(t *testing.T) {
	pcm := turn(300, 3000, 20000, 640)
	var enc media.G722Encoder
	var dec media.G722Decoder
	var first, again [320]byte
	var sound, soundAgain [640]int16
	enc.Encode(first[:], pcm)
	dec.Decode(sound[:], first[:])
	enc = media.G722Encoder{}
	dec.Reset()
	enc.Encode(again[:], pcm)
	dec.Decode(soundAgain[:], again[:])
	if first != again || sound != soundAgain {
		t.Error("the past shows after Reset")
	}
}

func TestG722DoesNotAllocate(t *testing.T) {
	var enc media.G722Encoder
	var dec media.G722Decoder
	pcm, b := noise(1, 9000, 320), make([]byte, 160)
	if n := testing.AllocsPerRun(100, func() { enc.Encode(b, pcm); dec.Decode(pcm, b) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A decoder that missed a frame, and was left as it was, is near to the encoder
// again five frames later, and nearer than one that was fed silence.
func TestG722FindsBackAfterALostFrame(t *testing.T) {
	pcm := speech(t)
	wire := make([]byte, len(pcm)/2)
	new(media.G722Encoder).Encode(wire, pcm)
	clean := make([]int16, len(pcm))
	new(media.G722Decoder).Decode(clean, wire)
	silence := bytes.Repeat([]byte{media.G722.Silence()}, media.FrameSamples)
	var held, fed float64
	for lost := 5; lost < len(wire)/media.FrameSamples-10; lost++ {
		h := snr(clean[(lost+6)*320:], afterLoss(wire, lost, nil)[5*320:])
		held += h
		fed += snr(clean[(lost+6)*320:], afterLoss(wire, lost, silence)[5*320:])
		if h < 13 {
			t.Errorf("frame %d lost: %.1f dB 100 ms later, want 13", lost, h)
		}
	}
	if held <= fed {
		t.Errorf("left alone %.1f dB, fed with silence %.1f dB", held, fed)
	}
}

// afterLoss is what is heard after a lost frame, when the decoder is fed with
// another in its stead.
func afterLoss(wire []byte, lost int, instead []byte) []int16 {
	var dec media.G722Decoder
	scratch := make([]int16, 2*len(wire))
	dec.Decode(scratch, wire[:lost*media.FrameSamples])
	dec.Decode(scratch, instead)
	n := dec.Decode(scratch, wire[(lost+1)*media.FrameSamples:])
	return scratch[:n]
}

// TestG722Follows: an encoder that takes over from a stream goes on as if it had
// made it, but for what its filters delay.
func TestG722Follows(t *testing.T) {
	const frame = 320
	pcm := turn(1000, 1000, 8000, 20*frame)
	wire := make([]byte, len(pcm)/2)
	new(media.G722Encoder).Encode(wire, pcm)
	var decoder, voice media.G722Decoder
	var encoder media.G722Encoder
	heard, said := make([]int16, 2*len(wire)), make([]int16, 2*len(wire))
	voice.Decode(said, wire)
	const over = 10 * frame // as it came until here, 5 frames are followed
	n := decoder.Decode(heard, wire[:over/2])
	encoder.Follow(wire[over/2-5*frame/2 : over/2])
	coded := make([]byte, len(wire)-over/2)
	encoder.Join(coded[:frame/2], said[over:over+frame])
	encoder.Encode(coded[frame/2:], said[over+frame:])
	decoder.Decode(heard[n:], coded)
	largest := 0
	for i := over - frame + 1; i < over+2*frame; i++ {
		largest = max(largest, abs(int(heard[i])-int(heard[i-1])))
	}
	if most := 8000 * 2 * math.Pi * 1000 / 16000; float64(largest) > 1.1*most {
		t.Errorf("a step of %d, the tone has %.0f", largest, most)
	}
	late := heard[over+frame+g722Delay:]
	if got := snr(said[over+frame:][:len(late)], late); got < 25 {
		t.Errorf("%.1f dB of the sound are left", got)
	}
}

func abs(v int) int { return max(v, -v) }

// TestG722SilenceIsNotHeard: after whatever sound, and 20 ms, there is nothing but
// an offset, and a tone at half the rate, which two equal taps take away.
func TestG722SilenceIsNotHeard(t *testing.T) {
	rest := bytes.Repeat([]byte{media.G722.Silence()}, 160)
	for _, hz := range []float64{200, 1000, 6000} {
		wire := make([]byte, 1600)
		new(media.G722Encoder).Encode(wire, turn(hz, hz, 16000, 2*len(wire)))
		var decoder media.G722Decoder
		decoder.Decode(make([]int16, 2*len(wire)), wire)
		pcm := make([]int16, 320)
		decoder.Decode(pcm, rest)
		for i := range 50 {
			decoder.Decode(pcm, rest)
			for k := 2; k < len(pcm); k++ {
				if offset := (int(pcm[k]) + int(pcm[k-1])) / 2; abs(offset) > 33 || i > 1 && abs(offset-(int(pcm[k-1])+int(pcm[k-2]))/2) > 1 {
					t.Fatalf("after %v Hz, %d ms later: %v", hz, 20*i, pcm[k-2:k+1])
				}
			}
		}
	}
}

// TestNarrowHalf: the lower band alone sounds as the whole does at 8 kHz, levels
// included, from 200 to 3400 Hz.
func TestNarrowHalf(t *testing.T) {
	for _, hz := range []float64{200, 1000, 2000, 3000, 3400} {
		pcm := media.Resample(media.Tone(hz, -20, time.Second), media.SampleRate, media.WidebandRate)
		var e media.G722Encoder
		wire := make([]byte, len(pcm)/2)
		e.Encode(wire, pcm)
		narrow := make([]int16, len(wire))
		var d media.G722Narrow
		d.Decode(narrow[:100], wire[:100])
		if n := d.Decode(narrow[100:], wire[100:]); n != len(wire)-100 {
			t.Fatalf("%d samples of %d bytes", n, len(wire)-100)
		}
		if got := tone.Level(narrow[800:], hz); math.Abs(got+20) > 1 {
			t.Errorf("%.0f Hz of -20 dBov has %.1f", hz, got)
		}
		if rest := tone.Power(narrow[800:]); rest > -19 {
			t.Errorf("%.0f Hz: all power is %.1f dBov", hz, rest)
		}
	}
}

func BenchmarkNarrowHalf(b *testing.B) {
	pcm := media.Resample(media.Tone(1000, -20, media.FrameDuration), media.SampleRate, media.WidebandRate)
	wire, room := make([]byte, media.FrameSamples), make([]int16, media.FrameSamples)
	var e media.G722Encoder
	e.Encode(wire, pcm)
	var d media.G722Narrow
	b.ReportAllocs()
	for b.Loop() {
		d.Decode(room, wire)
	}
}
