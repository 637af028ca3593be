//go:build pocketsphinx && figures

package sphinx

import (
	"fmt"
	"log/slog"
	"math"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/media"
)

// tunedPart: of the half that was tuned on every so-manieth is heard, which is enough to
// see by how much the other is worse.
const tunedPart = 8

// everything that is out of grammar, of whatever kind.
const everything = "all"

// TestMenuFigures prints the figures of recognition in docs/benchmarks.md.
func TestMenuFigures(t *testing.T) {
	for i, h := range halves() {
		for _, noise := range []float64{math.Inf(1), 15} {
			commands, around, strangers := h.commands(noise), h.around(noise), h.strangers(noise)
			switch {
			case i == 0:
				commands, around, strangers = some(commands, tunedPart, len(h.voices)), nil, some(strangers, tunedPart, len(h.voices))
			case noise < math.Inf(1):
				strangers = some(strangers, 2, len(h.voices))
			}
			used, length := together(t, slices.Concat(commands, around, strangers))
			t.Logf("%s, noise %v dB below:", h.name, noise)
			t.Logf("  intent right: %v; before rejection %v", count(commands, (*spoken).right), count(commands, func(s *spoken) bool { return which(s.menu, s.plain) == s.meant }))
			if len(around) > 0 {
				t.Logf("  intent right, with something around it: %v; before rejection %v", count(around, (*spoken).right), count(around, func(s *spoken) bool { return which(s.menu, s.plain) == s.meant }))
			}
			t.Logf("  another intent: %v", count(commands, func(s *spoken) bool { return s.result != "" && !s.right() }))
			for _, kind := range []string{everything, "talk and numbers", "of another menu"} {
				of := slices.DeleteFunc(slices.Clone(strangers), func(s *spoken) bool { return kind != everything && s.kind != kind })
				t.Logf("  out of grammar (%s) accepted: %v; before rejection %v", kind, count(of, taken), count(of, func(s *spoken) bool { return s.plain != "" }))
			}
			for _, v := range h.voices {
				of := slices.DeleteFunc(slices.Clone(commands), func(s *spoken) bool { return s.voice != v })
				t.Logf("  %s: %v", v.name, count(of, (*spoken).right))
			}
			t.Logf("  CPU: %.3f s a second of sound", used.Seconds()/length.Seconds())
			if i == 1 && noise == math.Inf(1) {
				confirmed(t, h, noise, count(strangers, taken))
			}
		}
	}
}

func taken(s *spoken) bool { return s.result != "" }

// confirmed tells how often what was wrongly accepted is confirmed by mistake, by
// somebody who says no, or something else.
func confirmed(t *testing.T, h half, noise float64, accepted share) {
	yesNo := [][]string{ // as package ivr asks back
		{"yes", "yes please", "yes that's right", "that's right", "right", "correct", "yeah", "okay"},
		{"no", "no thank you", "no that's wrong", "that's wrong", "wrong", "that's not right", "not right", "nope"},
	}
	asked := half{voices: h.voices, menus: [][][]string{yesNo}}
	answers := asked.commands(noise)
	var beside []*spoken
	for _, s := range some(h.strangers(noise), 4, len(h.voices)) {
		if which(yesNo, s.text) < 0 {
			s.menu = yesNo
			beside = append(beside, s)
		}
	}
	for _, s := range slices.Concat(answers, beside) {
		s.strict = true
	}
	together(t, slices.Concat(answers, beside))
	said := func(meant int) []*spoken {
		return slices.DeleteFunc(slices.Clone(answers), func(s *spoken) bool { return s.meant != meant })
	}
	isYes := func(s *spoken) bool { return which(yesNo, s.result) == 0 }
	t.Logf("  yes heard as yes %v, no heard as no %v", count(said(0), (*spoken).right), count(said(1), (*spoken).right))
	for name, c := range map[string]share{"no": count(said(1), isYes), "something else": count(beside, isYes)} {
		_, a := intent.Interval(accepted.rate(), accepted.of)
		_, y := intent.Interval(c.rate(), c.of)
		t.Logf("  %s heard as yes %v; so acted upon %.2f %% (at most %.2f)", name, c, 100*accepted.rate()*c.rate(), 100*a*y)
	}
}

// together has all heard by two decoders at once, and tells the CPU that took and how
// long the sound is.
func together(t *testing.T, all []*spoken) (used, length time.Duration) {
	t.Helper()
	var mu sync.Mutex
	var each sync.WaitGroup
	for k := range 2 {
		d := decoder(t)
		each.Go(func() {
			runtime.LockOSThread() // whose CPU is measured
			for i := k; i < len(all); i += 2 {
				s := all[i]
				pcm := s.pcm(t)
				begun := thread()
				s.hear(t, d, pcm)
				mu.Lock()
				used += thread() - begun
				length += time.Duration(len(pcm)) * time.Second / media.SampleRate
				mu.Unlock()
			}
		})
	}
	each.Wait()
	return used, length
}

// TestHelperFigures prints how soon the helper tells what was said, and what becomes
// of those beyond its pool.
func TestHelperFigures(t *testing.T) {
	testkit.Need(t, "go")
	helper := filepath.Join(t.TempDir(), Helper)
	if out, err := exec.Command("go", "build", "-tags", "pocketsphinx", "-o", helper, "../../cmd/ivrd-asr").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	said := some(halves()[1].commands(math.Inf(1)), 10, len(halves()[1].voices))
	sound := make([][]int16, len(said))
	for i, s := range said {
		sound[i] = s.pcm(t)
	}
	for _, c := range []struct{ callers, pool int }{{1, 2}, {2, 2}, {8, 8}, {30, 2}, {30, 12}} {
		p, err := Start(t.Context(), ProcessConfig{Path: helper, Decoders: c.pool, Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		results := &results{}
		var callers sync.WaitGroup
		for k := range c.callers {
			callers.Go(func() {
				for i := range max(2, 12/c.callers) {
					at := (k + i*c.callers) % len(said)
					results.call(t, p, said[at], sound[at])
				}
			})
		}
		callers.Wait()
		p.Close()
		t.Logf("%d callers, pool of %d: %s", c.callers, c.pool, results)
	}
}

type results struct {
	mu            sync.Mutex
	final, busy   []time.Duration
	right, failed int
}

// call is one utterance in real time.
func (r *results) call(t *testing.T, p *Process, s *spoken, pcm []int16) {
	begun := time.Now()
	session, err := p.Open(t.Context(), asr.Options{Phrases: slices.Concat(s.menu...), Single: true, Interim: true})
	if err != nil {
		t.Error(err)
		return
	}
	got := make(chan asr.Segment, 1)
	go func() {
		var last asr.Segment
		for seg := range session.Segments() {
			last = seg
		}
		got <- last
	}()
	tick := time.NewTicker(media.FrameDuration)
	defer tick.Stop()
	at := media.Time(0)
	for f := range slices.Chunk(pcm, media.FrameSamples) {
		select {
		case <-got: // refused
			r.add(&r.busy, time.Since(begun), false, session.Err() == nil)
			return
		case <-tick.C:
		}
		session.Write(asr.Frame{At: at, PCM: f})
		at += media.Time(len(f)) // samples
	}
	ended := time.Now()
	err = session.Finish(t.Context())
	last := <-got
	r.add(&r.final, time.Since(ended), last.Final && which(s.menu, last.Text) == s.meant, err != nil || !last.Final)
}

func (r *results) add(to *[]time.Duration, d time.Duration, right, failed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	*to = append(*to, d)
	if right {
		r.right++
	}
	if failed {
		r.failed++
	}
}

func (r *results) String() string {
	return strings.Join([]string{"final result " + spread(r.final), "busy " + spread(r.busy)}, "; ") +
		"; right " + share{r.right, len(r.final)}.String() + "; otherwise failed " + share{r.failed, len(r.final) + len(r.busy)}.String()
}

// spread is the median, the 95th percentile and the longest.
func spread(all []time.Duration) string {
	if len(all) == 0 {
		return "none"
	}
	slices.Sort(all)
	at := func(p float64) string { return all[int(p*float64(len(all)-1))].Round(time.Millisecond).String() }
	return "p50 " + at(0.5) + ", p95 " + at(0.95) + ", longest " + at(1)
}

// thread is the CPU that this thread has used.
func thread() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_THREAD, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// around are phrases as they are said with something before or after them, by one voice each.
func (h half) around(noise float64) (out []*spoken) {
	ways := []string{"%s please", "uh %s", "i'd like %s", "hello %s please", "i want %s"}
	n := 0
	for _, menu := range h.menus {
		for _, phrase := range slices.Concat(menu...) {
			text := fmt.Sprintf(ways[n%len(ways)], phrase)
			out = append(out, &spoken{menu: menu, voice: h.voices[n/len(ways)%len(h.voices)], text: text, meant: which(menu, phrase), noise: noise})
			n++
		}
	}
	return out
}
