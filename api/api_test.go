package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/recordings"
)

// TestRightsMatrix: role × resource × action, over HTTP. The want is the
// status, stated by hand for each; 404 where a call is not the reader's.
func TestRightsMatrix(t *testing.T) {
	h := open(t)
	names := []string{"alice", "bob", "sue", "sam", "otto", "ada"}
	// The calls of newArchive: cards/alice, cards/-, loans/bob, -/-,
	// cards/alice without recording, loans/alice.
	read := map[string][6]int{
		"alice": {200, 200, 404, 404, 200, 200},
		"bob":   {404, 404, 200, 404, 404, 200},
		"sue":   {200, 200, 404, 404, 200, 404},
		"sam":   {200, 200, 200, 200, 200, 200},
		"otto":  {200, 200, 200, 200, 200, 200},
		"ada":   {200, 200, 200, 200, 200, 200},
	}
	play := map[string][6]int{
		"alice": {200, 403, 404, 404, 404, 200},
		"bob":   {404, 404, 200, 404, 404, 403},
		"sue":   {200, 200, 404, 404, 404, 404},
		"sam":   {200, 200, 200, 200, 404, 200},
		"otto":  {200, 200, 200, 200, 404, 200},
		"ada":   {403, 403, 403, 403, 403, 403},
	}
	unmask := map[string][6]int{
		"alice": {403, 403, 404, 404, 403, 403},
		"bob":   {404, 404, 403, 404, 404, 403},
		"sue":   {200, 200, 404, 404, 200, 404},
		"sam":   {200, 200, 200, 200, 200, 200},
		"otto":  {200, 200, 200, 200, 200, 200},
		"ada":   {403, 403, 403, 403, 403, 403},
	}
	cells := 0
	for _, name := range names {
		token := h.token(name)
		check := func(path string, want int) {
			t.Helper()
			cells++
			if r := h.as(token, path); r.StatusCode != want {
				t.Errorf("%s %s: %d, want %d", name, path, r.StatusCode, want)
			}
		}
		for i := range 6 {
			path := "/api/v1/calls/" + callID(i)
			check(path, read[name][i])
			check(path+"?unmask=1", unmask[name][i])
			for _, track := range []string{"", "?track=caller", "?track=agent", "?track=prompts"} {
				check(path+"/recording"+track, play[name][i])
			}
		}
		audit := http.StatusForbidden
		if name == "otto" {
			audit = http.StatusOK
		}
		check("/api/v1/audit", audit)
		check("/api/v1/me", http.StatusOK)
		check("/api/v1/calls", http.StatusOK)
		visible := 0
		for _, status := range read[name] {
			if status == http.StatusOK {
				visible++
			}
		}
		var list CallList
		r := h.as(token, "/api/v1/calls")
		if err := json.Unmarshal([]byte(r.body), &list); err != nil || len(list.Calls) != visible {
			t.Errorf("%s lists %d calls, want %d", name, len(list.Calls), visible)
		}
	}
	if cells < 200 {
		t.Errorf("the matrix has %d cells, not 200", cells)
	}
}

func TestNobodyComesInUnsigned(t *testing.T) {
	h := open(t)
	for _, rt := range h.routes() {
		if rt.access != signedIn {
			continue
		}
		path := strings.ReplaceAll(rt.path, "{id}", callID(0))
		for _, headers := range [][]string{nil, {"Authorization", "Bearer x"}, {"Authorization", "Basic YTpi"}, {"Cookie", "ivrd=x"}, {"Cookie", "ivrd=" + strings.Repeat("A", 43)}} {
			r := h.ask(rt.method, path, "", headers...)
			r.want(t, http.StatusUnauthorized, "sign-in")
			if r.Header.Get("WWW-Authenticate") == "" {
				t.Errorf("%s: no WWW-Authenticate", path)
			}
		}
	}
}

func TestForeignCallLooksAbsent(t *testing.T) {
	h := open(t)
	token := h.token("alice")
	for _, suffix := range []string{"", "/recording", "?unmask=1"} {
		foreign := h.as(token, "/api/v1/calls/"+callID(2)+suffix)
		absent := h.as(token, "/api/v1/calls/"+callID(99)+suffix)
		odd := h.as(token, "/api/v1/calls/..%2f..%2fetc"+suffix)
		foreign.want(t, http.StatusNotFound, "not-found")
		for _, other := range []reply{absent, odd} {
			if foreign.body != other.body || foreign.StatusCode != other.StatusCode || len(foreign.Header) != len(other.Header) {
				t.Errorf("a foreign call differs: %s %v, %s %v", foreign.body, foreign.Header, other.body, other.Header)
			}
		}
	}
}

func TestLoginByCookie(t *testing.T) {
	h := open(t)
	r := h.ask("POST", "/api/v1/login", loginBody("alice", password))
	r.want(t, http.StatusOK, "")
	cookies := r.Cookies()
	if len(cookies) != 1 {
		t.Fatalf("cookies: %v", cookies)
	}
	c := cookies[0]
	if c.Name != "ivrd" || !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || c.Secure || c.MaxAge < 43000 {
		t.Errorf("cookie %v", c)
	}
	cookie := "ivrd=" + c.Value
	h.ask("GET", "/api/v1/me", "", "Cookie", cookie).want(t, http.StatusOK, "")

	for name, headers := range map[string][]string{
		"fetch site": {"Sec-Fetch-Site", "cross-site"},
		"same site":  {"Sec-Fetch-Site", "same-site"},
		"origin":     {"Origin", "https://evil.example"},
		"null":       {"Origin", "null"},
	} {
		for _, path := range []string{"/api/v1/logout", "/api/v1/login"} {
			r := h.ask("POST", path, loginBody("alice", password), append(headers, "Cookie", cookie)...)
			if r.want(t, http.StatusForbidden, "cross-origin"); t.Failed() {
				t.Fatal(name)
			}
		}
	}
	h.ask("GET", "/api/v1/me", "", "Cookie", cookie).want(t, http.StatusOK, "")
	out := h.ask("POST", "/api/v1/logout", "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin", "Origin", h.url)
	out.want(t, http.StatusNoContent, "")
	if cs := out.Cookies(); len(cs) != 1 || cs[0].MaxAge >= 0 {
		t.Errorf("the cookie stays: %v", cs)
	}
	h.ask("GET", "/api/v1/me", "", "Cookie", cookie).want(t, http.StatusUnauthorized, "sign-in")
}

func TestSecureCookie(t *testing.T) {
	s := New(Config{CertFile: "c", KeyFile: "k"}, Deps{})
	c := s.cookie("v", 1)
	if c.Name != "__Host-ivrd" || !c.Secure || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie %v", c)
	}
}

func TestLogoutByToken(t *testing.T) {
	h := open(t)
	token, other := h.token("alice"), h.token("alice")
	h.as(token, "/api/v1/me").want(t, http.StatusOK, "")
	h.ask("POST", "/api/v1/logout", "", "Authorization", "Bearer "+token, "Sec-Fetch-Site", "cross-site").want(t, http.StatusNoContent, "")
	h.as(token, "/api/v1/me").want(t, http.StatusUnauthorized, "sign-in")
	h.as(other, "/api/v1/me").want(t, http.StatusOK, "")
	if len(h.archive.audits("login")) != 2 || len(h.archive.audits("logout")) != 1 {
		t.Errorf("audit: %v", h.archive.entries)
	}
}

func TestRightsEndAtOnce(t *testing.T) {
	h := open(t)
	token := h.token("otto")
	otto, err := h.people.Person(t.Context(), "otto")
	if err != nil {
		t.Fatal(err)
	}
	h.as(token, "/api/v1/audit").want(t, http.StatusOK, "")
	otto.Roles = []identity.Role{identity.Agent}
	if err := h.people.Update(t.Context(), otto); err != nil {
		t.Fatal(err)
	}
	h.as(token, "/api/v1/audit").want(t, http.StatusForbidden, "forbidden")
	if err := h.people.SetEnabled(t.Context(), "otto", false); err != nil {
		t.Fatal(err)
	}
	h.as(token, "/api/v1/me").want(t, http.StatusUnauthorized, "sign-in")
}

// TestLoginTellsNothing: a known and an unknown name get the same answer for
// the same work.
func TestLoginTellsNothing(t *testing.T) {
	h := open(t)
	shape := func(name string) string {
		before := h.people.Stats().Hashes
		r := h.ask("POST", "/api/v1/login", loginBody(name, "wrong"))
		r.Header.Del("Date")
		return fmt.Sprint(r.StatusCode, r.Header, r.body, h.people.Stats().Hashes-before)
	}
	known, unknown := shape("alice"), shape("nobody")
	if known != unknown || !strings.HasSuffix(known, "1") {
		t.Errorf("known: %s\nunknown: %s", known, unknown)
	}
	for range 9 {
		shape("alice")
		shape("nobody")
	}
	known, unknown = shape("alice"), shape("nobody")
	if known != unknown || !strings.HasPrefix(known, "429") || !strings.HasSuffix(known, "0") {
		t.Errorf("locked, known: %s\nunknown: %s", known, unknown)
	}
	failed := h.archive.audits("login.failed")
	if len(failed) != 20 || failed[0].Object != "alice" || failed[0].Actor != "-" || failed[1].Object != "" {
		t.Errorf("audit: %d entries, %v", len(failed), failed)
	}
}

func TestParallelLogins(t *testing.T) {
	h := build(t, Config{LoginsPerMinute: 1000}, identity.Config{HashesAtOnce: 2, HashWait: time.Minute})
	h.listen()
	var wg sync.WaitGroup
	for i := range 100 {
		wg.Go(func() { h.ask("POST", "/api/v1/login", loginBody(fmt.Sprint("n", i), "wrong")) })
	}
	wg.Wait()
	if s := h.people.Stats(); s.Peak > 2 {
		t.Errorf("%d hashes at once, want 2", s.Peak)
	}
}

func TestLoginRate(t *testing.T) {
	h := build(t, Config{LoginsPerMinute: 3}, identity.Config{})
	h.listen()
	for i := range 4 {
		want, slug := http.StatusUnauthorized, "login"
		if i == 3 {
			want, slug = http.StatusTooManyRequests, "rate"
		}
		h.ask("POST", "/api/v1/login", loginBody(fmt.Sprint("n", i), "wrong")).want(t, want, slug)
	}
}

func TestRate(t *testing.T) {
	r := newRate(2)
	now := time.Unix(1000, 0)
	ip, near, far := netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("2001:db8:1::1")
	if !r.allow(ip, now) || !r.allow(near, now) || r.allow(ip, now) || !r.allow(far, now) {
		t.Error("a /64 is not one address")
	}
	if !r.allow(ip, now.Add(time.Minute)) {
		t.Error("a minute does not help")
	}
	for i := range 3 * maxAddresses {
		r.allow(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), now.Add(time.Minute))
	}
	if len(r.counts) > maxAddresses+1 {
		t.Errorf("%d addresses are kept", len(r.counts))
	}
}

func TestLoginBodies(t *testing.T) {
	h := open(t)
	for name, c := range map[string]struct {
		body, kind string
		status     int
		slug       string
	}{
		"no JSON":       {`hello`, "application/json", 400, "bad-json"},
		"array":         {`[]`, "application/json", 400, "bad-json"},
		"unknown field": {`{"username":"a","password":"b","admin":true}`, "application/json", 400, "bad-json"},
		"two values":    {`{"username":"a","password":"b"}{}`, "application/json", 400, "bad-json"},
		"number":        {`{"username":"a","password":5}`, "application/json", 400, "bad-json"},
		"form":          {`username=alice`, "application/x-www-form-urlencoded", 415, "media-type"},
		"large":         {`{"username":"` + strings.Repeat("a", maxBody) + `"}`, "application/json", 413, "too-large"},
		"code":          {`{"username":"a","password":"b","code":"1"}`, "application/json", 401, "login"},
		"script":        {`{"username":"<script>alert(1)</script>","password":"' OR 1=1 --"}`, "application/json", 401, "login"},
	} {
		t.Run(name, func(t *testing.T) {
			h.ask("POST", "/api/v1/login", c.body, "Content-Type", c.kind).want(t, c.status, c.slug)
		})
	}
}

func TestLoginNeedsItsAudit(t *testing.T) {
	h := open(t)
	h.archive.audit = errDisk
	r := h.ask("POST", "/api/v1/login", loginBody("alice", password))
	r.want(t, http.StatusServiceUnavailable, "unavailable")
	if len(r.Cookies()) != 0 || strings.Contains(r.body, "token") {
		t.Error("signed in without an audit entry")
	}
	if all, _ := h.people.SignIns(t.Context(), "alice"); len(all) != 0 {
		t.Errorf("the sign-in stays: %v", all)
	}
}

func TestNumbersAreMasked(t *testing.T) {
	h := open(t)
	token := h.token("sam")
	for _, path := range []string{"/api/v1/calls", "/api/v1/calls/" + callID(0), "/api/v1/calls?from=%2B8613800138000"} {
		r := h.as(token, path)
		r.want(t, http.StatusOK, "")
		if strings.Contains(r.body, "13800138000") || !strings.Contains(r.body, "138••••8000") {
			t.Errorf("%s: %s", path, r.body)
		}
	}
	if n := len(h.archive.audits("unmask")); n != 0 {
		t.Errorf("%d unmask entries", n)
	}
	// Who may not see a number may not ask for it by guessing either.
	h.as(h.token("alice"), "/api/v1/calls?from=%2B8613800138000").want(t, http.StatusForbidden, "forbidden")
	r := h.as(token, "/api/v1/calls/"+callID(0)+"?unmask=1")
	if !strings.Contains(r.body, caller) {
		t.Errorf("not unmasked: %s", r.body)
	}
	if e := h.archive.audits("unmask"); len(e) != 1 || e[0].Actor != "sam" || e[0].Object != callID(0) || e[0].Role != "supervisor" || e[0].IP != "127.0.0.1" {
		t.Errorf("audit: %v", e)
	}
	h.archive.audit = errDisk
	r = h.as(token, "/api/v1/calls/"+callID(0)+"?unmask=1")
	r.want(t, http.StatusServiceUnavailable, "unavailable")
	if strings.Contains(r.body, caller) {
		t.Error("unmasked without an audit entry")
	}
}

func TestLogHoldsNoSecrets(t *testing.T) {
	h := open(t)
	token := h.token("sam")
	h.archive.calls500 = errDisk
	h.as(token, "/api/v1/calls?from=%2B8613800138000").want(t, http.StatusInternalServerError, "internal")
	h.ask("POST", "/api/v1/login", loginBody("alice", "hunter2hunter2"), "User-Agent", "13800138000")
	h.as(token, "/13800138000").want(t, http.StatusNotFound, "not-found")
	log := h.log.String()
	for _, secret := range []string{"13800138000", "hunter2hunter2", password, token} {
		if strings.Contains(log, secret) {
			t.Errorf("the log holds %s: %s", secret, log)
		}
	}
	if !strings.Contains(log, "disk has gone") || !strings.Contains(log, `route="GET /api/v1/calls"`) || !strings.Contains(log, "person=sam") {
		t.Errorf("the log tells too little: %s", log)
	}
}

func TestPaging(t *testing.T) {
	h := open(t)
	for i := 10; i < 200; i++ {
		queue := "loans"
		if i%40 == 0 {
			queue = "cards"
		}
		h.archive.calls = append(h.archive.calls, recordings.Call{ID: callID(i), Queue: queue, StartedAt: time.UnixMilli(1_700_000_000_000 + int64(i))})
	}
	token := h.token("alice")
	want := []string{callID(160), callID(120), callID(80), callID(40), callID(5), callID(4), callID(1), callID(0)}
	for _, limit := range []int{1, 3, 500} {
		var got []string
		cursor := ""
		for range 300 {
			var list CallList
			r := h.as(token, fmt.Sprintf("/api/v1/calls?limit=%d&cursor=%s", limit, cursor))
			if err := json.Unmarshal([]byte(r.body), &list); err != nil || len(list.Calls) > limit {
				t.Fatalf("%d calls, %v: %s", len(list.Calls), err, r.body)
			}
			for _, c := range list.Calls {
				got = append(got, c.ID)
			}
			if cursor = list.NextCursor; cursor == "" {
				break
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("limit %d: %v, want %v", limit, got, want)
		}
	}
}

type live []recordings.Call

func (l live) Live() []recordings.Call { return l }

func TestLiveCalls(t *testing.T) {
	h := build(t, Config{}, identity.Config{})
	h.Live = live{
		{ID: callID(1), Queue: "cards", From: caller, StartedAt: time.UnixMilli(1)},
		{ID: callID(2), Queue: "loans", From: caller, StartedAt: time.UnixMilli(2)},
		{ID: callID(3), Queue: "cards", From: caller, StartedAt: time.UnixMilli(3)},
	}
	h.listen()
	var list CallList
	r := h.as(h.token("sue"), "/api/v1/calls?state=live")
	if err := json.Unmarshal([]byte(r.body), &list); err != nil {
		t.Fatal(err)
	}
	if len(list.Calls) != 2 || list.Calls[0].ID != callID(3) || strings.Contains(r.body, caller) {
		t.Errorf("live calls: %s", r.body)
	}
	if h.Live.Live()[0].From != caller {
		t.Error("the running call itself was masked")
	}
}

func TestParameters(t *testing.T) {
	h := open(t)
	token := h.token("otto")
	for _, path := range []string{
		"/api/v1/calls?state=dead", "/api/v1/calls?limit=0", "/api/v1/calls?limit=501", "/api/v1/calls?limit=x",
		"/api/v1/calls?since=yesterday", "/api/v1/calls?until=0", "/api/v1/calls?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
		"/api/v1/calls?agent=a&agent=b", "/api/v1/calls?queue=%00", "/api/v1/calls?queue=' OR 1=1--", "/api/v1/calls?q=words",
		"/api/v1/calls?nosuch=1", "/api/v1/calls?from=" + strings.Repeat("1", 300), "/api/v1/calls?cursor=x", "/api/v1/calls?%zz",
		"/api/v1/calls?a;b", "/api/v1/calls/" + callID(0) + "?unmask=yes", "/api/v1/calls/" + callID(0) + "/recording?track=whisper",
		"/api/v1/audit?cursor=-1", "/api/v1/audit?limit=-5", "/api/v1/audit?actor=%0a", "/api/v1/calls?%3Cscript%3E=1",
	} {
		h.as(token, strings.ReplaceAll(path, " ", "%20")).want(t, http.StatusBadRequest, "bad-parameter")
	}
}

func TestAuditList(t *testing.T) {
	h := open(t)
	h.token("alice")
	h.token("bob")
	token := h.token("otto")
	var list AuditList
	get := func(query string) AuditList {
		t.Helper()
		list = AuditList{}
		r := h.as(token, "/api/v1/audit"+query)
		r.want(t, http.StatusOK, "")
		if err := json.Unmarshal([]byte(r.body), &list); err != nil {
			t.Fatal(err)
		}
		return list
	}
	if l := get("?actor=alice"); len(l.Entries) != 1 || l.Entries[0].Action != "login" {
		t.Errorf("alice: %v", l)
	}
	first := get("?limit=2")
	if len(first.Entries) != 2 || first.NextCursor == "" {
		t.Fatalf("first page: %v", first)
	}
	if l := get("?limit=2&cursor=" + first.NextCursor); l.Entries[0].Seq != 3 {
		t.Errorf("second page: %v", l)
	}
	if l := get("?until=2001-01-01T00:00:00Z"); len(l.Entries) != 0 {
		t.Errorf("long ago: %v", l)
	}
	if n := len(h.archive.audits("audit.read")); n != 4 {
		t.Errorf("%d reads are on record, want 4", n)
	}
}

func FuzzCallsQuery(f *testing.F) {
	for _, q := range []string{"", "state=live&queue=cards&limit=5", "since=2026-01-01T00:00:00Z", "cursor=1700000000000-PS170000000000000000", "%zz", "a;b", "from=%2b86&from=1", "limit=99999999999999999999"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		q, err := callsQuery(raw)
		if err != nil {
			if p := problemOf(err); p.Status != http.StatusBadRequest {
				t.Errorf("%q: %v", raw, err)
			}
			return
		}
		if q.Limit < 1 || q.Limit > maxPage || len(q.From) > maxValue || q.Queue != "" && !identity.ValidName(q.Queue) {
			t.Errorf("%q: %+v", raw, q)
		}
		if _, err := trackOf(raw); err != nil && problemOf(err).Status != http.StatusBadRequest {
			t.Errorf("%q: %v", raw, err)
		}
		if _, _, _, err := auditQuery(raw); err != nil && problemOf(err).Status != http.StatusBadRequest {
			t.Errorf("%q: %v", raw, err)
		}
		laterRange(http.Header{"Range": {raw}})
	})
}
