package asr_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/media"
)

// script is what a fake engine hears: a word is told 200 ms after its end, if all of it
// was given, and as "?" if only its end was.
var script = []asr.Word{
	{Text: "one", Start: ms(300), End: ms(800)},
	{Text: "two", Start: ms(1500), End: ms(2110)},
	{Text: "three", Start: ms(2400), End: ms(3003)},
	{Text: "four", Start: ms(3100), End: ms(3333)},
	{Text: "five", Start: ms(5000), End: ms(6200)},
	{Text: "six", Start: ms(7000), End: ms(7500)},
}

// fake is an engine without network.
type fake struct {
	name   string
	traits asr.Traits
	refuse bool // every stream fails at once
	// declines: it cannot serve any session, and is well.
	declines bool
	dies     media.Time // streams end when they have been given sound from then on
	hangs    media.Time // sound from then on is not heard, and counts as behind
	mute     bool       // it listens, and tells nothing
	// finishes: it dies when it is asked for the last results.
	finishes bool
	crashes  bool // every stream tells something that is not final and fails

	mu     sync.Mutex
	opened int
}

func newFake(name string) *fake {
	return &fake{name: name, traits: asr.Traits{Dictation: true, Interim: true, Times: true, Progress: true}, dies: math.MaxInt64, hangs: math.MaxInt64}
}

func (f *fake) Name() string       { return f.name }
func (f *fake) Traits() asr.Traits { return f.traits }

func (f *fake) Open(context.Context, asr.Options) (asr.Session, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	s := &fakeSession{fake: f, segments: make(chan asr.Segment, 64), from: -1}
	if f.declines {
		s.end(&asr.Error{Engine: f.name, Kind: asr.ErrDeclined})
	}
	if f.refuse {
		s.end(&asr.Error{Engine: f.name, Kind: asr.ErrRefused})
	}
	return s, nil
}

func (f *fake) streams() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened
}

type fakeSession struct {
	*fake

	segments chan asr.Segment
	mu       sync.Mutex
	from, to media.Time
	told     int
	behind   media.Time
	ended    bool
	err      error
}

func (s *fakeSession) Write(f asr.Frame) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return
	}
	if s.from < 0 {
		s.from = f.At
	}
	s.to = f.At + media.Time(len(f.PCM))
	switch {
	case s.crashes:
		s.segments <- asr.Segment{Engine: s.name, Text: "…", Start: s.from, End: s.to}
		s.endLocked(&asr.Error{Engine: s.name, Kind: asr.ErrGone})
	case s.to > s.dies:
		s.endLocked(&asr.Error{Engine: s.name, Kind: asr.ErrGone})
	case s.to > s.hangs:
		s.behind += media.Time(len(f.PCM))
	case !s.mute:
		s.hear(s.to - ms(200))
	}
}

// hear tells all words that end before to.
func (s *fakeSession) hear(to media.Time) {
	for ; s.told < len(script) && callTime+script[s.told].End <= to; s.told++ {
		w := script[s.told]
		w.Start, w.End = w.Start+callTime, w.End+callTime
		if w.End <= s.from {
			continue
		}
		if w.Start < s.from {
			w.Text = "?"
		}
		interim := asr.Segment{Engine: s.name, Text: "…", Start: w.Start, End: w.End, Timed: true}
		final := asr.Segment{Engine: s.name, Final: true, EndOfUtterance: true, Text: w.Text, Start: w.Start, End: w.End, Timed: true}
		s.segments <- interim
		s.segments <- final
	}
}

func (s *fakeSession) Segments() <-chan asr.Segment { return s.segments }

func (s *fakeSession) Finish(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		return s.err
	}
	if s.finishes {
		s.endLocked(&asr.Error{Engine: s.name, Kind: asr.ErrLate})
		return s.err
	}
	s.hear(s.to)
	s.endLocked(nil)
	return nil
}

func (s *fakeSession) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endLocked(err)
}

func (s *fakeSession) endLocked(err error) {
	if !s.ended {
		s.ended, s.err = true, err
		close(s.segments)
	}
}

func (s *fakeSession) Close() error { s.end(nil); return nil }

func (s *fakeSession) Err() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.err
}

func (s *fakeSession) Stats() asr.Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return asr.Stats{Behind: s.behind}
}

const callTime = media.Time(55_555)

// listening is a session of a Failover that is read.
type listening struct {
	asr.Session

	t    *testing.T
	at   media.Time
	done chan []asr.Segment
}

func failover(t *testing.T, engines ...*fake) *asr.Failover {
	t.Helper()
	c := asr.FailoverConfig{}
	for _, e := range engines {
		c.Recognizers = append(c.Recognizers, e)
	}
	f, err := asr.NewFailover(c)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func listen(t *testing.T, f *asr.Failover, o asr.Options) *listening {
	t.Helper()
	s, err := f.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	l := &listening{s, t, callTime, make(chan []asr.Segment, 1)}
	go func() {
		var got []asr.Segment
		for seg := range s.Segments() {
			got = append(got, seg)
		}
		l.done <- got
	}()
	return l
}

// talk writes frames in real time; voice makes a vowel of them.
func (l *listening) talk(seconds float64, voice bool) {
	pcm := make([]int16, media.FrameSamples)
	for range int(seconds * float64(media.FramesPerSecond)) {
		for i := range pcm {
			if at := float64(l.at) + float64(i); voice {
				pcm[i] = vowel(at / media.SampleRate)
			}
		}
		before := time.Now()
		l.Write(asr.Frame{At: l.at, PCM: pcm})
		if waited := time.Since(before); waited > 0 {
			l.t.Fatalf("Write waited for %v", waited)
		}
		l.at += media.FrameSamples
		time.Sleep(media.FrameDuration)
	}
}

// vowel at time t in seconds: five syllables a second, whose pitch moves.
func vowel(t float64) int16 {
	phase := 2 * math.Pi * (130*t + 4*math.Sin(2*math.Pi*0.7*t))
	v := 0.0
	for k := 1.0; k <= 20; k++ {
		v += math.Sin(k*phase) / k
	}
	return int16(3000 * v * (0.55 + 0.45*math.Sin(2*math.Pi*5*t)))
}

func (l *listening) finish() []asr.Segment {
	l.t.Helper()
	if err := l.Finish(l.t.Context()); err != nil {
		l.t.Errorf("Finish: %v", err)
	}
	return <-l.done
}

// sameWords: each word of the script once, at its time.
func sameWords(t *testing.T, got []asr.Segment) {
	t.Helper()
	var said, want []string
	for _, s := range got {
		said = append(said, fmt.Sprint(s.Text, s.Start, s.End))
	}
	for _, w := range script {
		want = append(want, fmt.Sprint(w.Text, callTime+w.Start, callTime+w.End))
	}
	if !slices.Equal(said, want) {
		t.Errorf("heard %v, want %v", said, want)
	}
}

// Whenever the first engine dies or hangs, each word is heard once.
func TestNoWordIsLostOrDoubled(t *testing.T) {
	for at := media.Time(0); at < ms(8200); at += ms(137) {
		for _, how := range []string{"dies", "hangs"} {
			synctest.Test(t, func(t *testing.T) {
				first, second := newFake("first"), newFake("second")
				if how == "dies" {
					first.dies = callTime + at
				} else {
					first.hangs = callTime + at
				}
				f := failover(t, first, second)
				l := listen(t, f, asr.Options{})
				l.talk(8.2, false)
				if how == "hangs" {
					l.talk(3, false)
				}
				sameWords(t, l.finish())
				st, c := l.Stats(), f.Counters()
				if st.Switches != 1 || st.Lost != 0 || st.Finals != uint64(len(script)) || c[0].Failed != 1 || c[1].Opened != 1 {
					t.Errorf("%s at %v: %+v, %+v", how, at.Duration(), st, c)
				}
				if late := c[0].Late; (late == 1) != (how == "hangs") {
					t.Errorf("%s at %v: late %d times", how, at.Duration(), late)
				}
			})
		}
	}
}

func TestEngineIsLateAfterTwoSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake("first"), newFake("second")
		first.hangs = callTime + ms(1000)
		l := listen(t, failover(t, first, second), asr.Options{})
		l.talk(3, false) // 2 s behind
		if second.streams() != 0 {
			t.Error("replaced before it is late")
		}
		l.talk(0.7, false)
		if second.streams() != 1 {
			t.Error("not replaced")
		}
		l.talk(5, false)
		sameWords(t, l.finish())
	})
}

// A machine that stood still has a lot to say at once; nobody is late for that.
func TestBurstIsNotLate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake("first"), newFake("second")
		l := listen(t, failover(t, first, second), asr.Options{})
		l.Write(asr.Frame{At: l.at, PCM: make([]int16, 4*media.SampleRate)})
		l.at += 4 * media.SampleRate
		l.talk(5, false)
		sameWords(t, l.finish())
		if second.streams() != 0 {
			t.Error("the burst has cost the first engine")
		}
	})
}

func TestLastResultsFromTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake("first"), newFake("second")
		first.finishes = true
		l := listen(t, failover(t, first, second), asr.Options{})
		l.talk(7.6, false) // six has not been told of
		sameWords(t, l.finish())
	})
}

func TestNoneIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake("first"), newFake("second")
		first.refuse, second.dies = true, callTime+ms(1000)
		var log strings.Builder
		f := failover(t, first, second)
		l := listen(t, f, asr.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
		l.talk(4, false) // on, after the end
		got := <-l.done
		if len(got) != 1 || got[0].Text != "one" {
			t.Errorf("heard %+v", got)
		}
		err := l.Err()
		if !errors.Is(err, asr.ErrNoEngine) || !errors.Is(l.Finish(t.Context()), asr.ErrNoEngine) {
			t.Errorf("it ended with %v", err)
		}
		if strings.Contains(log.String(), "one") || !strings.Contains(log.String(), "second") {
			t.Errorf("the log says %s", log.String())
		}
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
}

// A helper that crashes at the sound of a word is not started over for ever.
func TestEngineThatCrashesAtEachStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first := newFake("first")
		first.crashes = true
		l := listen(t, failover(t, first), asr.Options{Interim: true})
		l.talk(1, false)
		<-l.done
		if n := first.streams(); n != 2 || !errors.Is(l.Err(), asr.ErrNoEngine) {
			t.Errorf("%d streams, %v", n, l.Err())
		}
	})
}

func TestEngineThatKeepsFailingIsLeftAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake("first"), newFake("second")
		first.refuse = true
		f := failover(t, first, second)
		call := func() {
			l := listen(t, f, asr.Options{})
			l.talk(0.2, false)
			l.finish()
		}
		for range 10 {
			call()
		}
		// Ten calls in 2.2 s: three failures, and one trial a second later.
		if n := first.streams(); n != 4 || !f.Counters()[0].Paused || f.Counters()[0].LastError == "" {
			t.Errorf("tried %d times, %+v", n, f.Counters()[0])
		}
		first.refuse = false
		time.Sleep(2 * time.Minute)
		call()
		if c := f.Counters()[0]; first.streams() != 5 || c.Paused {
			t.Errorf("not tried after its pause: %+v", c)
		}
		call()
		if n := first.streams(); n != 6 {
			t.Errorf("good again, and tried %d times", n)
		}
	})
}

// Speech and no result for 5 s: once more from the start, then the next engine.
func TestWatchdog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake("first"), newFake("second")
		first.mute, second.mute = true, true
		f := failover(t, first, second)
		l := listen(t, f, asr.Options{})
		l.talk(4.5, true)
		if n := first.streams(); n != 1 {
			t.Fatalf("%d streams too early", n)
		}
		l.talk(1.5, true)
		if n := first.streams(); n != 2 || second.streams() != 0 {
			t.Fatalf("%d streams, want a second one", n)
		}
		l.talk(5, true)
		if second.streams() != 1 {
			t.Fatal("not replaced")
		}
		l.talk(10, false) // silence is no reason
		if st := l.Stats(); st.Restarts != 1 || st.Switches != 1 {
			t.Errorf("Stats %+v", st)
		}
		l.finish()
		if c := f.Counters()[0]; c.Restarts != 1 || c.Silent != 1 {
			t.Errorf("Counters %+v", c)
		}
	})
}

// An engine that hears nothing in music is better than none.
func TestWatchdogKeepsTheOnlyEngine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		only := newFake("only")
		only.mute = true
		f := failover(t, only)
		l := listen(t, f, asr.Options{})
		l.talk(60, true)
		if n := only.streams(); n != 2 || l.Err() != nil {
			t.Errorf("%d streams, %v", n, l.Err())
		}
		l.finish()
	})
}

func TestFailoverAsksWhoCan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		menus, dictation := newFake("menus"), newFake("dictation")
		menus.traits.Dictation, dictation.dies = false, callTime+ms(1000)
		f := failover(t, menus, dictation)
		l := listen(t, f, asr.Options{})
		l.talk(3, false)
		<-l.done
		if !errors.Is(l.Err(), asr.ErrNoEngine) || menus.streams() != 0 {
			t.Errorf("it ended with %v; the engine of menus was asked %d times", l.Err(), menus.streams())
		}
		if f := failover(t, menus); f.Traits().Dictation {
			t.Error("dictation from nowhere")
		} else if _, err := f.Open(t.Context(), asr.Options{}); !errors.Is(err, asr.ErrNoDictation) {
			t.Errorf("Open: %v", err)
		}
	})
	if _, err := asr.NewFailover(asr.FailoverConfig{}); err == nil {
		t.Error("a Failover of nothing")
	}
}

func TestFailoverHidesInterimResults(t *testing.T) {
	for _, wanted := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			l := listen(t, failover(t, newFake("one")), asr.Options{Interim: wanted})
			l.talk(3, false)
			got := l.finish()
			if found := slices.ContainsFunc(got, func(s asr.Segment) bool { return !s.Final }); found != wanted {
				t.Errorf("interim results wanted %v, got %+v", wanted, got)
			}
		})
	}
}

func TestFailoverCloses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := failover(t, newFake("one"))
		s, err := f.Open(ctx, asr.Options{})
		if err != nil {
			t.Fatal(err)
		}
		cancel()
		if _, open := <-s.Segments(); open || s.Err() != nil {
			t.Errorf("the end of the context: %v", s.Err())
		}
		l := listen(t, f, asr.Options{})
		l.talk(1, false)
		for range 2 {
			if err := l.Close(); err != nil {
				t.Error(err)
			}
		}
		l.talk(1, false)
		if got := <-l.done; len(got) > 1 || l.Err() != nil {
			t.Errorf("heard %+v, %v", got, l.Err())
		}
	})
}

func TestFailoverWritesDoNotAllocate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := listen(t, failover(t, newFake("one")), asr.Options{})
		f := asr.Frame{At: callTime, PCM: make([]int16, media.FrameSamples)}
		if n := testing.AllocsPerRun(200, func() { l.Write(f); f.At += media.FrameSamples }); n > 0 {
			t.Errorf("Write allocates %v times", n)
		}
		_ = l.Close()
	})
}
