package call

import (
	"slices"
	"sync"

	"github.com/ivrd/ivrd/transcript"
)

// wordsKept are the segments that pages can still be told of as news; who comes later
// reads the transcript.
const wordsKept = 200

// words is what pages are told of a call's transcript as it grows.
type words struct {
	mu       sync.Mutex
	revision uint64
	news     []news // oldest first, each segment once, as it is now
}

type news struct {
	revision uint64
	transcript.Segment
}

// tell shows a segment, new or changed, and returns the revision that has it.
func (w *words) tell(s transcript.Segment) uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.revision++
	w.news = slices.DeleteFunc(w.news, func(n news) bool { return n.Seq == s.Seq })
	if len(w.news) == wordsKept {
		w.news = slices.Delete(w.news, 0, 1)
	}
	w.news = append(w.news, news{w.revision, s})
	return w.revision
}

// since are the segments that are other than at a revision, and the revision now.
func (w *words) since(revision uint64) ([]transcript.Segment, uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []transcript.Segment
	for _, n := range w.news {
		if n.revision > revision {
			out = append(out, n.Segment)
		}
	}
	return out, w.revision
}

// Words are the segments of a running call's transcript that are new or other since a
// revision (0: all that are kept), and the revision now. Of a call that does not run
// there are none.
func (c *Conductor) Words(id string, since uint64) ([]transcript.Segment, uint64) {
	call := c.live(id)
	if call == nil {
		return nil, since
	}
	return call.scribe.words.since(since)
}
