package e2e

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/ivrd/ivrd/internal/phone"
	"github.com/ivrd/ivrd/leg"
)

// TestVisit is the whole way once: menu, keys, data, record, playback.
func TestVisit(t *testing.T) {
	t.Parallel()
	h := open(t)
	out := h.phone("sip:1000@"+h.sip, "--dtmf", "w1,4,w1.2,9", "--duration", "20s")
	if !out.Answered || out.End.Slug != "remote-hangup" {
		t.Errorf("phone: %+v", out)
	}
	c := h.ended(1)[0]
	if c.End != leg.FlowHangup || c.Recording.State != "complete" {
		t.Errorf("record: %+v", c)
	}
	h.verify()
}

// phone runs `ivrd call` and returns its report.
func (h *house) phone(uri string, args ...string) phone.Report {
	h.t.Helper()
	out, err := exec.Command(binary, append([]string{"call", uri, "--json"}, args...)...).Output()
	if err != nil {
		h.t.Fatalf("ivrd call: %v %s", err, out)
	}
	var r phone.Report
	if err := json.Unmarshal(out, &r); err != nil {
		h.t.Fatalf("report %s: %v", out, err)
	}
	return r
}
