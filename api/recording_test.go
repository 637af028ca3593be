package api

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/media"
)

func soundOf(i int) string { return "/api/v1/calls/" + callID(i) + "/recording" }

func TestRecording(t *testing.T) {
	h := open(t)
	token := h.token("sam")
	r := h.as(token, soundOf(0)+"?track=caller")
	r.want(t, http.StatusOK, "")
	if r.body != string(h.archive.sound) || r.Header.Get("Content-Type") != "audio/wav" || r.Header.Get("Accept-Ranges") != "bytes" ||
		r.Header.Get("Cache-Control") != "no-store" || r.ContentLength != int64(len(h.archive.sound)) {
		t.Errorf("%d bytes, %v", len(r.body), r.Header)
	}
	if want := []string{"audit login", "audit play", "play caller", "sound"}; !slices.Equal(h.archive.steps, want) {
		t.Errorf("steps %v, want %v", h.archive.steps, want)
	}
	if e := h.archive.audits("play"); len(e) != 1 || e[0].Actor != "sam" || e[0].Object != callID(0) || e[0].Reason != "track caller" {
		t.Errorf("audit %v", e)
	}
	h.as(token, soundOf(4)).want(t, http.StatusNotFound, "no-recording")
}

func TestNoSoundWithoutAudit(t *testing.T) {
	h := open(t)
	token := h.token("sam")
	h.archive.steps, h.archive.audit = nil, errDisk
	for _, header := range []string{"", "bytes=0-10", "bytes=50-60", "bytes=-5"} {
		r := h.as(token, soundOf(0), "Range", header)
		r.want(t, http.StatusServiceUnavailable, "unavailable")
		if strings.Contains(r.body, errDisk.Error()) || bytes.Contains([]byte(r.body), h.archive.sound[:10]) {
			t.Errorf("the answer tells too much: %s", r.body)
		}
	}
	if len(h.archive.steps) != 0 {
		t.Errorf("opened nevertheless: %v", h.archive.steps)
	}
}

func TestRanges(t *testing.T) {
	h := open(t)
	token := h.token("sam")
	sound, size := h.archive.sound, len(h.archive.sound)
	for header, want := range map[string][]byte{
		"bytes=0-9": sound[:10], "bytes=100-199": sound[100:200], "bytes=-50": sound[size-50:],
		fmt.Sprintf("bytes=%d-", size-7): sound[size-7:], "bytes=0-0": sound[:1], fmt.Sprintf("bytes=5-%d", size*2): sound[5:],
	} {
		r := h.as(token, soundOf(0), "Range", header)
		if r.StatusCode != http.StatusPartialContent || r.body != string(want) || !strings.HasPrefix(r.Header.Get("Content-Range"), "bytes ") {
			t.Errorf("%s: %d, %d bytes, %s", header, r.StatusCode, len(r.body), r.Header.Get("Content-Range"))
		}
	}
	for _, header := range []string{fmt.Sprintf("bytes=%d-", size), "bytes=9-5", "bytes=x-", "chunks=0-5", "bytes=-"} {
		r := h.as(token, soundOf(0), "Range", header)
		r.want(t, http.StatusRequestedRangeNotSatisfiable, "range")
		if r.Header.Get("Content-Disposition") != "" {
			t.Errorf("%s: %v", header, r.Header)
		}
	}
	r := h.as(token, soundOf(0), "Range", fmt.Sprintf("bytes=%d-", size))
	if got := r.Header.Get("Content-Range"); got != fmt.Sprintf("bytes */%d", size) {
		t.Errorf("Content-Range %q", got)
	}
	etag := h.as(token, soundOf(0)).Header.Get("Etag")
	if r := h.as(token, soundOf(0), "Range", "bytes=5-9", "If-Range", etag); r.StatusCode != http.StatusPartialContent || etag == "" {
		t.Errorf("If-Range with %q: %d", etag, r.StatusCode)
	}
}

// TestRangesShareAnEntry states the rule: a later range within ten minutes, by
// the same sign-in, of the same call and track.
func TestRangesShareAnEntry(t *testing.T) {
	h := open(t)
	token, second := h.token("sam"), h.token("sam")
	entries := func(want int, token, path, header string) {
		t.Helper()
		h.as(token, path, "Range", header)
		if n := len(h.archive.audits("play")); n != want {
			t.Errorf("%s %s: %d entries, want %d", path, header, n, want)
		}
	}
	entries(1, token, soundOf(0), "bytes=500-599") // nothing to continue
	entries(1, token, soundOf(0), "bytes=600-")
	entries(1, token, soundOf(0), "bytes=700-")
	entries(2, token, soundOf(0), "bytes=0-")
	entries(3, token, soundOf(0), "bytes=00-5")
	entries(4, token, soundOf(0), "bytes=-50")
	entries(5, token, soundOf(0), "bytes=5-9,20-29")
	entries(6, token, soundOf(0), "")
	entries(7, token, soundOf(1), "bytes=5-")
	entries(8, token, soundOf(0)+"?track=agent", "bytes=5-")
	entries(9, second, soundOf(0), "bytes=5-")
}

// TestIfRangeIsAudited: what asks for a part and may get the whole has an entry
// of its own.
func TestIfRangeIsAudited(t *testing.T) {
	h := open(t)
	token := h.token("sam")
	for i, headers := range [][]string{nil, {"Range", "bytes=5-9", "If-Range", `"another"`}} {
		h.as(token, soundOf(0), headers...).want(t, http.StatusOK, "")
		if n := len(h.archive.audits("play")); n != i+1 {
			t.Errorf("%d entries after %d times the whole", n, i+1)
		}
	}
}

func TestContinuationsEnd(t *testing.T) {
	c := newContinuations()
	key := playKey{"s", callID(0), media.TrackNone}
	now := time.Unix(1000, 0)
	c.begin(key, now)
	if !c.open(key, now.Add(continueFor-1)) || c.open(key, now.Add(continueFor)) {
		t.Error("an entry is shared for other than ten minutes")
	}
	for i := range 3 * maxContinued {
		c.begin(playKey{fmt.Sprint(i), "", 0}, now)
	}
	if len(c.begun) > maxContinued {
		t.Errorf("%d are kept", len(c.begun))
	}
}

// TestSignOutStopsPlayback: what is being played breaks off within a second.
func TestSignOutStopsPlayback(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := build(t, Config{}, identity.Config{})
		_, _, token, err := h.people.SignIn(t.Context(), identity.Credentials{Name: "sam", Password: identity.NewSecret(password)})
		if err != nil {
			t.Fatal(err)
		}
		reads := 0
		h.archive.slow = func() {
			if reads++; reads == 2 {
				if err := h.people.SignOut(t.Context(), token); err != nil {
					t.Error(err)
				}
			}
			time.Sleep(600 * time.Millisecond)
		}
		r, w := request(t, "GET", soundOf(0)), &sink{header: http.Header{}}
		r.Header.Set("Authorization", "Bearer "+token.Reveal())
		h.Handler().ServeHTTP(w, r)
		if reads > 3 || w.n >= len(h.archive.sound) {
			t.Errorf("%d reads, %d bytes after the end of the sign-in", reads, w.n)
		}
	})
}

func TestTooManyPlaybacks(t *testing.T) {
	h := build(t, Config{MaxPlaybacks: 1}, identity.Config{})
	h.listen()
	token := h.token("sam")
	h.playbacks <- struct{}{}
	r := h.as(token, soundOf(0))
	r.want(t, http.StatusServiceUnavailable, "unavailable")
	if r.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	<-h.playbacks
	h.as(token, soundOf(0)).want(t, http.StatusOK, "")
	h.as(token, soundOf(0)).want(t, http.StatusOK, "")
}

// broken fails in the middle of its sound.
type broken struct{ *bytes.Reader }

func (b broken) Read(p []byte) (int, error) {
	if b.Len() < 80_000 {
		return 0, errors.New("part 17 does not open")
	}
	return b.Reader.Read(p)
}

func (broken) Close() error { return nil }

func TestSourceRemembersItsFault(t *testing.T) {
	s := &source{Playback: broken{bytes.NewReader(make([]byte, 100_000))}}
	if _, err := io.Copy(io.Discard, struct{ io.Reader }{s}); err == nil || s.fault == nil {
		t.Errorf("fault %v", s.fault)
	}
}
