package e2e

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/netns"
)

// Where a site's API listens: the host is the site's own, and so is the port.
const siteHTTP = "127.0.0.1:8080"

// openSite runs the server on a host of its own in production, as its operator
// would: a configuration file, a key file beside it, people added by hand. conf
// is what the site adds to the file.
func openSite(t *testing.T, host *netns.Host, conf string) *house {
	t.Helper()
	return openSiteAt(t, host, siteHTTP, "", "", conf)
}

// openSiteAt is openSite with the API at another address. With a certificate it
// is over TLS, and nobody is asked to vouch for it.
func openSiteAt(t *testing.T, host *netns.Host, address, cert, key, conf string) *house {
	t.Helper()
	dir := t.TempDir()
	keys := filepath.Join(dir, "keys", "root")
	if _, err := seal.CreateRootFile(keys, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "ivrd.yaml")
	h := &house{t: t, http: address, data: filepath.Join(dir, "var"), args: []string{"--config", file}}
	if cert != "" {
		h.trust = x509.NewCertPool()
	}
	conf = fmt.Sprintf("mode: production\nhttp: {listen: %q, tls: {cert: %q, key: %q}}\n", address, cert, key) + conf +
		"flows: {dir: testdata/trunk, prompts: " + tonePrompts(t) + ", backend: \"\"}\nspeech: {engine: none}\n" +
		"data: {dir: " + h.data + ", key_file: " + keys + "}\nlog: {level: debug, format: json}\n"
	if err := os.WriteFile(file, []byte(conf), 0o600); err != nil {
		t.Fatal(err)
	}
	h.run("check")
	const password = "battery-staple-7"
	h.add(password, "sue", "--role", "supervisor", "--group", "*")
	h.process = testkit.Start(t, host.Exec(binary, append([]string{"serve"}, h.args...)...))
	h.client = visitSite(t, host)
	testkit.Eventually(t, 30*time.Second, "readiness", func() bool {
		res, err := h.client.Get(h.origin() + "/readyz")
		return err == nil && res.Body.Close() == nil && res.StatusCode == http.StatusOK
	})
	res, err := h.client.Post(h.origin()+"/api/v1/login", "application/json", strings.NewReader(`{"username":"sue","password":"`+password+`"}`))
	if err != nil {
		t.Fatal(err)
	}
	if res.Body.Close() != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("sign in: %s", res.Status)
	}
	return h
}

// visitSite is a browser on the site's host.
func visitSite(t *testing.T, host *netns.Host) *http.Client {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // the certificate is the test's own
		DialContext: func(_ context.Context, network, address string) (net.Conn, error) {
			return host.Dial(network, address)
		},
	}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Jar: jar, Timeout: 30 * time.Second, Transport: transport}
}

// add adds a person with a password.
func (h *house) add(password string, args ...string) {
	h.t.Helper()
	cmd := h.command(append([]string{"user", "add"}, args...)...)
	cmd.Stdin = strings.NewReader(password + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		h.t.Fatalf("add %s: %v %s", args[0], err, out)
	}
}
