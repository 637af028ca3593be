package e2e

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/configs"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
	"github.com/ivrd/ivrd/tts"
)

// talks is a file of somebody who says one thing after the other, with a pause after each.
func talks(t *testing.T, voice string, first, pause time.Duration, texts ...string) string {
	t.Helper()
	pcm := media.Silence(first)
	for _, text := range texts {
		pcm = slices.Concat(pcm, speech.Voice{Name: voice, Text: text}.Say(t, media.SampleRate), media.Silence(pause))
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
	const before = 2 * time.Second
	helper := buildHelper(t)
	h := prepare(t, "flows.dir=testdata/askflows", `calls.numbers={"3000": wish}`, "speech.recognizer=pocketsphinx")
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	s := &spokenTo{house: h, seen: map[string]bool{}}
	s.plays(talks(t, "en-us", before, 4*time.Second, "lock my card", "yes please"), "", "wish card queue", "500 900 1700 1100")
	c := h.calls("state=ended")[0]
	if c.Intent != "card_lost" || c.Queue != "fraud" || c.Priority == nil {
		t.Fatalf("the record has intent %q, queue %q and priority %+v", c.Intent, c.Queue, c.Priority)
	}
	if d := c.Priority.Terms[1]; d.Value != 60 || len(d.Parts) == 0 || d.Parts[0].Why != "card_lost" || c.Priority.Total != 0.6*50+0.4*60 {
		t.Errorf("priority %+v", c.Priority)
	}
	h.said(c.ID, "choice lock my card card_lost|prompt Is that right? Say yes, or press one. Say no, or press two. |choice ye") // s or ah
	s.plays(talks(t, "en-us+f3", before, 4*time.Second, "please block my card", "no", "my balance"), "", "wish told", "500 900 500 700")
	s.plays(talks(t, "en-us", before, 0, "put me through to an agent"), "", "wish person", "500 1100")
	s.plays(talks(t, "en-us", before, 0), "w4,2", "wish open", "500 1900")
	if _, metrics := h.api("/metrics"); !strings.Contains(string(metrics), `ivrd_understood_total{engine="embedded"}`) {
		t.Error("/metrics does not count what was understood")
	}
	h.verify()
}

// said compares the beginning of a call's transcript: kinds, texts and intents.
func (h *house) said(id, want string) {
	h.t.Helper()
	var got []string
	for _, g := range h.transcript(id) {
		intent := ""
		if g.Intent != nil {
			intent = g.Intent.Name
		}
		if g.Kind != transcript.Voice {
			got = append(got, fmt.Sprint(g.Kind, " ", g.Text, " ", intent))
		}
	}
	if !strings.HasPrefix(strings.Join(got, "|"), want) {
		h.t.Errorf("transcript %q, want %q", strings.Join(got, "|"), want)
	}
}

// transcript is what is written down of a call.
func (h *house) transcript(id string) []transcript.Segment {
	h.t.Helper()
	status, body := h.api("/api/v1/calls/" + id + "/transcript")
	var page struct{ Segments []transcript.Segment }
	if err := json.Unmarshal(body, &page); err != nil || status != http.StatusOK {
		h.t.Fatalf("transcript: %d %v %s", status, err, body)
	}
	return page.Segments
}

// demoInWords starts the demo as it is shipped, with PocketSphinx and without a speech
// engine.
func demoInWords(t *testing.T, sets ...string) (*house, *demoVisit) {
	t.Helper()
	files, err := fs.Sub(configs.Demo, "demo/prompts")
	if err != nil {
		t.Fatal(err)
	}
	library, err := tts.ReadLibrary(files)
	if err != nil {
		t.Fatal(err)
	}
	helper := buildHelper(t)
	h := prepare(t, append([]string{"flows.dir=", "flows.prompts=", `calls.numbers={"3000": main}`, "speech.engine=none", "speech.recognizer=pocketsphinx"}, sets...)...)
	h.wrap = []string{"env", "PATH=" + helper + ":" + os.Getenv("PATH")}
	h.start()
	return h, &demoVisit{t: t, h: h, library: library}
}

// TestDemoInWords chooses the demo's language in a word, says what it is about, and
// confirms it, without a key.
func TestDemoInWords(t *testing.T) {
	t.Parallel()
	h, v := demoInWords(t)
	before := v.greeted()
	v.prompt("en", "recording_notice")
	v.phrase("en", "You want to block your card.")
	v.prompt("en", "fraud_hold")

	said, wav := talks(t, "en-us", before, 4*time.Second, "english", "please block my card", "yes"), filepath.Join(t.TempDir(), "heard.wav")
	const want = "welcome language notice top card card_person"
	var got string
	for calls := 1; calls <= tries && got != want; calls++ { // see tries
		h.phone("sip:3000@"+h.sip, "--play", said, "--duration", "25s", "--record", wav)
		got = path(h.ended(calls)[0])
	}
	if got != want {
		t.Fatalf("path %q", got)
	}
	v.inOrder("heard", testkit.ReadWAV(t, wav), v.sounds)
	h.verify()
}
