package asr_test

import (
	"errors"
	"slices"
	"testing"
	"testing/synctest"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/media"
)

func TestUnderstands(t *testing.T) {
	for _, tt := range []struct {
		languages []string
		asked     string
		want      bool
	}{
		{nil, "zh", true},
		{[]string{"en"}, "", true},
		{[]string{"en"}, "en", true},
		{[]string{"en"}, "en-GB", true},
		{[]string{"en-US"}, "en", true},
		{[]string{"en-US"}, "EN-us", true},
		{[]string{"en-US"}, "en-GB", false},
		{[]string{"en"}, "zh", false},
		{[]string{"en"}, "enm", false},
		{[]string{"en", "zh-CN"}, "zh", true},
	} {
		if got := (asr.Traits{Languages: tt.languages}).Understands(tt.asked); got != tt.want {
			t.Errorf("%v understands %q: %v", tt.languages, tt.asked, got)
		}
	}
	one, err := asr.NewVosk(asr.VoskConfig{Link: asr.Link{URL: "ws://engine.test"}, Languages: []string{"en"}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := one.Open(t.Context(), asr.Options{Language: "zh"}); !errors.Is(err, asr.ErrLanguage) || err.Error() != "vosk: does not understand the language: zh" {
		t.Errorf("Open: %v", err)
	}
}

// A call's language decides who is asked; where nobody understands it, Open says so.
func TestFailoverAsksWhoUnderstands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		english, chinese := newFake("english"), newFake("chinese")
		english.traits.Languages, chinese.traits.Languages = []string{"en"}, []string{"zh"}
		f := failover(t, english, chinese)
		l := listen(t, f, asr.Options{Language: "zh-CN"})
		l.talk(8.2, false)
		sameWords(t, l.finish())
		if english.streams() != 0 || chinese.streams() != 1 {
			t.Errorf("asked: english %d times, chinese %d", english.streams(), chinese.streams())
		}
		if _, err := f.Open(t.Context(), asr.Options{Language: "de"}); !errors.Is(err, asr.ErrLanguage) {
			t.Errorf("German: %v", err)
		}
		if got := f.Traits().Languages; !slices.Equal(got, []string{"en", "zh"}) {
			t.Errorf("all understand %v", got)
		}
		if got := failover(t, english, newFake("any")).Traits().Languages; got != nil {
			t.Errorf("with one that understands all: %v", got)
		}
	})
}

// Who declines is not asked again in that session, and is well for the next.
func TestDecliningIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		busy, second := newFake("busy"), newFake("second")
		busy.declines = true
		f := failover(t, busy, second)
		for range 5 {
			l := listen(t, f, asr.Options{})
			l.talk(8.2, false)
			sameWords(t, l.finish())
		}
		if c := f.Counters(); c[0].Declined != 5 || c[0].Failed != 0 || c[0].Paused || c[1].Opened != 5 {
			t.Errorf("Counters %+v", c)
		}
	})
}

// Engines that take phrases for hints tell what else was said; who asked for phrases
// gets them.
func TestFailoverTellsPhrases(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		phrases := []string{"Nobody says this", script[0].Text}
		l := listen(t, failover(t, newFake("one")), asr.Options{Phrases: phrases})
		l.talk(8.2, false)
		for i, s := range l.finish() {
			if i == 0 && (s.Text != script[0].Text || s.NoMatch) || i > 0 && (s.Text != "" || !s.NoMatch) {
				t.Errorf("segment %d is %q, no match: %v", i, s.Text, s.NoMatch)
			}
		}
	})
}

func TestCountersOfWhatRuns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := newFake("first"), newFake("second")
		first.hangs = callTime + ms(1000)
		f := failover(t, first, second)
		l := listen(t, f, asr.Options{})
		l.talk(2, false)
		if c := f.Counters(); c[0].Open != 1 || c[0].Behind < ms(900) || c[0].Behind > ms(1100) || c[1].Open != 0 {
			t.Errorf("while it hangs: %+v", c)
		}
		l.talk(6.2, false)
		if c := f.Counters(); c[0].Open != 0 || c[1].Open != 1 || c[0].Switches != 1 {
			t.Errorf("when it was replaced: %+v", c)
		}
		l.finish()
		c := f.Counters()
		if c[1].Open != 0 || c[0].Finals+c[1].Finals != uint64(len(script)) || c[0].Lost+c[1].Lost != 0 {
			t.Errorf("at the end: %+v", c)
		}
	})
}

// What finds no room for want of anybody who takes it is counted once.
func TestLostFramesAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		only := newFake("only")
		f := failover(t, only)
		l := listen(t, f, asr.Options{})
		synctest.Wait()
		const tooMany = 1000 // frames, all at once
		for range tooMany {
			l.Write(asr.Frame{At: l.at, PCM: make([]int16, media.FrameSamples)})
			l.at += media.FrameSamples
		}
		l.talk(1, false)
		st, c := l.Stats(), f.Counters()
		if st.Lost == 0 || st.Lost >= tooMany || c[0].Lost != st.Lost {
			t.Errorf("lost %d, counted %d", st.Lost, c[0].Lost)
		}
		_ = l.Close()
	})
}
