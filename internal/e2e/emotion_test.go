package e2e

import (
	"fmt"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/onnxkit"
	"github.com/ivrd/ivrd/transcript"
)

// TestEmotionModel has an ONNX model judge callers beside the server: what it says, which is
// that loud is angry, is in the transcript and in the record. When it has died the call goes
// on with what the rules say, and it comes back.
func TestEmotionModel(t *testing.T) {
	t.Parallel()
	testkit.Need(t, "espeak-ng")
	helper := buildTagged(t, "ivrd-emotion", "onnx")
	h := prepare(t, `calls.numbers={"3000": spoken}`, "speech.recognizer=none", fmt.Sprintf(
		"speech.emotion_model={onnx: %q, library: %q, labels: [ang, neu]}", onnxkit.Angry().Write(t), onnxkit.Runtime(t)))
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	if out := h.process.Output(); !strings.Contains(out, `"by":"rules, then the model `) {
		t.Error("the log does not say who judges")
	}
	said := speaks(t, "en-us", "I have been waiting for an hour and nobody answers my question about the bill")
	calls := 0
	call := func() (by map[string]int) {
		h.phone("sip:3000@"+h.sip, "--play", said, "--duration", "12s")
		calls++
		c := h.ended(calls)[0]
		by = map[string]int{}
		for _, g := range h.transcript(c.ID) {
			if g.Emotion == nil {
				continue
			}
			if by[g.Emotion.Method]++; g.Emotion.Method == transcript.MethodModel && (g.Emotion.Label != transcript.Anger || g.Emotion.Model != "loudness") {
				t.Errorf("the model says %+v", g.Emotion)
			}
		}
		if c.Emotion != nil && c.Emotion.Method == transcript.MethodModel && c.Emotion.Label != transcript.Anger {
			t.Errorf("the record says %+v", c.Emotion)
		}
		return by
	}
	if by := call(); by[transcript.MethodModel] == 0 {
		t.Errorf("segments are judged by %v", by)
	}

	pid := childOf(t, helper)
	if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil { // it is there, and answers nobody
		t.Fatal(err)
	}
	if by := call(); by[transcript.MethodModel] != 0 {
		t.Errorf("segments are judged by %v", by)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	testkit.Eventually(t, 20*time.Second, "the model is back", func() bool { return strings.Contains(h.process.Output(), "is back") })
	if by := call(); by[transcript.MethodModel] == 0 {
		t.Errorf("after it came back, segments are judged by %v", by)
	}
	_, metrics := h.api("/metrics")
	for _, name := range []string{"asked_total", "failed_total"} {
		if line := "\nivrd_emotion_model_" + name + " "; !strings.Contains(string(metrics), line) || strings.Contains(string(metrics), line+"0\n") {
			t.Errorf("/metrics is wrong about %s", name)
		}
	}
	h.verify()
}
