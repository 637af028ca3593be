package webfetch

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/ivr"
)

func fetch(t *testing.T, h http.HandlerFunc, timeout time.Duration) (ivr.Response, error) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	f := New()
	t.Cleanup(f.Close)
	return f.Fetch(t.Context(), ivr.Request{Method: "POST", URL: srv.URL + "/canary", Body: []byte(`{"a":1}`), Timeout: timeout})
}

func TestFetch(t *testing.T) {
	res, err := fetch(t, func(w http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/json" {
			t.Errorf("request: %v %v", err, r.Header)
		}
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write(b)
	}, time.Minute)
	if err != nil || res.Status != 403 || string(res.Body) != `{"a":1}` {
		t.Errorf("Fetch = %+v, %v", res, err)
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	res, err := fetch(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/canary" {
			t.Error("the redirect was followed")
		}
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
	}, time.Minute)
	if err != nil || res.Status != http.StatusFound {
		t.Errorf("Fetch = %+v, %v", res, err)
	}
}

func TestTooLarge(t *testing.T) {
	_, err := fetch(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, MaxBody+1))
	}, time.Minute)
	if !errors.Is(err, ErrTooLarge) {
		t.Errorf("Fetch = %v, want ErrTooLarge", err)
	}
}

func TestDeadAndSlowBackEnds(t *testing.T) {
	release := make(chan struct{})
	_, err := fetch(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-r.Context().Done():
		case <-release:
		}
	}, 20*time.Millisecond)
	close(release)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("slow back end: %v", err)
	}
	srv := httptest.NewServer(nil)
	srv.Close()
	_, err = New().Fetch(t.Context(), ivr.Request{Method: "GET", URL: srv.URL + "/canary", Timeout: time.Minute})
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("dead back end: %v, want an error without the URL", err)
	}
}

func TestErrorsQuoteNothing(t *testing.T) {
	_, err := fetch(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = conn.Write([]byte("canary is no HTTP\r\n\r\n"))
		_ = conn.Close()
	}, time.Minute)
	if err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("Fetch = %v, want an error that does not quote the answer", err)
	}
}
