package e2e

import (
	"crypto/x509"
	"os"
	"strings"
	"testing"

	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/routing"
)

// openQueueTLS is openQueue with pages over TLS.
func openQueueTLS(t *testing.T, sets ...string) *house {
	t.Helper()
	cert, key := certificate(t)
	trusted, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	h := prepare(t, append([]string{
		`calls.numbers={"1000": queue}`, "queues=[{name: payments, ring: 5s, wrap_up: 2s}]", "http.tls.cert=" + cert, "http.tls.key=" + key,
	}, sets...)...)
	h.trust = x509.NewCertPool()
	h.trust.AppendCertsFromPEM(trusted)
	h.start()
	return h
}

// pagesTLS: two pages talk over TLS; the cookie is one that no other
// origin can set, and telephones come by wss. The call goes on while its agent
// looks at other calls, also over a reload there.
func pagesTLS(t *testing.T) {
	takeSlot(t)
	h := talkIn(openQueueTLS(t), chromium.Options{Insecure: true})
	want := chromium.Cookie{Name: "__Host-ivrd", Path: "/", SameSite: "Strict", Secure: true, HTTPOnly: true}
	if got := h.alice.Cookies(); len(got) != 1 || got[0] != want {
		t.Errorf("cookies %+v", got)
	}
	if got := h.caller.Cookies(); len(got) != 0 {
		t.Errorf("the caller, who is nobody, has cookies %+v", got)
	}
	h.alice.True("a secure context", "isSecureContext")

	h.alice.Must(`document.querySelector('nav a[href="/calls"]').click()`)
	h.alice.True("the list of calls", `location.pathname === "/calls" && window.ivrd.phone.state === "talking"`)
	h.both()
	h.alice.Reload()
	h.alice.True("the call to be back", `window.ivrd?.phone?.state === "talking"`)
	h.both()
	h.caller.Click("phone-hangup")
	h.agentIs("alice", routing.Ready, "") // after her wrap-up
	rec := h.ended(1)[0]
	if rec.End != leg.CallerHangup {
		t.Errorf("the call ended by %s", rec.End)
	}
	left, right := h.recording(rec.ID, "")
	h.hearsAll("left", left, demoHz)
	h.hearsAll("right", right, aliceHz, aliceHz)
	if out := h.process.Output(); !strings.Contains(out, `"wss"`) || strings.Contains(out, `"ws"`) {
		t.Error("the telephones did not come by wss")
	}
	h.verify()
}
