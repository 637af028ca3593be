package main

import (
	"bytes"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/config"
)

func TestFilesNeeded(t *testing.T) {
	f := config.Default()
	if got := filesNeeded(f); got != 8*1000+3*1000+2000+5000+200 {
		t.Errorf("the defaults need %d", got)
	}
	f.Media.Ports = "20000-20099"
	if got := filesNeeded(f); got != 100+3*1000+2000+5000+200 {
		t.Errorf("with 100 ports %d are needed", got)
	}
}

// A limit cannot be raised again: the test runs itself under a lower one.
func TestFilesAllowed(t *testing.T) {
	if mode := os.Getenv("IVRD_TEST_FILES"); mode != "" {
		f := config.Default()
		f.Mode = mode
		var log bytes.Buffer
		err := allowFiles(f, slog.New(slog.NewTextHandler(&log, nil)))
		_, _ = os.Stdout.WriteString("err: " + errText(err) + "\nlog: " + log.String() + "\n")
		return
	}
	for _, c := range []struct{ mode, soft, hard, want string }{
		{config.ModeProduction, "1024", "20000", "err: none\nlog: \n"},
		{config.ModeProduction, "1024", "4096", "err: open files: the system allows 4096, and the configuration needs 18200 (hint: raise LimitNOFILE"},
		{config.ModeDemo, "1024", "4096", "few open files allowed\" limit=4096 needed=18200 hint="},
	} {
		cmd := exec.Command("sh", "-c", `ulimit -Sn "$2" && ulimit -Hn "$1" && exec "$0" -test.run='^TestFilesAllowed$'`, os.Args[0], c.hard, c.soft)
		cmd.Env = append(os.Environ(), "IVRD_TEST_FILES="+c.mode)
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), c.want) {
			t.Errorf("%s with %s: %v\n%s", c.mode, c.hard, err, out)
		}
	}
}

func errText(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}
