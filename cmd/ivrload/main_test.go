package main

import (
	"testing"

	"github.com/alecthomas/kong"

	"github.com/ivrd/ivrd/internal/load"
)

func TestFlags(t *testing.T) {
	for _, mode := range []string{"hold", "rate", "search"} {
		var c cli
		parser, err := kong.New(&c)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parser.Parse([]string{mode, "sip:1000@127.0.0.1", "--serve", "--srtp", "gcm128", "--from", "12"}); err != nil {
			t.Errorf("%s: %v", mode, err)
		}
	}
}

func TestEverySuiteHasAFlag(t *testing.T) {
	for _, suite := range load.Suites() {
		found := false
		for _, s := range suites() {
			found = found || s == suite
		}
		if !found {
			t.Errorf("%s cannot be asked for", suite)
		}
	}
}

func TestExitCodes(t *testing.T) {
	for want, args := range map[int][]string{
		exitUsage: {"hold"},
		exitFault: {"hold", "sip:1000@127.0.0.1:1", "-q", "--press", "x"},
	} {
		if got := run(args); got != want {
			t.Errorf("ivrload %v: exit code %d, want %d", args, got, want)
		}
	}
}
