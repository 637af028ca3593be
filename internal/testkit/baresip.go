package testkit

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

const baresipModules = "/usr/lib/baresip/modules"

// Baresip describes a baresip: an independent SIP phone with a file for a
// microphone and a file for an ear.
//
// What Debian's baresip 1.0.0 taught (its -core package is all that is needed):
//   - the source must be aufile with a file of the codec's own rate: its ausine
//     makes 48 kHz stereo only, and refuses to start otherwise;
//   - it needs no player: what it hears is decoded and written by sndfile
//     without one, in dump-<time>-dec.wav, complete once the call has ended;
//   - it ignores loopback interfaces. With SIP on 127.0.0.1 its SDP still names
//     the address of the first other interface, and so its RTP goes there: a
//     machine, or a namespace, with nothing but lo cannot run it;
//   - its control port speaks netstrings of JSON and reports no digits: those
//     are on stdout (received event: '1').
type Baresip struct {
	// User, and for registration Domain (host:port of the registrar) and
	// Password. Without Domain it does not register.
	User, Domain, Password string
	// Transport of registration and calls: udp (the default), tcp or tls. With
	// tls the server's certificate must come from Authority, a PEM file.
	Transport, Authority string
	// Encryption of the sound: empty for none, or a way that baresip calls
	// mediaenc, such as srtp-mand (SDES, and no call without it) or dtls_srtp.
	Encryption string
	// Mux offers RTP and RTCP on one port; it takes that of an offer anyway.
	Mux bool
	// Codec is PCMU (the default), PCMA, G722 or L16; none but it is taken.
	Codec string
	// Manual lets incoming calls ring until Accept; else they are answered.
	Manual bool
	// Mouth is the sound that it speaks, 8 kHz; at its end it says nothing
	// more. Nil is silence.
	Mouth []int16
	// Address that its SIP listens on; empty means 127.0.0.1.
	Address string
	// Command starts it elsewhere than here, such as in a network namespace
	// (the control port is then reached in there, too, by Dial); nil means
	// exec.Command.
	Command func(name string, args ...string) *exec.Cmd
	// Dial reaches the control port; nil means net.Dial.
	Dial func(network, address string) (net.Conn, error)
}

// Phone is a running baresip.
type Phone struct {
	t       testing.TB
	process *Process
	control net.Conn
	dir     string
	rate    int // of what is heard
	// URI reaches the phone without a registrar.
	URI string

	mu      sync.Mutex
	events  []PhoneEvent
	changed chan struct{}
}

// PhoneEvent is what baresip reports of itself: REGISTER_OK, CALL_INCOMING,
// CALL_RINGING, CALL_ESTABLISHED, CALL_CLOSED and others. Param tells more,
// such as the reason of an end.
type PhoneEvent struct {
	Type  string `json:"type"`
	Peer  string `json:"peeruri"`
	Param string `json:"param"`
}

// Start starts the phone and returns when it can be commanded; registration
// may still be under way (see Wait).
func (b Baresip) Start(t testing.TB) *Phone {
	t.Helper()
	Need(t, "baresip")
	address := orElse(b.Address, "127.0.0.1")
	sip, control := Ports(t, 2), Port(t)
	p := &Phone{t: t, dir: t.TempDir(), rate: b.rate(), changed: make(chan struct{})}
	p.URI = fmt.Sprintf("sip:%s@%s:%d", b.User, address, sip)
	p.write("mouth.wav", wavFile(b.rate(), b.mouth()))
	p.write("accounts", []byte(b.account(p.URI)))
	p.write("config", []byte(b.config(p.dir, fmt.Sprintf("%s:%d", address, sip), control, Ports(t, 40))))
	command := b.Command
	if command == nil {
		command = exec.Command
	}
	p.process = Start(t, command("baresip", "-f", p.dir))
	p.process.WaitOutput("baresip is ready", 10*time.Second)
	dial := b.Dial
	if dial == nil {
		dial = net.Dial
	}
	p.connect(dial, fmt.Sprintf("127.0.0.1:%d", control))
	return p
}

// rate of the codec's sound in Hz.
func (b Baresip) rate() int {
	if b.Codec == "G722" {
		return 16000
	}
	return 8000
}

// mouth is a minute at least: aufile falls silent at the end of its file, but
// some versions end the call. It has the codec's rate.
func (b Baresip) mouth() []int16 {
	pcm := make([]int16, max(len(b.Mouth), 60*8000))
	copy(pcm, b.Mouth)
	if b.rate() == 8000 {
		return pcm
	}
	wide := make([]int16, 2*len(pcm))
	for i, v := range pcm { // straight lines: tones do for what this is for
		wide[2*i] = v
		wide[2*i+1] = int16((int(v) + int(pcm[min(i+1, len(pcm)-1)])) / 2)
	}
	return wide
}

func (b Baresip) account(uri string) string {
	answer := "auto"
	if b.Manual {
		answer = "manual"
	}
	mux := "no"
	if b.Mux {
		mux = "yes"
	}
	params := fmt.Sprintf("answermode=%s;audio_codecs=%s/%d/1;ptime=20;rtcp_mux=%s", answer, orElse(b.Codec, "PCMU"), b.rate(), mux)
	if b.Encryption != "" {
		params += ";mediaenc=" + b.Encryption
	}
	if b.Domain == "" {
		return fmt.Sprintf("<%s>;regint=0;%s\n", uri, params)
	}
	return fmt.Sprintf("<sip:%s@%s;transport=%s>;auth_pass=%s;regint=60;%s\n",
		b.User, b.Domain, orElse(b.Transport, "udp"), b.Password, params)
}

func (b Baresip) config(dir, listen string, control, rtp int) string {
	lines := []string{
		"poll_method epoll",
		"sip_listen " + listen,
		"sip_transports udp,tcp" + b.securely(),
		"call_local_timeout 120",
		"call_max_calls 8",
		"statmode_default off",
		"audio_path /nonexistent", // no ring tones
		"audio_source aufile," + filepath.Join(dir, "mouth.wav"),
		fmt.Sprintf("ausrc_srate %d", b.rate()), fmt.Sprintf("auplay_srate %d", b.rate()),
		"ausrc_channels 1", "auplay_channels 1",
		"audio_txmode thread",
		"audio_level no",
		"audio_buffer 20-160",
		fmt.Sprintf("rtp_ports %d-%d", rtp, rtp+39),
		"jitter_buffer_delay 1-5",
		"module_path " + baresipModules,
		"module g711.so", "module g722.so", "module l16.so", "module aufile.so", "module sndfile.so",
		"snd_path " + dir,
		"module_tmp uuid.so", "module_tmp account.so",
		"module_app menu.so", "module_app ctrl_tcp.so",
		fmt.Sprintf("ctrl_tcp_listen 127.0.0.1:%d", control),
	}
	if b.Authority != "" {
		lines = append(lines, "sip_cafile "+b.Authority)
	}
	switch {
	case strings.HasPrefix(b.Encryption, "dtls_srtp"):
		lines = append(lines, "module dtls_srtp.so")
	case b.Encryption != "":
		lines = append(lines, "module srtp.so")
	}
	return strings.Join(lines, "\n") + "\n"
}

// securely adds TLS for those who ask: its listener is one port up.
func (b Baresip) securely() string {
	if b.Transport == "tls" {
		return ",tls"
	}
	return ""
}

func (p *Phone) write(name string, b []byte) {
	p.t.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), b, 0o600); err != nil {
		p.t.Fatal(err)
	}
}

func (p *Phone) connect(dial func(network, address string) (net.Conn, error), address string) {
	p.t.Helper()
	Eventually(p.t, 10*time.Second, "baresip's control port", func() bool {
		c, err := dial("tcp", address)
		p.control = c
		return err == nil
	})
	go p.read(p.control)
	p.t.Cleanup(func() { p.control.Close() })
}

// read keeps the events that baresip reports until it hangs up.
func (p *Phone) read(from io.Reader) {
	r := bufio.NewReader(from)
	for {
		b, err := readNetstring(r)
		if err != nil {
			return
		}
		var e PhoneEvent
		if json.Unmarshal(b, &e) != nil || e.Type == "" {
			continue // an answer to a command
		}
		p.mu.Lock()
		p.events = append(p.events, e)
		close(p.changed)
		p.changed = make(chan struct{})
		p.mu.Unlock()
	}
}

// readNetstring reads "5:hello,".
func readNetstring(r *bufio.Reader) ([]byte, error) {
	head, err := r.ReadString(':')
	if err != nil {
		return nil, err
	}
	n, err := strconv.Atoi(strings.TrimSuffix(head, ":"))
	if err != nil || n < 0 || n > 1<<20 {
		return nil, fmt.Errorf("netstring of length %q", head)
	}
	b := make([]byte, n+1)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, err
	}
	return b[:n], nil
}

// Events are all events so far.
func (p *Phone) Events() []PhoneEvent {
	events, _ := p.state()
	return events
}

func (p *Phone) state() ([]PhoneEvent, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]PhoneEvent(nil), p.events...), p.changed
}

// Wait waits for the first event of a type after skip earlier ones of it.
func (p *Phone) Wait(kind string, skip int, limit time.Duration) PhoneEvent {
	p.t.Helper()
	timeout := time.NewTimer(limit)
	defer timeout.Stop()
	for {
		events, changed := p.state()
		seen := 0
		for _, e := range events {
			if e.Type != kind {
				continue
			}
			if seen == skip {
				return e
			}
			seen++
		}
		select {
		case <-changed:
		case <-p.process.Done():
			p.t.Fatalf("baresip ended without %s", kind)
		case <-timeout.C:
			p.t.Fatalf("no %s within %v; events: %v", kind, limit, events)
		}
	}
}

// WaitRegistered waits for the registrar's answer.
func (p *Phone) WaitRegistered() {
	p.t.Helper()
	p.Wait("REGISTER_OK", 0, 10*time.Second)
}

// WaitEstablished waits until a call is up, WaitClosed until one has ended.
func (p *Phone) WaitEstablished() {
	p.t.Helper()
	p.Wait("CALL_ESTABLISHED", 0, 15*time.Second)
}

// WaitClosed waits until a call has ended, and returns why.
func (p *Phone) WaitClosed() string {
	p.t.Helper()
	return p.Wait("CALL_CLOSED", 0, 30*time.Second).Param
}

// WaitDigit waits until the phone has heard a digit (RFC 4733) so many times.
func (p *Phone) WaitDigit(digit byte, times int, limit time.Duration) {
	p.t.Helper()
	p.process.WaitCount(fmt.Sprintf("received event: '%c' (end=1)", digit), times, limit)
}

// Call calls a SIP URI, or a number through the registrar.
func (p *Phone) Call(uri string) { p.Do("dial", uri) }

// Accept answers a call that rings.
func (p *Phone) Accept() { p.Do("accept", "") }

// Hangup ends, rejects or cancels the current call.
func (p *Phone) Hangup() { p.Do("hangup", "") }

// Press sends one digit (RFC 4733). Give each the time to be sent: about
// 150 ms.
func (p *Phone) Press(digit byte) { p.Do("sndcode", string(digit)) }

// Hold puts the call on hold by re-INVITE, Resume takes it back.
func (p *Phone) Hold() { p.Do("hold", "") }

// Resume takes a held call back.
func (p *Phone) Resume() { p.Do("resume", "") }

// Do sends any command of baresip's menu.
func (p *Phone) Do(command, params string) {
	p.t.Helper()
	b, err := json.Marshal(map[string]string{"command": command, "params": params})
	if err == nil {
		_, err = fmt.Fprintf(p.control, "%d:%s,", len(b), b)
	}
	if err != nil {
		p.t.Fatalf("command baresip: %v", err)
	}
}

// Stop ends the phone, and its call as by hanging up.
func (p *Phone) Stop() { p.process.Stop() }

// Output is all that baresip has printed.
func (p *Phone) Output() string { return p.process.Output() }

// Heard is the file with what the phone heard in its calls, first call first.
// A file is complete once its call has ended.
func (p *Phone) Heard() []string {
	p.t.Helper()
	files, err := filepath.Glob(filepath.Join(p.dir, "dump-*-dec.wav"))
	if err != nil {
		p.t.Fatal(err)
	}
	return files // the time is in the name, so they are in order
}

// WaitHeard waits until the last call has brought that much sound.
func (p *Phone) WaitHeard(sound, limit time.Duration) {
	p.t.Helper()
	Eventually(p.t, limit, fmt.Sprintf("%v of sound", sound), func() bool {
		files := p.Heard()
		if len(files) == 0 {
			return false
		}
		info, err := os.Stat(files[len(files)-1])
		return err == nil && info.Size() >= int64(sound.Seconds()*float64(2*p.rate))
	})
}
