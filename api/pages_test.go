package api

import (
	"compress/gzip"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// TestPages: one document at all pages' addresses, with a nonce of its own each
// time and a policy that names it; files are served for ever, packed where the
// browser can.
func TestPages(t *testing.T) {
	h := open(t)
	script := strings.Repeat("let a = 1;\n", 500)
	h.Pages = fstest.MapFS{
		"index.html":        {Data: []byte(`<meta name="csp-nonce" content="__CSP_NONCE__">`)},
		"assets/a-1.js":     {Data: []byte(script)},
		"assets/sub/b.js":   {Data: []byte("x")},
		"README":            {Data: []byte("not for readers")},
		"assets/noise.woff": {Data: []byte("x")},
	}
	nonces := map[string]bool{}
	for _, path := range []string{"/", "/agent", "/monitor", "/calls", "/calls/PS170000000000000000", "/phone"} {
		r := h.ask("GET", path, "")
		nonce := regexp.MustCompile(`content="([A-Z0-9]{20,})"`).FindStringSubmatch(r.body)
		policy := r.Header.Get("Content-Security-Policy")
		if r.StatusCode != http.StatusOK || nonce == nil || !strings.Contains(policy, "style-src 'self' 'nonce-"+nonce[1]+"'") || strings.Contains(policy, "unsafe") {
			t.Fatalf("%s: %d %q %q", path, r.StatusCode, r.body, policy)
		}
		nonces[nonce[1]] = true
	}
	if len(nonces) != 6 {
		t.Errorf("%d nonces for 6 pages", len(nonces))
	}
	for _, path := range []string{"/assets/none.js", "/assets/sub", "/assets/..%2fREADME", "/assets/", "/README", "/agent/x"} {
		h.ask("GET", path, "").want(t, http.StatusNotFound, "not-found")
	}
	for accepts, packed := range map[string]bool{"gzip, br": true, "br": false, "gzip;q=0": false} {
		r := h.ask("GET", "/assets/a-1.js", "", "Accept-Encoding", accepts)
		var body io.Reader = strings.NewReader(r.body)
		if got := r.Header.Get("Content-Encoding") == "gzip"; got != packed {
			t.Errorf("%s: packed %v", accepts, got)
		}
		if packed {
			z, err := gzip.NewReader(body)
			if err != nil {
				t.Fatal(err)
			}
			body = z
		}
		if b, err := io.ReadAll(body); err != nil || string(b) != script || !strings.Contains(r.Header.Get("Content-Type"), "javascript") || !strings.Contains(r.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%s: %d bytes, %v, %v", accepts, len(b), err, r.Header)
		}
	}
}
