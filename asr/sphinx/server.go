package sphinx

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/coder/websocket"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/media"
)

// Engine recognises one utterance after the other; *Decoder is one. It is used by one
// goroutine at a time.
type Engine interface {
	Begin(grammar string, strict bool) error
	Write(pcm []int16) error
	Said() string
	End() (string, error)
}

const (
	maxMessage = 64 << 10
	// idle is how long a session may be silent, and longest how much it may hear.
	idle    = 30 * time.Second
	longest = 60 * media.SampleRate
	// interimEvery is how many samples lie between two looks at what has been said.
	interimEvery = 1600
	writeTime    = 2 * time.Second
)

// Server lends engines to whoever connects, each for one utterance, by the protocol
// of jambonz for custom speech recognition: start with the phrases as
// options.hints (and options.examples, where they are only examples; options.strict,
// where what is doubtful does harm), sound as 16 bit little-endian at 8 kHz, stop; back
// come what seems to have been said, and at the end what was, both as the phrase that it
// means.
// Confidence is left out: the engine has none that holds for all callers.
type Server struct {
	dictionary Dictionary
	free       chan Engine
}

// NewServer makes a server of engines, which are its own from here on.
func NewServer(d Dictionary, engines ...Engine) *Server {
	s := &Server{dictionary: d, free: make(chan Engine, len(engines))}
	for _, e := range engines {
		s.free <- e
	}
	return s
}

type startMessage struct {
	Type           string `json:"type"`
	Language       string `json:"language"`
	Encoding       string `json:"encoding"`
	SampleRate     int    `json:"sampleRateHz"`
	InterimResults bool   `json:"interimResults"`
	Options        struct {
		Phrases []string `json:"hints"`
		// Examples: the phrases are what might be said; those that cannot be heard are
		// left out.
		Examples bool `json:"examples"`
		// Strict: better nothing than something else.
		Strict bool `json:"strict"`
	} `json:"options"`
}

type transcription struct {
	Type         string        `json:"type"`
	Final        bool          `json:"is_final"`
	Alternatives []alternative `json:"alternatives"`
	Language     string        `json:"language"`
	Channel      int           `json:"channel"`
}

type alternative struct {
	Transcript string `json:"transcript"`
}

type failure struct {
	Type  string `json:"type"`
	Error string `json:"error"`
	// Declined: the engines are well, they cannot serve this utterance.
	Declined bool `json:"declined,omitempty"`
}

// ServeHTTP implements http.Handler: each connection is one utterance.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has been answered
	}
	defer func() { _ = conn.CloseNow() }()
	conn.SetReadLimit(maxMessage)
	u := &utterance{server: s, conn: conn}
	if err := u.serve(r.Context()); err != nil {
		_, declined := errors.AsType[*declined](err)
		_ = u.send(r.Context(), failure{"error", err.Error(), declined})
	}
	_ = conn.Close(websocket.StatusNormalClosure, "")
}

// utterance is one connection.
type utterance struct {
	server *Server
	conn   *websocket.Conn
	start  startMessage
	engine Engine
	pcm    []int16
	heard  int // samples
	looked int
	told   string
}

// declined is an error that says nothing about the engines' health.
type declined struct{ error }

var errBusy = &declined{errors.New("all engines are busy")}

func (u *utterance) serve(ctx context.Context) error {
	if err := u.begin(ctx); err != nil {
		return err
	}
	said, err := u.understand(ctx)
	if err != nil {
		return err
	}
	return u.tell(ctx, said, true)
}

// understand hears the utterance with a borrowed engine. That is back before the result
// is told: whoever has it may speak again.
func (u *utterance) understand(ctx context.Context) (string, error) {
	select {
	case u.engine = <-u.server.free:
	default:
		return "", errBusy
	}
	defer func() { u.server.free <- u.engine }()
	if u.start.Options.Examples {
		u.start.Options.Phrases = Hearable(u.server.dictionary, u.start.Options.Phrases)
	}
	grammar, err := Grammar(u.server.dictionary, u.start.Options.Phrases)
	if err != nil {
		return "", &declined{err}
	}
	if err := u.engine.Begin(grammar, u.start.Options.Strict); err != nil {
		return "", err
	}
	heard := u.listen(ctx)
	said, err := u.engine.End() // also of one who has gone: the engine is for the next
	return said, errors.Join(heard, err)
}

func (u *utterance) begin(ctx context.Context) error {
	kind, b, err := u.read(ctx)
	if err != nil {
		return err
	}
	if kind != websocket.MessageText || json.Unmarshal(b, &u.start) != nil || u.start.Type != "start" {
		return errors.New("start: the first message is none")
	}
	if m := u.start; m.SampleRate != media.SampleRate || m.Encoding != "LINEAR16" {
		return fmt.Errorf("start: sound is %s at %d Hz (hint: LINEAR16 at 8000)", m.Encoding, m.SampleRate)
	}
	return nil
}

func (u *utterance) read(ctx context.Context) (websocket.MessageType, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, idle)
	defer cancel()
	return u.conn.Read(ctx)
}

// listen hears until stop.
func (u *utterance) listen(ctx context.Context) error {
	for {
		kind, b, err := u.read(ctx)
		if err != nil {
			return err
		}
		if kind == websocket.MessageText {
			var m struct {
				Type string `json:"type"`
			}
			if json.Unmarshal(b, &m) == nil && m.Type == "stop" {
				return nil
			}
			continue
		}
		if err := u.hear(ctx, b); err != nil {
			return err
		}
	}
}

func (u *utterance) hear(ctx context.Context, b []byte) error {
	if u.heard += len(b) / 2; u.heard > longest {
		return fmt.Errorf("hear: more than %d s", longest/media.SampleRate)
	}
	u.pcm = u.pcm[:0]
	for i := 0; i+1 < len(b); i += 2 {
		u.pcm = append(u.pcm, int16(uint16(b[i])|uint16(b[i+1])<<8)) //nolint:gosec // a sample
	}
	if err := u.engine.Write(u.pcm); err != nil {
		return err
	}
	if !u.start.InterimResults || u.heard-u.looked < interimEvery {
		return nil
	}
	u.looked = u.heard
	return u.tell(ctx, u.engine.Said(), false)
}

// tell sends the phrase that a hypothesis means; in between only when it changes.
func (u *utterance) tell(ctx context.Context, hypothesis string, final bool) error {
	phrase := asr.Match(u.start.Options.Phrases, hypothesis)
	if !final && (phrase == "" || phrase == u.told) {
		return nil
	}
	u.told = phrase
	return u.send(ctx, transcription{"transcription", final, []alternative{{phrase}}, u.start.Language, 1})
}

func (u *utterance) send(ctx context.Context, m any) error {
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writeTime)
	defer cancel()
	return u.conn.Write(ctx, websocket.MessageText, b)
}
