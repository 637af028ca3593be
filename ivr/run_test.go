package ivr

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// line is a telephone line with a caller who presses keys, turn by turn; "-"
// is a turn without any, "!" hangs up; what begins with a quote is said.
type line struct {
	meaning    Understander
	understood []Understanding
	turns      []string
	listens    []Listen
	path       []string
	said       []string
	requests   []Request
	keys       []Secret
	reply      func(Request) (Response, error)
	results    []ConnectResult
	queued     []Enqueue
	targets    []string
	message    time.Duration
	records    []Record
	record     []bool
	hungUp     bool
	broken     string // a prompt that cannot be played
	refused    error  // what Recording gives
}

func (l *line) say(prompts []Prompt) error {
	for _, p := range prompts {
		if p.File == l.broken && p.File != "" {
			return errors.New("play prompt: no such file")
		}
		l.said = append(l.said, p.Language+":"+p.File+p.Text)
	}
	return nil
}

func (l *line) Listen(_ context.Context, turn Listen) (Heard, error) {
	if err := l.say(turn.Prompts); err != nil {
		return Heard{}, err
	}
	if turn.Max == 0 {
		return Heard{Kind: HeardPlayed}, nil
	}
	l.listens = append(l.listens, turn)
	if len(l.turns) == 0 || l.turns[0] == "!" {
		return Heard{}, fmt.Errorf("listen: %w", ErrHangup)
	}
	keys := l.turns[0]
	l.turns = l.turns[1:]
	if keys == "-" {
		return Heard{Kind: HeardNothing}, nil
	}
	s := NewSecret([]byte(strings.TrimPrefix(keys, `"`)))
	l.keys = append(l.keys, s)
	if said, ok := strings.CutPrefix(keys, `"`); ok {
		return l.hear(turn, said, s), nil
	}
	return Heard{Kind: HeardKeys, Keys: s}, nil
}

// hear hears phrases, and where anything may be said anything.
func (l *line) hear(turn Listen, said string, s Secret) Heard {
	phrases := turn.Phrases
	for _, t := range turn.Tongues {
		phrases = append(phrases, t.Phrases...)
	}
	switch {
	case turn.Free:
		return Heard{Kind: HeardWords, Words: s}
	case slices.Contains(phrases, said):
		return Heard{Kind: HeardPhrase, Phrase: said}
	default:
		return Heard{Kind: HeardSpeech}
	}
}

func (l *line) Understood(u Understanding) { l.understood = append(l.understood, u) }

func (l *line) Connect(_ context.Context, c Connect) (ConnectResult, error) {
	l.targets = append(l.targets, c.Target)
	result := l.results[0]
	l.results = l.results[1:]
	return result, l.say(c.Hold)
}

func (l *line) Enqueue(_ context.Context, e Enqueue) (EnqueueResult, error) {
	l.queued = append(l.queued, e)
	if err := l.say(e.Hold); err != nil || e.News == nil {
		return EnqueueAnswered, err
	}
	for position := 2; position > 0; position-- {
		news, err := e.News(position, time.Duration(position)*100*time.Second)
		if err != nil {
			return "", err
		}
		if err := l.say(news); err != nil {
			return "", err
		}
	}
	return EnqueueTimeout, nil
}

func (l *line) Record(_ context.Context, r Record) (Recorded, error) {
	l.records = append(l.records, r)
	return Recorded{Duration: l.message}, l.say(r.Prompts)
}

func (l *line) Recording(_ context.Context, on bool) error {
	l.record = append(l.record, on)
	return l.refused
}

func (l *line) Hangup(context.Context) error {
	l.hungUp = true
	return ErrHangup
}

func (l *line) Entered(flow, node string) { l.path = append(l.path, flow+"."+node) }

func (l *line) Fetch(_ context.Context, r Request) (Response, error) {
	r.Body = bytes.Clone(r.Body) // the run wipes its own
	l.requests = append(l.requests, r)
	return l.reply(r)
}

func (l *line) Now() time.Time { return time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC) }

// start loads flows, which must be without fault, and runs the first.
func (l *line) start(t *testing.T, o Options, sources ...string) (End, error) {
	t.Helper()
	files := map[string][]byte{}
	for i, source := range sources {
		files[fmt.Sprintf("%d.yaml", i)] = []byte(source)
	}
	flows, faults := CheckFiles(files, CheckOptions{})
	for _, f := range faults {
		t.Fatal(f)
	}
	run, err := NewRun(flows, "main", Ports{Caller: l, Fetcher: l, Clock: l, Understander: l.meaning}, o)
	if err != nil {
		t.Fatal(err)
	}
	return run.Run(t.Context())
}

func (l *line) expect(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n got %q\nwant %q", what, got, want)
	}
}

const verbPost = "POST" // ivr knows no net/http

const pinFlow = `flow: main
languages: [en, zh]
start: pin
nodes:
  pin:
    collect: {play: enter_pin, digits: 4-6, secret: true, into: pin, reprompt: {play: again}, timeout: 7s, retries: 3}
    on: {ok: send, noinput: end, nomatch: end}
  send:
    http:
      post: ${env.BACKEND}/check/${caller.from}?q=${now.weekday}
      headers: {X-Call: "${caller.to}"}
      json: {pin: "${pin}", length: "${len(pin)}", list: [1, true, null, "a ${language}b"], from: "${caller.from}", nothing: ""}
      into: reply
    on: {ok: tell, 403: pin, error: end}
  tell:
    say: {en: "Yes, {reply.name}.", zh: "是，{reply.name}。"}
    next: end
`

func TestSecretReachesOnlyTheBody(t *testing.T) {
	l := &line{turns: []string{"12", "-", "1*34", "4711"}, reply: func(Request) (Response, error) {
		return Response{Status: 200, Body: []byte(`{"name":"Ada"}`)}, nil
	}}
	end, err := l.start(t, Options{From: "+86 1/2", To: "1000", Language: "zh", Env: map[string]string{"BACKEND": "http://b:1"}}, pinFlow)
	if err != nil || end.Reason != FlowHangup || !l.hungUp {
		t.Fatalf("end %v, %v", end, err)
	}
	r := l.requests[0]
	if r.URL != "http://b:1/check/%2B86%201%2F2?q=fri" || r.Header["X-Call"] != "1000" || r.Method != verbPost {
		t.Errorf("request: %s %s %v", r.Method, r.URL, r.Header)
	}
	if want := `{"pin":"4711","length":4,"list":[1,true,null,"a zhb"],"from":"+86 1/2","nothing":""}`; string(r.Body) != want || !json.Valid(r.Body) {
		t.Errorf("body %s", r.Body)
	}
	for _, s := range l.keys {
		if s.Len() != 0 {
			t.Error("keys were not wiped")
		}
	}
	turn := l.listens[0]
	if !turn.Secret || turn.Min != 4 || turn.Max != 6 || turn.Finish != '#' || turn.Timeout != 7*time.Second || !turn.BargeIn {
		t.Errorf("turn %+v", turn)
	}
	l.expect(t, "said", l.said, []string{"zh:enter_pin", "zh:again", "zh:again", "zh:again", "zh:是，Ada。"})
}

func TestSecretHides(t *testing.T) {
	keys := []byte("4711")
	s := NewSecret(keys)
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s, "h", Heard{Keys: s})
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s, "p", &s, "h", Heard{Keys: s})
	j, err := json.Marshal(map[string]any{"a": s, "b": []any{s, &s}, "c": Heard{Keys: s}})
	if err != nil {
		t.Fatal(err)
	}
	y, err := yaml.Marshal(map[string]any{"a": s, "b": Heard{Keys: s}})
	if err != nil {
		t.Fatal(err)
	}
	type around struct{ inner Secret }
	all := log.String() + string(j) + string(y) + s.String() + s.GoString()
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%c"} {
		all += fmt.Sprintf(verb+verb+verb+verb, s, &s, around{s}, Heard{Keys: s})
	}
	for _, form := range []string{"4711", "52, 55", "52 55", "34373131", "NDcxMQ", "'4'"} {
		if strings.Contains(all, form) {
			t.Errorf("%s shows in %s", form, all)
		}
	}
	copied := s
	s.Wipe()
	if copied.Len() != 0 || !bytes.Equal(keys, make([]byte, 4)) {
		t.Error("the copy or the bytes outlive Wipe")
	}
	Secret{}.Wipe()
}

func TestStatusesAndErrors(t *testing.T) {
	flow := `flow: main
languages: [en]
start: get
nodes:
  get:
    http: {get: "http://b/x", into: r}
    on: {ok: good, 201: made, 204: empty, 404: gone, error: bad}
  good: {hangup: {say: good}}
  made: {hangup: {say: made}}
  empty: {hangup: {say: empty}}
  gone: {hangup: {say: gone}}
  bad: {hangup: {say: bad}}
`
	for _, c := range []struct {
		name  string
		reply Response
		err   error
		want  string
	}{
		{"ok", Response{Status: 200, Body: []byte("{}")}, nil, "good"},
		{"named 2xx", Response{Status: 201, Body: []byte("1")}, nil, "made"},
		{"named 2xx without a body", Response{Status: 204}, nil, "empty"},
		{"named 2xx without JSON", Response{Status: 201, Body: []byte("<html>")}, nil, "bad"},
		{"no body", Response{Status: 200}, nil, "bad"},
		{"named status", Response{Status: 404}, nil, "gone"},
		{"other status", Response{Status: 500}, nil, "bad"},
		{"no answer", Response{}, context.DeadlineExceeded, "bad"},
		{"no JSON", Response{Status: 200, Body: []byte("<html>")}, nil, "bad"},
		{"too large", Response{Status: 200, Body: bytes.Repeat([]byte(" "), maxBody+1)}, nil, "bad"},
	} {
		l := &line{reply: func(Request) (Response, error) { return c.reply, c.err }}
		if _, err := l.start(t, Options{}, flow); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		l.expect(t, c.name, l.said, []string{"en:" + c.want})
	}
}

// What a caller's number or an answer holds must not lead a fetch elsewhere.
func TestDotsInAnAddress(t *testing.T) {
	const flow = `flow: main
languages: [en]
start: get
nodes:
  get: {http: {get: "%s"}, on: {ok: good, error: bad}}
  good: {hangup: {say: good}}
  bad: {hangup: {say: bad}}
`
	for _, c := range []struct{ url, from, want string }{
		{"${env.BACKEND}/users/${caller.from}/balance", "..", ""},
		{"${env.BACKEND}/users/${caller.from}/balance", ".", ""},
		{"${env.BACKEND}/users/${caller.from}", "..", ""},
		{"http://b/users/${caller.from}?q=1", "..", ""},
		{"http://b/users/.${caller.from}", ".", ""},
		{"http://b/users/${caller.from}${caller.from}", ".", ""},
		{"http://b/users/${caller.from}", "...", "http://b/users/..."},
		{"http://b/users/${caller.from}", "a/../b", "http://b/users/a%2F..%2Fb"},
		{"http://b/users?id=${caller.from}", "..", "http://b/users?id=.."},
		{"${env.BACKEND}?id=/${caller.from}/", "..", "http://b?id=/../"},
	} {
		l := &line{reply: func(Request) (Response, error) { return Response{Status: 200}, nil }}
		options := Options{From: c.from, Env: map[string]string{"BACKEND": "http://b"}}
		if _, err := l.start(t, options, fmt.Sprintf(flow, c.url)); err != nil {
			t.Errorf("%s with %s: %v", c.url, c.from, err)
		}
		outcome := "en:bad"
		if c.want != "" {
			outcome = "en:good"
		}
		l.expect(t, c.url+" with "+c.from, l.said, []string{outcome})
		if c.want == "" && len(l.requests) > 0 || c.want != "" && (len(l.requests) != 1 || l.requests[0].URL != c.want) {
			t.Errorf("%s with %s: fetched %+v", c.url, c.from, l.requests)
		}
	}
}

func TestMenu(t *testing.T) {
	flow := `flow: main
languages: [en, zh]
start: language
nodes:
  language:
    menu:
      play: [hello, choose]
      say: {en: English 1., zh: 中文二。}
      options:
        en: {digit: 1, set: {language: en}, recording: start}
        zh: {digit: 2, set: {language: zh, vip: true}}
        desk: {digit: 12}
      retries: 1
    on: {en: said, zh: said, desk: end, noinput: silent, nomatch: end}
  silent: {play: silent, recording: stop, next: language}
  said: {play: thanks, next: end}
`
	l := &line{turns: []string{"9", "-", "2"}}
	end, err := l.start(t, Options{}, flow)
	if err != nil || end.Language != "zh" {
		t.Errorf("end %+v, %v", end, err)
	}
	both := []string{"en:hello", "en:choose", "en:English 1.", "zh:hello", "zh:choose", "zh:中文二。"}
	want := slices.Concat(both, both, []string{"en:silent", "zh:silent"}, both, []string{"zh:thanks"})
	l.expect(t, "said", l.said, want)
	l.expect(t, "path", l.path, []string{"main.language", "main.silent", "main.language", "main.said"})
	if turn := l.listens[0]; turn.Single != "023456789*#" || turn.Max != 2 || turn.Min != 1 {
		t.Errorf("turn %+v", turn)
	}
	l = &line{turns: []string{"1"}}
	if _, err := l.start(t, Options{}, flow); err != nil || !slices.Equal(l.record, []bool{true}) {
		t.Errorf("recording %v, %v", l.record, err)
	}
}

func TestFlowsCallEachOther(t *testing.T) {
	main := `flow: main
languages: [en]
start: first
on_error: sorry
nodes:
  first: {call: ask, next: check}
  check:
    branch:
      - {if: 'answer == "1" && tries == 1', then: thanks}
      - {else: end}
  thanks: {play: thanks, next: end}
  sorry: {play: sorry, next: end}
`
	ask := `flow: ask
languages: [en]
start: count
nodes:
  count: {set: {tries: 1}, next: ask}
  ask: {collect: {play: ask, digits: 1, into: answer}, on: {ok: end, noinput: broken, nomatch: end}}
  broken: {play: broken, next: end}
`
	l := &line{turns: []string{"1"}}
	if end, err := l.start(t, Options{}, main, ask); err != nil || end.Reason != FlowHangup {
		t.Errorf("end %v, %v", end, err)
	}
	l.expect(t, "path", l.path, []string{"main.first", "ask.count", "ask.ask", "main.check", "main.thanks"})

	l = &line{turns: []string{"-", "-", "-"}, broken: "broken"}
	if end, err := l.start(t, Options{}, main, ask); err != nil || end.Reason != FlowHangup {
		t.Errorf("end %v, %v", end, err)
	}
	l.expect(t, "a fault goes to the caller's on_error", l.path, []string{"main.first", "ask.count", "ask.ask", "ask.broken", "main.sorry"})

	l = &line{turns: []string{"-", "-", "-"}, broken: "broken"}
	end, err := l.start(t, Options{}, strings.Replace(main, "play: thanks, next: end", "play: thanks, next: sorry", 1), strings.Replace(ask, "play: ask,", "play: broken,", 1))
	if err != nil || end.Reason != FlowHangup {
		t.Errorf("end %v, %v", end, err)
	}
}

func TestRunEnds(t *testing.T) {
	recursion := "flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: {collect: {play: x, digits: 1, into: v}, on: {ok: b, noinput: end, nomatch: end}}\n  b: {call: main, next: end}\n"
	fetching := "flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: {http: {get: \"http://x\"}, on: {ok: end, error: a}}\n"
	broken := "flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: {play: broken, next: end}\n"
	again := "flow: main\nlanguages: [en]\nstart: a\non_error: b\nnodes:\n  a: {play: broken, next: end}\n  b: {collect: {play: x, digits: 1, into: v}, on: {ok: a, noinput: end, nomatch: end}}\n"
	noValue := "flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: {http: {get: \"http://x\", into: r}, on: {ok: b, error: b}}\n  b: {say: \"{r.amount|number}\", next: end}\n"
	for _, c := range []struct {
		name, flow string
		turns      []string
		want       Reason
		text       string
	}{
		{"hang-up", recursion, []string{"!"}, CallerHangup, ""},
		{"flows nested too deep", recursion, slices.Repeat([]string{"1"}, 50), FlowFault, "deeper than 16"},
		{"fetching for ever", fetching, nil, FlowFault, "without end"},
		{"a prompt that cannot be played", broken, nil, FlowFault, "no such file"},
		{"faults again and again", again, slices.Repeat([]string{"1"}, 9), FlowFault, "no such file"},
		{"a value that is not there", noValue, nil, FlowFault, `evaluate "r.amount"`},
	} {
		l := &line{turns: c.turns, broken: "broken", reply: func(Request) (Response, error) { return Response{Status: 500}, nil }}
		end, err := l.start(t, Options{}, c.flow)
		if end.Reason != c.want || (err != nil) != (c.text != "") || err != nil && !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %+v, %v", c.name, end, err)
		}
	}
}

func TestCancelledRun(t *testing.T) {
	flows, faults := Load(map[string][]byte{"f": []byte("flow: main\nlanguages: [en]\nstart: a\non_error: a\nnodes:\n  a: {play: x, next: end}\n")})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	l := &line{}
	run, err := NewRun(flows, "main", Ports{Caller: l, Fetcher: l, Clock: l}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if end, err := run.Run(ctx); end.Reason != Cancelled || !errors.Is(err, context.Canceled) || l.hungUp {
		t.Errorf("end %v, %v", end, err)
	}
}

// TestHangupDuringFetch: the conductor cancels with the reason as cause.
func TestHangupDuringFetch(t *testing.T) {
	flows, faults := Load(map[string][]byte{"f": []byte("flow: main\nlanguages: [en]\nstart: a\non_error: b\nnodes:\n  a: {http: {get: \"http://x\"}, on: {ok: end}}\n  b: {play: x, next: end}\n")})
	if len(faults) > 0 {
		t.Fatal(faults)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	l := &line{reply: func(Request) (Response, error) {
		cancel(ErrHangup)
		return Response{}, context.Canceled
	}}
	run, err := NewRun(flows, "main", Ports{Caller: l, Fetcher: l, Clock: l}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if end, err := run.Run(ctx); end.Reason != CallerHangup || err != nil || len(l.path) != 1 {
		t.Errorf("end %v, %v, path %v", end, err, l.path)
	}
}

func TestNewRunRefuses(t *testing.T) {
	flows, _ := Load(map[string][]byte{"f": []byte("flow: main\n")})
	if _, err := NewRun(flows, "main", Ports{}, Options{}); err == nil {
		t.Error("flows with faults run")
	}
	flows, _ = Load(map[string][]byte{"f": []byte("flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: {hangup: }\n")})
	if _, err := NewRun(flows, "other", Ports{}, Options{}); err == nil {
		t.Error("a flow that does not exist runs")
	}
}

func TestConnectAndRecord(t *testing.T) {
	flow := `flow: main
languages: [en]
start: ring
nodes:
  ring:
    connect: {to: [alice, "${caller.to}"], timeout: 9s, hold: hold, caller_id: "${caller.from}"}
    on: {ok: end, busy: message, noanswer: end, error: end}
  message:
    record: {say: After the tone., max: 30s, into: seconds}
    on: {ok: thanks, noinput: end}
  thanks: {hangup: {say: "{seconds|count} seconds"}}
`
	l := &line{results: []ConnectResult{ConnectNoAnswer, ConnectBusy}, message: 7 * time.Second}
	if _, err := l.start(t, Options{To: "bob"}, flow); err != nil {
		t.Fatal(err)
	}
	l.expect(t, "targets", l.targets, []string{"alice", "bob"})
	l.expect(t, "said", l.said, []string{"en:hold", "en:hold", "en:After the tone.", "en:seven seconds"})
	l = &line{results: []ConnectResult{ConnectEnded}}
	if _, err := l.start(t, Options{}, flow); err != nil {
		t.Fatal(err)
	}
	l.expect(t, "nobody is rung after an answer", l.targets, []string{"alice"})
}

// TestVersion: what the flow says makes its version, and what it calls.
func TestVersion(t *testing.T) {
	main := "flow: main\nlanguages: [en]\nstart: a\nnodes:\n  a: {call: other, next: end}\n"
	other := "flow: other\nlanguages: [en]\nstart: a\nnodes:\n  a: {play: x, next: end}\n"
	version := func(main, other string) string {
		flows, faults := Load(map[string][]byte{"m": []byte(main), "o": []byte(other)})
		if len(faults) > 0 {
			t.Fatal(faults)
		}
		return flows.Flow("main").Version
	}
	v := version(main, other)
	if len(v) != 12 || v != version("# a comment\r\n"+strings.ReplaceAll(main, "a: {call: other, next: end}", "a:\n    call: \"other\"\n    next: end"), other) {
		t.Errorf("version %q depends on layout", v)
	}
	if v == version(main, strings.Replace(other, "play: x", "play: y", 1)) || v == version(main+"  b: {hangup: }\n", other) {
		t.Error("the version does not follow what is said")
	}
}

// TestUnrecorded is a call that must be recorded and cannot be: it is told so,
// if the flow has words for it, and goes no further.
func TestUnrecorded(t *testing.T) {
	const flow = `
flow: main
languages: [en]
start: greet
on_error: sorry
nodes:
  greet: {play: hello, recording: start, next: person}
  person: {connect: {to: alice}, on: {ok: end, busy: end, noanswer: end, error: end}}
  sorry: {%s}
`
	for name, c := range map[string]struct {
		sorry string
		path  []string
	}{
		"told":     {"play: sorry, next: person", []string{"main.greet", "main.sorry"}},
		"farewell": {"hangup: {play: sorry}", []string{"main.greet", "main.sorry"}},
		"silent":   {"connect: {to: bob}, on: {ok: person, busy: end, noanswer: end, error: end}", []string{"main.greet"}},
	} {
		t.Run(name, func(t *testing.T) {
			l := &line{refused: fmt.Errorf("record: %w", ErrUnrecorded)}
			e, err := l.start(t, Options{}, fmt.Sprintf(flow, c.sorry))
			if e.Reason != FlowFault || !errors.Is(err, ErrUnrecorded) {
				t.Errorf("ended as %v: %v", e.Reason, err)
			}
			l.expect(t, "path", l.path, c.path)
		})
	}
}

// TestEnqueue: what is asked of the queue, the news, and the outcomes.
func TestEnqueue(t *testing.T) {
	l := &line{}
	end, err := l.start(t, Options{From: "1"}, `flow: main
languages: [en, zh]
start: first
nodes:
  first: {set: {language: zh, worth: 80}, next: wait}
  wait:
    enqueue:
      queue: fraud
      skills: {fraud: 3}
      value: "${worth + 5}"
      difficulty: 90
      timeout: 3m
      while: [music, ad]
      news: {every: 30s, say: {en: "You are number {queue.position}.", zh: "您前面还有{queue.position-1|count}位，约{queue.minutes|count}分钟。"}}
    on: {answered: end, timeout: again, error: end}
  again: {enqueue: payments, on: {answered: bye, timeout: end, error: end}}
  bye: {say: {en: Bye., zh: 再见。}, next: end}
`)
	if err != nil || end.Reason != FlowHangup {
		t.Fatal(end, err)
	}
	if len(l.queued) != 2 {
		t.Fatalf("queued %+v", l.queued)
	}
	q := l.queued[0]
	if q.Queue != "fraud" || q.Skills["fraud"] != 3 || q.Value != 85 || q.Difficulty != 90 || q.Language != "zh" || q.Timeout != 3*time.Minute || q.Every != 30*time.Second {
		t.Errorf("asked for %+v", q)
	}
	if q := l.queued[1]; q.Queue != "payments" || q.Value != 50 || q.Difficulty != 50 || q.Timeout != 10*time.Minute || q.News != nil {
		t.Errorf("asked for %+v", q)
	}
	want := []string{"zh:music", "zh:ad", "zh:您前面还有一位，约四分钟。", "zh:您前面还有零位，约两分钟。", "zh:再见。"}
	if !slices.Equal(l.said, want) {
		t.Errorf("said %q, want %q", l.said, want)
	}
}
