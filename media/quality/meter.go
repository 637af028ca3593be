package quality

import (
	"time"

	"github.com/ivrd/ivrd/media"
)

const (
	// Interval is the number of expected frames that are judged together: 5 s
	// of sound. Silence that the peer does not send does not count.
	Interval = 250
	// fewest frames are needed to judge by: 1 s.
	fewest = 50
)

// Outcome is what a tick had of a stream.
type Outcome uint8

// The outcomes of a tick.
const (
	Silent Outcome = iota // nothing has come; whether it was lost shows later
	Heard
	Lost
)

// Meter judges what we hear of one stream. It belongs to whoever locks it, and
// allocates nothing. The zero value is ready once Codec was called.
type Meter struct {
	codec   Impairment
	now     Losses // of this interval
	delay   time.Duration
	total   total
	gap     int   // Silent ticks in a row
	missing int64 // at the last tick
	before  int64 // missing, before the gap
}

// Codec says what is heard from now on.
func (m *Meter) Codec(c media.Codec) { m.codec = Of(c) }

// Frame counts one tick. Missing is how many frames have ever been found to be
// lost or late: only that tells, when sound is back, whether the ticks without it
// were a loss or a silence that was not sent. Delay is from mouth to ear as of
// now.
func (m *Meter) Frame(o Outcome, missing int64, delay time.Duration) {
	if o == Silent {
		if m.gap == 0 {
			m.before = m.missing
		}
		m.gap++
	} else {
		for range min(max(missing-m.before, 0), int64(m.gap)) {
			m.add(true, delay)
		}
		m.gap, m.before = 0, missing
		m.add(o == Lost, delay)
	}
	m.missing = missing
}

func (m *Meter) add(lost bool, delay time.Duration) {
	m.now.Add(lost)
	m.delay += delay
	if m.now.Frames < Interval {
		return
	}
	m.total.add(m.part(), true)
	m.now, m.delay = Losses{}, 0 // a run that goes on is one of the next interval, too
}

func (m *Meter) part() part {
	p := part{path: Path{Impairment: m.codec, Loss: m.now.Ratio(), Burst: m.now.Burst()}, losses: m.now}
	if m.now.Frames > 0 {
		p.path.Delay = m.delay / time.Duration(m.now.Frames)
	}
	return p
}

// Quality is the sum of all intervals and of what has begun.
func (m *Meter) Quality() media.Quality {
	t := m.total
	if m.now.Frames > 0 {
		t.add(m.part(), m.now.Frames >= fewest && t.recent == 0)
	}
	return t.quality(m.codec)
}

// part is one interval, or one report of the peer.
type part struct {
	path   Path
	losses Losses
}

// total sums up parts, each weighed by its frames. Every R in it is on the scale to
// 100, so that the codec may change.
type total struct {
	losses       Losses
	r, listening float64 // times frames
	delay        float64 // ns times frames
	worst        float64 // R
	recent       float64 // MOS; 0 before the first part that is long enough
}

// add counts a part; judge says that it is long enough to be judged alone.
func (t *total) add(p part, judge bool) {
	n := float64(p.losses.Frames)
	r := p.path.R() / p.path.span()
	t.losses.Frames += p.losses.Frames
	t.losses.Lost += p.losses.Lost
	t.losses.Runs += p.losses.Runs
	t.r += n * r
	t.delay += n * float64(p.path.Delay)
	p.path.Delay = 0
	t.listening += n * p.path.R() / p.path.span()
	if !judge {
		return
	}
	if t.recent == 0 || r < t.worst {
		t.worst = r
	}
	t.recent = MOS(r)
}

// quality has R on the scale of the present codec.
func (t *total) quality(codec Impairment) media.Quality {
	n := float64(t.losses.Frames)
	if n == 0 {
		return media.Quality{}
	}
	q := media.Quality{
		R: t.r / n * codec.span(), MOS: MOS(t.r / n), Listening: MOS(t.listening / n), Recent: t.recent,
		Loss: t.losses.Ratio(), Burst: t.losses.Burst(), Delay: time.Duration(t.delay / n),
	}
	if q.Worst = q.MOS; t.recent > 0 {
		q.Worst = min(MOS(t.worst), q.MOS)
	}
	return q
}
