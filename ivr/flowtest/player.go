package flowtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/ivr/internal/strict"
)

// player is the caller, the back end and the clock of a scenario. It answers
// at once; only its clock moves.
type player struct {
	test      *test
	steps     []step
	keys      string // pressed and not yet taken
	heard     []ivr.Prompt
	now       time.Time
	path      []Visit
	recording bool
	served    map[string]int
	stop      context.CancelFunc
	failed    bool
}

var errStopped = errors.New("the scenario failed")

func (p *player) next() *step {
	if len(p.steps) == 0 {
		return nil
	}
	return &p.steps[0]
}

func (p *player) done() { p.steps = p.steps[1:] }

// fail ends the run: the flow must not handle it as its own fault.
func (p *player) fail(s *step, m strict.Message, args ...any) error {
	at := p.test.node
	if s != nil {
		at = s.at
	}
	p.test.fail(at, m, args...)
	p.failed = true
	p.stop()
	return errStopped
}

// hear takes the hear steps that have come true. Prompts that no step names
// are passed over.
func (p *player) hear() {
	for s := p.next(); s != nil && s.kind == stepHear; s = p.next() {
		found := -1
		for i, prompt := range p.heard {
			if matches(prompt, s.value) {
				found = i
				break
			}
		}
		if found < 0 {
			return
		}
		p.heard = p.heard[found+1:]
		p.done()
	}
}

// matches compares a prompt with the name of a file, with or without its
// language before it, or with a text; a text that ends with … is a beginning.
func matches(prompt ivr.Prompt, want string) bool {
	if prompt.File != "" {
		return want == prompt.File || want == prompt.Language+"/"+prompt.File
	}
	if start, ok := strings.CutSuffix(want, "…"); ok {
		return strings.HasPrefix(prompt.Text, start)
	}
	return prompt.Text == want
}

func (p *player) lately() string {
	if len(p.heard) == 0 {
		return "nothing more"
	}
	var all []string
	for _, prompt := range p.heard {
		if prompt.File != "" {
			all = append(all, prompt.Language+"/"+prompt.File)
		} else {
			all = append(all, fmt.Sprintf("%q", prompt.Text))
		}
	}
	return strings.Join(all, ", ")
}

func (p *player) node() string {
	if len(p.path) == 0 {
		return "?"
	}
	return p.path[len(p.path)-1].Node
}

// turn begins a turn of the caller: what was to be heard must have been.
func (p *player) turn(ctx context.Context, prompts []ivr.Prompt, what string) (*step, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	p.heard = append(p.heard, prompts...)
	p.hear()
	s := p.next()
	switch {
	case s == nil && p.keys == "":
		return nil, p.fail(nil, "no step is left, but node %s %s", p.node(), what)
	case s == nil:
		return &step{}, nil
	case s.kind == stepHear:
		return nil, p.fail(s, "expected to hear %q before node %s %s; heard %s", s.value, p.node(), what, p.lately())
	case s.kind == stepHangup:
		p.done()
		return nil, ivr.ErrHangup
	}
	return s, nil
}

// Listen plays the caller's part of a turn.
func (p *player) Listen(ctx context.Context, l ivr.Listen) (ivr.Heard, error) {
	if l.Max == 0 {
		return p.play(ctx, l.Prompts)
	}
	var waited time.Duration
	for prompts := l.Prompts; ; prompts = nil {
		s, err := p.turn(ctx, prompts, "listens")
		if err != nil {
			return ivr.Heard{}, err
		}
		switch {
		case p.keys != "":
			return p.press(l), nil
		case s.kind == stepPress:
			p.keys = s.value
			p.done()
			return p.press(l), nil
		case s.kind == stepSay:
			return p.speak(s, l)
		case s.kind == stepSilence:
			p.done()
			return p.nothing(l.Timeout), nil
		case s.kind == stepWait && waited+s.time < l.Timeout:
			waited += s.time
			p.now = p.now.Add(s.time)
			p.done()
		case s.kind == stepWait:
			s.time -= l.Timeout - waited
			if s.time <= 0 {
				p.done()
			}
			return p.nothing(l.Timeout - waited), nil
		default:
			return ivr.Heard{}, p.fail(s, "node %s listens for keys; this step does not fit", p.node())
		}
	}
}

func (p *player) play(ctx context.Context, prompts []ivr.Prompt) (ivr.Heard, error) {
	if err := ctx.Err(); err != nil {
		return ivr.Heard{}, err
	}
	p.heard = append(p.heard, prompts...)
	p.hear()
	if s := p.next(); s != nil && s.kind == stepHangup {
		p.done()
		return ivr.Heard{}, ivr.ErrHangup
	}
	return ivr.Heard{Kind: ivr.HeardPlayed}, nil
}

// speak says something: one of the phrases, or where it is asked freely anything.
func (p *player) speak(s *step, l ivr.Listen) (ivr.Heard, error) {
	phrases := l.Phrases
	for _, t := range l.Tongues {
		phrases = append(phrases, t.Phrases...)
	}
	i := slices.IndexFunc(phrases, func(phrase string) bool { return strings.EqualFold(phrase, s.value) })
	var heard ivr.Heard
	switch {
	case l.Free:
		heard = ivr.Heard{Kind: ivr.HeardWords, Words: ivr.NewSecret([]byte(s.value))}
	case i >= 0:
		heard = ivr.Heard{Kind: ivr.HeardPhrase, Phrase: phrases[i]}
	default:
		return ivr.Heard{}, p.fail(s, "node %s has no option with the phrase %q", p.node(), s.value)
	}
	p.done()
	p.heard = nil
	return heard, nil
}

func (p *player) nothing(d time.Duration) ivr.Heard {
	p.now = p.now.Add(d)
	p.heard = nil
	return ivr.Heard{Kind: ivr.HeardNothing}
}

// press takes from the pressed keys what this turn takes.
func (p *player) press(l ivr.Listen) ivr.Heard {
	p.heard = nil
	var keys []byte
	ended := false
	for len(keys) < l.Max && !ended && p.pressed() {
		key := p.keys[0]
		p.keys = p.keys[1:]
		if key == l.Finish {
			break
		}
		keys = append(keys, key)
		ended = len(keys) == 1 && strings.IndexByte(l.Single, key) >= 0
	}
	if !ended && len(keys) == l.Max {
		p.late(l.Finish)
	}
	p.now = p.now.Add(time.Duration(len(keys)) * 200 * time.Millisecond)
	return ivr.Heard{Kind: ivr.HeardKeys, Keys: ivr.NewSecret(keys)}
}

// pressed reports whether another key follows at once.
func (p *player) pressed() bool {
	if s := p.next(); p.keys == "" && s != nil && s.kind == stepPress {
		p.keys = s.value
		p.done()
	}
	return p.keys != ""
}

// late throws the finish key away that follows an entry which its length has
// ended, as a call does.
func (p *player) late(finish byte) {
	if finish == 0 {
		finish = '#'
	}
	s := p.next()
	switch {
	case p.keys != "":
		p.keys = strings.TrimPrefix(p.keys, string(finish))
	case s == nil || s.kind != stepPress:
	case s.value == string(finish):
		p.done()
	default: // its other keys are the next turn's
		s.value = strings.TrimPrefix(s.value, string(finish))
	}
}

// Connect plays the party that is rung.
func (p *player) Connect(ctx context.Context, c ivr.Connect) (ivr.ConnectResult, error) {
	s, err := p.turn(ctx, c.Hold, "rings "+c.Target)
	if err != nil {
		return "", err
	}
	if s.kind != stepAgent {
		return "", p.fail(s, "node %s rings %s; expected a step agent: answers, busy, noanswer or fails", p.node(), c.Target)
	}
	p.done()
	p.heard = nil
	p.now = p.now.Add(s.time)
	return results()[s.value], nil
}

// Enqueue plays the agents of a queue: noanswer is that nobody comes in time.
func (p *player) Enqueue(ctx context.Context, e ivr.Enqueue) (ivr.EnqueueResult, error) {
	s, err := p.turn(ctx, e.Hold, "waits in "+e.Queue)
	if err != nil {
		return "", err
	}
	result, ok := map[string]ivr.EnqueueResult{
		"answers": ivr.EnqueueAnswered, "noanswer": ivr.EnqueueTimeout, "fails": ivr.EnqueueFailed,
	}[s.value]
	if s.kind != stepAgent || !ok {
		return "", p.fail(s, "node %s waits in queue %s; expected a step agent: answers, noanswer or fails", p.node(), e.Queue)
	}
	p.done()
	p.heard = nil
	if p.now = p.now.Add(s.time); result == ivr.EnqueueTimeout {
		p.now = p.now.Add(e.Timeout)
	}
	return result, nil
}

// Record plays a caller who leaves a message.
func (p *player) Record(ctx context.Context, r ivr.Record) (ivr.Recorded, error) {
	s, err := p.turn(ctx, r.Prompts, "takes a message")
	if err != nil {
		return ivr.Recorded{}, err
	}
	if s.kind != stepMessage && s.kind != stepSilence {
		return ivr.Recorded{}, p.fail(s, "node %s takes a message; expected a step leaves message: or silence", p.node())
	}
	p.done()
	p.heard = nil
	length := min(s.time, r.Max)
	p.now = p.now.Add(length)
	if length < r.MinSpeech {
		length = 0
	}
	return ivr.Recorded{Duration: length}, nil
}

// Recording notes whether the call is being recorded.
func (p *player) Recording(_ context.Context, on bool) error {
	p.recording = on
	return nil
}

// Hangup lets the last words be heard.
func (p *player) Hangup(context.Context) error {
	p.hear()
	return nil
}

// Entered keeps the path.
func (p *player) Entered(flow, node string) { p.path = append(p.path, Visit{flow, node}) }

// Understood is of no interest: what follows shows it.
func (*player) Understood(ivr.Understanding) {}

// Now is the scenario's clock.
func (p *player) Now() time.Time { return p.now }

// Fetch answers from the scenario's replies; the last of several is repeated.
func (p *player) Fetch(_ context.Context, r ivr.Request) (ivr.Response, error) {
	name := ""
	for candidate := range p.test.http {
		method, path, _ := strings.Cut(candidate, " ")
		if method == r.Method && strings.HasSuffix(r.URL, path) && len(candidate) > len(name) {
			name = candidate
		}
	}
	if name == "" {
		return ivr.Response{}, p.fail(nil, "node %s fetches %s %s, for which http: has no reply", p.node(), r.Method, r.URL)
	}
	replies := p.test.http[name]
	reply := replies[min(p.served[name], len(replies)-1)]
	p.served[name]++
	switch reply.err {
	case "":
		return ivr.Response{Status: reply.status, Body: reply.body}, nil
	case "timeout":
		p.now = p.now.Add(r.Timeout)
		return ivr.Response{}, context.DeadlineExceeded
	default:
		return ivr.Response{}, errors.New(reply.err)
	}
}
