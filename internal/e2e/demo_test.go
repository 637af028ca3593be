package e2e

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/configs"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/tts"
)

const demoAccount, demoPIN = "6222021234", "1234"

// TestDemo asks the demo, as it is shipped, for a balance in each of its
// languages, without a speech engine. What is heard is compared with the
// shipped sounds.
func TestDemo(t *testing.T) {
	t.Parallel()
	files, err := fs.Sub(configs.Demo, "demo/prompts")
	if err != nil {
		t.Fatal(err)
	}
	library, err := tts.ReadLibrary(files)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range []*demoVisit{
		{language: "en", key: "1", balance: "You have one thousand two hundred yuan and fifty fen."},
		{language: "zh", key: "2", balance: "您的余额是一千二百元五角。"},
	} {
		t.Run(v.language, func(t *testing.T) {
			t.Parallel()
			h := open(t, "flows.dir=", "flows.prompts=", "speech.engine=none", `calls.numbers={"1000": main, "echo": echo}`)
			v.t, v.h, v.library = t, h, library
			v.run()
			h.verify()
			h.keptSecret(demoAccount, demoPIN)
		})
	}
}

// demoVisit is one call for the balance.
type demoVisit struct {
	t                      *testing.T
	h                      *house
	library                *tts.Library
	language, key, balance string
	script                 []string
	sounds                 []sound // that are to be heard, in order
}

type sound struct {
	name string
	pcm  []int16
}

func (v *demoVisit) run() {
	v.t.Helper()
	v.prompt("en", "welcome")
	v.prompt("zh", "welcome")
	v.prompt("en", "language_menu")
	v.prompt("zh", "language_menu")
	v.press(v.key)
	v.prompt(v.language, "recording_notice")
	v.prompt(v.language, "top_menu")
	v.press("1")
	v.prompt(v.language, "enter_account")
	v.press(demoAccount + "#")
	v.prompt(v.language, "enter_pin")
	v.press(demoPIN)
	phrases, ok := v.library.Phrases(v.language, v.balance)
	if !ok {
		v.t.Fatalf("%q is not in the shipped phrases", v.balance)
	}
	for _, p := range phrases {
		v.add(p)
	}
	v.prompt(v.language, "anything_else")
	v.press("9")
	v.prompt(v.language, "goodbye")

	wav := filepath.Join(v.t.TempDir(), "heard.wav")
	report := v.h.phone("sip:1000@"+v.h.sip, "--dtmf", strings.Join(v.script, ","), "--duration", "2m", "--record", wav)
	if report.End.Slug != "remote-hangup" {
		v.t.Errorf("report: %+v", report)
	}
	b, err := os.ReadFile(wav)
	if err != nil {
		v.t.Fatal(err)
	}
	heard, _, err := media.ReadWAV(bytes.NewReader(b))
	if err != nil {
		v.t.Fatal(err)
	}
	v.inOrder("heard", heard, v.sounds)
	v.record(v.h.ended(1)[0])
}

func (v *demoVisit) prompt(language, name string) {
	v.t.Helper()
	p, err := v.library.Prompt(language, name)
	if err != nil {
		v.t.Fatal(err)
	}
	v.add(p)
}

// add hears a prompt to its end.
func (v *demoVisit) add(p *media.Prompt) {
	var pcm []int16
	for i := range p.Frames() {
		pcm = append(pcm, tone.Decode(media.PCMU, p.Frame(media.PCMU, i))...)
	}
	v.sounds = append(v.sounds, sound{p.Name(), pcm})
	v.script = append(v.script, fmt.Sprintf("w%.2f", p.Duration().Seconds()))
}

// press presses keys when all that was to be heard has been heard, also on a
// busy machine, and before the menu's 5 s are over.
func (v *demoVisit) press(keys string) { v.script = append(v.script, "w1.5", keys) }

// record checks what was kept.
func (v *demoVisit) record(c recordings.Call) {
	v.t.Helper()
	path := make([]string, len(c.Path))
	for i, s := range c.Path {
		path[i] = s.Node
	}
	want := strings.Fields("welcome language notice top begin_balance account pin balance tell_balance anything_else goodbye")
	if !slices.Equal(path, want) || c.End != leg.FlowHangup || c.Language != v.language || c.Recording.State != "complete" {
		v.t.Errorf("record: path %v, end %s, language %s, recording %+v", path, c.End, c.Language, c.Recording)
	}
	gaps := slices.DeleteFunc(slices.Clone(c.Recording.Gaps), func(g recordings.Gap) bool { return g.Cause != "secret" })
	if len(gaps) != 1 || gaps[0].ToMS-gaps[0].FromMS < 1000 {
		v.t.Fatalf("gaps: %+v", c.Recording.Gaps)
	}
	_, right := v.h.recording(c.ID, "")
	inGap := right[gaps[0].FromMS*8 : gaps[0].ToMS*8]
	if power := tone.Power(inGap); power > -100 {
		v.t.Errorf("something is in the gap of the secret: %.0f dBov", power)
	}
	named := func(name string) int {
		return slices.IndexFunc(v.sounds, func(s sound) bool { return s.name == v.language+"/"+name })
	}
	pin := named("enter_pin")
	kept := slices.Clone(v.sounds[named("top_menu"):pin])
	// The gap ends a little after the last key, in the first phrase.
	v.inOrder("recorded", right, append(kept, v.sounds[pin+2:]...))
}

// inOrder finds sounds one after the other.
func (v *demoVisit) inOrder(what string, pcm []int16, sounds []sound) {
	v.t.Helper()
	at := 0
	for _, s := range sounds {
		next, found := locate(pcm, at, s.pcm)
		if !found {
			v.t.Errorf("%s: no %s after %.1f s of %.1f s", what, s.name, float64(at)/media.SampleRate, float64(len(pcm))/media.SampleRate)
			continue
		}
		at = next
	}
}

const (
	// alike is the correlation from which two sounds are the same: through
	// G.711 it is nearly 1.
	alike = 0.9
	// piece is what is compared at once. A busy machine's line stutters: silence
	// comes between pieces, or some of a piece is missing.
	piece   = media.SampleRate / 10
	early   = 2 * media.FrameSamples
	stutter = 25 * media.FrameSamples
	// search is what is looked through frame by frame, then sample by sample.
	search = 2 * media.SampleRate
)

// locate finds a sound from a sample on, and returns its end. Two of five of its
// pieces must be there, in order. They lie on whole frames, but where the jitter buffer
// of the hearer has stretched the sound.
func locate(pcm []int16, from int, s []int16) (end int, found bool) {
	pieces := cut(s)
	if len(pieces) == 0 {
		return from, true
	}
	for begin := from; begin < len(pcm); begin += search {
		for _, step := range []int{media.FrameSamples, 1} {
			for at := (begin + step - 1) / step * step; at < min(begin+search, len(pcm)); at += step {
				if late, ok := follow(pcm, at, pieces); ok {
					return at + late + len(s) - media.FrameSamples, true
				}
			}
		}
	}
	return from, false
}

// part is a piece of a sound and where it lies in it.
type part struct {
	at  int
	pcm []int16
}

// cut gives the pieces in which something is to be heard.
func cut(s []int16) (pieces []part) {
	for i := 0; i < len(s); i += piece {
		if p := s[i:min(i+piece, len(s))]; len(p) >= piece/2 && !silent(p) {
			pieces = append(pieces, part{i, p})
		}
	}
	return pieces
}

// is reports whether the sound that begins at a sample has this part.
func (p part) is(pcm []int16, at int) bool {
	from, to := at+p.at, at+p.at+len(p.pcm)
	return from >= 0 && to <= len(pcm) && correlation(pcm[from:to], p.pcm) >= alike
}

// follow tells whether enough of the pieces follow each other from a sample on, where
// one of the first must be, and by how much the last of them is late.
func follow(pcm []int16, at int, pieces []part) (late int, ok bool) {
	if !slices.ContainsFunc(pieces[:min(3, len(pieces))], func(p part) bool { return p.is(pcm, at) }) {
		return 0, false
	}
	there := 0
	for _, p := range pieces {
		if shift, ok := p.near(pcm, at+late); ok {
			there, late = there+1, late+shift
		}
	}
	return late, there >= max(1, len(pieces)*2/5)
}

// near finds the part a little earlier or later than where the sound should go on,
// and tells by how much.
func (p part) near(pcm []int16, at int) (shift int, found bool) {
	for _, step := range []int{media.FrameSamples, 1} {
		for shift = -early; shift <= stutter; shift += step {
			if p.is(pcm, at+shift) {
				return shift, true
			}
		}
	}
	return 0, false
}

func silent(pcm []int16) bool { return tone.Power(pcm) < -55 }

// correlation of two sounds of one length, 1 for the same at any volume.
func correlation(a, b []int16) float64 {
	var ab, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return ab / math.Sqrt(aa*bb)
}

// keptSecret looks for secrets in all that the server has written or tells.
// Alone, not as a part of longer numbers: some are short.
func (h *house) keptSecret(secrets ...string) {
	h.t.Helper()
	places := map[string][]byte{"the log": []byte(h.process.Output())}
	for _, path := range []string{"/metrics", "/api/v1/calls", "/readyz"} {
		_, places[path] = h.api(path)
	}
	for _, c := range h.calls("") {
		_, places["call "+c.ID] = h.api("/api/v1/calls/" + c.ID)
	}
	err := filepath.WalkDir(h.data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() || d.Name() == "reserve" {
			return err
		}
		places[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	if len(places) < 8 || len(places["/metrics"]) == 0 || len(places["the log"]) == 0 {
		h.t.Fatalf("looked in %d places only", len(places))
	}
	for where, b := range places {
		for _, s := range secrets {
			if regexp.MustCompile(`(^|[^0-9A-Za-z])` + s + `($|[^0-9A-Za-z])`).Match(b) {
				h.t.Errorf("%s is in %s", s, where)
			}
		}
	}
}

// TestLocate finds a sound that comes late, stretched and with a hole, and none that
// is not there.
func TestLocate(t *testing.T) {
	t.Parallel()
	sound, other := make([]int16, 2*media.SampleRate), make([]int16, media.SampleRate)
	noise := rand.New(rand.NewPCG(1, 2))
	for _, s := range [][]int16{sound, other} {
		for i := range s {
			s[i] = int16(noise.IntN(2000) - 1000)
		}
	}
	heard := slices.Concat(make([]int16, 777), sound[:6000], sound[5963:9000], make([]int16, 480), sound[9000:], other)
	end, found := locate(heard, 0, sound)
	if want := len(heard) - len(other) - media.FrameSamples; !found || end != want {
		t.Errorf("the sound ends at %d (%v), want %d", end, found, want)
	}
	if at, found := locate(heard, end, sound[:media.SampleRate]); found || at != end {
		t.Errorf("found again at %d", at)
	}
}
