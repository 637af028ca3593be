package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/ivrd/ivrd/api"
	"github.com/ivrd/ivrd/call"
	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/demobackend"
	"github.com/ivrd/ivrd/internal/obs"
	"github.com/ivrd/ivrd/internal/webfetch"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/sip"
	"github.com/ivrd/ivrd/tts"
)

type serveCmd struct {
	configured `embed:""`
}

// Run serves until SIGTERM or an interrupt, then drains; a second signal
// hangs up the running calls.
func (s serveCmd) Run(ctx context.Context) error {
	f, err := s.load()
	if err != nil {
		return err
	}
	log := newLog(f)
	if err := allowFiles(f, log); err != nil {
		return err
	}
	h := &house{file: f, log: log}
	if err := h.open(ctx); err != nil {
		return errors.Join(err, h.close())
	}
	h.hangups()
	h.greet()
	<-ctx.Done()
	h.drain()
	return h.close()
}

// house is the running server: the one place where the packages meet.
type house struct {
	file config.File
	log  *slog.Logger

	speech    *tts.Cache // nil: only what is recorded can be spoken
	script    atomic.Pointer[script]
	data      *data
	archive   *recordings.Vault
	store     recordings.Store
	engine    *engine.Engine
	sip       *sip.Server
	hearing   hearing
	feeling   feeling
	desk      *desk
	absent    *absence
	conductor *call.Conductor
	api       *api.Server
	changes   api.Changes // what pages look at: calls and queues tell, api looks
	metrics   *obs.Metrics
	// understood counts utterances by the engine that has understood them.
	understood obs.Counter
	draining   atomic.Bool
	// background ends with the house; preparing counts what runs on it.
	background context.Context //nolint:containedctx // the house owns it
	preparing  sync.WaitGroup
	closes     []func() error
}

// opened remembers how to close a part; parts close in the reverse order.
func (h *house) opened(closing func() error) { h.closes = append(h.closes, closing) }

// open builds the house from the ground: data, flows, media, calls, SIP, HTTP. SIP
// comes after everything that a call needs, and readiness, which HTTP tells,
// after SIP.
func (h *house) open(ctx context.Context) (err error) {
	if err := h.openData(ctx); err != nil {
		return err
	}
	if err := h.openScript(ctx); err != nil {
		return err
	}
	if err := h.openMedia(); err != nil {
		return err
	}
	if err := h.openCalls(ctx); err != nil {
		return err
	}
	if err := h.sip.Start(ctx); err != nil {
		return err
	}
	h.opened(func() error { h.sip.Close(); return nil })
	h.preparing.Go(func() { h.absent.watch(h.background) })
	return h.openAPI()
}

// openMedia opens the browsers' port, if there is to be one, and the engine.
func (h *house) openMedia() (err error) {
	var web *rtc.Mux
	if h.file.Media.WebPort > 0 {
		if web, err = rtc.Listen(webConfig(h.file)); err != nil {
			return err
		}
		h.opened(web.Close)
	}
	if h.engine, err = engine.New(engineConfig(h.file, web, h.log)); err != nil {
		return err
	}
	if err := h.engine.Start(); err != nil {
		return err
	}
	h.opened(h.engine.Close)
	return nil
}

func (h *house) openData(ctx context.Context) (err error) {
	if h.data, err = openData(h.file, h.log); err != nil {
		return err
	}
	h.opened(h.data.Close)
	if err := h.data.openPeople(ctx); err != nil {
		return err
	}
	if h.file.Mode == config.ModeProduction {
		if err := h.data.people.CheckProduction(ctx); err != nil {
			return err
		}
	}
	h.archive, h.store, err = h.data.openArchive(ctx, false)
	return err
}

// openScript loads what calls are played from, before anything listens: its
// faults are the likeliest.
func (h *house) openScript(ctx context.Context) (err error) {
	h.metrics = obs.NewMetrics()
	h.understood = h.metrics.Counter("understood_total", "Utterances that were understood, by engine; embedded is also the fall-back of another.", "engine")
	if h.speech, err = newSpeech(ctx, h.file, h.log); err != nil {
		return err
	}
	background, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.background = background
	h.opened(func() error { cancel(); h.preparing.Wait(); return nil })
	return h.loadFlows()
}

// openCalls makes the conductor and the SIP server, which need each other.
func (h *house) openCalls(ctx context.Context) error {
	env, err := h.startBackend()
	if err != nil {
		return err
	}
	fetcher := webfetch.New()
	h.opened(func() error { fetcher.Close(); return nil })
	if h.desk, err = openDesk(ctx, h.file, h.data.people, h.changes.Tell); err != nil {
		return err
	}
	h.opened(func() error { h.desk.Close(); return nil })
	if err := h.openHearing(ctx); err != nil {
		return err
	}
	if err := h.openFeeling(ctx); err != nil {
		return err
	}
	dial := &lateDialer{}
	h.conductor = call.New(call.Config{Numbers: targets(h.file), MaxCalls: h.file.Calls.Max, Longest: h.file.Calls.Longest, Node: nodeName(), Env: env, Activity: h.file.Speech.Activity, Emotion: h.file.Speech.Emotion}, call.Deps{
		Media: h.engine, Archive: h.archive, Dialer: dial, Queues: h.desk, Fetcher: fetcher, Recognizer: h.hearing.menus(), Dictation: h.hearing.dictation(),
		EmotionModel: h.feeling.model(), Script: h.callScript, Log: h.log, Ended: h.countCall(), Changed: h.changes.Tell, Overloaded: h.engine.Overloaded,
	})
	h.absent = &absence{desk: h.desk, registered: func(user string) bool { return h.sip.Registered(user) }, seen: map[string]time.Time{}}
	h.sip, err = sip.New(sipConfig(h.file), sip.Deps{
		Handler: h.conductor, Secrets: h.data.people, Guest: h.data.people.Guest, Log: h.log,
		Registered: func(user string) {
			h.absent.came(user)
			h.conductor.Returned(user)
		},
	})
	dial.Server = h.sip
	return err
}

// loadFlows loads flows and the prompts that they play; with faults everything
// stays as it was.
func (h *house) loadFlows() error {
	library, err := loadPrompts(h.file)
	if err != nil {
		return err
	}
	set, err := loadIntents(h.file)
	if err != nil {
		return err
	}
	intents, err := newUnderstander(h.file, set, func(engine string) { h.understood.Inc(engine) })
	if err != nil {
		return err
	}
	flows, err := loadFlows(h.file, library, intentNames(set))
	if err != nil {
		return err
	}
	if err := checkNumbers(h.file, flows); err != nil {
		return err
	}
	texts, err := promptTexts(h.file)
	if err != nil {
		h.log.Warn("transcripts will not have the words of recorded prompts", "err", err)
	}
	s := &script{flows, tts.NewSpeaker(library, h.speech), texts, intents}
	h.script.Store(s)
	h.preparing.Go(func() { s.prepare(h.background, h.log) })
	return nil
}

// callScript is what a call that begins now is played from.
func (h *house) callScript() call.Script {
	s := h.script.Load()
	return call.Script{
		Flows: s.flows, Speaker: s.speaker, Understander: s.intents,
		Words: func(language, name string) string { return s.texts.Prompts[name][language] },
	}
}

// lateDialer is the SIP server, which is made after the conductor that dials.
type lateDialer struct{ *sip.Server }

// nodeName tells whose unfinished records are whose.
func nodeName() string {
	name, err := os.Hostname()
	if err != nil {
		return "ivrd"
	}
	return name
}

// startBackend starts the demo's back end and returns the flows' environment.
func (h *house) startBackend() (map[string]string, error) {
	if h.file.Flows.Backend == "" {
		return flowEnv(h.file, ""), nil
	}
	b, err := demobackend.Start()
	if err != nil {
		return nil, err
	}
	h.opened(b.Close)
	return flowEnv(h.file, b.URL()), nil
}

// hangups reloads the flows at each SIGHUP until the house closes: one in the
// middle of a drain must not kill the running calls.
func (h *house) hangups() {
	sig, stop, done := make(chan os.Signal, 1), make(chan struct{}), make(chan struct{})
	signal.Notify(sig, syscall.SIGHUP)
	go func() {
		defer close(done)
		for {
			select {
			case <-sig:
				h.reloadFlows()
			case <-stop:
				return
			}
		}
	}()
	h.opened(func() error {
		close(stop)
		<-done
		return nil
	})
}

func (h *house) reloadFlows() {
	if err := h.loadFlows(); err != nil {
		h.log.Error("flows not reloaded: the old ones stay", "err", err)
		return
	}
	h.log.Info("flows reloaded", "flows", h.script.Load().flows.Names())
}

// drain refuses new calls and lets the running ones end; the limit or a second
// signal hangs them up.
func (h *house) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), h.file.Calls.Drain)
	defer cancel()
	second, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	h.log.Info("draining", "calls", len(h.conductor.Live()), "limit", h.file.Calls.Drain)
	h.draining.Store(true)
	h.conductor.Drain(second)
}

func (h *house) close() error {
	var errs []error
	for _, v := range slices.Backward(h.closes) {
		errs = append(errs, v())
	}
	h.closes = nil
	return errors.Join(errs...)
}

// greet tells a newcomer what to do next.
func (h *house) greet() {
	if h.file.Mode != config.ModeDemo {
		h.log.Info("serving", "sip", h.file.SIP.Listen, "http", h.file.HTTP.Listen)
		return
	}
	fmt.Printf(`ivrd is up (demo, loopback only).
  desk      http://%[2]s/ as alice, say Ready; then http://%[2]s/phone calls 1000
  monitor   http://%[2]s/ as sue, in another browser or a private window
  call      bin/ivrd call sip:1000@%[1]s --dtmf "w5,1,w9,4" --duration 40s --record heard.wav
            or any SIP phone: sip:1000@%[1]s the menu, sip:echo@%[1]s an echo
  answer    at the desk, or by a SIP phone: docs/phones.md
  records   http://%[2]s/calls; every password is demo
  verify    bin/ivrd verify
  stop      Ctrl-C
`, h.file.SIP.Listen, h.file.HTTP.Listen)
}
