// Command ivrload puts load on a SIP server, ivrd or another, and judges what
// it hears. See `ivrload --help` and docs/load.md.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/alecthomas/kong"

	"github.com/ivrd/ivrd/internal/load"
	"github.com/ivrd/ivrd/media"
)

// Exit codes, public.
const (
	exitFault = 1 // the run could not be made
	exitUsage = 2
)

type cli struct {
	Hold   holdCmd   `cmd:"" help:"Hold a number of calls for a time."`
	Rate   rateCmd   `cmd:"" help:"Begin a number of calls each second."`
	Search searchCmd `cmd:"" help:"Find the most that goes well: loss < 0.1 %, p99 jitter < 5 ms, less than 0.1 % of calls failed (docs/load.md)."`
	Serve  serveCmd  `cmd:"" help:"Only answer calls, until interrupted."`
}

// common are the flags of all commands.
type common struct {
	Listen      string        `default:"127.0.0.1:0" help:"Our address and SIP port; media come to the same address." placeholder:"ADDR:PORT"`
	From        string        `default:"7000" help:"Digits that begin each caller's number."`
	User        string        `help:"User that answers challenges." placeholder:"NAME"`
	Password    string        `help:"Its password." env:"IVRLOAD_PASSWORD"`
	Register    bool          `help:"Register the user as a telephone."`
	Codec       string        `default:"pcmu" enum:"pcmu,pcma" help:"What callers offer."`
	ServeCodec  string        `default:"pcmu" enum:"pcmu,pcma" help:"What those who are called choose, when it is offered."`
	SRTP        string        `name:"srtp" enum:"off,aes80,gcm128,gcm256" default:"off" help:"Suite that callers offer: off, aes80, gcm128, gcm256."`
	Press       string        `help:"Keys after the answer: w1.5,2,w3,1234# waits 1.5 s, presses 2, waits 3 s, presses 1234#."`
	Digits      string        `help:"Keys to press again and again."`
	DigitsEvery time.Duration `default:"15s" help:"How often."`
	Tone        bool          `help:"Look whether the right party's tone is heard."`
	Ports       int           `default:"2" help:"RTP ports of each side; legs share them."`
	PID         int           `name:"pid" help:"Process of the server, to measure its CPU and memory."`
	JSON        bool          `name:"json" help:"Print the report as JSON."`
	Quiet       bool          `short:"q" help:"Say nothing of the course."`
}

// caller are the flags of those who call.
type caller struct {
	URI    string        `arg:"" help:"Whom to call: sip:1000@127.0.0.1:5060"`
	Serve  bool          `help:"Answer calls, too: the far ends of bridges."`
	Ring   time.Duration `default:"30s" help:"How long to wait for an answer."`
	Settle time.Duration `default:"4s" help:"How long a new load runs before it is measured."`
	After  time.Duration `help:"Look at the server's memory again this long after the last call."`
}

type holdCmd struct {
	common `embed:""`
	caller `embed:""`

	Calls    int           `default:"10" help:"How many calls."`
	Ramp     float64       `default:"50" help:"Calls begun each second until all are up."`
	Duration time.Duration `default:"60s" help:"How long they are measured."`
}

type rateCmd struct {
	common `embed:""`
	caller `embed:""`

	Rate     float64       `default:"10" help:"Calls begun each second."`
	Talk     time.Duration `default:"1s" help:"How long a call lasts from its answer; 0s: until the server hangs up."`
	Duration time.Duration `default:"60s" help:"How long they are measured."`
}

type searchCmd struct {
	common `embed:""`
	caller `embed:""`

	By       string        `default:"calls" enum:"calls,rate" help:"What is raised: calls held at once, or calls begun a second."`
	From     float64       `name:"low" default:"100" help:"Where to begin."`
	To       float64       `name:"high" default:"10000" help:"Where to end."`
	Exact    float64       `default:"0.05" help:"How exactly the limit is found, as a share of it."`
	Ramp     float64       `default:"50" help:"Calls begun each second until all are up."`
	Talk     time.Duration `default:"1s" help:"With --by rate: how long a call lasts from its answer."`
	Duration time.Duration `default:"30s" help:"How long each step is measured."`
}

type serveCmd struct {
	common `embed:""`

	URI string `help:"The server to register with." placeholder:"sip:HOST:PORT"`
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("ivrload"), kong.Description("Load for SIP servers, measured by what is heard."), kong.UsageOnError())
	if err != nil {
		panic(err) // a mistake in the struct above, found by its first test
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ivrload: %v\nhint: ivrload --help lists the commands\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kctx.BindTo(ctx, (*context.Context)(nil))
	debug.SetGCPercent(400) // signalling alone makes garbage: rather memory than pauses
	if err := kctx.Run(); err != nil {
		fmt.Fprintf(os.Stderr, "ivrload: %v\n", err)
		return exitFault
	}
	return 0
}

// options turns flags into those of a run.
func (c common) options() (load.Options, error) {
	listen, err := netip.ParseAddrPort(c.Listen)
	if err != nil {
		return load.Options{}, fmt.Errorf("read --listen: %w (hint: 127.0.0.1:5070)", err)
	}
	o := load.Options{
		Listen: listen, From: c.From, User: c.User, Password: c.Password, Register: c.Register,
		Codec: codecs()[c.Codec], ServeCodec: codecs()[c.ServeCodec], SRTP: suites()[c.SRTP],
		Press: c.Press, Digits: c.Digits, DigitsEvery: c.DigitsEvery, Tone: c.Tone, Ports: c.Ports, PID: c.PID,
	}
	if !c.Quiet {
		o.Progress = func(s string) { fmt.Fprintln(os.Stderr, "ivrload:", s) }
	}
	return o, nil
}

func codecs() map[string]media.Codec {
	return map[string]media.Codec{"pcmu": media.PCMU, "pcma": media.PCMA}
}

func suites() map[string]string {
	return map[string]string{"aes80": "AES_CM_128_HMAC_SHA1_80", "gcm128": "AEAD_AES_128_GCM", "gcm256": "AEAD_AES_256_GCM"}
}

func (c caller) add(o *load.Options) {
	o.URI, o.Serve, o.Ring, o.Settle = c.URI, c.Serve, c.Ring, c.Settle
}

// Run holds calls.
func (c holdCmd) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	c.add(&o)
	r, err := load.Hold(ctx, o, load.HoldPlan{Calls: c.Calls, Ramp: c.Ramp, Duration: c.Duration, After: c.After})
	return c.print(r, err)
}

// Run begins calls at a rate.
func (c rateCmd) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	c.add(&o)
	o.Talk = c.Talk
	r, err := load.Rate(ctx, o, load.RatePlan{Rate: c.Rate, Duration: c.Duration, After: c.After})
	return c.print(r, err)
}

// Run searches the limit.
func (c searchCmd) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	c.add(&o)
	if c.By == "rate" {
		o.Talk = c.Talk
	}
	r, err := load.Search(ctx, o, load.SearchPlan{
		ByRate: c.By == "rate", From: c.From, To: c.To, Exact: c.Exact, Ramp: c.Ramp, Duration: c.Duration, After: c.After,
	})
	return c.print(r, err)
}

// Run answers calls.
func (c serveCmd) Run(ctx context.Context) error {
	o, err := c.options()
	if err != nil {
		return err
	}
	o.URI, o.Serve = c.URI, true
	r, err := load.Serve(ctx, o)
	return c.print(r, err)
}

func (c common) print(r *load.Report, err error) error {
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return r.Write(os.Stdout)
}
