//go:build drill

package e2e

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/media"
)

const (
	bargeTrials = 200
	bargeAtOnce = 4
	// A prompt has noise in each of its frames, so that its end is the first packet of
	// pure silence.
	promptNoise, lineNoise = -60, -65
	bargeLimit             = 700 * time.Millisecond
)

// bargeHouse is a server whose menus 3000 to 3003 play ten seconds of speech each, and
// are answered by PocketSphinx.
func bargeHouse(t *testing.T) *house {
	helper := buildHelper(t)
	prompts, flows := tonePrompts(t), t.TempDir()
	numbers := []string{}
	for i, v := range speech.Voices() {
		pcm := speech.WithNoise(v.Say(t, media.SampleRate), promptNoise, 1)
		write(t, filepath.Join(prompts, "en", fmt.Sprintf("long%d.wav", i)), media.AppendWAV(media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm))), pcm))
		write(t, filepath.Join(flows, fmt.Sprintf("m%d.yaml", i)), []byte(fmt.Sprintf(`
flow: m%d
languages: [en]
start: top
nodes:
  top:
    menu: {play: long%d, timeout: 20s, options: {billing: {digit: 1, phrases: {en: [billing, my bill]}}, agent: {digit: 2, phrases: {en: [speak to an agent]}}}}
    on: {billing: end, agent: end, noinput: end, nomatch: end}
`, i, i)))
		numbers = append(numbers, fmt.Sprintf(`"300%d": m%d`, i, i))
	}
	h := prepare(t, "calls.numbers={"+strings.Join(numbers, ", ")+"}", "flows.dir="+flows, "flows.prompts="+prompts,
		"speech.recognizer=pocketsphinx", fmt.Sprintf("speech.listeners=%d", bargeAtOnce), "log.level=warn")
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	return h
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// dialogue is a call by hand, whose sound is that of a phone in this process.
type dialogue struct {
	t     *testing.T
	conn  net.Conn
	phone *tone.Phone
	id    string
	to    string
}

var toTag = regexp.MustCompile(`(?mi)^To:.*\r$`)

func dialBarge(t *testing.T, server string, menu int, echo time.Duration) *dialogue {
	t.Helper()
	conn, err := net.Dial("udp4", server)
	if err != nil {
		t.Fatal(err)
	}
	phone, err := tone.NewUDPPhone()
	if err != nil {
		t.Fatal(err)
	}
	if echo >= 0 {
		phone.Reflect(echo, math.Pow(10, -15.0/20))
	}
	d := &dialogue{t: t, conn: conn, phone: phone, id: fmt.Sprintf("%016x", rand.Uint64())}
	d.to = fmt.Sprintf("To: <sip:300%d@%s>", menu, server)
	sdp := fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0 101\r\na=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\n", phone.Addr().Port())
	d.send("INVITE", 1, menu, "Content-Type: application/sdp\r\n", sdp)
	buf := make([]byte, 4096)
	for answer := "SIP/2.0 1"; ; {
		switch {
		case strings.HasPrefix(answer, "SIP/2.0 1"):
		case strings.HasPrefix(answer, "SIP/2.0 200"):
			d.to = strings.TrimSpace(toTag.FindString(answer))
			d.send("ACK", 1, menu, "", "")
			return d
		default: // 503: the machine is busy
			d.send("ACK", 1, menu, "", "")
			d.close()
			return nil
		}
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		n, err := conn.Read(buf)
		if err != nil {
			t.Errorf("no answer: %v", err)
		}
		answer = string(buf[:n])
	}
}

func (d *dialogue) send(method string, cseq, menu int, headers, body string) {
	local := d.conn.LocalAddr()
	_, err := fmt.Fprintf(d.conn, "%s sip:300%d@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;branch=z9hG4bK%s%d%s;rport\r\nMax-Forwards: 70\r\nFrom: <sip:barge@%s>;tag=%s\r\n%s\r\nCall-ID: %s\r\nCSeq: %d %s\r\nContact: <sip:barge@%s>\r\n%sContent-Length: %d\r\n\r\n%s",
		method, menu, d.conn.RemoteAddr(), local, d.id, cseq, method, local, d.id[:8], d.to, d.id, cseq, method, local, headers, len(body), body)
	if err != nil {
		d.t.Error(err)
	}
}

func (d *dialogue) end(menu int) {
	d.send("BYE", 2, menu, "", "")
	d.close()
}

func (d *dialogue) close() {
	_ = d.phone.Close()
	_ = d.conn.Close()
}

// says sends a sound, with the line's noise behind it.
func (d *dialogue) says(pcm []int16) {
	all := append(slices.Clone(pcm), media.Silence(30*time.Second)...)
	d.phone.SendPCM(d.phone.Peer(), media.PCMU, speech.WithNoise(all, lineNoise, 5))
}

// bargeAll runs trials, some at once.
func bargeAll(t *testing.T, h *house, echo func(i int) time.Duration, trial func(d *dialogue, i int)) {
	var all sync.WaitGroup
	next := make(chan int)
	for range bargeAtOnce {
		all.Go(func() {
			for i := range next {
				d := dialBarge(t, h.sip, i%4, echo(i))
				for ; d == nil; d = dialBarge(t, h.sip, i%4, echo(i)) {
					<-time.After(time.Second)
				}
				d.says(nil)
				trial(d, i)
				d.end(i % 4)
			}
		})
	}
	for i := range bargeTrials {
		next <- i
	}
	close(next)
	all.Wait()
}

func noEcho(int) time.Duration { return -1 }

// sometime in the middle of a prompt.
func sometime(i int) { <-time.After(time.Second + time.Duration(i*7919%3000)*time.Millisecond) }

// TestBargeInFigures measures on the wire, in real time: from the first packet with
// speech, or of a key, until the last one of the prompt; and whether a prompt's echo,
// 15 dB weaker and up to 300 ms later, makes it stop or pause.
func TestBargeInFigures(t *testing.T) {
	h := bargeHouse(t)
	var callers [][]int16
	for _, name := range []string{"en-us", "en-gb+f3", "en-us+m3", "en-gb-scotland+f4", "en-us+f1"} {
		for _, text := range []string{"Billing, please.", "My bill.", "I have a question.", "Speak to an agent.", "Yes, help.", "Technical support."} {
			callers = append(callers, speech.FromOnset(speech.Voice{Name: name, Text: text}.Say(t, media.SampleRate), -54))
		}
	}
	levels := []float64{-12, -6, 0, 6}
	took := make([]float64, bargeTrials)
	by := make([]timings, len(levels))
	bargeAll(t, h, noEcho, func(d *dialogue, i int) {
		sometime(i)
		d.says(speech.Louder(callers[i/4%len(callers)], levels[(i+i/4)%4]))
		<-time.After(bargeLimit + 100*time.Millisecond)
		from := d.phone.SentAt()
		took[i] = float64((d.phone.LastSound(from, from+bargeLimit) - from).Milliseconds())
	})
	for i, ms := range took {
		by[(i+i/4)%4] = append(by[(i+i/4)%4], ms)
	}
	for i, level := range levels {
		by[i].report(t, fmt.Sprintf("speech, %+.0f dB", level))
	}
	timings(took).report(t, "speech")

	bargeAll(t, h, noEcho, func(d *dialogue, i int) {
		sometime(i)
		from := d.phone.Now()
		if err := d.phone.Press("1", 1); err != nil {
			t.Error(err)
		}
		<-time.After(500 * time.Millisecond)
		took[i] = float64((d.phone.LastSound(from, from+400*time.Millisecond) - from).Milliseconds())
	})
	timings(took).report(t, "a key, from when it was pressed")

	gaps := make([]int, bargeTrials)
	delay := func(i int) time.Duration { return time.Duration(i) * 300 * time.Millisecond / (bargeTrials - 1) }
	bargeAll(t, h, delay, func(d *dialogue, i int) {
		<-time.After(9 * time.Second)
		for frame := range slices.Chunk(d.phone.Between(-8*time.Second, 0), media.FrameSamples) {
			if !slices.ContainsFunc(frame, func(s int16) bool { return s != 0 }) {
				gaps[i]++
			}
		}
	})
	paused := 0
	for i, n := range gaps {
		if n > 0 {
			paused++
			t.Logf("echo after %v: %d frames of the prompt are missing", delay(i), n)
		}
	}
	t.Logf("of %d echoes %d stopped or paused the prompt", bargeTrials, paused)
}
