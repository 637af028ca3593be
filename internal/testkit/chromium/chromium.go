// Package chromium drives a headless Chromium by its own protocol over a pipe:
// pages with a tone for a microphone, scripts in them, screenshots. It is used by
// tests only.
package chromium

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
)

// patience is for a browser on a busy machine.
const patience = 30 * time.Second

// Options of a browser.
type Options struct {
	// Mic is the frequency of the microphone's tone, in Hz; 0 is silence.
	Mic float64
	// MicFile is a WAV file that it hears instead, again and again.
	MicFile string
	// Language of the browser; empty is en-US.
	Language string
	// Wrap is put before the command, as ip netns exec does.
	Wrap []string
	// Insecure lets it trust any certificate, such as the test's own.
	Insecure bool
}

// Browser is one Chromium process with an empty profile.
type Browser struct {
	t       testing.TB
	process *testkit.Process
	out     io.Writer

	mu      sync.Mutex
	next    int
	waiting map[int]chan answer
	gone    bool
}

type answer struct {
	Result json.RawMessage `json:"result"`
	Error  *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// Start starts a browser that ends with the test.
func Start(t testing.TB, o Options) *Browser {
	t.Helper()
	testkit.Need(t, "chromium")
	dir := t.TempDir()
	mic := o.MicFile
	if mic == "" {
		mic = filepath.Join(dir, "mic.wav")
		tone := make([]int16, 8000*10)
		if o.Mic > 0 {
			tone = testkit.Tone(o.Mic, 10*time.Second)
		}
		testkit.WriteWAV(t, mic, tone)
	}
	if o.Language == "" {
		o.Language = "en-US"
	}
	line := append(append([]string{}, o.Wrap...),
		"chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
		"--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--disable-extensions", "--no-default-browser-check",
		"--disable-features=WebRtcHideLocalIpsWithMdns,AudioServiceOutOfProcess",
		"--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows", "--disable-renderer-backgrounding",
		"--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream", "--use-file-for-fake-audio-capture="+mic,
		"--autoplay-policy=no-user-gesture-required", "--lang="+o.Language, "--accept-lang="+o.Language,
		"--remote-debugging-pipe", "--user-data-dir="+filepath.Join(dir, "profile"), "about:blank")
	if o.Insecure {
		line = append(line, "--ignore-certificate-errors")
	}
	// The browser reads requests from its descriptor 3 and answers on 4.
	requests, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	in, answers, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(line[0], line[1:]...)
	cmd.ExtraFiles = []*os.File{requests, answers}
	cmd.Env = append(os.Environ(), "LANGUAGE="+o.Language)
	b := &Browser{t: t, out: out, waiting: map[int]chan answer{}}
	b.process = testkit.Start(t, cmd)
	_, _ = requests.Close(), answers.Close()
	t.Cleanup(func() { _ = out.Close() })
	go b.read(in)
	return b
}

// Kill ends the browser as a crash does.
func (b *Browser) Kill() { b.process.Kill() }

// Process is for signals.
func (b *Browser) Process() *testkit.Process { return b.process }

func (b *Browser) read(in io.ReadCloser) {
	defer in.Close()
	r := bufio.NewReaderSize(in, 1<<20)
	for {
		message, err := r.ReadBytes(0)
		if err != nil {
			break
		}
		var m struct {
			ID int `json:"id"`
			answer
		}
		if json.Unmarshal(message[:len(message)-1], &m) != nil || m.ID == 0 {
			continue // an event
		}
		b.mu.Lock()
		waiter := b.waiting[m.ID]
		delete(b.waiting, m.ID)
		b.mu.Unlock()
		if waiter != nil {
			waiter <- m.answer
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.gone = true
	for _, w := range b.waiting {
		close(w)
	}
	b.waiting = nil
}

// call sends a command and waits for its answer.
func (b *Browser) call(session, method string, params, result any) error {
	b.mu.Lock()
	if b.gone {
		b.mu.Unlock()
		return fmt.Errorf("%s: the browser has ended", method)
	}
	b.next++
	id, waiter := b.next, make(chan answer, 1)
	b.waiting[id] = waiter
	m := map[string]any{"id": id, "method": method, "params": params}
	if session != "" {
		m["sessionId"] = session
	}
	text, err := json.Marshal(m)
	if err == nil {
		_, err = b.out.Write(append(text, 0))
	}
	b.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", method, err)
	}
	select {
	case a, ok := <-waiter:
		switch {
		case !ok:
			return fmt.Errorf("%s: the browser has ended", method)
		case a.Error != nil:
			return fmt.Errorf("%s: %s", method, a.Error.Message)
		case result == nil:
			return nil
		}
		return json.Unmarshal(a.Result, result)
	case <-time.After(patience):
		return fmt.Errorf("%s: no answer", method)
	}
}

// Page is one tab.
type Page struct {
	b       *Browser
	target  string
	session string
}

// Open opens a tab; it does not wait for what it loads.
func (b *Browser) Open(url string) *Page {
	b.t.Helper()
	var target struct {
		ID string `json:"targetId"`
	}
	p := &Page{b: b}
	b.must(b.call("", "Target.createTarget", map[string]any{"url": "about:blank"}, &target))
	var session struct {
		ID string `json:"sessionId"`
	}
	b.must(b.call("", "Target.attachToTarget", map[string]any{"targetId": target.ID, "flatten": true}, &session))
	p.target, p.session = target.ID, session.ID
	p.do("Page.enable", map[string]any{})
	p.do("Runtime.enable", map[string]any{})
	p.Go(url)
	return p
}

func (b *Browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatalf("chromium: %v", err)
	}
}

func (p *Page) do(method string, params any) {
	p.b.t.Helper()
	p.b.must(p.b.call(p.session, method, params, nil))
}

// Go loads an address.
func (p *Page) Go(url string) {
	p.b.t.Helper()
	p.do("Page.navigate", map[string]any{"url": url})
}

// BypassCSP lets scripts of the test do what the page's policy forbids, from
// the next load on.
func (p *Page) BypassCSP() {
	p.b.t.Helper()
	p.do("Page.setBypassCSP", map[string]any{"enabled": true})
}

// OnLoad runs a script now, and first of all in whatever the page loads later.
func (p *Page) OnLoad(script string) {
	p.b.t.Helper()
	p.do("Page.addScriptToEvaluateOnNewDocument", map[string]any{"source": script})
	p.Must(script)
}

// Reload loads the page again.
func (p *Page) Reload() {
	p.b.t.Helper()
	p.do("Page.reload", map[string]any{})
}

// Close closes the tab without asking it.
func (p *Page) Close() {
	p.b.t.Helper()
	p.b.must(p.b.call("", "Target.closeTarget", map[string]any{"targetId": p.target}, nil))
}

// Eval runs an expression, waits for what it promises, and gives its value.
func (p *Page) Eval(expression string, result any) error {
	var r struct {
		Result struct {
			Value json.RawMessage `json:"value"`
		} `json:"result"`
		Exception *struct {
			Text      string `json:"text"`
			Exception struct {
				Description string `json:"description"`
			} `json:"exception"`
		} `json:"exceptionDetails"`
	}
	err := p.b.call(p.session, "Runtime.evaluate", map[string]any{
		"expression": expression, "awaitPromise": true, "returnByValue": result != nil, "userGesture": true,
	}, &r)
	switch {
	case err != nil:
		return err
	case r.Exception != nil:
		return fmt.Errorf("script: %s %s", r.Exception.Text, r.Exception.Exception.Description)
	case result == nil || len(r.Result.Value) == 0:
		return nil
	}
	return json.Unmarshal(r.Result.Value, result)
}

// Must is Eval that fails the test.
func (p *Page) Must(expression string) {
	p.b.t.Helper()
	if err := p.Eval(expression, nil); err != nil {
		p.b.t.Fatalf("chromium: %v", err)
	}
}

// Text is the value of an expression as text; empty while it has none.
func (p *Page) Text(expression string) string {
	var s string
	_ = p.Eval("String(("+expression+") ?? '')", &s)
	return s
}

// True waits until an expression holds.
func (p *Page) True(what, expression string) {
	p.b.t.Helper()
	testkit.Eventually(p.b.t, patience, what, func() bool {
		var ok bool
		return p.Eval("Boolean("+expression+")", &ok) == nil && ok
	})
}

// At is the selector of an element by its test ID.
func At(id string) string { return `[data-testid="` + id + `"]` }

// Click clicks on an element once it is there, by its test ID.
func (p *Page) Click(id string) {
	p.b.t.Helper()
	q := strconv.Quote(At(id))
	p.True(id+" to be there", "document.querySelector("+q+") && !document.querySelector("+q+").disabled")
	p.Must("document.querySelector(" + q + ").click()")
}

// Type puts text into a field as a person does.
func (p *Page) Type(id, text string) {
	p.b.t.Helper()
	q := strconv.Quote(At(id))
	p.True(id+" to be there", "document.querySelector("+q+")")
	p.Must("document.querySelector(" + q + ").focus(); document.querySelector(" + q + ").select?.()")
	p.do("Input.insertText", map[string]any{"text": text})
}

// Key presses a key, such as Enter or Escape.
func (p *Page) Key(key string) {
	p.b.t.Helper()
	for _, kind := range []string{"keyDown", "keyUp"} {
		m := map[string]any{"type": kind, "key": key}
		if key == "Enter" {
			m["windowsVirtualKeyCode"], m["text"] = 13, "\r"
		}
		p.do("Input.dispatchKeyEvent", m)
	}
}

// Size is the window's, as the page sees it.
func (p *Page) Size(width, height int) {
	p.b.t.Helper()
	p.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
}

// Screenshot writes a picture of the page.
func (p *Page) Screenshot(path string) {
	p.b.t.Helper()
	var shot struct {
		Data string `json:"data"`
	}
	p.b.must(p.b.call(p.session, "Page.captureScreenshot", map[string]any{"format": "png"}, &shot))
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(path), 0o755)
	}
	if err == nil {
		err = os.WriteFile(path, png, 0o644)
	}
	p.b.must(err)
}

// ear is a script that tells what a MediaStream sounds like: the loudest
// frequency of the last 170 ms, and its level in dB.
const ear = `window.__ears ??= new Map();
window.__hear ??= (stream) => {
  if (!stream || !stream.getAudioTracks().length) return null;
  const id = stream.id + stream.getAudioTracks()[0].id;
  let e = window.__ears.get(id);
  if (!e) {
    const ctx = (window.__ctx ??= new AudioContext());
    const a = ctx.createAnalyser();
    a.fftSize = 8192; a.smoothingTimeConstant = 0;
    // Chromium plays a remote stream into Web Audio only while an element plays it, too.
    const audio = new Audio(); audio.srcObject = stream; audio.muted = true; audio.play().catch(() => {});
    ctx.createMediaStreamSource(stream).connect(a);
    e = { ctx, a, audio, bins: new Float32Array(a.frequencyBinCount) };
    window.__ears.set(id, e);
  }
  e.a.getFloatFrequencyData(e.bins);
  let best = 0;
  for (let i = 1; i < e.bins.length; i++) if (e.bins[i] > e.bins[best]) best = i;
  e.hertz = e.ctx.sampleRate / e.a.fftSize;
  return { hz: best * e.hertz, db: Math.max(e.bins[best], -200), e };
};
window.__levels ??= (stream, tones) => {
  const s = window.__hear(stream);
  if (!s) return tones.map(() => -200);
  return tones.map((hz) => {
    const i = Math.round(hz / s.e.hertz);
    const level = Math.max(s.e.bins[i - 1], s.e.bins[i], s.e.bins[i + 1]);
    // Where a tone begins, ends or stutters it is all over the spectrum; one that is there stands out of what is beside it.
    let beside = 0;
    for (let k = 5; k < 10; k++) beside += (s.e.bins[i - k] + s.e.bins[i + k]) / 10;
    return level > beside + 12 ? level : -200;
  });
};`

// Sound is what an expression that gives a MediaStream sounds like now.
func (p *Page) Sound(stream string) (hertz, decibel float64) {
	var s *struct{ Hz, DB float64 }
	if err := p.Eval(ear+"(({hz, db}) => ({hz, db}))(window.__hear("+stream+") ?? {hz: 0, db: -200})", &s); err != nil || s == nil {
		return 0, -200
	}
	return s.Hz, s.DB
}

const (
	// silence is below what a heard tone has, by far.
	silence = -70
	near    = 15 // Hz: two bins
	// pace is the pause between two looks at a sound, of which each hears more.
	pace = 40 * time.Millisecond
)

// Hears waits until a stream has sounded like the tone five times in a row; 0 is
// silence.
func (p *Page) Hears(stream string, hertz float64) {
	p.b.t.Helper()
	var heard string
	run := 0
	deadline := time.Now().Add(patience)
	for time.Now().Before(deadline) {
		hz, db := p.Sound(stream)
		heard = fmt.Sprintf("%.0f Hz at %.0f dB", hz, db)
		if right := hertz > 0 && hz > hertz-near && hz < hertz+near && db > silence || hertz == 0 && db < silence; right {
			if run++; run == 5 {
				return
			}
		} else {
			run = 0
		}
		time.Sleep(pace)
	}
	p.b.t.Fatalf("page hears %s, want %.0f Hz", heard, hertz)
}

// isolation is how far below the loudest tone of a mix one that does not belong
// to it must be, in dB.
const isolation = 25

// tones are those of a choice that a stream holds now.
func (p *Page) tones(stream string, of []float64) (heard []float64) {
	list, err := json.Marshal(of)
	if err != nil {
		p.b.t.Fatal(err)
	}
	var levels []float64
	if p.Eval(ear+"window.__levels("+stream+", "+string(list)+")", &levels) != nil || len(levels) != len(of) {
		return nil
	}
	loudest := slices.Max(levels)
	for i, db := range levels {
		if db > silence && db > loudest-isolation {
			heard = append(heard, of[i])
		}
	}
	return heard
}

// Mix waits until a stream holds exactly these of the tones, and then hears it
// for a while: none of the others may be in it. Give both in the same order.
func (p *Page) Mix(stream string, d time.Duration, of []float64, want ...float64) {
	p.b.t.Helper()
	var heard []float64
	run := 0
	for deadline := time.Now().Add(patience); run < 5; time.Sleep(pace) {
		if heard = p.tones(stream, of); slices.Equal(heard, want) {
			run++
		} else {
			run = 0
		}
		if time.Now().After(deadline) {
			p.b.t.Fatalf("page hears %v of %v, want %v", heard, of, want)
		}
	}
	all, whole := 0, 0
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(pace) {
		heard = p.tones(stream, of)
		for _, f := range heard {
			if !slices.Contains(want, f) {
				p.b.t.Fatalf("page hears %v of %v, want %v", heard, of, want)
			}
		}
		if all++; len(heard) == len(want) {
			whole++
		}
	}
	if 3*whole < all { // a busy machine leaves out some
		p.b.t.Errorf("page hears %v in %d of %d looks only", want, whole, all)
	}
}

// Cookie is what a browser keeps for an address.
type Cookie struct {
	Name, Path, SameSite string
	Secure, HTTPOnly     bool
}

// Cookies are those that the page's address gets.
func (p *Page) Cookies() []Cookie {
	p.b.t.Helper()
	var r struct {
		Cookies []Cookie `json:"cookies"`
	}
	p.b.must(p.b.call(p.session, "Network.getCookies", map[string]any{}, &r))
	return r.Cookies
}

// Dark switches what the page is told of the taste of its user, who likes no
// movement either.
func (p *Page) Dark(on bool) {
	p.b.t.Helper()
	scheme := "light"
	if on {
		scheme = "dark"
	}
	p.do("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"},
	}})
}

// Drawn waits until the browser has drawn what the page shows now.
func (p *Page) Drawn() {
	p.b.t.Helper()
	p.Must("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
}

// Choose clicks on the first element of a selector that says the text.
func (p *Page) Choose(selector, text string) {
	p.b.t.Helper()
	found := "[...document.querySelectorAll(" + strconv.Quote(selector) + ")].find((e) => e.textContent.trim() === " + strconv.Quote(text) + ")"
	p.True(text+" to be there", found)
	p.Must(found + ".click()")
}

// Speaks waits until a stream is not silent.
func (p *Page) Speaks(stream string) {
	p.b.t.Helper()
	testkit.Eventually(p.b.t, patience, "a voice", func() bool {
		_, db := p.Sound(stream)
		return db > silence
	})
}
