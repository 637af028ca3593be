package api

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/identity"
	"github.com/ivrd/ivrd/recordings"
	"github.com/ivrd/ivrd/transcript"
)

func request(t *testing.T, method, path string) *http.Request {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	r.RemoteAddr = "192.0.2.1:1234"
	return r
}

// sink takes an answer and counts it.
type sink struct {
	header http.Header
	n      int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { s.n += len(b); return len(b), nil }

func TestHealthAndReadiness(t *testing.T) {
	h := build(t, Config{}, identity.Config{})
	fault := error(nil)
	h.Checks = []Check{
		{Name: "archive", Func: func(context.Context) error { return nil }},
		{Name: "disk", Func: func(context.Context) error { return fault }},
		{Name: "speech", Func: func(context.Context) error { return errDisk }, Advisory: true},
	}
	h.listen()
	h.ask("GET", "/healthz", "").want(t, http.StatusOK, "")
	r := h.ask("GET", "/readyz", "")
	if r.StatusCode != http.StatusOK || !strings.Contains(r.body, `"ready":true`) || !strings.Contains(r.body, `{"name":"speech","ok":false,"advisory":true}`) {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	fault = errDisk
	r = h.ask("GET", "/readyz", "")
	if r.StatusCode != http.StatusServiceUnavailable || !strings.Contains(r.body, `{"name":"archive","ok":true},{"name":"disk","ok":false}`) || strings.Contains(r.body, "gone") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
	fault = nil
	h.Drain()
	if r = h.ask("GET", "/readyz", ""); r.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("draining: %d", r.StatusCode)
	}
	h.ask("GET", "/healthz", "").want(t, http.StatusOK, "")
}

func TestMetrics(t *testing.T) {
	h := open(t)
	h.token("alice")
	r := h.ask("GET", "/metrics", "")
	for _, want := range []string{`ivrd_sign_ins_total{result="ok"} 1`, `ivrd_http_requests_total{code="200",route="POST /api/v1/login"} 1`} {
		if !strings.Contains(r.body, want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func TestHeaders(t *testing.T) {
	h := open(t)
	for _, path := range []string{"/", "/api/v1/me", "/nothing", "/healthz", "/metrics"} {
		r := h.ask("GET", path, "")
		for name, want := range map[string]string{
			"Content-Security-Policy": "default-src 'none'", "X-Content-Type-Options": "nosniff",
			"Cache-Control": "no-store", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		} {
			if !strings.HasPrefix(r.Header.Get(name), want) {
				t.Errorf("%s: %s is %q", path, name, r.Header.Get(name))
			}
		}
		if r.Header.Get("Server") != "" || r.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %v", path, r.Header)
		}
	}
	secure := New(Config{CertFile: "c"}, Deps{})
	w := httptest.NewRecorder()
	secure.Handler().ServeHTTP(w, request(t, "GET", "/healthz"))
	if w.Header().Get("Strict-Transport-Security") == "" {
		t.Error("no HSTS with TLS")
	}
}

func TestFrontPage(t *testing.T) {
	r := open(t).ask("GET", "/", "")
	if r.StatusCode != http.StatusOK || !strings.Contains(r.body, "/api/v1/openapi.json") || strings.Contains(r.body, "<script") {
		t.Errorf("%d %s", r.StatusCode, r.body)
	}
}

func TestOddRequests(t *testing.T) {
	h := open(t)
	h.ask("GET", "/nothing", "").want(t, http.StatusNotFound, "not-found")
	r := h.ask("DELETE", "/api/v1/calls", "")
	r.want(t, http.StatusMethodNotAllowed, "method")
	if r.Header.Get("Allow") != "GET" {
		t.Errorf("Allow: %s", r.Header.Get("Allow"))
	}
	h.ask("GET", "/api/v1/login", "").want(t, http.StatusMethodNotAllowed, "method")
}

func TestTooManyRequests(t *testing.T) {
	h := build(t, Config{MaxInFlight: 1}, identity.Config{})
	h.listen()
	h.inFlight <- struct{}{}
	h.ask("GET", "/api/v1/me", "").want(t, http.StatusServiceUnavailable, "unavailable")
	h.ask("GET", "/healthz", "").want(t, http.StatusOK, "")
	<-h.inFlight
	h.ask("GET", "/api/v1/me", "").want(t, http.StatusUnauthorized, "sign-in")
	h.ask("GET", "/api/v1/me", "").want(t, http.StatusUnauthorized, "sign-in")
}

type panicking struct{ Archive }

func (panicking) Call(context.Context, string) (recordings.Call, error) { panic("13800138000") }

func TestPanicIsOneRequests(t *testing.T) {
	h := build(t, Config{}, identity.Config{})
	h.Archive = panicking{h.archive}
	h.listen()
	token := h.token("sam")
	h.as(token, "/api/v1/calls/"+callID(0)).want(t, http.StatusInternalServerError, "internal")
	h.as(token, "/api/v1/me").want(t, http.StatusOK, "")
	if log := h.log.String(); !strings.Contains(log, "request panicked") || strings.Contains(log, "13800138000") {
		t.Errorf("log: %s", log)
	}
}

func TestStartAndClose(t *testing.T) {
	s := New(Config{Listen: "127.0.0.1:0"}, Deps{})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	if err := s.Start(); err == nil {
		t.Error("started twice")
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	url := "http://" + s.Addr().String() + "/healthz"
	r, err := client.Get(url)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Fatal(r, err)
	}
	_ = r.Body.Close()
	for range 2 {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if r, err := client.Get(url); err == nil {
		_ = r.Body.Close()
		t.Error("answers after Close")
	}
	if err := s.Start(); err == nil {
		t.Error("started after Close")
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	if err := New(Config{Listen: taken.Addr().String()}, Deps{}).Start(); err == nil {
		t.Error("started on a taken port")
	}
}

// writeCertificate makes a self-signed one with a serial number.
func writeCertificate(t *testing.T, dir string, serial int64, changed time.Time) (cert, key string) {
	t.Helper()
	k, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "ivrd"},
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &k.PublicKey, k)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for name, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(name, changed, changed); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func TestTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := writeCertificate(t, dir, 1, time.Now())
	s := New(Config{Listen: "127.0.0.1:0", CertFile: cert, KeyFile: key}, Deps{})
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	dial := func(most uint16) error {
		c, err := tls.Dial("tcp", s.Addr().String(), &tls.Config{InsecureSkipVerify: true, MaxVersion: most}) //nolint:gosec // our own
		if err == nil {
			err = c.Close()
		}
		return err
	}
	if err := dial(tls.VersionTLS13); err != nil {
		t.Error(err)
	}
	if err := dial(tls.VersionTLS12); err == nil {
		t.Error("TLS 1.2 is accepted")
	}
	if err := New(Config{CertFile: cert, KeyFile: cert}, Deps{}).Start(); err == nil || !strings.Contains(err.Error(), "http.tls") {
		t.Errorf("a bad key: %v", err)
	}
}

func TestCertificateReload(t *testing.T) {
	dir := t.TempDir()
	begun := time.Now().Add(-time.Hour)
	cert, key := writeCertificate(t, dir, 1, begun)
	c, err := newCertificates(cert, key, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	serial := func() int64 {
		t.Helper()
		c.looked = time.Now().Add(-lookEvery)
		got, err := c.get(nil)
		if err != nil {
			t.Fatal(err)
		}
		return got.Leaf.SerialNumber.Int64()
	}
	writeCertificate(t, dir, 2, begun.Add(time.Minute))
	if got := serial(); got != 2 {
		t.Errorf("serial %d, want 2", got)
	}
	if err := os.WriteFile(cert, []byte("spoilt"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := serial(); got != 2 {
		t.Errorf("a spoilt file: serial %d", got)
	}
	writeCertificate(t, dir, 3, begun.Add(2*time.Minute))
	if got := serial(); got != 3 {
		t.Errorf("serial %d, want 3", got)
	}
}

// schema is what the test reads of the description.
type schema struct {
	Ref                  string            `json:"$ref"`
	Type                 string            `json:"type"`
	Required             []string          `json:"required"`
	Properties           map[string]schema `json:"properties"`
	Items                *schema           `json:"items"`
	AdditionalProperties *schema           `json:"additionalProperties"`
}

// TestOpenAPI compares the description with the routes and the types.
func TestOpenAPI(t *testing.T) {
	var doc struct {
		Paths      map[string]map[string]json.RawMessage
		Components struct{ Schemas map[string]schema }
	}
	if err := json.Unmarshal(description, &doc); err != nil {
		t.Fatal(err)
	}
	described := 0
	for _, rt := range New(Config{}, Deps{}).routes() {
		path := strings.TrimSuffix(rt.path, "{$}")
		if _, ok := doc.Paths[path][strings.ToLower(rt.method)]; !ok {
			t.Errorf("%s %s is not described", rt.method, path)
		}
	}
	for _, methods := range doc.Paths {
		described += len(methods)
	}
	if n := len(New(Config{}, Deps{}).routes()); n != described {
		t.Errorf("%d operations are described, %d are there", described, n)
	}
	for name, v := range map[string]any{
		"Login": Login{}, "LoggedIn": LoggedIn{}, "CallList": CallList{}, "Transcript": Transcript{}, "AuditList": AuditList{}, "Readiness": Readiness{}, "Problem": Problem{},
		"QueueList": QueueList{}, "AgentList": AgentList{}, "AgentState": AgentState{}, "MonitorRequest": MonitorRequest{},
		"HoldRequest": HoldRequest{}, "TransferRequest": TransferRequest{}, "AttachRequest": AttachRequest{},
		"Site": Site{}, "Phone": Phone{}, "DemoCaller": DemoCaller{}, "Notes": Notes{}, "Event": Event{},
	} {
		compare(t, doc.Components.Schemas, schema{Ref: "#/components/schemas/" + name}, reflect.TypeOf(v), name)
	}
}

func compare(t *testing.T, all map[string]schema, s schema, typ reflect.Type, where string) {
	t.Helper()
	if name, ok := strings.CutPrefix(s.Ref, "#/components/schemas/"); ok {
		if s, ok = all[name]; !ok {
			t.Errorf("%s: no schema %s", where, name)
			return
		}
	}
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	want := map[reflect.Kind]string{
		reflect.String: "string", reflect.Int: "integer", reflect.Int64: "integer", reflect.Uint64: "integer", reflect.Float64: "number", reflect.Bool: "boolean",
		reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
	}[typ.Kind()]
	leaf := typ.Implements(reflect.TypeFor[encoding.TextMarshaler]()) // a name, a time, a secret
	if leaf {
		want = "string"
	}
	if typ == reflect.TypeFor[transcript.Scores]() { // an object by name
		want, leaf = "object", true
	}
	if s.Type != want {
		t.Errorf("%s: described as %q, is %q", where, s.Type, want)
		return
	}
	switch {
	case leaf:
	case typ.Kind() == reflect.Slice:
		compare(t, all, *s.Items, typ.Elem(), where+"[]")
	case typ.Kind() == reflect.Map:
		compare(t, all, *s.AdditionalProperties, typ.Elem(), where+"{}")
	case typ.Kind() == reflect.Struct:
		compareFields(t, all, s, typ, where)
	}
}

func compareFields(t *testing.T, all map[string]schema, s schema, typ reflect.Type, where string) {
	t.Helper()
	seen := 0
	for f := range typ.Fields() {
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "-" {
			continue
		}
		seen++
		property, ok := s.Properties[name]
		if !ok {
			t.Errorf("%s.%s is not described", where, name)
			continue
		}
		if optional := strings.Contains(options, "omit"); optional == slices.Contains(s.Required, name) {
			t.Errorf("%s.%s: optional %v, but required says otherwise", where, name, optional)
		}
		compare(t, all, property, f.Type, where+"."+name)
	}
	if seen != len(s.Properties) {
		t.Errorf("%s: %d fields, %d described", where, seen, len(s.Properties))
	}
}

func TestProblemOf(t *testing.T) {
	if p := problemOf(errors.New("secret detail")); p.Status != 500 || strings.Contains(p.Detail, "secret") {
		t.Errorf("%v", p)
	}
	p := problemOf(fmt.Errorf("read call: secret detail: %w", recordings.ErrDamaged))
	if p.Status != 500 || p.Type != "urn:ivrd:problem:damaged" || strings.Contains(p.Detail, "secret") {
		t.Errorf("%v", p)
	}
}
