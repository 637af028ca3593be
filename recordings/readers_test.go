package recordings_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/recordings"
)

// TestReadersWaitForAPlace: searches and playbacks have places of their own
// number, in line, and who gives up leaves the line.
func TestReadersWaitForAPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		h.cfg.Readers = 1
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		rec.Frame(media.TrackCaller, 0, media.PCMU, make([]byte, media.FrameSamples))
		finish(t, visit)
		pb, err := v.Play(context.Background(), visit.ID(), media.TrackNone)
		if err != nil {
			t.Fatal(err)
		}
		leave := v.TakeReader()
		given, up := context.WithTimeout(context.Background(), time.Second)
		defer up()
		if _, _, err := v.Calls(given, recordings.Query{Limit: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a search found a place: %v", err)
		}
		done := make(chan error, 2)
		go func() {
			_, err := io.ReadAll(pb)
			done <- err
		}()
		go func() {
			_, _, err := v.Calls(context.Background(), recordings.Query{Limit: 1})
			done <- err
		}()
		time.Sleep(time.Minute)
		if len(done) != 0 {
			t.Error("somebody reads without a place")
		}
		leave()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		if err := errors.Join(pb.Close(), v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}
