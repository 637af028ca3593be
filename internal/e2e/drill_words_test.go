//go:build drill

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/api"
	"github.com/ivrd/ivrd/internal/testkit/speech"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/internal/testkit/vosk"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/transcript"
)

const (
	drillSpeakers  = 3 // callers who answer a menu in words: one more than are listened to
	drillCard      = "4111 1111 1111 1111"
	sentenceEvery  = 3 * media.SampleRate / 2 // samples
	misunderstood  = "spoken, another option taken"
	understood     = "spoken, understood"
	askedAgain     = "spoken, keys in the end"
	transcribedFew = 0.8 // of the queue's talks have words of both sides, at least
)

// wish is what a speaker says, and the tone of the option that it means.
type wish struct {
	pcm []int16
	hz  float64
}

// wishes are what the speakers say by turns.
func wishes(t *testing.T) (all []wish) {
	t.Helper()
	for _, w := range []struct {
		voice, text string
		hz          float64
	}{{"en-us", "my bill", 700}, {"en-us+f3", "technical support", 900}, {"en-us", "speak to an agent", 1100}, {"en-us+m3", "my phone is broken", 900}} {
		all = append(all, wish{speech.Voice{Name: w.voice, Text: w.text}.Say(t, media.SampleRate), w.hz})
	}
	return all
}

// spoken answers a menu in words; with a key where it is asked again.
func (d *drill) spoken(c *telephone, i int) (kind string, err error) {
	const kindSpoken = "spoken"
	w := d.wishes[i%len(d.wishes)]
	if err := c.waits(500); err != nil {
		return kindSpoken, err
	}
	if c.at, err = c.loses(c.at, 500); err != nil {
		return kindSpoken, err
	}
	c.leg.Stream().Play(media.Play{Prompts: []*media.Prompt{media.NewPrompt("wish", w.pcm)}})
	heard, err := c.waitsAny(patience, 500, 700, 900, 1100)
	if err != nil {
		return kindSpoken, err
	}
	switch heard {
	case w.hz:
		d.count(understood)
	case 500:
		d.count(askedAgain)
		if err := c.presses("3", 1100); err != nil {
			return kindSpoken, err
		}
	default:
		d.count(misunderstood)
	}
	return kindSpoken, c.waitsEnd(leg.AgentHangup)
}

// sayings are what the clerk writes down of people in talks, by their tones.
func (d *drill) sayings() map[float64]string {
	said := map[float64]string{
		stays: "my card is " + drillCard + " thank you", leaves: "I have a question about my order",
		1400: "this is alice", sueTone: "this is sue",
	}
	for _, a := range d.agents {
		said[a.freq] = "this is " + a.name
	}
	return said
}

// toneClerk writes down, every 1.5 s, what whose tone it hears is known to say. It is all
// that transcripts of the drill are worth: that everybody's words are on their own side.
type toneClerk struct {
	sayings map[float64]string
	menu    bool // it is asked for phrases, which it never hears
	strike  *atomic.Int64
	begun   int64
	pcm     []int16
}

func (k *toneClerk) Hear(pcm []int16) string {
	if k.strike.Load() != k.begun {
		return "" // hangs up
	}
	if k.pcm = append(k.pcm, pcm...); k.menu || len(k.pcm) < sentenceEvery {
		return vosk.Partial("")
	}
	defer func() { k.pcm = nil }()
	var heard []string
	for hz, text := range k.sayings {
		if tone.Level(k.pcm, hz) > tone.Power(k.pcm)-1 && tone.Power(k.pcm) > -45 {
			heard = append(heard, text)
		}
	}
	return vosk.Final(strings.Join(heard, " and "))
}

func (*toneClerk) End() string { return vosk.Final("") }

// openClerk starts the engine; its sessions end whenever strike changes.
func (d *drill) openClerk(t *testing.T) (url string) {
	return vosk.Serve(t, func(phrases []string) vosk.Engine {
		return &toneClerk{sayings: d.said, menu: len(phrases) > 0, strike: &d.strike, begun: d.strike.Load()}
	})
}

// deaths let the recognizer of menus be killed, and the clerk hang up, between the outages.
func (d *drill) deaths() {
	pause := min(outageEvery, time.Until(d.end)/2) / 2
	for ; ; pause = outageEvery {
		select {
		case <-time.After(pause):
		case <-time.After(time.Until(d.end)):
			return
		}
		pid, found := findChild(d.helper)
		if !found {
			d.fail("the recognizer of menus does not run")
			return
		}
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			d.fail("kill recognizer: %v", err)
		}
		d.strike.Add(1)
		d.count("recognizers killed")
	}
}

// checkWords reads the transcripts of all talks: each line must be what its speaker says,
// with the card masked.
func (d *drill) checkWords() {
	t := d.house.t
	t.Helper()
	talks, both, lines := 0, 0, 0
	for _, c := range d.house.allEnded() {
		if c.Queue == "" || c.Agent == "" {
			continue
		}
		talks++
		n := d.checkTalk(c.ID, c.Agent)
		if lines += n[transcript.Caller] + n[transcript.Agent] + n[transcript.Supervisor]; n[transcript.Caller] > 0 && n[transcript.Agent] > 0 {
			both++
		}
	}
	t.Logf("transcripts: %d lines in %d talks of the queue; %d have words of both sides", lines, talks, both)
	if float64(both) < transcribedFew*float64(talks) {
		t.Error("too few talks have words of both sides")
	}
	if strings.Contains(d.house.process.Output(), drillCard) {
		t.Error("the card's number is in the log")
	}
	n := d.counts
	t.Logf("menus in words: %d understood, %d asked again, %d misunderstood", n[understood], n[askedAgain], n[misunderstood])
	if n[understood] < n[askedAgain] || n[understood] < 10*n[misunderstood] {
		t.Error("too few speakers were understood")
	}
}

// checkTalk counts the lines of a talk by who says them.
func (d *drill) checkTalk(id, agent string) map[transcript.Speaker]int {
	t := d.house.t
	t.Helper()
	status, body := d.house.api("/api/v1/calls/" + id + "/transcript")
	var words api.Transcript
	if err := json.Unmarshal(body, &words); err != nil || status != http.StatusOK {
		t.Fatalf("transcript of %s: %d %v", id, status, err)
	}
	may := map[transcript.Speaker][]string{
		transcript.Caller:     {"my card is 411111••••••1111 thank you", d.said[leaves]},
		transcript.Agent:      {"this is " + agent},
		transcript.Supervisor: {"this is sue"},
	}
	n := map[transcript.Speaker]int{}
	for _, s := range words.Segments {
		if s.Kind != transcript.Spoken {
			continue
		}
		n[s.Speaker]++
		if !slices.Contains(may[s.Speaker], s.Text) {
			t.Errorf("call %s: %s, with %s, says %q", id, s.Speaker, agent, s.Text)
		}
	}
	return n
}

// speechMetrics are what the engines have done.
func (d *drill) speechMetrics() string {
	var out []string
	for name, v := range d.house.metrics() {
		if short, ok := strings.CutPrefix(name, "ivrd_speech_"); ok && strings.Contains(name, "_total") && v > 0 {
			out = append(out, fmt.Sprintf("%s %.0f", short, v))
		}
	}
	slices.Sort(out)
	return strings.Join(out, ", ")
}
