package api

import (
	"context"
	_ "embed"
	"io"
	"net/http"
	"sync"
	"time"
)

// checkLimit is how long one check may take.
const checkLimit = 2 * time.Second

// Readiness is the answer of /readyz.
type Readiness struct {
	Ready  bool          `json:"ready"`
	Checks []CheckResult `json:"checks"`
}

// CheckResult is the outcome of one check.
type CheckResult struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Advisory: whether the server is ready does not depend on it.
	Advisory bool `json:"advisory,omitempty"`
}

// health says that the process answers, nothing more.
func health(w http.ResponseWriter, _ *http.Request, _ visitor) error {
	return answer(w, http.StatusOK, map[string]bool{"ok": true})
}

// ready runs all checks at once. Before the checks are over nothing is known,
// so that a check that hangs is one that failed.
func (s *Server) ready(w http.ResponseWriter, r *http.Request, _ visitor) error {
	ctx, cancel := context.WithTimeout(r.Context(), checkLimit)
	defer cancel()
	result := Readiness{Ready: !s.draining.Load(), Checks: make([]CheckResult, len(s.Checks))}
	var wg sync.WaitGroup
	for i, c := range s.Checks {
		wg.Go(func() {
			err := c.Func(ctx)
			if err != nil && !c.Advisory {
				s.Log.Warn("not ready", "check", c.Name, "error", err)
			}
			result.Checks[i] = CheckResult{c.Name, err == nil, c.Advisory}
		})
	}
	wg.Wait()
	for _, c := range result.Checks {
		result.Ready = result.Ready && (c.OK || c.Advisory)
	}
	status := http.StatusOK
	if !result.Ready {
		status = http.StatusServiceUnavailable
	}
	return answer(w, status, result)
}

func (s *Server) metrics(w http.ResponseWriter, r *http.Request, _ visitor) error {
	s.Metrics.Handler().ServeHTTP(w, r)
	return nil
}

//go:embed openapi.json
var description []byte

func openAPI(w http.ResponseWriter, _ *http.Request, _ visitor) error {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(description) // the reader may have gone
	return nil
}

//go:embed front.html
var frontPage string

// front tells somebody with a browser where they are.
func front(w http.ResponseWriter, _ *http.Request, _ visitor) error {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = io.WriteString(w, frontPage) // the reader may have gone
	return nil
}
