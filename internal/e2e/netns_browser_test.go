package e2e

import (
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/internal/testkit/natbox"
	"github.com/ivrd/ivrd/internal/testkit/netns"
	"github.com/ivrd/ivrd/internal/testkit/tone"
)

// officeConf is a site with a carrier on one side and agents' browsers, over
// TLS, on the other.
const officeConf = `
sip:
  listen: 0.0.0.0:5060
  allow_clear: true
  advertise: 203.0.113.10
  trunks:
    - name: carrier
      server: 203.0.113.7:5060
      domain: carrier.example
      realm: carrier.example
      username: "075588880000"
      password_file: %s
      register: true
      expires: 5m
      trusted: true
      codecs: [PCMA]
media: {address: 0.0.0.0, ports: 16384-16483, web_port: 16500}
calls: {numbers: {"+8675588880000": trunk}}
`

const officeHTTPS = "198.51.100.5:8443"

// TestNetnsBrowser: an agent works at home, behind a symmetric address
// translator and a line that loses and shuffles packets, over TLS; calls come by
// a trunk, in another codec. They hear each other; a line that is cut for twenty
// seconds and a reload cost the caller music, not the call.
func TestNetnsBrowser(t *testing.T) {
	t.Parallel()
	n := netns.New(t)
	site, outside, home, router := n.Host("site"), n.Host("carrier"), n.Host("home"), n.Host("router")
	home.OnlyIPv4()
	n.Link(site, publicAddress+"/24", outside, carrierAddress+"/24")
	_, wan := n.Link(site, "198.51.100.5/24", router, "")
	lan, _ := n.Link(router, "", home, "10.1.0.2/24")
	home.DefaultRoute("10.1.0.1")
	box := natbox.Start(t, lan, wan, natbox.Config{Inside: netip.MustParseAddr("10.1.0.1"), Outside: netip.MustParseAddr("198.51.100.9")})

	w := &trunkWorld{network: n, site: site, box: box, carrier: startCarrier(t, outside)}
	secret := filepath.Join(t.TempDir(), "carrier")
	if err := os.WriteFile(secret, []byte(trunkSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cert, key := certificate(t)
	w.house = openSiteAt(t, site, officeHTTPS, cert, key, fmt.Sprintf(officeConf, secret))
	w.house.add("battery-staple-8", "alice", "--role", "agent", "--group", "*")
	w.up(1)
	alice := chromium.Start(t, chromium.Options{Mic: calleeHz, Wrap: home.Exec("").Args[:4], Insecure: true}).Open("https://" + officeHTTPS + "/?raw=1")
	alice.Type("signin-name", "alice")
	alice.Type("signin-password", "battery-staple-8")
	alice.Click("signin-submit")
	alice.True("the desk's phone", `window.ivrd?.phone?.state === "ready"`)

	box.Impair(natbox.Impairment{Loss: 0.02, Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond})
	call := w.call(t)
	hears := func(freq float64) {
		t.Helper()
		testkit.Eventually(t, 30*time.Second, fmt.Sprintf("the caller to hear %v Hz", freq), func() bool {
			return slices.Equal(call.phone.Tones(-300*time.Millisecond, 0, callerHz, ringbackHz, calleeHz), []float64{freq})
		})
	}
	waitHeard(t, call.phone, 700)
	press(t, call.phone, "3")
	alice.Click("ring-answer")
	alice.Hears(remote, callerHz)
	hears(calleeHz)

	box.Impair(natbox.Impairment{Loss: 1}) // the line is cut
	hears(ringbackHz)
	time.AfterFunc(14*time.Second, func() {
		box.Impair(natbox.Impairment{Loss: 0.02, Delay: 20 * time.Millisecond, Jitter: 10 * time.Millisecond})
	})
	hears(calleeHz)
	alice.Hears(remote, callerHz)

	alice.Reload()
	hears(ringbackHz)
	hears(calleeHz)
	alice.Hears(remote, callerHz)
	call.hangup()
	rec := w.house.ended(1)[0]
	left, _ := w.house.recording(rec.ID, "")
	if heard := tone.Heard(left, 40, callerHz, calleeHz); len(heard) != 1 || heard[0] != callerHz {
		t.Errorf("the caller's side of the recording holds %v", heard)
	}
	if box.Dropped() == 0 {
		t.Error("the line lost nothing")
	}
}
