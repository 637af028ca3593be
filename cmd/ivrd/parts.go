package main

import (
	"context"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/ivrd/ivrd/api"
	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/obs"
	"github.com/ivrd/ivrd/internal/understand"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
	"github.com/ivrd/ivrd/sip"
	"github.com/ivrd/ivrd/tts"
	"github.com/ivrd/ivrd/tts/promptset"
)

// Each function below gives a package its own part of the configuration,
// which has been checked: what cannot fail any more is not looked at again.

func newLog(f config.File) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(f.Log.Level))
	log, err := obs.NewLogger(os.Stderr, f.Log.Format, level)
	if err != nil {
		panic(err) // the format was checked
	}
	return log
}

// spare is how many cores work may take that can wait, each kind of it: all but
// one, which is left to media. There may be more threads than cores.
func spare() int { return max(1, min(runtime.NumCPU(), runtime.GOMAXPROCS(0))-1) }

// maxVoices speak at once: what is spoken is kept, so that there is little to do.
const maxVoices = 2

// webConfig is where browsers send their sound.
func webConfig(f config.File) rtc.Config {
	return rtc.Config{
		Listen: netip.AddrPortFrom(address(f.Media.Address), uint16(f.Media.WebPort)), Advertise: address(f.Media.Advertise),
		Network: networkOf(f),
	}
}

// networkOf is how sockets are read; nil is the engine's choice.
func networkOf(f config.File) rtpio.Network {
	if f.Media.Reader == "goroutine" {
		return rtpio.UDP{}
	}
	return nil
}

func engineConfig(f config.File, web *rtc.Mux, log *slog.Logger) engine.Config {
	first, last, _ := config.PortRange(f.Media.Ports)
	return engine.Config{
		Workers: workersOf(f), Network: networkOf(f), Address: address(f.Media.Address), Advertise: address(f.Media.Advertise),
		FirstPort: first, LastPort: last, NoMediaTimeout: f.Media.NoMedia, LatenessLimit: f.Media.LatenessLimit, Web: web, Log: log,
	}
}

// workersOf is how many media workers there are. Each waits in the system, on a
// thread of its own; as many more of Go's processors, and two that are hardly ever
// taken, let every one go on at once when its time has come, whatever else runs.
func workersOf(f config.File) int {
	cores := runtime.GOMAXPROCS(0)
	workers := f.Media.Workers
	if workers == 0 {
		workers = cores
	}
	runtime.GOMAXPROCS(cores + workers + 2)
	return workers
}

func address(s string) netip.Addr {
	a, _ := netip.ParseAddr(s)
	return a
}

func sipConfig(f config.File) sip.Config {
	cfg := sip.Config{
		UDP: f.SIP.Listen, TCP: f.SIP.Listen, CertFile: f.SIP.TLS.Cert, KeyFile: f.SIP.TLS.Key, Realm: f.SIP.Realm,
		Advertise: address(f.SIP.Advertise), MediaAdvertise: address(f.Media.Advertise),
		Limits: sip.Limits{
			MaxConns: f.SIP.Limits.Connections, MaxConnsPerIP: f.SIP.Limits.ConnectionsPerIP,
			PartialTimeout: f.SIP.Limits.PartialMessage, UnprovedIdle: f.SIP.Limits.UnprovedIdle,
			RingTimeout: f.SIP.Limits.Ring, SessionExpires: f.SIP.Limits.SessionExpires,
		},
	}
	if f.SIP.TLS.Cert != "" {
		cfg.TLS = f.SIP.TLS.Listen
	}
	cfg.PhoneCodecs = codecs(f.SIP.Phones.Codecs)
	cfg.PhoneSRTP, cfg.PhoneSRTPOf = sip.SRTP(f.SIP.Phones.SRTP), map[string]sip.SRTP{}
	for person, way := range f.SIP.Phones.SRTPOf {
		cfg.PhoneSRTPOf[person] = sip.SRTP(way)
	}
	for _, t := range f.SIP.Trunks {
		cfg.Trunks = append(cfg.Trunks, trunk(t))
	}
	for _, o := range f.SIP.Outbound {
		cfg.Outbound = append(cfg.Outbound, sip.OutboundRule{Prefix: o.Prefix, Trunk: o.Trunk, MaxCalls: o.MaxCalls, MaxPerUser: o.MaxPerUser})
	}
	return cfg
}

func apiConfig(f config.File) api.Config {
	var queues []string
	for _, q := range f.Queues {
		queues = append(queues, q.Name)
	}
	return api.Config{
		Queues: queues, Listen: f.HTTP.Listen, CertFile: f.HTTP.TLS.Cert, KeyFile: f.HTTP.TLS.Key,
		AnnounceMonitor: f.Calls.AnnounceMonitor, Dispositions: f.Dispositions, Realm: f.SIP.Realm,
		MaxSockets: f.HTTP.Sockets, Demo: f.Mode == config.ModeDemo, Numbers: slices.Sorted(maps.Keys(f.Calls.Numbers)),
	}
}

func trunk(t config.Trunk) sip.Trunk {
	out := sip.Trunk{
		Name: t.Name, Server: t.Server, Transport: t.Transport, Domain: t.Domain, Realm: t.Realm,
		Username: t.Username, Password: t.Password,
		Register: t.Register, Expires: t.Expires, Trusted: t.Trusted, KeepAlive: t.KeepAlive, MaxCalls: t.MaxCalls, DTMF: t.DTMF,
		SRTP: sip.SRTP(t.SRTP),
	}
	for _, m := range t.Match {
		p, _ := netip.ParsePrefix(m)
		out.Match = append(out.Match, p)
	}
	out.Codecs = codecs(t.Codecs)
	return out
}

func codecs(names []string) []media.Codec {
	var out []media.Codec
	for _, name := range names {
		c, _ := media.CodecByName(name)
		out = append(out, c)
	}
	return out
}

func targets(f config.File) map[string]call.Target {
	m := map[string]call.Target{}
	for number, flow := range f.Calls.Numbers {
		m[number] = call.Target{Flow: flow, Echo: flow == echoTarget}
	}
	return m
}

// newSpeech is what speaks texts that are not recorded; nil when nothing does.
func newSpeech(ctx context.Context, f config.File, log *slog.Logger) (*tts.Cache, error) {
	engine, fallback, err := newEngines(ctx, f)
	if err != nil {
		return nil, err
	}
	if engine == nil {
		log.Info("no speech engine: only recorded prompts and phrases can be spoken")
		return nil, nil
	}
	log.Info("texts are spoken", "engine", f.Speech.Engine, "fallback", fallback != nil)
	return tts.NewCache(tts.CacheConfig{Engine: engine, Fallback: fallback, Dir: filepath.Join(f.Data.Dir, "speech"), Log: log})
}

// script is flows with the prompts that they play and the intents that they ask for.
// It is replaced as a whole: a call that has begun goes on with its own.
type script struct {
	flows   *ivr.Flows
	speaker *tts.Speaker
	texts   promptset.Texts
	intents *understand.Understander
}

// prepare learns what callers may want, and renders what the flows always say, so that
// no caller waits for it.
func (s *script) prepare(ctx context.Context, log *slog.Logger) {
	if s.flows.Asks() {
		s.intents.Learn()
	}
	for _, t := range s.flows.Texts() {
		if ctx.Err() != nil {
			return
		}
		if err := s.speaker.Prepare(ctx, t.Language, t.Speech); err != nil {
			log.Warn("prepare fixed text", "language", t.Language, "err", err)
		}
	}
}
