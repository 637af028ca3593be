package main

import (
	"context"
	"errors"
	"slices"

	"github.com/ivrd/ivrd/api"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/routing"
	"github.com/ivrd/ivrd/sip"
	"github.com/ivrd/ivrd/tts"
	"github.com/ivrd/ivrd/web"
)

// openAPI starts the HTTP surface.
func (h *house) openAPI() error {
	h.measure()
	h.hearing.measure(h.metrics)
	h.feeling.measure(h.metrics)
	h.api = api.New(apiConfig(h.file), api.Deps{
		People: h.data.people, Archive: h.archive, AuditLog: h.store, Desk: h.desk, Monitors: h.conductor, Talks: h.conductor,
		Statuses: h.conductor, Changes: &h.changes, Phones: phones{h.sip}, Pages: web.Pages(), Metrics: h.metrics, Log: h.log,
		Checks: []api.Check{
			{Name: "draining", Func: h.notDraining},
			{Name: "database", Func: h.databaseAnswers},
			{Name: "disk", Func: h.diskHasRoom},
			{Name: "capacity", Func: h.hasCapacity},
			{Name: "speech", Func: h.hearing.well, Advisory: true},
			{Name: "emotion", Func: h.feeling.well, Advisory: true},
		},
	})
	if err := h.api.Start(); err != nil {
		return err
	}
	h.opened(h.api.Close)
	return nil
}

// phones gives the pages' WebSockets to SIP.
type phones struct{ *sip.Server }

func (p phones) ServeSocket(ctx context.Context, s *api.Socket) error {
	return p.Server.ServeSocket(ctx, s)
}

// notDraining fails no sooner than new calls are refused: who has seen it fail
// knows that no call gets in any more.
func (h *house) notDraining(context.Context) error {
	if h.draining.Load() && h.conductor.Closed() {
		return errors.New("draining")
	}
	return nil
}

func (h *house) databaseAnswers(ctx context.Context) error {
	_, _, err := h.archive.Calls(ctx, recordings.Query{Limit: 1})
	return err
}

func (h *house) diskHasRoom(context.Context) error {
	if h.archive.Full() {
		return recordings.ErrFull
	}
	return nil
}

// hasCapacity does not look at the gate of media, which is shut for seconds:
// where all nodes are overloaded, none may be taken for dead.
func (h *house) hasCapacity(context.Context) error {
	if !h.draining.Load() && h.conductor.Closed() {
		return errors.New("calls.max is reached")
	}
	return nil
}

// countCall counts ended calls. Every call that ended is here, so the share of
// those that a fault of ours ended is the service's error rate.
func (h *house) countCall() func(recordings.Call) {
	ended := h.metrics.Counter("calls_total", "Calls that have ended.", "class", "reason")
	failed := h.metrics.Named("customer_service_error_rate", "Calls that ended by a fault of the server; rate() of it is the error rate.")
	length := h.metrics.Histogram("call_seconds", "Length of calls from answer to end.", []float64{1, 5, 15, 30, 60, 120, 300, 600, 1800})
	legs := h.countLegs()
	return func(c recordings.Call) {
		legs(c.Legs)
		ended.Inc(string(c.End.Class), c.End.Slug)
		if c.End.Class == leg.Server && c.End.Slug != leg.Shutdown.Slug {
			failed.Inc()
		}
		if !c.AnsweredAt.IsZero() {
			length.Observe(c.EndedAt.Sub(c.AnsweredAt).Seconds())
		}
	}
}

// countLegs sorts the lines of ended calls into buckets. Heard says who: us, what
// the party said; peer, what the party has heard of us, by its RTCP.
func (h *house) countLegs() func([]recordings.Leg) {
	m := h.metrics
	opinion := m.Histogram("leg_mos", "Estimated opinion (MOS, 1 to 4.5) of the voice on an ended leg.", []float64{1.5, 2, 2.58, 3.1, 3.6, 4.02, 4.2, 4.3, 4.4}, "party", "heard")
	loss := m.Histogram("leg_loss_ratio", "Share of the voice on an ended leg that was lost or late.", []float64{0, 0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2}, "party", "heard")
	jitter := m.Histogram("leg_jitter_seconds", "Jitter (RFC 3550) at the end of a leg.", []float64{0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1}, "party", "heard")
	trip := m.Histogram("leg_rtt_seconds", "Last round trip by RTCP of an ended leg that had one.", []float64{0.001, 0.005, 0.01, 0.02, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 1}, "party")
	voice := func(v *recordings.Voice, party, heard string) {
		if v == nil {
			return
		}
		opinion.Observe(v.MOS, party, heard)
		loss.Observe(v.LossPercent/100, party, heard)
		jitter.Observe(v.JitterMS/1000, party, heard)
	}
	return func(legs []recordings.Leg) {
		for _, l := range legs {
			voice(l.Heard, l.Party, "us")
			voice(l.PeerHeard, l.Party, "peer")
			if l.RTTMS > 0 {
				trip.Observe(l.RTTMS/1000, l.Party)
			}
		}
	}
}

// measure exposes the counts that the parts keep.
func (h *house) measure() {
	m := h.metrics
	m.GaugeFunc("calls_active", "Calls that run now.", func() float64 { return float64(len(h.conductor.Live())) })
	for _, q := range h.file.Queues {
		m.GaugeOf("queue_waiting", "Callers who wait in the queue now.", "queue", q.Name, func() float64 { return float64(h.queue(q.Name).Waiting) })
		m.GaugeOf("queue_longest_wait_seconds", "How long the caller at the head has waited.", "queue", q.Name, func() float64 { return h.queue(q.Name).Longest.Seconds() })
		m.GaugeOf("queue_agents_ready", "Agents of the queue who are ready now.", "queue", q.Name, func() float64 { return float64(h.queue(q.Name).Ready) })
	}
	m.NamedFunc("customer_service_sla_violation_total", "Callers who waited longer than their queue's target.", h.violations)
	m.GaugeFunc("media_ports_free", "RTP port pairs that can be used.", func() float64 { return float64(h.engine.Stats().PortsFree) })
	m.GaugeFunc("media_ports_resting", "RTP port pairs that rest after a call.", func() float64 { return float64(h.engine.Stats().PortsResting) })
	m.CounterFunc("rtp_received_total", "RTP packets received.", func() float64 { return float64(h.engine.Stats().PacketsIn) })
	m.CounterFunc("rtp_sent_total", "RTP packets sent.", func() float64 { return float64(h.engine.Stats().PacketsOut) })
	m.CounterFunc("rtp_lost_total", "RTP packets lost on the way to us.", func() float64 { return float64(h.engine.Stats().PacketsLost) })
	m.CounterFunc("rtp_foreign_total", "Packets on our RTP ports from others than the peer.", func() float64 { return float64(h.engine.Stats().Foreign) })
	m.CounterFunc("sip_dropped_total", "Datagrams and connections' messages that were no SIP, or must not be answered.", func() float64 { return float64(h.sip.Counters().Dropped) })
	m.CounterFunc("sip_refused_total", "Requests that were refused before a call began.", func() float64 { return float64(h.sip.Counters().Refused) })
	m.CounterFunc("sip_auth_failures_total", "Wrong digest answers.", func() float64 { return float64(h.sip.Counters().AuthFailures) })
	m.CounterFunc("sip_connections_refused_total", "Connections beyond the limits.", func() float64 { return float64(h.sip.Counters().ConnsRefused) })
	m.CounterFunc("sip_events_dropped_total", "Events of legs that nobody read in time.", func() float64 { return float64(h.sip.Counters().EventsDropped) })
	m.CounterFunc("sip_calls_refused_total", "INVITEs that got 503 with Retry-After: full, draining or overloaded.", func() float64 { return float64(h.sip.Counters().Busy) })
	m.GaugeFunc("sip_connections", "TCP and TLS connections now.", func() float64 { return float64(h.sip.Counters().Conns) })
	m.GaugeFunc("sip_phones", "Phones that are registered now.", func() float64 { return float64(h.sip.Counters().Bindings) })
	for i, t := range h.sip.TrunkStates() {
		m.GaugeOf("trunk_up", "1 when the trunk answers and, where we register, has our registration.", "trunk", t.Name, func() float64 { return up(h.sip.TrunkStates()[i]) })
		m.GaugeOf("trunk_calls", "Calls over the trunk now, both directions.", "trunk", t.Name, func() float64 { return float64(h.sip.TrunkStates()[i].Calls) })
	}
	h.measureSpeech()
	m.GaugeFunc("media_overloaded", "1 while media runs late and new calls are refused for it.", func() float64 { return truth(h.engine.Overloaded()) })
	m.GaugeFunc("media_lateness_p99_seconds", "How late media slots ran, 99th percentile of the last 5 s.", func() float64 { return h.engine.Lateness().P99.Seconds() })
}

// measureSpeech exposes how texts become sound.
func (h *house) measureSpeech() {
	if h.speech == nil {
		return
	}
	count := func(name, help string, read func(tts.Stats) int64) {
		h.metrics.CounterFunc(name, help, func() float64 { return float64(read(h.speech.Stats())) })
	}
	count("voice_syntheses_total", "Texts that a speech engine was asked for.", func(s tts.Stats) int64 { return s.Syntheses })
	count("voice_failures_total", "Texts that the speech engine did not speak: late, wrong or gone.", func(s tts.Stats) int64 { return s.Failures })
	count("voice_fallbacks_total", "Texts that the fall-back spoke instead of the speech engine.", func(s tts.Stats) int64 { return s.Fallbacks })
	count("voice_cache_hits_total", "Texts whose sound was there already.", func(s tts.Stats) int64 { return s.Hits })
	count("voice_starved_total", "Pauses that callers heard because the speech engine was slower than speech.", func(s tts.Stats) int64 { return s.Starved })
}

// violations of the promise of all queues.
func (h *house) violations() float64 {
	all, err := h.desk.Queues(context.Background())
	if err != nil {
		return 0
	}
	var n uint64
	for _, q := range all {
		n += q.Late
	}
	return float64(n)
}

// queue is what a queue looks like now.
func (h *house) queue(name string) routing.QueueState {
	all, err := h.desk.Queues(context.Background())
	if err != nil {
		return routing.QueueState{}
	}
	i := slices.IndexFunc(all, func(q routing.QueueState) bool { return q.Name == name })
	return all[max(i, 0)]
}

func up(t sip.TrunkState) float64 { return truth(t.Up && (t.Registered || !t.Registers)) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
