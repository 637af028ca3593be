package recordings_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/media"
)

// linear is a frame of L16 that tells when it was tapped, and its sound.
func linear(at media.Time, samples int) (payload []byte, pcm []int16) {
	pcm = make([]int16, samples)
	for i := range pcm {
		pcm[i] = int16((int(at) + i) * 37)
	}
	payload = make([]byte, 2*samples)
	media.L16.Encode(payload, pcm)
	return payload, pcm
}

// A codec of two bytes a sample is kept as it came: over the ends of chunks, beside
// other codecs, after a silence that nobody has sent, cut by a pause, and where
// frames overlap.
func TestLinearIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHouse(t)
		v := h.open(t)
		visit := begin(t, v)
		rec := record(t, visit, 0)
		var want []int16
		at := media.Time(0)
		say := func(samples int) {
			time.Sleep(media.FrameDuration) // virtual
			payload, pcm := linear(at, samples)
			rec.Frame(media.TrackCaller, at, media.L16, payload)
			want = append(want, pcm...)
			at += media.Time(samples)
		}
		rest := func(samples media.Time) {
			want = append(want, make([]int16, samples)...)
			at += samples
		}
		for range 120 { // 2.4 s
			say(media.FrameSamples)
		}
		rec.Frame(media.TrackCaller, at, media.PCMU, pattern(media.TrackCaller, at))
		want = append(want, said(media.TrackCaller, at, at+media.FrameSamples)...)
		at += media.FrameSamples
		for range 60 {
			say(133)
		}
		rest(5000) // more than one chunk of it holds
		for range 30 {
			say(media.FrameSamples)
		}
		again, _ := linear(at-60, media.FrameSamples) // the first 60 are there
		rec.Frame(media.TrackCaller, at-60, media.L16, again)
		_, pcm := linear(at, 100)
		want = append(want, pcm...)
		at += 100
		rec.Pause(at-70, "secret")
		want = want[:len(want)-70]
		at -= 70
		rest(3000)
		rec.Resume(at)
		for range 10 {
			say(media.FrameSamples)
		}
		finish(t, visit)
		wantSound(t, "caller", listen(t, v, visit.ID(), media.TrackCaller), want)
		if c := call(t, v, visit.ID()); c.Recording.State != "complete" || len(c.Recording.Gaps) != 1 {
			t.Errorf("%+v", c.Recording)
		}
		wantWhole(t, v)
		if err := errors.Join(v.Close(), h.store.Close()); err != nil {
			t.Error(err)
		}
	})
}
