package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
	"github.com/ivrd/ivrd/internal/load"
)

func TestConfigurationIsRight(t *testing.T) {
	h := &house{}
	t.Cleanup(h.remove)
	if err := h.prepare(); err != nil {
		t.Fatal(err)
	}
	f, err := config.Load(config.Source{Path: filepath.Join(h.dir, "ivrd.yaml")})
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range lines() {
		flow := f.Calls.Numbers[l.number]
		if _, err := os.Stat(filepath.Join(f.Flows.Dir, flow+".yaml")); flow == "" || err != nil {
			t.Errorf("line %s calls %s, which is flow %q (%v)", l.name, l.number, flow, err)
		}
	}
	for _, trunk := range f.SIP.Trunks {
		if (trunk.SRTP == "sdes") != (trunk.Name == "secure") || trunk.Server != h.callee {
			t.Errorf("trunk %+v", trunk)
		}
	}
}

func TestRowsFitTheHeading(t *testing.T) {
	s := load.Step{Good: true, Wanted: 5, Window: &load.Window{Sides: make([]load.Side, 2), Server: &load.Server{}}}
	columns := strings.Count(strings.Split(heading(), "\n")[0], "|")
	for _, rate := range []bool{false, true} {
		if got := strings.Count(row("x", s, rate), "|"); got != columns {
			t.Errorf("a row has %d bars, the heading %d", got, columns)
		}
	}
}
