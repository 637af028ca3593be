package tone

import (
	"fmt"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/dtmf"
	"github.com/ivrd/ivrd/media/rtpio"
)

// EventType is the payload type of telephone-events that a Phone uses.
const EventType = 101

// Phone is a party of a test: it sends a tone, hears, counts, and presses
// keys. It works over any rtpio.Network, in virtual time too.
type Phone struct {
	conn    rtpio.PacketConn
	started time.Time
	frame   atomic.Int64 // the time from packet to packet, in ns
	stop    chan struct{}
	done    sync.WaitGroup
	once    sync.Once

	mu     sync.Mutex
	codec  media.Codec
	coder  media.Encoder
	sound  []int16       // sent again and again
	at     int           // in sound
	first  time.Duration // when its first packet was sent
	echo   echo
	to     netip.AddrPort
	mute   bool
	paused int // ticks of Pause; 0 outside of one
	keys   dtmf.Sender
	repeat int // copies of each event packet
	ssrc   uint32
	seq    uint16
	stamp  uint32
	heard  recording
}

// Counts of what a phone has received.
type Counts struct {
	Packets, Events int
	SSRCs           int
	// Missing is how many sequence numbers never came, Odd how many packets
	// were not of a payload type that the phone knows.
	Missing, Odd int
	// Sources is how many addresses packets came from.
	Sources int
	// Longest time between two packets.
	Longest time.Duration
}

// NewPhone makes a phone on a free port of a host that sends nothing yet.
func NewPhone(network rtpio.Network, addr netip.Addr) (*Phone, error) {
	conn, err := network.Listen(netip.AddrPortFrom(addr, 0))
	if err != nil {
		return nil, fmt.Errorf("make phone: %w", err)
	}
	p := &Phone{
		conn:    conn,
		started: time.Now(),
		stop:    make(chan struct{}),
		repeat:  1,
		ssrc:    rand.Uint32(),
		seq:     uint16(rand.Uint32()),
		stamp:   rand.Uint32(),
		heard:   newRecording(),
	}
	p.done.Go(p.read)
	p.done.Go(p.pace)
	return p, nil
}

// NewUDPPhone makes a phone on 127.0.0.1.
func NewUDPPhone() (*Phone, error) {
	return NewPhone(rtpio.UDP{}, netip.MustParseAddr("127.0.0.1"))
}

// Addr is where the phone hears, for SDP.
func (p *Phone) Addr() netip.AddrPort { return p.conn.LocalAddr() }

// Send begins to send a tone at -20 dBov; frequency 0 means silence. To the
// zero address it answers whoever sends to it first.
func (p *Phone) Send(to netip.AddrPort, c media.Codec, freqHz float64) {
	sound := media.Silence(time.Second)
	if freqHz > 0 {
		sound = media.Tone(freqHz, -20, time.Second) // whole periods of whole Hz: it joins itself
	}
	p.SendPCM(to, c, sound)
}

// SendPCM sends a sound, at media.SampleRate, again and again.
func (p *Phone) SendPCM(to netip.AddrPort, c media.Codec, pcm []int16) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.codec != c && p.coder.Reset(c, media.SampleRate) != nil {
		pcm = nil // it is no codec
	}
	p.to, p.codec, p.sound, p.at, p.first = to, c, pcm, 0, -1
	p.mute, p.paused = false, 0
}

// echo of what is heard, which is sent along.
type echo struct {
	delay time.Duration
	gain  float64
}

// Reflect lets what the phone hears go back, so much later and by a gain, along with
// what it sends. A gain of 0 ends it.
func (p *Phone) Reflect(delay time.Duration, gain float64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.echo = echo{delay, gain}
}

// SentAt is when the first packet of what SendPCM was given was sent, since the phone
// was made; negative before.
func (p *Phone) SentAt() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.first
}

// Peer is where the phone sends to: whoever it was told, or who has sent first.
func (p *Phone) Peer() netip.AddrPort {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.to
}

// Now is the time since the phone was made.
func (p *Phone) Now() time.Duration { return time.Since(p.started) }

// LastSound is when the last packet came that was not pure silence, between two times
// since the phone was made; from, where there was none.
func (p *Phone) LastSound(from, to time.Duration) time.Duration {
	pcm := p.Heard()
	whole := len(pcm) % media.FrameSamples // before it is the time until the first packet
	for i := min(int(media.TimeOf(to)), len(pcm)) - 1; i >= int(media.TimeOf(from)); i-- {
		if pcm[i] != 0 {
			return media.Time(i - (i-whole)%media.FrameSamples).Duration()
		}
	}
	return from
}

// Mute stops sending, its clock goes on; Unmute goes on.
func (p *Phone) Mute() { p.setMute(true) }

// Pause sends comfort noise in place of sound, as who detects voice does: a packet
// when it begins and each 200 ms (RFC 3389), until Unmute.
func (p *Phone) Pause() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute, p.paused = true, 1
}

// Unmute ends Mute and Pause.
func (p *Phone) Unmute() { p.setMute(false) }

func (p *Phone) setMute(mute bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mute, p.paused = mute, 0
}

// Press sends keys by RFC 4733, each packet of them as often as copies says.
func (p *Phone) Press(digits string, copies int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.repeat = copies
	return p.keys.Queue(digits)
}

// NewSource makes the phone send as another SSRC with another clock.
func (p *Phone) NewSource() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ssrc, p.seq, p.stamp = rand.Uint32(), uint16(rand.Uint32()), rand.Uint32()
}

// Close ends the phone and waits; it may be called twice.
func (p *Phone) Close() error {
	p.once.Do(func() {
		close(p.stop)
		_ = p.conn.Close()
	})
	p.done.Wait()
	return nil
}

// pace sends a packet each 20 ms. What a busy machine has let it miss it makes
// up for, as the sound card of a real phone does: a ticker leaves ticks out,
// and the stream would fall behind for good.
func (p *Phone) pace() {
	next := time.Now().Add(p.step())
	timer := time.NewTimer(media.FrameDuration)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
			for ; time.Until(next) <= 0; next = next.Add(p.step()) {
				p.tick(next.Sub(p.started))
			}
			timer.Reset(time.Until(next))
		case <-p.stop:
			return
		}
	}
}

// Skew makes the phone's clock run fast, or with less than 0 slow, by parts in a million.
func (p *Phone) Skew(ppm float64) {
	p.frame.Store(int64(float64(media.FrameDuration) / (1 + ppm/1e6)))
}

func (p *Phone) step() time.Duration {
	if d := p.frame.Load(); d > 0 {
		return time.Duration(d)
	}
	return media.FrameDuration
}

// tick sends the packet that is due at a time since the phone was made.
func (p *Phone) tick(due time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stamp += media.FrameSamples
	if p.paused > 0 && p.to.IsValid() {
		if p.paused++; p.paused%10 == 2 {
			packet := p.packet(media.ComfortNoiseType, p.stamp, []byte{60}) // -60 dBov
			_ = p.conn.WriteTo(packet.Append(nil), p.to)
		}
	}
	if p.sound == nil || p.mute || !p.to.IsValid() {
		return
	}
	if key, ok := p.keys.Next(p.stamp); ok {
		packet := p.packet(EventType, key.Timestamp, key.Payload[:])
		packet.Marker = key.Marker
		for range p.repeat {
			_ = p.conn.WriteTo(packet.Append(nil), p.to)
		}
		return
	}
	pcm := make([]int16, media.FrameSamples)
	for i := range pcm {
		pcm[i] = p.sound[p.at]
		p.at = (p.at + 1) % len(p.sound)
	}
	if p.first < 0 {
		p.first = time.Since(p.started)
	}
	if p.echo.gain != 0 {
		p.reflect(due, pcm)
	}
	payload := make([]byte, p.codec.FrameBytes())
	p.coder.Encode(payload, pcm)
	packet := p.packet(p.codec.PayloadType(), p.stamp, payload)
	_ = p.conn.WriteTo(packet.Append(nil), p.to)
}

// playout is how long what comes waits until it is played and may echo: packets do not
// come to the millisecond.
const playout = 10 * time.Millisecond

// reflect adds the echo to the frame that is due at a time. Sound cards know the time when
// the machine is late.
func (p *Phone) reflect(due time.Duration, pcm []int16) {
	from := int(media.TimeOf(due-playout-p.echo.delay)) - len(pcm)
	for i := range pcm {
		if at := from + i; at >= 0 && at < len(p.heard.pcm) {
			pcm[i] = int16(min(max(float64(pcm[i])+p.echo.gain*float64(p.heard.pcm[at]), -32768), 32767))
		}
	}
}

func (p *Phone) packet(payloadType uint8, timestamp uint32, payload []byte) rtpio.Packet {
	p.seq++
	return rtpio.Packet{PayloadType: payloadType, Sequence: p.seq, Timestamp: timestamp, SSRC: p.ssrc, Payload: payload}
}

func (p *Phone) read() {
	buf := make([]byte, 2048)
	for {
		n, from, err := p.conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var packet rtpio.Packet
		if n < 2 || isRTCP(buf[1]) || packet.Parse(buf[:n]) != nil {
			continue
		}
		p.mu.Lock()
		if !p.to.IsValid() {
			p.to = from
		}
		p.heard.packet(&packet, from, time.Since(p.started))
		p.mu.Unlock()
	}
}

// isRTCP tells RTCP by its packet type (RFC 5761 §4). Phones sit on any free
// port, also on the one above another phone's, where that one's RTCP comes:
// taken for RTP it would make the phone answer a stranger.
func isRTCP(packetType byte) bool { return packetType >= 192 && packetType <= 223 }

// Heard is all that was heard since the phone was made, silence where nothing
// came.
func (p *Phone) Heard() []int16 {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]int16(nil), p.heard.pcm...)
}

// Between is what was heard from one time since the phone was made to another;
// negative times count back from now, to the phone's beginning at most.
func (p *Phone) Between(from, to time.Duration) []int16 {
	now := time.Since(p.started)
	if from < 0 {
		from = max(from+now, 0)
	}
	if to <= 0 {
		to += now
	}
	pcm := p.Heard()
	want := media.Silence(max(to-from, 0))
	if start := int(media.TimeOf(from)); start < len(pcm) {
		copy(want, pcm[start:])
	}
	return want
}

// Tones are those of the frequencies that were heard between two times, with
// 30 dB of isolation.
func (p *Phone) Tones(from, to time.Duration, freqs ...float64) []float64 {
	return Heard(p.Between(from, to), 30, freqs...)
}

// Digits are the keys that were heard.
func (p *Phone) Digits() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard.digits.String()
}

// Counts of what has come so far.
func (p *Phone) Counts() Counts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.heard.counts()
}

// recording puts what comes on one clock, that of the arrivals.
type recording struct {
	pcm     []int16
	digits  *strings.Builder
	events  dtmf.Receiver
	total   Counts
	last    time.Duration // arrival
	sources map[netip.AddrPort]struct{}
	streams map[uint32]*source
}

type source struct {
	first   uint32 // timestamp
	at      int    // where that lies in pcm
	seen    map[uint16]struct{}
	low     uint16
	highest uint16
	decoder media.Decoder
}

func newRecording() recording {
	return recording{digits: &strings.Builder{}, sources: map[netip.AddrPort]struct{}{}, streams: map[uint32]*source{}}
}

func (r *recording) packet(p *rtpio.Packet, from netip.AddrPort, at time.Duration) {
	if r.total.Packets > 0 {
		r.total.Longest = max(r.total.Longest, at-r.last)
	}
	r.last = at
	r.total.Packets++
	r.sources[from] = struct{}{}
	s := r.streams[p.SSRC]
	if s == nil {
		s = &source{first: p.Timestamp, at: int(media.TimeOf(at)), seen: map[uint16]struct{}{}, low: p.Sequence, highest: p.Sequence}
		r.streams[p.SSRC] = s
	}
	s.seen[p.Sequence] = struct{}{}
	if int16(p.Sequence-s.highest) > 0 {
		s.highest = p.Sequence
	}
	switch p.PayloadType {
	case EventType:
		r.total.Events++
		if key, ok := r.events.Packet(p.Timestamp, p.Payload); ok {
			r.digits.WriteByte(key)
		}
	default:
		all := append(media.Codecs(), media.L16)
		i := slices.IndexFunc(all, func(c media.Codec) bool { return c.PayloadType() == p.PayloadType })
		if i < 0 {
			r.total.Odd++
			return
		}
		r.place(s, p, all[i])
	}
}

func (r *recording) place(s *source, p *rtpio.Packet, c media.Codec) {
	const limit = 2 * 3600 * media.SampleRate
	if s.decoder.Codec() != c && s.decoder.Reset(c, media.SampleRate) != nil {
		return
	}
	start := s.at + int(int32(p.Timestamp-s.first))
	end := start + s.decoder.Samples(len(p.Payload))
	if start < 0 || end > limit {
		r.total.Odd++
		return
	}
	for len(r.pcm) < end {
		r.pcm = append(r.pcm, 0)
	}
	s.decoder.Decode(r.pcm[start:end], p.Payload)
}

func (r *recording) counts() Counts {
	c := r.total
	c.SSRCs, c.Sources = len(r.streams), len(r.sources)
	for _, s := range r.streams { // for less than one turn of the sequence numbers
		c.Missing += int(s.highest-s.low) + 1 - len(s.seen)
	}
	return c
}
