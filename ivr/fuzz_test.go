package ivr

import (
	"context"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// chance is a caller, a back end and a clock that do anything, at once. It
// gives up after a number of turns that no conversation reaches.
type chance struct {
	*rand.Rand
	turns int
	now   time.Time
}

func (c *chance) turn() error {
	c.turns++
	c.now = c.now.Add(time.Duration(c.IntN(100)) * time.Minute)
	if c.turns > 300 || c.IntN(50) == 0 {
		return ErrHangup
	}
	return nil
}

func (c *chance) Listen(_ context.Context, l Listen) (Heard, error) {
	if l.Max == 0 {
		return Heard{Kind: HeardPlayed}, nil
	}
	keys := make([]byte, c.IntN(l.Max+1))
	for i := range keys {
		keys[i] = "0123456789*#"[c.IntN(12)]
	}
	if len(keys) == 0 {
		return Heard{Kind: HeardNothing}, c.turn()
	}
	return Heard{Kind: HeardKeys, Keys: NewSecret(keys)}, c.turn()
}

func (c *chance) Connect(context.Context, Connect) (ConnectResult, error) {
	return []ConnectResult{ConnectEnded, ConnectBusy, ConnectNoAnswer, ConnectFailed}[c.IntN(4)], c.turn()
}

func (c *chance) Enqueue(_ context.Context, e Enqueue) (EnqueueResult, error) {
	if e.News != nil {
		if _, err := e.News(c.IntN(5), time.Duration(c.IntN(5))*time.Minute); err != nil {
			return "", err
		}
	}
	return []EnqueueResult{EnqueueAnswered, EnqueueTimeout, EnqueueFailed}[c.IntN(3)], c.turn()
}

func (c *chance) Record(context.Context, Record) (Recorded, error) {
	return Recorded{Duration: time.Duration(c.IntN(3)) * time.Second}, c.turn()
}

func (c *chance) Recording(context.Context, bool) error { return nil }
func (c *chance) Hangup(context.Context) error          { return nil }
func (c *chance) Entered(string, string)                {}
func (c *chance) Understood(Understanding)              {}
func (c *chance) Now() time.Time                        { return c.now }

func (c *chance) Fetch(context.Context, Request) (Response, error) {
	bodies := []string{`{"amount":1.5,"state":"settled","name":"x"}`, `{}`, `[]`, `null`, `"x"`, `nonsense`, ``}
	return Response{Status: []int{200, 201, 403, 404, 500}[c.IntN(5)], Body: []byte(bodies[c.IntN(len(bodies))])}, nil
}

// FuzzFlow: loading and checking never panic and give every fault a place;
// and a flow without fault comes to an end with any caller, and never by
// going round by itself unless it fetches or calls.
func FuzzFlow(f *testing.F) {
	demo, err := os.ReadFile("../configs/demo/flows/main.yaml")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(demo, uint64(1))
	f.Add([]byte(pinFlow), uint64(2))
	cases, err := os.ReadFile("testdata/faults.txt")
	if err != nil {
		f.Fatal(err)
	}
	for i, block := range strings.Split(string(cases), "=== ")[1:] {
		_, source, _ := strings.Cut(block, "\n")
		source, _, _ = strings.Cut(source, "\n---\n")
		f.Add([]byte(source), uint64(i))
	}
	f.Fuzz(func(t *testing.T, source []byte, seed uint64) {
		flows, faults := CheckFiles(map[string][]byte{"f.yaml": source}, CheckOptions{})
		for _, fault := range faults {
			if fault.File == "" || fault.Line < 1 || fault.Column < 1 || fault.Message == "" || strings.Contains(fault.Message, "%!") {
				t.Fatalf("fault without place or words: %+v", fault)
			}
		}
		if len(faults) > 0 || len(flows.Names()) == 0 {
			return
		}
		walk(t, flows, flows.Names()[0], seed)
	})
}

func walk(t *testing.T, flows *Flows, name string, seed uint64) {
	t.Helper()
	c := &chance{Rand: rand.New(rand.NewPCG(seed, 1)), now: time.Unix(1_800_000_000, 0)}
	run, err := NewRun(flows, name, Ports{Caller: c, Fetcher: c, Clock: c}, Options{From: "+861", To: "1000", Env: map[string]string{"BACKEND": "http://b"}})
	if err != nil {
		t.Fatal(err)
	}
	end, err := run.Run(t.Context())
	switch end.Reason {
	case FlowHangup, CallerHangup:
		if err != nil {
			t.Fatalf("%s with %v", end.Reason, err)
		}
	case FlowFault:
		if err == nil {
			t.Fatal("a fault without an error")
		}
		if strings.Contains(err.Error(), errLimit.Error()) && !mayGoRound(flows) {
			t.Fatalf("a flow that checks clean goes round: %v", err)
		}
	default:
		t.Fatalf("end %+v, %v", end, err)
	}
	for _, s := range run.secrets {
		if s.Len() > 0 {
			t.Fatal("a secret outlives the run")
		}
	}
}

// mayGoRound reports whether a limit may end a run: by fetching for ever, by
// flows that call themselves, or by a very long way without a turn.
func mayGoRound(flows *Flows) bool {
	for _, f := range flows.flows {
		for _, n := range f.nodes {
			if n.word == "http" || n.word == "call" {
				return true
			}
		}
		if len(f.nodes) > maxQuiet {
			return true
		}
	}
	return false
}

// FuzzText: the pieces of a text, put together again, are the text.
func FuzzText(f *testing.F) {
	for _, s := range []string{"plain", "{a|digits} and ${b}", `${"}"}`, "{ {1: 2} }", "$", "${", "{a || b|count}", "{a | number}"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		for rest := s; rest != ""; {
			start, open := nextValue(rest, true)
			if start < 0 {
				return
			}
			body, after, ok := cutBrace(rest[start+len(open):])
			if !ok {
				return
			}
			if again := rest[:start] + open + body + "}" + after; again != rest {
				t.Fatalf("%q became %q", rest, again)
			}
			if bar := lastBar(body); bar >= 0 && body[bar] != '|' {
				t.Fatalf("no bar at %d of %q", bar, body)
			}
			rest = after
		}
	})
}
