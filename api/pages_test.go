package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/recordings"
)

// demo is a house in mode demo, or in production.
func demo(t *testing.T, on bool) *house {
	t.Helper()
	h := build(t, Config{Demo: on, Numbers: []string{"1000", "echo"}, Dispositions: []string{"resolved", "follow-up"}, Realm: "house"}, identity.Config{})
	h.listen()
	return h
}

func (h *house) decode(r reply, into any) {
	h.t.Helper()
	if err := json.Unmarshal([]byte(r.body), into); err != nil || r.StatusCode != http.StatusOK {
		h.t.Fatalf("%s: %d %s", r.Request.URL, r.StatusCode, r.body)
	}
}

// TestSite: people and numbers are shown in the demo only, and of people only
// those of the demo.
func TestSite(t *testing.T) {
	h := demo(t, true)
	if _, err := h.people.Add(t.Context(), identity.Person{Name: "dora", Display: "Dora", Roles: []identity.Role{identity.Agent}, Groups: []string{"cards"}, Enabled: true}, identity.NewSecret("demo")); err != nil {
		t.Fatal(err)
	}
	want := `{"mode":"demo","name":"ivrd","people":[{"name":"dora","display":"Dora","roles":["agent"]}],"numbers":["1000","echo"],"dispositions":["resolved","follow-up"]}`
	if r := h.ask("GET", "/api/v1/site", ""); strings.TrimSpace(r.body) != want {
		t.Errorf("the demo shows %s", r.body)
	}
	want = `{"mode":"production","name":"ivrd","dispositions":["resolved","follow-up"]}`
	if r := demo(t, false).ask("GET", "/api/v1/site", ""); strings.TrimSpace(r.body) != want {
		t.Errorf("production shows %s", r.body)
	}
}

// TestPhone: a page's secret is good for SIP while the sign-in lives, and in no
// log.
func TestPhone(t *testing.T) {
	h := demo(t, false)
	token := h.token("alice")
	var p Phone
	h.decode(h.ask("POST", "/api/v1/phone", "", "Authorization", "Bearer "+token), &p)
	if p.URI != "sip:alice@house" || p.Realm != "house" || p.Path != "/sip" || identity.PhonePerson(p.Username) != "alice" || len(p.Secret) < 20 ||
		time.Until(p.ExpiresAt) > time.Hour || time.Until(p.ExpiresAt) < 59*time.Minute {
		t.Errorf("the phone is %+v", p)
	}
	if _, ok := h.people.HA1(t.Context(), p.Username, p.Realm, "SHA-256"); !ok {
		t.Error("the secret opens nothing")
	}
	if strings.Contains(h.log.String(), p.Secret) || strings.Contains(h.log.String(), p.Username) {
		t.Error("the log has the secret")
	}
	h.ask("POST", "/api/v1/logout", "", "Authorization", "Bearer "+token).want(t, http.StatusNoContent, "")
	if _, ok := h.people.HA1(t.Context(), p.Username, p.Realm, "SHA-256"); ok {
		t.Error("the secret opens something after the sign-in")
	}
	h.ask("POST", "/api/v1/demo/phone", `{"number":"+8613800138000"}`).want(t, http.StatusNotFound, "not-found")
}

func TestDemoPhone(t *testing.T) {
	h := demo(t, true)
	for _, number := range []string{"", "1000", "8613800138000", "+0613800138000", "+86138001380001234", "+8613800138000\\n", "+12345", "+86 138 0013 8000", "alice"} {
		h.ask("POST", "/api/v1/demo/phone", `{"number":"`+number+`"}`).want(t, http.StatusBadRequest, "bad-parameter")
	}
	var p Phone
	h.decode(h.ask("POST", "/api/v1/demo/phone", `{"number":"+8613800138000"}`), &p)
	if number, ok := h.people.Guest(p.Username); !ok || number != "+8613800138000" || p.URI != "sip:guest@house" {
		t.Errorf("the phone is %+v, of %q, %v", p, number, ok)
	}
	h.ask("POST", "/api/v1/demo/phone", `{"number":"+8613800138000"}`, "Origin", "http://evil.test").want(t, http.StatusForbidden, "cross-origin")
	for range 60 {
		h.ask("POST", "/api/v1/demo/phone", `{"number":"+8613800138000"}`)
	}
	h.ask("POST", "/api/v1/demo/phone", `{"number":"+8613800138000"}`).want(t, http.StatusTooManyRequests, "rate")
}

func (h *house) writes(token string, i int, body string) reply {
	h.t.Helper()
	return h.ask("PUT", "/api/v1/calls/"+callID(i)+"/notes", body, "Authorization", "Bearer "+token)
}

// TestNotes: by the call's agent only, during the call and for an hour.
func TestNotes(t *testing.T) {
	h := demo(t, false)
	alice := h.token("alice")
	const said = `{"disposition":"resolved","notes":"call 13800138000 back\nat 7"}`
	h.writes(alice, 0, said).want(t, http.StatusNoContent, "")
	if c, _ := h.archive.Call(t.Context(), callID(0)); c.Disposition != "resolved" || c.Notes != "call 13800138000 back\nat 7" {
		t.Errorf("the record says %q %q", c.Disposition, c.Notes)
	}
	h.writes(h.token("bob"), 0, said).want(t, http.StatusNotFound, "not-found")
	h.writes(alice, 2, said).want(t, http.StatusNotFound, "not-found")
	h.writes(alice, 99, said).want(t, http.StatusNotFound, "not-found")
	h.writes(alice, 1, said).want(t, http.StatusForbidden, "forbidden") // of the group, but nobody's
	for _, name := range []string{"sue", "sam", "otto", "ada"} {
		h.writes(h.token(name), 0, said).want(t, http.StatusForbidden, "forbidden")
	}
	for _, body := range []string{
		`{"disposition":"solved","notes":""}`, `{"disposition":"","notes":"a\u0007"}`, `{"disposition":"","notes":"a\r\n"}`,
		`{"disposition":"","notes":"` + strings.Repeat("ä", 2049) + `"}`,
	} {
		h.writes(alice, 0, body).want(t, http.StatusBadRequest, "bad-parameter")
	}
	h.writes(alice, 0, `{"disposition":"","notes":"`+strings.Repeat("ä", 2048)+`"}`).want(t, http.StatusNoContent, "")
	h.archive.change(0, func(c *recordings.Call) { c.EndedAt = time.Now().Add(-59 * time.Minute) })
	h.writes(alice, 0, said).want(t, http.StatusNoContent, "")
	h.archive.change(0, func(c *recordings.Call) { c.EndedAt = time.Now().Add(-61 * time.Minute) })
	h.writes(alice, 0, said).want(t, http.StatusConflict, "too-late")
}

// TestNotesAfterTransfer: who has given a caller away writes what it was, also
// where the call has become somebody else's whom they may not look after.
func TestNotesAfterTransfer(t *testing.T) {
	h := demo(t, false)
	alice := h.token("alice")
	const said = `{"disposition":"follow-up","notes":"wants bob"}`
	h.archive.change(0, func(c *recordings.Call) {
		c.Queue, c.Agent, c.Transfers = "fraud", "bob", []recordings.Transfer{{By: "alice", Queue: "fraud"}}
	})
	h.writes(alice, 0, said).want(t, http.StatusNoContent, "")
	h.as(alice, "/api/v1/calls/"+callID(0)).want(t, http.StatusNotFound, "not-found")
	h.archive.change(0, func(c *recordings.Call) { c.Transfers[0].By = "sue" })
	h.writes(alice, 0, said).want(t, http.StatusNotFound, "not-found")
}

// TestQueuesOfAgents: an agent is told where to give a caller, others are not.
func TestQueuesOfAgents(t *testing.T) {
	h := build(t, Config{Queues: []string{"fraud", "payments"}}, identity.Config{})
	h.listen()
	for name, want := range map[string]bool{"alice": true, "sue": false, "otto": false} {
		if r := h.as(h.token(name), "/api/v1/me"); strings.Contains(r.body, `"queues":["fraud","payments"]`) != want {
			t.Errorf("%s is told %s", name, r.body)
		}
	}
}

// TestNotesAreMasked: the agent sees what they have written, others no number in
// it, unless they unmask the call.
func TestNotesAreMasked(t *testing.T) {
	h := demo(t, false)
	h.archive.change(0, func(c *recordings.Call) { c.Notes = "call 13800138000 back" })
	for name, plain := range map[string]bool{"alice": true, "sue": false, "otto": false, "ada": false} {
		token := h.token(name)
		for _, path := range []string{"/api/v1/calls/" + callID(0), "/api/v1/calls"} {
			r := h.as(token, path)
			if got := strings.Contains(r.body, "call 13800138000 back"); got != plain || !strings.Contains(r.body, " back") {
				t.Errorf("%s reads in %s: %s", name, path, r.body)
			}
		}
	}
	if r := h.as(h.token("sue"), "/api/v1/calls/"+callID(0)+"?unmask=1"); !strings.Contains(r.body, "call 13800138000 back") {
		t.Errorf("unmasked: %s", r.body)
	}
}

// TestEarlier: the last ten of the same caller before the call, of those that
// the reader may see.
func TestEarlier(t *testing.T) {
	h := demo(t, false)
	for i := 10; i < 30; i++ {
		queue, from := "cards", caller
		switch {
		case i%4 == 0:
			queue = "loans"
		case i == 13:
			from = "+8613900139000"
		}
		h.archive.calls = append(h.archive.calls, recordings.Call{ID: callID(i), Queue: queue, From: from, StartedAt: time.UnixMilli(1_700_000_000_000 + int64(i))})
	}
	earlier := func(name string, i int) string {
		t.Helper()
		var list CallList
		r := h.as(h.token(name), "/api/v1/calls/"+callID(i)+"/earlier")
		h.decode(r, &list)
		if strings.Contains(r.body, "13800138000") || list.NextCursor != "" {
			t.Errorf("%s reads %s", name, r.body)
		}
		var ids []string
		for _, c := range list.Calls {
			ids = append(ids, strings.TrimLeft(c.ID[15:], "0"))
		}
		return strings.Join(ids, " ")
	}
	if got := earlier("sue", 25); got != "23 22 21 19 18 17 15 14 11 10" {
		t.Errorf("sue sees %s", got)
	}
	if got := earlier("sam", 25); got != "24 23 22 21 20 19 18 17 16 15" {
		t.Errorf("sam sees %s", got)
	}
	if got := earlier("bob", 24); got != "20 16 12 5 2" {
		t.Errorf("bob sees %s", got)
	}
	h.as(h.token("bob"), "/api/v1/calls/"+callID(25)+"/earlier").want(t, http.StatusNotFound, "not-found")
	for _, from := range []string{"", "anonymous", "Anonymous", "unknown", "+", "12"} {
		for i := range h.archive.calls {
			h.archive.change(i, func(c *recordings.Call) { c.From = from })
		}
		if r := h.as(h.token("sam"), "/api/v1/calls/"+callID(25)+"/earlier"); strings.TrimSpace(r.body) != `{"calls":[]}` {
			t.Errorf("of %q: %s", from, r.body)
		}
	}
}

// TestRightsOfPages: role × route, over HTTP, for what pages need. Who may write
// notes, and what is told of, has tests of its own.
func TestRightsOfPages(t *testing.T) {
	h := demo(t, false)
	for name, want := range map[string][4]int{ // phone; earlier of a call of cards, of loans, of nobody's
		"alice": {200, 200, 404, 404},
		"bob":   {200, 404, 200, 404},
		"sue":   {200, 200, 404, 404},
		"sam":   {200, 200, 200, 200},
		"otto":  {200, 200, 200, 200},
		"ada":   {200, 200, 200, 200},
	} {
		token := h.token(name)
		if r := h.ask("POST", "/api/v1/phone", "", "Authorization", "Bearer "+token); r.StatusCode != want[0] {
			t.Errorf("%s: a phone: %d", name, r.StatusCode)
		}
		for i, call := range []int{0, 2, 3} {
			if r := h.as(token, fmt.Sprintf("/api/v1/calls/%s/earlier", callID(call))); r.StatusCode != want[i+1] {
				t.Errorf("%s: calls before %d: %d, want %d", name, call, r.StatusCode, want[i+1])
			}
		}
	}
}
