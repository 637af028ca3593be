package e2e

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
)

// talks is a file of somebody who says one thing after the other, each when a
// prompt is over.
func talks(t *testing.T, voice string, wait time.Duration, texts ...string) string {
	t.Helper()
	pcm := media.Silence(2 * time.Second)
	for _, text := range texts {
		pcm = slices.Concat(pcm, speech.Voice{Name: voice, Text: text}.Say(t, media.SampleRate), media.Silence(wait))
	}
	pcm = append(pcm, media.Silence(20*time.Second)...)
	name := filepath.Join(t.TempDir(), "voice.wav")
	b := media.AppendWAV(media.WAVHeader(media.SampleRate, 1, int64(2*len(pcm))), pcm)
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// TestAsk is told what callers want, in sentences of the intents' file, and hears them
// with PocketSphinx. Who has lost a card is asked back, and after a yes waits in the
// queue for fraud, with the difficulty of what was said.
func TestAsk(t *testing.T) {
	t.Parallel()
	helper := buildHelper(t)
	h := prepare(t, "flows.dir=testdata/askflows", `calls.numbers={"3000": wish}`, "speech.recognizer=pocketsphinx")
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	s := &spokenTo{house: h, seen: map[string]bool{}}
	s.plays(talks(t, "en-us", 4*time.Second, "lock my card", "yes please"), "", "wish card queue", "500 900 1700 1100")
	c := h.calls("state=ended")[0]
	if c.Intent != "card_lost" || c.Queue != "fraud" || c.Priority == nil {
		t.Fatalf("the record has intent %q, queue %q and priority %+v", c.Intent, c.Queue, c.Priority)
	}
	if d := c.Priority.Terms[1]; d.Value != 60 || len(d.Parts) == 0 || d.Parts[0].Why != "card_lost" || c.Priority.Total != 0.6*50+0.4*60 {
		t.Errorf("priority %+v", c.Priority)
	}
	s.plays(talks(t, "en-us+f3", 4*time.Second, "please block my card", "no", "my balance"), "", "wish told", "500 900 500 700")
	s.plays(talks(t, "en-us", 0, "put me through to an agent"), "", "wish person", "500 1100")
	s.plays(talks(t, "en-us", 0), "w4,2", "wish open", "500 1900")
	if _, metrics := h.api("/metrics"); !strings.Contains(string(metrics), `ivrd_understood_total{engine="embedded"}`) {
		t.Error("/metrics does not count what was understood")
	}
	h.verify()
}

