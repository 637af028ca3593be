package asrtest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/media"
)

// callTime is when listening begins: nobody may take it for zero.
const callTime = media.Time(1_000_040)

// Run checks that an engine keeps the contract of asr.Session.
func Run(t *testing.T, d Dialect) {
	for name, check := range map[string]func(*testing.T, *server){
		"times are the call's":        timesAreTheCalls,
		"losses are silence":          lossesAreSilence,
		"a hole is left out":          holeIsLeftOut,
		"interim results when wanted": interimWhenWanted,
		"a single utterance":          singleUtterance,
		"the connection is told who":  authorization,
		"what was asked for":          whatWasAsked,
		"Close ends it":               closeEndsIt,
		"the end of the context":      contextEndsIt,
		"overload is counted":         overloadIsCounted,
		"a pause is kept alive":       pauseIsKeptAlive,
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := serve(t, d, nil)
				defer s.stop()
				check(t, s)
			})
		})
	}
	t.Run("writing does not allocate", func(t *testing.T) { writingDoesNotAllocate(t, d) })
}

// open a session that asks for what the engine needs.
func (s *server) start(t *testing.T, change func(*asr.Options)) *session {
	t.Helper()
	return s.startAt(t, s.engine(t), change)
}

func (*server) startAt(t *testing.T, r asr.Recognizer, change func(*asr.Options)) *session {
	t.Helper()
	o := asr.Options{Interim: true}
	if !r.Traits().Dictation {
		o.Phrases = []string{"billing"}
	}
	if change != nil {
		change(&o)
	}
	open, err := r.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	out := &session{Session: open, t: t, name: r.Name(), at: callTime}
	out.reading.Go(func() {
		for seg := range open.Segments() {
			out.mu.Lock()
			out.got = append(out.got, seg)
			out.mu.Unlock()
		}
		out.ended = open.Err()
	})
	return out
}

// session is one that somebody reads, and writes to in real time.
type session struct {
	asr.Session

	t       *testing.T
	name    string
	at      media.Time
	reading sync.WaitGroup
	mu      sync.Mutex
	got     []asr.Segment
	ended   error // what Err said when there were no more segments
}

// talk writes so many seconds, a frame each 20 ms, and checks that no write waits.
func (s *session) talk(seconds float64) {
	s.t.Helper()
	pcm := make([]int16, media.FrameSamples)
	for end := s.at + media.Time(seconds*media.SampleRate); s.at < end; s.at += media.FrameSamples {
		before := time.Now()
		s.Write(asr.Frame{At: s.at, PCM: pcm})
		if waited := time.Since(before); waited > 0 {
			s.t.Fatalf("Write waited for %v", waited)
		}
		time.Sleep(media.FrameDuration)
	}
}

// finish must end it well.
func (s *session) finish() []asr.Segment {
	s.t.Helper()
	if err := s.Finish(s.t.Context()); err != nil {
		s.t.Errorf("Finish: %v", err)
	}
	s.reading.Wait()
	return s.finals()
}

func (s *session) all() []asr.Segment {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *session) finals() []asr.Segment {
	return slices.DeleteFunc(s.all(), func(seg asr.Segment) bool { return !seg.Final })
}

func (d *Dialect) seconds() float64 {
	if n := len(d.Steps); n > 0 {
		return d.Steps[n-1].After + 1
	}
	return 1
}

// same compares final segments; move turns engine time into call time.
func (d *Dialect) same(t *testing.T, engine string, got []asr.Segment, move func(media.Time) media.Time) {
	t.Helper()
	if len(got) != len(d.Want) {
		t.Fatalf("%d final segments, want %d: %+v", len(got), len(d.Want), got)
	}
	for i, want := range d.Want {
		want.Engine, want.Final = engine, true
		if want.Timed {
			want.Start, want.End = move(want.Start), move(want.End)
		} else {
			want.Start, want.End = got[i].Start, got[i].End
		}
		want.Words = slices.Clone(want.Words)
		for k := range want.Words {
			want.Words[k].Start, want.Words[k].End = move(want.Words[k].Start), move(want.Words[k].End)
		}
		if g, w := show(got[i]), show(want); g != w {
			t.Errorf("final segment %d is\n%s, want\n%s", i, g, w)
		}
	}
}

// show is a segment with what its pointers point at.
func show(s asr.Segment) string {
	c := func(p *float64) string {
		if p == nil {
			return "-"
		}
		return fmt.Sprint(*p)
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %q %q %d–%d timed %v final %v end %v none %v %s", s.Engine, s.Text, s.Language, s.Start, s.End, s.Timed, s.Final, s.EndOfUtterance, s.NoMatch, c(s.Confidence))
	for _, w := range s.Words {
		fmt.Fprintf(&out, " [%s %d–%d %s]", w.Text, w.Start, w.End, c(w.Confidence))
	}
	for _, a := range s.Alternatives {
		fmt.Fprintf(&out, " or %q %s", a.Text, c(a.Confidence))
	}
	return out.String()
}

func timesAreTheCalls(t *testing.T, s *server) {
	ses := s.start(t, nil)
	ses.talk(s.dialect.seconds())
	got := ses.finish()
	s.dialect.same(t, ses.name, got, func(e media.Time) media.Time { return callTime + e })
	bounded(t, ses.all(), callTime, ses.at)
	if told := s.told(); told.Samples != int(ses.at-callTime) {
		t.Errorf("the engine was given %d samples of %d", told.Samples, ses.at-callTime)
	}
	if st := ses.Stats(); st.Lost != 0 || st.Dropped != 0 || st.Behind >= media.SampleRate || int(st.Finals) != len(slices.DeleteFunc(got, func(s asr.Segment) bool { return s.Text == "" })) {
		t.Errorf("Stats %+v", st)
	}
}

// bounded checks what every segment must keep.
func bounded(t *testing.T, got []asr.Segment, from, to media.Time) {
	t.Helper()
	floor := from
	for _, s := range got {
		at := s.Start
		for _, w := range s.Words {
			if w.Start < at || w.End < w.Start {
				t.Errorf("words of %s are out of order", show(s))
			}
			at = w.End
		}
		if s.Start < floor || s.End < at || s.End > to {
			t.Errorf("%s is not between %d and %d", show(s), floor, to)
		}
		if s.Final {
			floor = s.End
		}
	}
}

func lossesAreSilence(t *testing.T, s *server) {
	ses := s.start(t, nil)
	ses.talk(0.5)
	for range 10 { // some are made up, some are not, some are not even told of
		ses.Write(asr.Frame{At: ses.at, Lost: true})
		ses.Write(asr.Frame{At: ses.at + media.FrameSamples, Lost: true, PCM: make([]int16, media.FrameSamples)})
		ses.at += 3 * media.FrameSamples
	}
	ses.talk(s.dialect.seconds() - 0.5)
	ses.Write(asr.Frame{At: ses.at - 3*media.FrameSamples, PCM: make([]int16, media.FrameSamples)}) // again
	ses.Write(asr.Frame{At: callTime - 9999, PCM: make([]int16, media.FrameSamples)})
	s.dialect.same(t, ses.name, ses.finish(), func(e media.Time) media.Time { return callTime + e })
	if told := s.told(); told.Samples != int(ses.at-callTime) {
		t.Errorf("the engine was given %d samples of %d", told.Samples, ses.at-callTime)
	}
	if lost := ses.Stats().Lost; lost != 2 {
		t.Errorf("%d frames lost, want the 2 that came late", lost)
	}
}

// The engine is given one second of a long hole; times after it are still the call's.
func holeIsLeftOut(t *testing.T, s *server) {
	ses := s.start(t, nil)
	ses.talk(0.1)
	const hole = 90 * media.SampleRate
	before := ses.at - callTime
	ses.at += hole
	ses.talk(s.dialect.seconds())
	s.dialect.same(t, ses.name, ses.finish(), func(e media.Time) media.Time {
		if e > before+media.SampleRate {
			e += hole - media.SampleRate
		}
		return callTime + e
	})
	bounded(t, ses.all(), callTime, ses.at)
}

func interimWhenWanted(t *testing.T, s *server) {
	for _, wanted := range []bool{true, false} {
		ses := s.start(t, func(o *asr.Options) { o.Interim = wanted })
		ses.talk(s.dialect.seconds())
		ses.finish()
		got := ses.all()
		found := len(got) > 0 && !got[0].Final && got[0].Text == s.dialect.Interim
		if wanted && !found {
			t.Errorf("no interim result %q first: %+v", s.dialect.Interim, got)
		}
		if !wanted && len(got) != len(s.dialect.Want) {
			t.Errorf("interim results that were not wanted: %+v", got)
		}
	}
}

func singleUtterance(t *testing.T, s *server) {
	ses := s.start(t, func(o *asr.Options) { o.Single = true })
	ses.talk(s.dialect.seconds() + 5)
	ses.reading.Wait() // it has ended by itself
	got := ses.finals()
	if n := len(got); n == 0 || !got[n-1].EndOfUtterance || slices.ContainsFunc(got[:n-1], func(s asr.Segment) bool { return s.EndOfUtterance }) {
		t.Errorf("not one utterance: %+v", got)
	}
	if err := ses.Finish(t.Context()); err != nil || ses.Err() != nil {
		t.Errorf("Finish says %v, Err %v", err, ses.Err())
	}
}

func authorization(t *testing.T, s *server) {
	ses := s.start(t, nil)
	ses.talk(0.2)
	ses.finish()
	want := ""
	if s.dialect.Authorization != "" {
		want = s.dialect.Authorization + " " + token
	}
	if got := s.told().Request.Header.Get("Authorization"); got != want {
		t.Errorf("Authorization: %q, want %q", got, want)
	}
	if u := s.told().Request.URL.String(); strings.Contains(u, token) {
		t.Error("the token is in the URL")
	}
}

func whatWasAsked(t *testing.T, s *server) {
	r := s.engine(t)
	if _, err := r.Open(t.Context(), asr.Options{}); (err == nil) != r.Traits().Dictation {
		t.Errorf("Open without phrases: %v, but dictation is %v", err, r.Traits().Dictation)
	}
	if _, err := r.Open(t.Context(), asr.Options{Phrases: make([]string, asr.MaxPhrases+1)}); err == nil {
		t.Error("too many phrases were taken")
	}
}

func closeEndsIt(t *testing.T, s *server) {
	for _, after := range []float64{0, 0.02, 1} {
		ses := s.start(t, nil)
		ses.talk(after)
		before := time.Now()
		for range 2 {
			if err := ses.Close(); err != nil {
				t.Errorf("Close: %v", err)
			}
		}
		if took := time.Since(before); took > 0 {
			t.Errorf("Close waited for %v", took)
		}
		ses.reading.Wait()
		ses.talk(0.1) // into nothing
		if err := ses.Finish(t.Context()); err != nil || ses.Err() != nil {
			t.Errorf("after Close: Finish says %v, Err %v", err, ses.Err())
		}
	}
}

func contextEndsIt(t *testing.T, s *server) {
	ctx, cancel := context.WithCancelCause(t.Context())
	r := s.engine(t)
	ses, err := r.Open(ctx, asr.Options{Phrases: []string{"billing"}})
	if err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	cancel(fmt.Errorf("the call is over"))
	for range ses.Segments() {
		t.Error("a segment of nothing")
	}
	if err := ses.Finish(t.Context()); err != nil {
		t.Errorf("the end of the context is a fault: %v", err)
	}
}

func overloadIsCounted(t *testing.T, s *server) {
	ses := s.start(t, nil)
	for range 300 { // six seconds at once
		ses.Write(asr.Frame{At: ses.at, PCM: make([]int16, media.FrameSamples)})
		ses.at += media.FrameSamples
	}
	if st := ses.Stats(); st.Lost != 50 || st.Behind != 5*media.SampleRate {
		t.Errorf("Stats %+v, want 50 lost of 300", st)
	}
	ses.talk(s.dialect.seconds()) // no end comes before all steps are played
	ses.finish()
}

// Nothing is written for a minute: the connection is there when speech goes on.
func pauseIsKeptAlive(t *testing.T, s *server) {
	ses := s.start(t, nil)
	ses.talk(0.1)
	time.Sleep(time.Minute)
	n := len(slices.DeleteFunc(slices.Clone(s.told().Texts), func(m string) bool { return m != s.dialect.KeepAlive }))
	if s.dialect.KeepAlive == "" && n != 0 || s.dialect.KeepAlive != "" && (n < 12 || n > 20) {
		t.Errorf("kept alive %d times in a minute", n)
	}
	ses.talk(s.dialect.seconds())
	s.dialect.same(t, ses.name, ses.finish(), func(e media.Time) media.Time { return callTime + e })
}

// The engine hangs, so that nothing but Write runs.
func writingDoesNotAllocate(t *testing.T, d Dialect) {
	synctest.Test(t, func(t *testing.T) {
		s := serve(t, d, nil)
		defer s.stop()
		ses := s.startAt(t, s.engineAt(t, hang), nil)
		f := asr.Frame{At: callTime, PCM: make([]int16, media.FrameSamples)}
		if n := testing.AllocsPerRun(200, func() { ses.Write(f); f.At += media.FrameSamples }); n > 0 {
			t.Errorf("Write allocates %v times", n)
		}
		_ = ses.Close()
	})
}
