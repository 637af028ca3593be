package rtpio

// interlude is a time in which the peer sends something else in place of sound: keys
// (RFC 4733) or comfort noise (RFC 3389). Frames that it left out are no loss.
type interlude struct {
	from, to uint32 // timestamps
	open     bool   // no sound has come since
	lasting  bool   // and none is expected before it does: comfort noise
	known    bool
}

// paused says that at timestamp the peer had something else to send, of which a
// packet has come now. Since then there may be nothing else: of the packets of an
// event all have the timestamp of its beginning, and the last are repeated after
// its end. Comfort noise lasts until there is sound (RFC 3389 §4): its sender need
// not repeat it.
func (j *jitterBuffer) paused(timestamp uint32, lasting bool) {
	if !j.started {
		return
	}
	p := &j.interlude
	if !p.open || int32(timestamp-p.from) < 0 {
		p.from = timestamp
	}
	p.to, p.open, p.lasting, p.known = j.next+maxDepth, true, lasting, true
}

// end says that there is sound at timestamp.
func (p *interlude) end(timestamp uint32) {
	if p.open && int32(timestamp-p.from) >= 0 {
		p.open = false
		if p.lasting || int32(p.to-timestamp) > 0 {
			p.to = timestamp
		}
	}
}

// covers reports whether a frame that begins at timestamp was left out.
func (p *interlude) covers(timestamp uint32) bool {
	lasts := p.open && p.lasting || int32(p.to-timestamp) > 0
	return p.known && int32(timestamp+frameSamples-p.from) > 0 && lasts
}
