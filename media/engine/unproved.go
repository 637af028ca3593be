package engine

import (
	"sync/atomic"
	"time"
)

// tellEvery is how often at most the log says that SRTP does not authenticate, of
// all calls together: whoever sends such packets must not fill it.
const tellEvery = time.Second

// seldom lets something pass once in tellEvery.
type seldom struct {
	next atomic.Int64 // ns since 1970
}

func (s *seldom) may(now time.Time) bool {
	next := s.next.Load()
	return now.UnixNano() >= next && s.next.CompareAndSwap(next, now.Add(tellEvery).UnixNano())
}

// unproved tells of packets whose SRTP does not authenticate. They are counted
// and end nothing: anybody who sees a call's addresses can send them.
func (st *stream) unproved() {
	all := st.intake.Unproved
	e := st.session.engine
	if all == st.doubted || !e.doubts.may(time.Now()) {
		return
	}
	e.log.Warn("SRTP does not authenticate: packets dropped", "call_id", st.session.id, "stream", st.options.Name, "packets", all-st.doubted)
	st.doubted = all
}
