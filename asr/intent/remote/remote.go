// Package remote asks an engine elsewhere what a caller has said: one that
// speaks Rasa's POST /model/parse, or a chat model behind an OpenAI-compatible
// /chat/completions. The embedded classifier answers whenever it does not.
//
// Personal numbers are masked before a text leaves, so entities are not asked
// for: intent.Finder finds them here.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/ivrd/ivrd/asr/intent"
	"github.com/ivrd/ivrd/internal/breaker"
	"github.com/ivrd/ivrd/internal/secret"
	"github.com/ivrd/ivrd/internal/webclient"
)

// maxBody is the largest answer that is read, in bytes.
const maxBody = 64 << 10

// DefaultTimeout of one question: the caller waits for the answer.
const DefaultTimeout = time.Second

// Protocol of an engine.
type Protocol string

// The protocols.
const (
	Rasa Protocol = "rasa" // POST {url}/model/parse
	Chat Protocol = "chat" // POST {url}/chat/completions
)

// Config of an engine elsewhere.
type Config struct {
	Protocol Protocol
	// URL of the service, without the path that the protocol adds:
	// http://127.0.0.1:5005, https://host/v1.
	URL string
	// Token is sent as a bearer token when there is one.
	Token secret.Text
	// Model is the chat model's name.
	Model string
	// Timeout of a question; 0 means DefaultTimeout.
	Timeout time.Duration
}

// After breakAfter failures in a row the other side rests.
const (
	breakAfter = 5
	rest       = 30 * time.Second
)

// Engine asks elsewhere and falls back to another engine. It implements
// intent.Engine.
type Engine struct {
	config   Config
	path     string
	set      intent.Set
	finder   *intent.Finder
	fallback intent.Engine
	client   *http.Client
	breaker  breaker.Breaker
}

// New makes an engine for the intents of a set. Fallback answers when the other
// side is late, wrong or resting.
func New(c Config, set intent.Set, fallback intent.Engine) (*Engine, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("read address of intent engine: not an http or https URL")
	}
	paths := map[Protocol]string{Rasa: "/model/parse", Chat: "/chat/completions"}
	if paths[c.Protocol] == "" {
		return nil, fmt.Errorf("read protocol of intent engine: %q is unknown (hint: rasa or chat)", c.Protocol)
	}
	if c.Protocol == Chat && c.Model == "" {
		return nil, errors.New("read model of intent engine: chat needs one")
	}
	if c.Timeout <= 0 {
		c.Timeout = DefaultTimeout
	}
	finder, err := intent.NewFinder(set.Order)
	if err != nil {
		return nil, err
	}
	return &Engine{
		breaker: breaker.Breaker{Failures: breakAfter, Rest: rest},
		config:  c, path: strings.TrimSuffix(c.URL, "/") + paths[c.Protocol], set: set, finder: finder, fallback: fallback,
		client: webclient.New(&http.Transport{MaxConnsPerHost: 16, MaxIdleConnsPerHost: 4}),
	}, nil
}

// Close drops idle connections.
func (e *Engine) Close() { e.client.CloseIdleConnections() }

// Understand implements intent.Engine. The Result says which engine answered; an
// error comes from the fall-back only.
func (e *Engine) Understand(ctx context.Context, text, language string) (intent.Result, error) {
	if e.breaker.Allow() {
		r, err := e.ask(ctx, text)
		switch {
		case err == nil:
			e.breaker.Succeeded()
			return r, nil
		case ctx.Err() != nil: // a caller who has hung up says nothing about the service
			e.breaker.Undecided()
		default:
			e.breaker.Failed()
		}
	}
	return e.fallback.Understand(ctx, text, language)
}

// ask puts one question.
func (e *Engine) ask(ctx context.Context, text string) (intent.Result, error) {
	ctx, cancel := context.WithTimeout(ctx, e.config.Timeout)
	defer cancel()
	question, err := e.question(e.finder.Mask(text))
	if err != nil {
		return intent.Result{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, e.path, bytes.NewReader(question))
	if err != nil {
		return intent.Result{}, err
	}
	req.Header.Set("Content-Type", "application/json")
	if !e.config.Token.IsZero() {
		req.Header.Set("Authorization", "Bearer "+e.config.Token.Reveal())
	}
	res, err := e.client.Do(req)
	if err != nil {
		return intent.Result{}, err
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or given up
	body, err := io.ReadAll(io.LimitReader(res.Body, maxBody+1))
	switch {
	case err != nil:
		return intent.Result{}, err
	case res.StatusCode != http.StatusOK:
		return intent.Result{}, fmt.Errorf("status %d", res.StatusCode)
	case len(body) > maxBody:
		return intent.Result{}, errors.New("answer is larger than 64 KiB")
	}
	return e.answer(body)
}

func (e *Engine) question(masked string) ([]byte, error) {
	if e.config.Protocol == Rasa {
		return json.Marshal(map[string]string{"text": masked})
	}
	return e.chatQuestion(masked)
}

// answer reads what either protocol gives.
func (e *Engine) answer(body []byte) (intent.Result, error) {
	if e.config.Protocol == Chat {
		return e.chatAnswer(body)
	}
	var a struct {
		Intent  *candidate
		Ranking []candidate `json:"intent_ranking"`
	}
	if err := json.Unmarshal(body, &a); err != nil || a.Intent == nil {
		return intent.Result{}, errors.New("the answer has no intent")
	}
	return e.result(*a.Intent, a.Ranking)
}

// candidate is an intent as either protocol names it.
type candidate struct {
	Name       string
	Confidence *float64
}

// result takes what an engine claims. Intents that are not in the set (Rasa's
// nlu_fallback, a model's fancy) are none; a claim without a probability is no
// answer.
func (e *Engine) result(top candidate, ranking []candidate) (intent.Result, error) {
	if top.Confidence == nil || math.IsNaN(*top.Confidence) || *top.Confidence < 0 || *top.Confidence > 1 {
		return intent.Result{}, errors.New("the answer's confidence is not from 0 to 1")
	}
	r := intent.Result{P: *top.Confidence, Engine: string(e.config.Protocol)}
	if len(ranking) == 0 {
		ranking = []candidate{top}
	}
	for _, c := range ranking {
		known := e.set.Resolve(intent.Result{}, c.Name).Intent != ""
		if known && c.Confidence != nil && *c.Confidence >= 0 && *c.Confidence <= 1 && len(r.Alternatives) < 3 {
			r.Alternatives = append(r.Alternatives, intent.Candidate{Intent: c.Name, P: *c.Confidence})
		}
	}
	if r.P < e.set.Least() {
		return r, nil
	}
	return e.set.Resolve(r, top.Name), nil
}
