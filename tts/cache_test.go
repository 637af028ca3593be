package tts

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/tts/ssml"
)

func newCache(t *testing.T, e Engine, dir string, memory int) *Cache {
	t.Helper()
	c, err := NewCache(CacheConfig{Engine: e, Dir: dir, Memory: memory})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCacheRendersOnceForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &fakeEngine{speak: func(context.Context) ([]int16, int, error) {
			time.Sleep(time.Second)
			return tone(3000, 0, 0), media.SampleRate, nil
		}}
		c := newCache(t, e, "", 0)
		var wg sync.WaitGroup
		for range 50 {
			wg.Go(func() {
				if _, err := c.Say(t.Context(), "en", ssml.Plain("hello")); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if n := e.calls.Load(); n != 1 {
			t.Errorf("rendered %d times", n)
		}
	})
}

func TestCacheWaiterMayLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := &fakeEngine{speak: func(ctx context.Context) ([]int16, int, error) {
			select {
			case <-time.After(3 * time.Second):
				return tone(3000, 0, 0), media.SampleRate, nil
			case <-ctx.Done():
				return nil, 0, ctx.Err()
			}
		}}
		c := newCache(t, e, "", 0)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := c.Say(ctx, "en", ssml.Plain("hello")); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if _, err := c.Say(t.Context(), "en", ssml.Plain("hello")); err != nil {
			t.Errorf("the one who stays gets %v", err)
		}
		if n := e.calls.Load(); n != 1 {
			t.Errorf("rendered %d times", n)
		}
	})
}

func TestCacheForgetsFailures(t *testing.T) {
	e := &fakeEngine{speak: func(context.Context) ([]int16, int, error) { return nil, 0, ErrTooLong }}
	c := newCache(t, e, "", 0)
	if _, err := c.Say(t.Context(), "en", ssml.Plain("hello")); !errors.Is(err, ErrTooLong) {
		t.Errorf("got %v", err)
	}
	e.speak = func(context.Context) ([]int16, int, error) { return make([]int16, 8000), 8000, nil }
	if _, err := c.Say(t.Context(), "en", ssml.Plain("hello")); !errors.Is(err, ErrSilent) {
		t.Errorf("got %v", err)
	}
	e.speak = nil
	if _, err := c.Say(t.Context(), "en", ssml.Plain("hello")); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestCacheDropsLeastRecentlyUsed(t *testing.T) {
	e := &fakeEngine{}
	c := newCache(t, e, "", 40_000) // two sounds of 16 kB
	say := func(texts ...string) {
		t.Helper()
		for _, text := range texts {
			if _, err := c.Say(t.Context(), "en", ssml.Plain(text)); err != nil {
				t.Fatal(err)
			}
		}
	}
	say("a", "b", "a", "c") // drops b
	before := e.calls.Load()
	say("a", "c")
	if n := e.calls.Load(); n != before {
		t.Error("a or c was dropped")
	}
	say("b")
	if n := e.calls.Load(); n != before+1 {
		t.Error("b was not dropped")
	}
	if c.held > c.limit || c.recent.Len() != len(c.byKey) {
		t.Errorf("holds %d bytes of %d, %d and %d entries", c.held, c.limit, c.recent.Len(), len(c.byKey))
	}
}

func TestOnlyFixedTextsReachTheDisk(t *testing.T) {
	dir := t.TempDir()
	c := newCache(t, &fakeEngine{}, dir, 0)
	if _, err := c.Say(t.Context(), "en", ssml.Plain("you have nine million yuan")); err != nil {
		t.Fatal(err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 0 {
		t.Errorf("a text of one caller left %v", files)
	}
	if err := c.Keep(t.Context(), "en", ssml.Plain("goodbye")); err != nil {
		t.Fatal(err)
	}
	if files, _ := filepath.Glob(filepath.Join(dir, "*.wav")); len(files) != 1 {
		t.Errorf("files %v", files)
	}
}

func TestKeptTextsOutliveTheProcess(t *testing.T) {
	dir, e := t.TempDir(), &fakeEngine{}
	if err := newCache(t, e, dir, 0).Keep(t.Context(), "en", ssml.Plain("goodbye")); err != nil {
		t.Fatal(err)
	}
	c := newCache(t, e, dir, 1) // so little memory that nothing else is held
	if err := c.Keep(t.Context(), "en", ssml.Plain("goodbye")); err != nil {
		t.Fatal(err)
	}
	p, err := c.Say(t.Context(), "en", ssml.Plain("goodbye"))
	if err != nil || p.Duration() != time.Second {
		t.Errorf("got %v, %v", p, err)
	}
	if n := e.calls.Load(); n != 1 {
		t.Errorf("rendered %d times", n)
	}
}

func TestDamagedFileIsRenderedAgain(t *testing.T) {
	dir, e := t.TempDir(), &fakeEngine{}
	if err := newCache(t, e, dir, 0).Keep(t.Context(), "en", ssml.Plain("goodbye")); err != nil {
		t.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "*.wav"))
	if err := os.Truncate(files[0], 100); err != nil {
		t.Fatal(err)
	}
	if err := newCache(t, e, dir, 0).Keep(t.Context(), "en", ssml.Plain("goodbye")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Size() < 8000 {
		t.Errorf("file is still damaged: %v, %v", info, err)
	}
}

func TestKeepReportsAFullDisk(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "cache")
	c := newCache(t, &fakeEngine{}, dir, 0)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := c.Keep(t.Context(), "en", ssml.Plain("goodbye")); err == nil {
		t.Error("no error although nothing could be written")
	}
	if _, err := c.Say(t.Context(), "en", ssml.Plain("goodbye")); err != nil {
		t.Errorf("the sound is lost, too: %v", err)
	}
}

func TestSpeaker(t *testing.T) {
	e := &fakeEngine{}
	s := NewSpeaker(money(t), newCache(t, e, "", 0))
	if p, err := s.Say(t.Context(), "en", ssml.Plain("one hundred yuan")); err != nil || len(p) != 2 || e.calls.Load() != 0 {
		t.Errorf("recorded phrases: %d prompts, %v, engine asked %d times", len(p), err, e.calls.Load())
	}
	if p, err := s.Say(t.Context(), "en", ssml.Plain("something else")); err != nil || len(p) != 1 || e.calls.Load() != 1 {
		t.Errorf("engine: %d prompts, %v, asked %d times", len(p), err, e.calls.Load())
	}
	if p, err := s.Say(t.Context(), "en", ssml.Plain(" . ")); err != nil || len(p) != 0 {
		t.Errorf("nothing to say: %v, %v", p, err)
	}
	if err := s.Prepare(t.Context(), "en", ssml.Plain("one hundred yuan")); err != nil {
		t.Error(err)
	}
}

func TestSpeakerWithoutEngine(t *testing.T) {
	s := NewSpeaker(money(t), nil)
	if _, err := s.Say(t.Context(), "en", ssml.Plain("one hundred yuan")); err != nil {
		t.Error(err)
	}
	_, err := s.Say(t.Context(), "en", ssml.Plain("nine yuan"))
	if !errors.Is(err, ErrUnspeakable) {
		t.Errorf("got %v", err)
	}
	if err := s.Prepare(t.Context(), "en", ssml.Plain("nine yuan")); !errors.Is(err, ErrUnspeakable) {
		t.Errorf("got %v", err)
	}
}
