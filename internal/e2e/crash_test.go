package e2e

import (
	"bytes"
	"crypto/sha256"
	be "encoding/binary"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// crashCall is a caller who is talking when the server is killed.
type crashCall struct {
	phone    *telephone
	answered time.Time
	// speaks: the caller's tone is to be in the recording to its end.
	speaks bool
}

// TestCrash kills the server in the middle of calls, and again while it
// recovers.
func TestCrash(t *testing.T) {
	t.Parallel()
	h := open(t)
	alice := h.agent("alice", 800)
	x := newExchange(t)
	calls := map[string]*crashCall{
		"stay": h.crashCall(x, "5", 600), "leave": h.crashCall(x, "3", 1500, 1000), "talk": h.crashCall(x, "2", 800),
	}
	(<-alice.handler.calls).hears(t, 440)
	h.recorded(3, 3*time.Second)
	calls["pin"] = h.crashCall(x, "1", 900)
	calls["pin"].speaks = false
	calls["pin"].phone.press(t, "73")
	h.pinPaused()
	h.verify()

	h.process.Kill()
	killed := time.Now()
	seen := sealedParts{}
	seen.add(t, h.data)
	h.dieRecovering()
	seen.add(t, h.data)
	h.start()
	seen.add(t, h.data)

	h.verify()
	for _, c := range h.ended(len(calls)) {
		if c.End != leg.Crash || c.Recording.State != "crashed" {
			t.Errorf("record %s: end %s, recording %s", c.ID, c.End, c.Recording.State)
		}
		node := c.Path[len(c.Path)-1].Node
		call := calls[node]
		if call == nil {
			t.Errorf("a call crashed in node %s", node)
			continue
		}
		h.playsToTheKill(c.ID, call, killed, c.Path[0].AtMS, c.Recording.DurationMS)
	}
	c := x.call("sip:1000@" + h.sip)
	c.hears(t, 500, 700)
	c.close()
	h.ended(len(calls) + 1)
	h.verify()
	seen.add(t, h.data)
}

// crashCall calls, speaks, and presses a key of the menu.
func (h *house) crashCall(x *exchange, key string, hears ...float64) *crashCall {
	h.t.Helper()
	c := x.call("sip:1000@" + h.sip)
	answered := time.Now()
	c.say(440)
	c.hears(h.t, 500, 700)
	c.press(h.t, key)
	c.hears(h.t, hears...)
	return &crashCall{phone: c, answered: answered, speaks: true}
}

// recorded waits until n running calls have so much sound on the disk.
func (h *house) recorded(n int, d time.Duration) {
	h.t.Helper()
	testkit.Eventually(h.t, patience, fmt.Sprintf("%v of %d recordings", d, n), func() bool {
		long := 0
		for _, c := range h.calls("state=live") {
			if c.Recording.DurationMS >= d.Milliseconds() {
				long++
			}
		}
		return long >= n
	})
}

// pinPaused waits until part of the secret's gap is sealed.
func (h *house) pinPaused() {
	h.t.Helper()
	testkit.Eventually(h.t, patience, "the gap of a secret", func() bool {
		for _, c := range h.calls("state=live") {
			last := c.Path[len(c.Path)-1]
			if last.Node == "pin" && c.Recording.DurationMS > last.AtMS+500 {
				return true
			}
		}
		return false
	})
}

// dieRecovering starts the server and kills it when it has recovered the
// first of its calls.
func (h *house) dieRecovering() {
	h.t.Helper()
	p := testkit.Start(h.t, exec.Command(binary, append([]string{"serve"}, h.args...)...))
	p.WaitOutput("recovered a call that a crash left open", patience)
	p.Kill()
}

// unheard is what may be lost of a call's end, and a little for the time
// between what the caller and the server call the answer.
const unheard = 2*time.Second + 200*time.Millisecond

// playsToTheKill compares the clocks of caller and recording: their zero is
// the answer, for the server the entry of the first node.
func (h *house) playsToTheKill(id string, c *crashCall, killed time.Time, answeredMS, durationMS int64) {
	h.t.Helper()
	end := time.Duration(durationMS-answeredMS) * time.Millisecond
	if missing := killed.Sub(c.answered) - end; missing > unheard || missing < -unheard {
		h.t.Errorf("call %s: the recording ends %v before the kill", id, missing)
	}
	left, right := h.recording(id, "")
	if got := media.Time(len(left)).Duration().Milliseconds(); got < durationMS-20 || got > durationMS+20 {
		h.t.Errorf("call %s: %d ms can be played, the record says %d", id, got, durationMS)
	}
	tail := left[max(0, len(left)-media.SampleRate/2):]
	if c.speaks && tone.Level(tail, 440) < -30 {
		h.t.Errorf("call %s: the caller is not heard at the end of the recording", id)
	}
	if !c.speaks && tone.Power(tail) > -60 {
		h.t.Errorf("call %s: something is heard while a secret was entered", id)
	}
	if _, found := find(right, 0, 700); !found {
		h.t.Errorf("call %s: the menu is not in the recording", id)
	}
}

// sealedParts remembers what was sealed under which key and nonce, over all
// states that the files have been in.
type sealedParts map[[32 + 4 + 1]byte][sha256.Size]byte

// add reads all recordings below dir, by the format that internal/seal
// describes. A salt names the key of an epoch, and within it sequence number
// and last flag make the nonce: what stands under both must never differ.
func (s sealedParts) add(t *testing.T, dir string) {
	t.Helper()
	files := 0
	epochs := map[[32]byte]string{}
	err := filepath.WalkDir(dir, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".ivr") {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		if err == nil {
			s.addFile(t, path, b, epochs)
		}
		return err
	})
	if err != nil || files == 0 {
		t.Fatalf("read %d recordings: %v", files, err)
	}
}

func (s sealedParts) addFile(t *testing.T, path string, b []byte, epochs map[[32]byte]string) {
	t.Helper()
	var id [37]byte
	for len(b) >= 10 {
		if string(b[:4]) == "IVRR" {
			n := int(be.BigEndian.Uint16(b[6:]))
			if n > len(b) {
				return
			}
			salt := [32]byte(b[n-39:])
			if other, used := epochs[salt]; used {
				t.Errorf("%s and %s have a key in common", path, other)
			}
			epochs[salt] = path
			copy(id[:], salt[:])
			b = b[n:]
			continue
		}
		n := int(be.BigEndian.Uint32(b)) + 4
		if n > len(b) {
			return // the torn tail of a crash
		}
		copy(id[32:], b[4:8])
		id[36] = b[8] & 1
		sum := sha256.Sum256(b[:n])
		if before, used := s[id]; used && before != sum {
			t.Errorf("%s: two parts are sealed by one key and nonce (sequence %x)", path, b[4:8])
		}
		s[id] = sum
		b = b[n:]
	}
}

// TestDrain stops the server politely: it takes no new call and lets the
// running one go on.
func TestDrain(t *testing.T) {
	t.Parallel()
	h := open(t)
	x := newExchange(t)
	c := x.call("sip:1000@" + h.sip)
	c.say(440)
	c.hears(t, 500, 700)
	c.press(t, "5")
	c.hears(t, 600)

	h.process.Signal(syscall.SIGTERM)
	testkit.Eventually(t, 5*time.Second, "readiness to go", func() bool {
		status, _ := h.api("/readyz")
		return status == http.StatusServiceUnavailable
	})
	answer := invite(t, h.sip, "1000")
	if !strings.HasPrefix(answer, "SIP/2.0 503") || !strings.Contains(answer, "\r\nRetry-After: ") {
		t.Errorf("a call while draining was answered:\n%s", answer)
	}
	c.steady(t, 600, 2*time.Second)
	c.leg.End(leg.CallerHangup)
	if status := h.process.Wait(10 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
	h.start()
	rec := h.ended(1)[0]
	if rec.End != leg.CallerHangup || rec.Recording.State != "complete" {
		t.Errorf("record: %+v", rec)
	}
	left, right := h.recording(rec.ID, "")
	if n := len(left); n < 2*media.SampleRate || tone.Level(left[n-media.SampleRate/2:], 440) < -30 || tone.Level(right[n-media.SampleRate/2:], 600) < -30 {
		t.Errorf("the end of the call is not in its recording of %d samples", n)
	}
	h.verify()
}

// TestSecondSignal stops the server at once.
func TestSecondSignal(t *testing.T) {
	t.Parallel()
	h := open(t)
	x := newExchange(t)
	c := x.call("sip:1000@" + h.sip)
	c.hears(t, 500, 700)
	c.press(t, "5")
	c.hears(t, 600)
	h.process.Signal(syscall.SIGTERM)
	h.process.WaitOutput(`"msg":"draining"`, 5*time.Second)
	c.steady(t, 600, 500*time.Millisecond)
	h.process.Signal(syscall.SIGTERM)
	if status := h.process.Wait(5 * time.Second); status != 0 {
		t.Errorf("exit status %d", status)
	}
	if err := c.waitsEnd(leg.AgentHangup); err != nil {
		t.Error(err)
	}
	h.start()
	if rec := h.ended(1)[0]; rec.End != leg.Shutdown || rec.Recording.State != "complete" {
		t.Errorf("record: %+v", rec)
	}
	h.verify()
}

// steady hears a tone from now on for so long, without a gap.
func (c *telephone) steady(t *testing.T, freqHz float64, d time.Duration) {
	t.Helper()
	from := len(c.ear.sound())
	want := from + int(media.TimeOf(d))
	testkit.Eventually(t, patience+d, "sound", func() bool { return len(c.ear.sound()) >= want })
	pcm := c.ear.sound()[from:want]
	if gaps := tone.Gaps(pcm, -40, 200*time.Millisecond); len(gaps) > 0 || tone.Level(pcm, freqHz) < -35 {
		t.Errorf("%v Hz was heard at %.0f dBov, with gaps %v", freqHz, tone.Level(pcm, freqHz), gaps)
	}
}

// invite sends an INVITE over UDP and returns the final answer. It is for
// calls that are to be refused: nothing follows an answer.
func invite(t *testing.T, address, number string) string {
	t.Helper()
	conn, err := net.Dial("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	local := conn.LocalAddr().String()
	id := strings.ReplaceAll(local, ":", "-") + fmt.Sprint(time.Now().UnixNano())
	_, port, _ := net.SplitHostPort(local)
	sdp := "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio " + port + " RTP/AVP 0 101\r\n" +
		"a=rtpmap:101 telephone-event/8000\r\n"
	head := []string{
		"INVITE sip:" + number + "@" + address + " SIP/2.0",
		"Via: SIP/2.0/UDP " + local + ";rport;branch=z9hG4bK" + id,
		"Max-Forwards: 70", "From: <sip:caller@127.0.0.1>;tag=" + id, "To: <sip:" + number + "@" + address + ">",
		"Call-ID: " + id, "CSeq: 1 INVITE", "Contact: <sip:caller@" + local + ">",
		"Content-Type: application/sdp", fmt.Sprintf("Content-Length: %d", len(sdp)),
	}
	if _, err := conn.Write([]byte(strings.Join(head, "\r\n") + "\r\n\r\n" + sdp)); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	buf := make([]byte, 1<<16)
	for {
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatalf("no answer to the INVITE: %v", err)
		}
		if answer := buf[:n]; !bytes.HasPrefix(answer, []byte("SIP/2.0 1")) {
			return string(answer)
		}
	}
}
