package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strconv"
	"strings"

	"github.com/coder/websocket"
)

// engine takes what it is told to write down, by the protocol of a Vosk server, and has
// heard a sentence every three seconds: what it would cost itself is not the server's price.
type engine struct{ *httptest.Server }

// startEngine keeps this process off the server's core.
func startEngine() *engine {
	_ = exec.Command("taskset", "-acp", loaderCore, strconv.Itoa(os.Getpid())).Run() //nolint:noctx // without it the figure is worse
	return &engine{httptest.NewServer(http.HandlerFunc(listen))}
}

func listen(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = c.CloseNow() }() // the server may have gone
	for n := 1; ; n++ {
		kind, msg, err := c.Read(r.Context())
		if err != nil {
			return
		}
		if kind == websocket.MessageText && strings.Contains(string(msg), "config") {
			continue
		}
		reply := `{"partial" : ""}`
		if n%150 == 0 {
			reply = `{"text" : "I would like to know what has become of my order"}`
		}
		if c.Write(r.Context(), websocket.MessageText, []byte(reply)) != nil {
			return
		}
	}
}

// config is how the server is told of it; empty of none.
func (e *engine) config() string {
	if e == nil {
		return ""
	}
	return fmt.Sprintf("{name: nobody, kind: vosk, url: %q}", strings.Replace(e.URL, "http:", "ws:", 1))
}

func (e *engine) close() {
	if e != nil {
		e.CloseClientConnections()
		e.Close()
	}
}
