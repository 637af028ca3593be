package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/chromium"
	"github.com/ivrd/ivrd/leg"
)

// webModules is where make web puts the packages of the pages.
const webModules = "../../web/node_modules/"

// jssip is the library as its own packages have it, in one script.
func jssip(t *testing.T) string {
	t.Helper()
	bundler := webModules + ".bin/rolldown"
	if _, err := os.Stat(bundler); err != nil {
		testkit.Lacks(t, "the packages of the pages are not installed (hint: make web)")
	}
	file := filepath.Join(t.TempDir(), "jssip.js")
	cmd := exec.CommandContext(t.Context(), bundler, webModules+"jssip/lib/JsSIP.js",
		"--format", "iife", "--name", "JsSIP", "--platform", "browser", "--transform.define", "process.env.NODE_DEBUG:undefined", "--file", file)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("bundle jssip: %v %s", err, out)
	}
	script, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(script)
}

// register makes a JsSIP user agent as its manual tells, with a secret of the
// server's; session, heard and ended follow the newest call.
const register = `
async function start() {
  const secret = await (await fetch('/api/v1/phone', {method: 'POST'})).json();
  const ua = window.ua = new JsSIP.UA({
    sockets: [new JsSIP.WebSocketInterface(location.origin.replace('http', 'ws') + secret.path)],
    uri: secret.uri, realm: secret.realm, authorization_user: secret.username, password: secret.secret,
  });
  ua.on('newRTCSession', ({session}) => {
    window.session = session;
    window.ended = null;
    // After a hold Chromium receives anew: what plays the track must be made anew, too.
    const listen = (pc) => pc.addEventListener('track', (e) => { window.heard = new MediaStream([e.track]); });
    if (session.connection) listen(session.connection);
    session.on('peerconnection', (e) => listen(e.peerconnection));
    for (const end of ['ended', 'failed']) session.on(end, (e) => { window.ended = e.originator + ' ' + e.cause; });
  });
  await new Promise((resolve, reject) => {
    ua.on('registered', resolve);
    ua.on('registrationFailed', (e) => reject(new Error(e.cause)));
    ua.start();
  });
}
async function call(number) {
  const mediaStream = await navigator.mediaDevices.getUserMedia({audio: {echoCancellation: false, noiseSuppression: false, autoGainControl: false}});
  const session = ua.call('sip:' + number + '@' + ua.configuration.uri.host, {mediaStream});
  await new Promise((resolve, reject) => {
    session.on('confirmed', resolve);
    session.on('failed', (e) => reject(new Error(e.cause)));
  });
}
const turn = (what) => new Promise((resolve, reject) => {
  session[what]({}, resolve) || reject(new Error(what + ' is not possible now'));
});
Object.assign(window, {start, call, turn});
`

// pageOfJsSIP: JsSIP from npm, without anything of ours around it, is a phone of
// the server: it registers, is heard and hears, sends keys, holds, and both
// sides can hang up.
func pageOfJsSIP(t *testing.T) {
	takeSlot(t)
	const heard = "window.heard"
	h := open(t)
	p := chromium.Start(t, chromium.Options{Mic: demoHz}).Open("about:blank")
	p.BypassCSP()
	p.Go(h.origin() + "/healthz")
	p.True("the server's own origin", "location.pathname === '/healthz' && document.readyState === 'complete'")
	p.Must(jssip(t) + ";window.JsSIP = JsSIP;" + register)
	p.Must(`fetch('/api/v1/login', {method: 'POST', headers: {'Content-Type': 'application/json'}, body: '{"username":"alice","password":"demo"}'})
		.then((r) => r.ok || Promise.reject(new Error('sign in: ' + r.status)))`)
	p.Must("start()")

	p.Must("call('echo')")
	p.Hears(heard, demoHz)
	p.Must("window.sent = 0; session.connection.getSenders()[0].dtmf.addEventListener('tonechange', (e) => { if (e.tone) sent++; })")
	for _, k := range "15#" {
		p.Must("session.sendDTMF(" + strconv.Quote(string(k)) + ", {transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833, duration: 120, interToneGap: 80})")
	}
	p.True("the keys to be sent", "window.sent === 3 && session.connection.getSenders()[0].dtmf.toneBuffer === ''")
	p.Mix(heard, time.Second, voices, demoHz) // the keys have not cost the sound
	p.Must("turn('hold')")
	p.Hears(heard, 0)
	p.Must("turn('unhold')")
	p.Mix(heard, time.Second, voices, demoHz)
	p.Must("session.terminate()")
	if rec := h.ended(1)[0]; rec.End != leg.CallerHangup {
		t.Errorf("the echo ended by %s", rec.End)
	}

	p.Must("call('1000')")
	p.Hears(heard, 700)
	p.Must("session.sendDTMF('5', {transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833})")
	p.Hears(heard, 600)
	p.Must("turn('hold')")
	p.Must("turn('unhold')")
	p.Hears(heard, 600)
	p.Must("session.terminate()")
	h.ended(2)

	p.Must("call('1000')")
	p.Hears(heard, 700)
	p.Must("session.sendDTMF('9', {transportType: JsSIP.C.DTMF_TRANSPORT.RFC2833})")
	p.True("the server to hang up", "window.ended === 'remote Terminated'")
	if rec := h.ended(3)[0]; rec.End != leg.FlowHangup {
		t.Errorf("the menu ended by %s", rec.End)
	}
	h.verify()
}
