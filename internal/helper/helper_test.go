package helper

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
)

// TestMain is the helper, too: this binary is what the tests start.
func TestMain(m *testing.M) {
	if len(os.Args) > 3 && os.Args[1] == "--socket" {
		os.Exit(play(os.Args[2], os.Args[3]))
	}
	os.Exit(m.Run())
}

// play is a helper that tells who it is; other parts fail before they are ready.
func play(socket, part string) int {
	switch part {
	case "fails":
		fmt.Fprintln(os.Stderr, "there is no model")
		return 1
	case "leaves":
		return 0
	case "hangs":
		_, _ = io.Copy(io.Discard, os.Stdin)
		return 0
	}
	if err := Yield(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	err := Serve(os.Stdin, os.Stdout, socket, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, os.Getpid(), yields())
	}))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

// yields reports whether all threads of this process have a low priority.
func yields() bool {
	threads, err := os.ReadDir("/proc/self/task")
	for _, t := range threads {
		id, _ := strconv.Atoi(t.Name())
		if n, err := syscall.Getpriority(syscall.PRIO_PROCESS, id); err != nil || 20-n != niceness { // as the kernel returns it
			return false
		}
	}
	return err == nil
}

// log is written by the process's goroutine.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func start(t *testing.T, part string, l *log) (*Process, error) {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return Start(t.Context(), Config{Path: own, Args: []string{part}, StartTime: 2 * time.Second, Log: slog.New(slog.NewTextHandler(l, nil))})
}

// ask for the process and whether it yields; 0 when nobody answers.
func ask(t *testing.T, socket string) (pid int, yields bool) {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://helper/", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, false
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	words := strings.Fields(string(body))
	if pid, err = strconv.Atoi(words[0]); err != nil {
		t.Fatal(err)
	}
	return pid, words[1] == "true"
}

// TestHelperComesBack: one that is killed is started again under the same address, which is
// nobody else's; Close ends it.
func TestHelperComesBack(t *testing.T) {
	var l log
	p, err := start(t, "serves", &l)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(p.dir); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("its directory is %v, %v", info, err)
	}
	first, yields := ask(t, p.Socket())
	if !yields {
		t.Error("it takes as much of the machine as calls")
	}
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	var second int
	testkit.Eventually(t, 10*time.Second, "another helper", func() bool {
		second, _ = ask(t, p.Socket())
		return second != 0 && second != first
	})
	if got := l.String(); strings.Count(got, "level=ERROR") != 1 || !strings.Contains(got, "signal: killed") || !strings.Contains(got, "helper is back") {
		t.Errorf("the log says %s", got)
	}
	p.Close()
	if pid, _ := ask(t, p.Socket()); pid != 0 {
		t.Error("it answers after its end")
	}
	testkit.Eventually(t, 5*time.Second, "the helper's end", func() bool { return syscall.Kill(second, 0) != nil })
	if _, err := os.Stat(p.dir); !os.IsNotExist(err) {
		t.Errorf("its directory is left: %v", err)
	}
}

// TestHelperDoesNotStart: the first one that is not ready is an error, which says what it
// has said.
func TestHelperDoesNotStart(t *testing.T) {
	for part, want := range map[string]string{"fails": "exit status 1: there is no model", "leaves": "it ended by itself", "hangs": "signal: killed"} {
		t.Run(part, func(t *testing.T) {
			var l log
			p, err := start(t, part, &l)
			if err == nil {
				p.Close()
				t.Fatal("it is ready")
			}
			if got := err.Error(); !strings.HasPrefix(got, "start helper.test: ") || !strings.Contains(got, want) {
				t.Errorf("%v, want %s", err, want)
			}
			if l.String() != "" {
				t.Errorf("returned and logged: %s", l.String())
			}
		})
	}
}
