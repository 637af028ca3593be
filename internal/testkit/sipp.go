package testkit

import (
	"encoding/csv"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// SIPp describes a run of SIPp. SIPp does not judge what it hears: point the
// scenario's SDP at a sink of the test's own.
type SIPp struct {
	// Scenario is the XML text. [media_port] and the like work as usual, and
	// so does $name, which Keys replaces before SIPp reads it.
	Scenario string
	// Remote is host:port of the other side; empty when the scenario waits for
	// calls.
	Remote string
	// Local is the address SIPp speaks from; empty means 127.0.0.1.
	Local string
	// Transport is u1 (UDP, one socket), un (one a call), t1 or tn (TCP), as
	// SIPp's -t; empty means u1.
	Transport string
	// Service is the user part that is called ([service]).
	Service string
	// Calls to make in all (0 means 1), Rate a second (0 means 10), AtOnce at
	// most (0 means as many as come).
	Calls, Rate, AtOnce int
	// Limit is when SIPp gives up; 0 means 30 s.
	Limit time.Duration
	// Keys are replaced in the scenario, as $name. No name may begin another.
	Keys map[string]string
	// Args are added to the command line.
	Args []string
	// Command starts programs elsewhere than here, such as in a network
	// namespace; nil means exec.Command.
	Command func(name string, args ...string) *exec.Cmd
}

// SIPpRun is a SIPp at work.
type SIPpRun struct {
	t       testing.TB
	process *Process
	limit   time.Duration
	dir     string
	// Port is where it speaks SIP.
	Port int
}

// SIPpResult is what became of it.
type SIPpResult struct {
	// Status is 0 when all calls succeeded and 1 when one failed; others are
	// SIPp's own failures.
	Status             int
	Successful, Failed int
	Retransmissions    int
	// Stats is the last line of SIPp's statistics, by column.
	Stats map[string]string
	// Errors tells what came that was not expected, Messages all that came and
	// went.
	Errors, Messages string
}

// Run starts SIPp and waits for its end.
func (s SIPp) Run(t testing.TB) SIPpResult {
	t.Helper()
	return s.Start(t).Wait()
}

// Start starts SIPp in the background; a scenario that waits for calls is
// listening when Start returns.
func (s SIPp) Start(t testing.TB) *SIPpRun {
	t.Helper()
	Need(t, "sipp")
	r := &SIPpRun{t: t, dir: t.TempDir(), Port: Port(t), limit: orElse(s.Limit, 30*time.Second)}
	if err := os.WriteFile(r.path("scenario.xml"), []byte(s.fill()), 0o600); err != nil {
		t.Fatal(err)
	}
	command := s.Command
	if command == nil {
		command = exec.Command
	}
	cmd := command("sipp", s.args(r)...)
	cmd.Env = append(os.Environ(), "TERM=dumb")
	r.process = Start(t, cmd)
	if s.Remote == "" {
		r.waitListening()
	}
	return r
}

func (s SIPp) fill() string {
	text := s.Scenario
	for name, value := range s.Keys {
		text = strings.ReplaceAll(text, "$"+name, value)
	}
	return text
}

func (s SIPp) args(r *SIPpRun) []string {
	local := orElse(s.Local, "127.0.0.1")
	args := []string{
		"-sf", r.path("scenario.xml"), "-nostdin", "-skip_rlimit",
		"-i", local, "-p", strconv.Itoa(r.Port), "-mi", local, "-mp", strconv.Itoa(Ports(r.t, 4)),
		"-cp", strconv.Itoa(Port(r.t)), "-t", orElse(s.Transport, "u1"),
		"-m", strconv.Itoa(orElse(s.Calls, 1)), "-r", strconv.Itoa(orElse(s.Rate, 10)),
		"-timeout", fmt.Sprintf("%ds", int(r.limit.Seconds())), "-timeout_error",
		"-trace_err", "-error_file", r.path("errors"), "-trace_msg", "-message_file", r.path("messages"),
		"-trace_stat", "-stf", r.path("stats"), "-fd", "1",
	}
	if s.AtOnce > 0 {
		args = append(args, "-l", strconv.Itoa(s.AtOnce))
	}
	if s.Service != "" {
		args = append(args, "-s", s.Service)
	}
	args = append(args, s.Args...)
	if s.Remote != "" {
		args = append(args, s.Remote)
	}
	return args
}

// waitListening waits for the message file, which SIPp opens before its
// sockets, and then for the statistics, which it opens after them.
func (r *SIPpRun) waitListening() {
	r.t.Helper()
	Eventually(r.t, 10*time.Second, "SIPp to listen", func() bool {
		select {
		case <-r.process.Done():
			r.t.Fatalf("SIPp ended with status %d", r.process.Wait(0))
		default:
		}
		_, err := os.Stat(r.path("stats"))
		return err == nil
	})
}

// Stop ends SIPp after the calls that are under way.
func (r *SIPpRun) Stop() { r.process.Stop() }

// Wait waits for SIPp's end and reads what it has counted.
func (r *SIPpRun) Wait() SIPpResult {
	r.t.Helper()
	result := SIPpResult{Status: r.process.Wait(r.limit + 10*time.Second)}
	result.Errors, result.Messages = r.read("errors"), r.read("messages")
	result.Stats = lastRow(r.read("stats"))
	result.Successful, _ = strconv.Atoi(result.Stats["SuccessfulCall(C)"])
	result.Failed, _ = strconv.Atoi(result.Stats["FailedCall(C)"])
	result.Retransmissions, _ = strconv.Atoi(result.Stats["Retransmissions(C)"])
	return result
}

func (r *SIPpRun) path(name string) string { return filepath.Join(r.dir, name) }

// read returns a file of SIPp's, or nothing when SIPp had nothing to write.
func (r *SIPpRun) read(name string) string {
	b, err := os.ReadFile(r.path(name))
	if err != nil && !os.IsNotExist(err) {
		r.t.Errorf("read what SIPp wrote: %v", err)
	}
	return string(b)
}

// lastRow reads the last line of SIPp's statistics by the names in the first.
func lastRow(text string) map[string]string {
	c := csv.NewReader(strings.NewReader(text))
	c.Comma, c.FieldsPerRecord, c.LazyQuotes = ';', -1, true
	rows, err := c.ReadAll()
	if err != nil || len(rows) < 2 {
		return nil
	}
	out := map[string]string{}
	for i, value := range rows[len(rows)-1] {
		if i < len(rows[0]) {
			out[rows[0][i]] = value
		}
	}
	return out
}

func orElse[T comparable](v, other T) T {
	var zero T
	if v == zero {
		return other
	}
	return v
}
