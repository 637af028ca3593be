// Package demobackend is the back end of the demo flow: three accounts and a
// few payments behind the HTTP interface that docs/flows.md describes. It
// listens on loopback only and runs only in mode demo.
package demobackend

import (
	"crypto/subtle"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"time"
)

type account struct {
	PIN      string
	Amount   float64
	Currency string
}

type payment struct {
	State  string  `json:"state"`
	Amount float64 `json:"amount"`
}

// Server is a running back end.
type Server struct {
	http *http.Server
	url  string
	done chan struct{}
}

// Start listens on a free port of loopback.
func Start() (*Server, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("start demo back end: %w", err)
	}
	s := &Server{
		http: &http.Server{Handler: Handler(), ReadHeaderTimeout: 5 * time.Second},
		url:  "http://" + l.Addr().String(),
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.http.Serve(l) // always ErrServerClosed or a closed listener
	}()
	return s, nil
}

// URL is the base of the interface: flows get it as ${env.BACKEND}.
func (s *Server) URL() string { return s.url }

// Close stops it and waits.
func (s *Server) Close() error {
	err := s.http.Close()
	<-s.done
	return err
}

// Handler answers POST /balance and GET /payments/{reference}.
func Handler() http.Handler {
	accounts := map[string]account{
		"6222021234":   {PIN: "1234", Amount: 1200.50, Currency: "CNY"},
		"10001000":     {PIN: "0000", Amount: 52.05, Currency: "USD"},
		"622848000001": {PIN: "4321", Amount: 0, Currency: "CNY"},
	}
	payments := map[string]payment{
		"100001": {State: "settled", Amount: 88},
		"100002": {State: "pending", Amount: 250.75},
		"100003": {State: "failed", Amount: 1999.99},
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /balance", func(w http.ResponseWriter, r *http.Request) {
		var q struct{ Account, PIN string }
		if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(&q); err != nil {
			http.Error(w, "bad JSON", http.StatusBadRequest)
			return
		}
		a, ok := accounts[q.Account]
		switch {
		case !ok:
			http.NotFound(w, r)
		case subtle.ConstantTimeCompare([]byte(a.PIN), []byte(q.PIN)) != 1:
			http.Error(w, "wrong PIN", http.StatusForbidden)
		default:
			reply(w, map[string]any{"amount": a.Amount, "currency": a.Currency})
		}
	})
	mux.HandleFunc("GET /payments/{reference}", func(w http.ResponseWriter, r *http.Request) {
		p, ok := payments[r.PathValue("reference")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		reply(w, p)
	})
	return mux
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // the client has gone: nobody to tell
}
