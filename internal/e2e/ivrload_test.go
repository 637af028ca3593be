package e2e

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"github.com/ivrd/ivrd/internal/load"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/recordings"
)

// generator builds bin/ivrload as it is shipped.
func generator(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ivrload")
	if out, err := exec.Command("go", "build", "-o", path, "../../cmd/ivrload").CombinedOutput(); err != nil {
		t.Fatalf("build ivrload: %v\n%s", err, out)
	}
	return path
}

// The load generator must count rightly what a real server does: its calls, its
// bridges with each call's own two ends, and the keys that were pressed.
func TestLoadGenerator(t *testing.T) {
	t.Parallel()
	there := fmt.Sprintf("127.0.0.1:%d", testkit.Port(t))
	h := open(t,
		`sip.trunks=[{name: plain, match: ["127.0.0.0/8"], server: "`+there+`"}, {name: secure, match: ["127.0.0.1/32"], server: "`+there+`", srtp: sdes}]`,
		`sip.outbound=[{prefix: "8", trunk: plain}, {prefix: "9", trunk: secure}]`,
		"flows.dir=testdata/loadflows",
		`calls.numbers={"1000": keys, "2000": plain, "3000": secure}`,
	)
	program := generator(t)
	put := func(t *testing.T, mode, number string, flags ...string) load.Step {
		t.Helper()
		args := append([]string{mode, "sip:" + number + "@" + h.sip, "--json", "-q", "--tone", "--settle", "2s", "--duration", "2s", "--listen", there, "--pid", fmt.Sprint(h.process.PID())}, flags...)
		out, err := exec.Command(program, args...).Output()
		if err != nil {
			t.Fatalf("ivrload %v: %v", args, err)
		}
		var r load.Report
		if err := json.Unmarshal(out, &r); err != nil || len(r.Steps) != 1 {
			t.Fatalf("report is %s (%v)", out, err)
		}
		s := r.Steps[0]
		if s.Server == nil || s.Server.CPU <= 0 || s.Server.RSS <= 0 || s.Self.CPU <= 0 {
			t.Errorf("nothing was measured: %+v, %+v", s.Server, s.Self)
		}
		return s
	}
	t.Run("bridge", func(t *testing.T) { bridged(t, put(t, "hold", "2000", "--serve", "--calls", "5")) })
	t.Run("SRTP", func(t *testing.T) {
		bridged(t, put(t, "hold", "3000", "--serve", "--calls", "5", "--srtp", "gcm256"))
	})
	t.Run("keys", func(t *testing.T) {
		s := put(t, "hold", "1000", "--calls", "5", "--press", "w0.2,12")
		if s.Ramp.Answered != 5 || s.Ramp.EndedByPeer != 0 || s.Calls != 5 {
			t.Errorf("%+v", s.Ramp)
		}
		right := 0
		for _, c := range h.calls("") {
			if c.To == "1000" && slices.ContainsFunc(c.Path, func(s recordings.Step) bool { return s.Node == "right" }) {
				right++
			}
		}
		if right != 5 || s.Sides[0].Events != 0 {
			t.Errorf("%d calls had the right keys, want 5", right)
		}
	})
	t.Run("rate", func(t *testing.T) {
		s := put(t, "rate", "1000", "--rate", "10", "--talk", "500ms")
		if n := s.Signals.Dialled; n < 15 || n > 25 || s.Signals.Failed() > 0 || s.Setup.N < 15 || s.Server.PerBegun <= 0 {
			t.Errorf("%d dialled, %+v", n, s.Signals)
		}
	})
	h.verify()
}

// bridged judges five calls whose ends were all ours.
func bridged(t *testing.T, s load.Step) {
	t.Helper()
	if s.Calls != 5 || s.Ramp.Answered != 5 || s.Ramp.Served != 5 || s.Ramp.Failed()+s.Signals.Failed() != 0 {
		t.Errorf("%d calls are up, %+v", s.Calls, s.Ramp)
	}
	for _, d := range s.Sides {
		if d.Sent < 100 || d.Marked < d.Received/4 || // a starved machine plays less, and fills gaps
			d.RightTone == 0 || d.Delay.N != d.Marked {
			t.Errorf("%s: sent %d, heard %d, %d of the right party, %d right tones", d.Name, d.Sent, d.Received, d.Marked, d.RightTone)
		}
		if d.Crossed+d.WrongTone+d.Echoed+d.Invalid != 0 {
			t.Errorf("%s: %d of others, %d wrong tones, %d own, %d invalid", d.Name, d.Crossed, d.WrongTone, d.Echoed, d.Invalid)
		}
	}
}
