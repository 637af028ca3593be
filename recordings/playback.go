package recordings

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"slices"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/plc"
	"github.com/ivrd/ivrd/recordings/blob"
)

// Play implements Archive. Time 0 of the WAV is time 0 of the call's clock.
// Of a call that goes on it holds what is durable by now.
func (a *Vault) Play(ctx context.Context, id string, track media.Track) (Playback, error) {
	p, err := a.play(ctx, id, track)
	if err != nil {
		return nil, fmt.Errorf("play call %s: %w", id, err)
	}
	return p, nil
}

func (a *Vault) play(ctx context.Context, id string, track media.Track) (*playback, error) {
	call, err := a.Call(ctx, id)
	if err != nil {
		return nil, err
	}
	name, err := audioName(id)
	if err != nil {
		return nil, err
	}
	f, err := a.blobs.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: it was not recorded", ErrNotFound)
	}
	if err != nil {
		return nil, err
	}
	ix, err := a.index(f, &call)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	key, err := a.ring.Get(ctx, callKeyID(id))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	defer key.Zero()
	p := newPlayback(f, ix, key, track)
	p.readers = a.readers
	return p, nil
}

// index reads the structure of a recording. One that is closed must be the
// one that its record names.
func (a *Vault) index(f blob.File, call *Call) (*seal.Index, error) {
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	open := call.EndedAt.IsZero() || call.Recording.State == stateLive
	if vis := a.visit(call.ID); vis != nil {
		if durable, running := vis.durable(); running {
			size, open = durable, true
		}
	}
	ix, err := seal.Scan(f, size, call.ID)
	rec := &call.Recording
	if !open && (err != nil || len(ix.Parts) != rec.Parts || chainText(len(ix.Parts), ix.Chain) != rec.Chain) {
		return nil, ErrDamaged
	}
	return ix, nil
}

// voice is one track that is heard, with its parts in order of time.
type voice struct {
	channel int
	parts   []int
	// Which of parts was opened last; a reader meets each part about twice.
	opened  int
	pcm     []int16
	decoder plc.Decoder
}

// playback renders WAV from sealed parts, block by block. It is used by one
// goroutine.
type playback struct {
	file     blob.File
	index    *seal.Index
	reader   *seal.Reader
	channels int
	samples  int64
	head     []byte
	voices   []*voice
	pos      int64
	payload  []byte
	mix      []int32
	block    []byte // rendered
	blockAt  int64  // its first sample; -1: none
	readers  readers
	closed   bool
}

// blockSamples is how much is rendered at once: one second.
const blockSamples = media.SampleRate

// channelsOf says which tracks are heard and where. A whisper is heard only
// when it is asked for.
func channelsOf(track media.Track) (map[media.Track]int, int) {
	if track != media.TrackNone {
		return map[media.Track]int{track: 0}, 1
	}
	return map[media.Track]int{media.TrackCaller: 0, media.TrackAgent: 1, media.TrackPrompts: 1, media.TrackSupervisor: 1}, 2
}

func newPlayback(f blob.File, ix *seal.Index, key seal.Key, track media.Track) *playback {
	heard, channels := channelsOf(track)
	p := &playback{
		file: f, index: ix, reader: seal.NewReader(f, ix, key), channels: channels,
		samples: ix.End(), blockAt: -1,
		mix: make([]int32, blockSamples*channels), block: make([]byte, 2*blockSamples*channels),
	}
	p.head = media.WAVHeader(media.SampleRate, channels, p.samples*int64(2*channels))
	byTrack := map[media.Track]*voice{}
	for i := range ix.Parts {
		t := media.Track(ix.Parts[i].Track)
		channel, ok := heard[t]
		if !ok || !heardIn(&ix.Parts[i]) {
			continue
		}
		if byTrack[t] == nil {
			byTrack[t] = &voice{channel: channel, opened: -1}
			p.voices = append(p.voices, byTrack[t])
		}
		byTrack[t].parts = append(byTrack[t].parts, i)
	}
	for _, w := range p.voices {
		slices.SortStableFunc(w.parts, func(a, b int) int { return cmp.Compare(ix.Parts[a].First, ix.Parts[b].First) })
	}
	return p
}

// heardIn reports whether there is anything to be heard in a part: sound, or what
// is made up for sound that the network lost.
func heardIn(part *seal.PartRef) bool {
	return part.Payload() > 0 || slices.ContainsFunc(part.Gaps, func(g seal.Gap) bool { return g.Cause == seal.CauseLine })
}

// Size implements Playback.
func (p *playback) Size() int64 {
	return int64(len(p.head)) + p.samples*int64(2*p.channels)
}

// Seek implements io.Seeker.
func (p *playback) Seek(offset int64, whence int) (int64, error) {
	switch whence {
	case io.SeekCurrent:
		offset += p.pos
	case io.SeekEnd:
		offset += p.Size()
	}
	if offset < 0 || whence < io.SeekStart || whence > io.SeekEnd {
		return p.pos, errors.New("seek in recording: position is before its beginning")
	}
	p.pos = offset
	return offset, nil
}

// Read implements io.Reader. It fails with ErrDamaged where a part does not
// open.
func (p *playback) Read(b []byte) (int, error) {
	if p.closed {
		return 0, fmt.Errorf("read recording: %w", fs.ErrClosed)
	}
	if p.pos >= p.Size() {
		return 0, io.EOF
	}
	if at := p.pos - int64(len(p.head)); at >= 0 {
		return p.readSound(b, at)
	}
	n := copy(b, p.head[p.pos:])
	p.pos += int64(n)
	return n, nil
}

func (p *playback) readSound(b []byte, at int64) (int, error) {
	size := int64(len(p.block))
	block, skip := at/size, at%size
	if err := p.render(block * blockSamples); err != nil {
		return 0, fmt.Errorf("read recording: %w", err)
	}
	left := p.Size() - p.pos
	n := copy(b, p.block[skip:min(size, skip+left)])
	p.pos += int64(n)
	return n, nil
}

// render mixes the block that begins at a sample.
func (p *playback) render(from int64) error {
	if p.blockAt == from {
		return nil
	}
	_ = p.readers.enter(context.Background()) // those before us are over soon
	defer p.readers.leave()
	p.blockAt = -1
	clear(p.mix)
	for _, w := range p.voices {
		if err := p.add(w, from); err != nil {
			return err
		}
	}
	for i, s := range p.mix {
		s = min(max(s, math.MinInt16), math.MaxInt16)
		binary.LittleEndian.PutUint16(p.block[2*i:], uint16(s))
	}
	p.blockAt = from
	return nil
}

// add mixes what a voice says in a block.
func (p *playback) add(w *voice, from int64) error {
	to := from + blockSamples
	// Parts are at most a second long, so none before this one reaches here.
	first, _ := slices.BinarySearchFunc(w.parts, from-seal.MaxSamples, func(i int, at int64) int {
		return cmp.Compare(p.index.Parts[i].First, at)
	})
	for k := first; k < len(w.parts); k++ {
		part := &p.index.Parts[w.parts[k]]
		if part.First >= to {
			break
		}
		if part.First+int64(part.Samples) <= from {
			continue
		}
		if err := p.open(w, k); err != nil {
			return err
		}
		for n := max(from, part.First); n < min(to, part.First+int64(len(w.pcm))); n++ {
			p.mix[int(n-from)*p.channels+w.channel] += int32(w.pcm[n-part.First])
		}
	}
	return nil
}

// open decodes the k-th part of a voice. What the network lost is concealed, other gaps are
// silence. Ranges may be read in any order, so the sound of a part depends on it
// and what joins it from a while before alone.
func (p *playback) open(w *voice, k int) error {
	if w.opened == k {
		return nil
	}
	w.opened = -1
	w.decoder.Reset()
	for i := p.entry(w, k); i <= k; i++ {
		if err := p.decode(w, w.parts[i]); err != nil {
			return err
		}
	}
	w.opened = k
	return nil
}

// settles is how much of the sound before a part lets a decoder find to where
// it was there: 250 ms. A part may be as short as a frame.
const settles = media.SampleRate / 4

// entry is the part to begin with, in order to hear the k-th.
func (p *playback) entry(w *voice, k int) int {
	begin := k
	for p.joins(w, begin) && (begin == k || p.goesOn(w, begin)) && p.first(w, k)-p.first(w, begin) < settles {
		begin--
	}
	return begin
}

func (p *playback) first(w *voice, k int) int64 { return p.index.Parts[w.parts[k]].First }

// goesOn reports whether the k-th part cannot be understood without the one before.
func (p *playback) goesOn(w *voice, k int) bool {
	codec := media.Codec(p.index.Parts[w.parts[k]].Codec)
	return !codec.Valid() || !codec.Stateless()
}

// joins reports whether the end of the part before is heard in the k-th part,
// because what was lost lies where they meet, or the codec goes on from there.
func (p *playback) joins(w *voice, k int) bool {
	if k == 0 {
		return false
	}
	before, part := &p.index.Parts[w.parts[k-1]], &p.index.Parts[w.parts[k]]
	if before.First+int64(before.Samples) != part.First {
		return false
	}
	if before.Codec == part.Codec && !media.Codec(part.Codec).Stateless() {
		return true
	}
	lost := len(part.Gaps) > 0 && part.Gaps[0].From == 0
	if n := len(before.Gaps); n > 0 {
		lost = lost || uint32(before.Gaps[n-1].To) == before.Samples
	}
	return lost
}

// decode makes the sound of a part from where the decoder is.
func (p *playback) decode(w *voice, i int) error {
	part := &p.index.Parts[i]
	var err error
	if p.payload, err = p.reader.Open(p.payload[:0], i); err != nil {
		return fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	codec := media.Codec(part.Codec)
	if !codec.Valid() && len(p.payload) > 0 {
		return fmt.Errorf("%w: part %d has an unknown codec", ErrDamaged, i)
	}
	at, n := 0, int(part.Samples)
	if len(p.payload) > 0 { // else it is nothing but a gap
		n = len(p.payload) / codec.UnitBytes()
	}
	w.pcm = slices.Grow(w.pcm[:0], n)[:n]
	for _, g := range part.Gaps {
		from, to := min(int(g.From), n), min(int(g.To), n)
		w.frame(at, from, codec, p.payload)
		if g.Cause == seal.CauseLine {
			w.decoder.Between(w.pcm[from:to], 0, codec, p.after(part, to))
		} else {
			clear(w.pcm[from:to])
			w.decoder.Reset()
		}
		at = to
	}
	w.frame(at, n, codec, p.payload)
	return nil
}

// after is what is there of the opened part from a place on, up to the next gap.
func (p *playback) after(part *seal.PartRef, from int) []byte {
	to := len(p.payload)
	for _, g := range part.Gaps {
		if int(g.From) >= from {
			to = min(to, int(g.From))
		}
	}
	return p.payload[min(from, to):to]
}

// frame decodes what lies between two gaps.
func (w *voice) frame(from, to int, codec media.Codec, payload []byte) {
	if from < to {
		unit := codec.UnitBytes()
		w.decoder.Frame(w.pcm[from:to], codec, payload[from*unit:to*unit])
	}
}

// Close forgets what was decoded. It may be called twice.
func (p *playback) Close() error {
	if p.closed {
		return nil
	}
	p.closed = true
	clear(p.block)
	clear(p.payload[:cap(p.payload)])
	for _, w := range p.voices {
		clear(w.pcm[:cap(w.pcm)])
		w.decoder.Reset()
	}
	return p.file.Close()
}
