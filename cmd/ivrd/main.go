// Command ivrd is the server and its tools. See `ivrd --help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/ivrd/ivrd/internal/config"
)

// Exit codes, public.
const (
	exitFault = 1 // a fault that the user can mend, said with a hint
	exitUsage = 2 // wrong usage
)

type cli struct {
	Serve   serveCmd   `cmd:"" help:"Run the server. Without --config: the demo, on loopback."`
	Check   checkCmd   `cmd:"" help:"Check configuration, flows, prompts and keys; name every fault."`
	Call    callCmd    `cmd:"" help:"Call a SIP URI with a headless phone."`
	User    userCmd    `cmd:"" help:"People, roles and SIP secrets."`
	Verify  verifyCmd  `cmd:"" help:"Prove recordings, records and the audit chain whole."`
	Keys    keysCmd    `cmd:"" help:"Data keys and their wrapping."`
	Flow    flowCmd    `cmd:"" help:"Call flows."`
	Intent  intentCmd  `cmd:"" help:"What callers may want."`
	Migrate migrateCmd `cmd:"" help:"Schema of the database."`
	Version versionCmd `cmd:"" help:"Version, commit and Go version."`
}

// configured is shared by the commands that read the configuration.
type configured struct {
	Config string   `help:"Configuration file; without it the demo's defaults." placeholder:"FILE" type:"path"`
	Set    []string `help:"Override one key: section.key=value." placeholder:"KEY=VALUE" sep:"none"`
}

func (c configured) load() (config.File, error) {
	return config.Load(config.Source{Path: c.Config, Env: os.Environ(), Sets: c.Set})
}

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	var c cli
	parser, err := kong.New(&c, kong.Name("ivrd"), kong.Description("A voice-first contact-centre server."), kong.UsageOnError())
	if err != nil {
		panic(err) // a mistake in the struct above, found by its first test
	}
	kctx, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(os.Stderr, "ivrd: %v\nhint: ivrd --help lists the commands\n", err)
		return exitUsage
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	kctx.BindTo(ctx, (*context.Context)(nil))
	if err := kctx.Run(); err != nil {
		return complain(err)
	}
	return 0
}

// complain says what went wrong; faults come one a line.
func complain(err error) int {
	_, inConfig := errors.AsType[config.Faults](err)
	_, inFlows := errors.AsType[flowFaults](err)
	if inConfig || inFlows {
		fmt.Fprintln(os.Stderr, err)
	} else {
		fmt.Fprintf(os.Stderr, "ivrd: %v\n", err)
	}
	return exitFault
}
