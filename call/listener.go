package call

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/ivr"
	"github.com/ivrd/ivrd/media"
)

const (
	// lookBack is how much sound is kept for the time before speech was noticed, which
	// is some 120 ms after its beginning; preRoll of it is heard before that.
	lookBack = media.FramesPerSecond
	preRoll  = 200 * media.SampleRate / 1000
	// longestAnswer is how long somebody may go on who answers a menu, longestWish who
	// says what they want.
	longestAnswer = 10 * time.Second
	longestWish   = 30 * time.Second
)

// listener gives one answer of the caller's to a recognizer: from the beginning of
// speech, a little before it was noticed, to its end.
type listener struct {
	recognizer asr.Recognizer
	options    asr.Options

	mu      sync.Mutex
	decoder media.Decoder
	past    [lookBack]kept
	next    int         // of past, which is a ring
	session asr.Session // nil until somebody speaks
	done    bool        // nothing is heard any more
}

// kept is a frame of the past.
type kept struct {
	at   media.Time
	n    int // samples; 0: it was lost
	pcm  [media.FrameSamples]int16
	real bool
}

func (k *kept) frame() asr.Frame { return asr.Frame{At: k.at, PCM: k.pcm[:k.n], Lost: k.n == 0} }

func newListener(r asr.Recognizer, phrases []string, language string) *listener {
	return &listener{recognizer: r, options: asr.Options{Phrases: phrases, Language: language, Single: true}}
}

// frame takes the caller's sound; nil was lost. It is the media worker's, and never
// waits: a session copies, and who else holds the lock does so for microseconds.
func (l *listener) frame(at media.Time, codec media.Codec, payload []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.done {
		return
	}
	k := &l.past[l.next]
	n, ok := l.decoder.Follow(k.pcm[:], codec, media.SampleRate, payload)
	if !ok {
		return
	}
	k.at, k.n, k.real = at, n, true
	if l.session != nil {
		l.session.Write(k.frame())
		return
	}
	l.next = (l.next + 1) % lookBack
}

// begin opens a session for speech that began at a time.
func (l *listener) begin(at media.Time) (asr.Session, error) {
	session, err := l.recognizer.Open(context.Background(), l.options) // hearNoMore closes it
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range l.past {
		if k := &l.past[(l.next+i)%lookBack]; k.real && k.at >= at-preRoll {
			session.Write(k.frame())
		}
	}
	l.session = session
	return session, nil
}

// end lets nothing more be heard.
func (l *listener) end() asr.Session {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done = true
	return l.session
}

// spoken is what became of an answer.
type spoken struct {
	phrase  string // "" for none of them
	text    string // all that was said
	segment asr.Segment
	err     error // the recognizer has failed: nothing is known
}

// result waits for what was said. Somebody must end the session.
func result(s asr.Session) spoken {
	var got spoken
	for segment := range s.Segments() {
		if segment.Final && !segment.NoMatch && segment.Text != "" {
			got.phrase, got.segment = segment.Text, segment
			got.text = strings.TrimSpace(got.text + " " + segment.Text)
		}
	}
	got.err = s.Err()
	return got
}

// answer is what a turn hears in words.
type answer struct {
	*listener

	begun bool
}

// listenFor lets a turn be answered in words, if there are any and somebody who
// understands them.
func (t *turn) listenFor(c *Call) {
	recognizer := c.hearer(t.Listen)
	if recognizer == nil || t.Secret {
		return
	}
	t.speech = &answer{listener: newListener(recognizer, t.Phrases, t.Language)}
	c.sound.listener = t.speech.listener
	c.retap()
}

// speaks is told that the caller begins to speak, or has ended.
func (t *turn) speaks(c *Call, ev media.StreamEvent) {
	switch {
	case t.speech == nil || len(t.keys) > 0 || !t.over && !t.BargeIn:
	case ev.Kind == media.EventSpeechBegan && !t.speech.begun:
		t.answers(c, ev.At)
	case ev.Kind == media.EventSpeechEnded && t.speech.begun:
		t.answered()
	}
}

// answers begins to listen; the prompts stop.
func (t *turn) answers(c *Call, at media.Time) {
	session, err := t.speech.begin(at)
	if err != nil {
		t.deaf(c, err)
		return
	}
	t.speech.begun = true
	if !t.over {
		t.over = true
		c.caller.Stream().Stop()
	}
	c.after(t.longest())
	mine := t.speech
	go func() {
		got := result(session)
		_ = c.post(func() { // fails when the call is over
			if c.doing == activity(t) && t.speech == mine {
				t.understood(c, got)
			}
		})
	}()
}

// longest is how long somebody may go on.
func (t *turn) longest() time.Duration {
	if t.Free {
		return longestWish
	}
	return longestAnswer
}

// answered says that nothing more comes; what was said follows.
func (t *turn) answered() {
	session := t.speech.end()
	go func() { _ = session.Finish(context.Background()) }() // its error is the session's, which result tells
}

func (t *turn) understood(c *Call, got spoken) {
	switch {
	case got.err != nil && got.phrase == "":
		t.deaf(c, got.err)
	case got.phrase == "":
		t.heard(c, ivr.Heard{Kind: ivr.HeardSpeech})
	default:
		t.said = got.segment
		t.heard(c, meant(t.Listen, got))
	}
}

// deaf goes on with keys alone: the recognizer does not answer.
func (t *turn) deaf(c *Call, err error) {
	t.hearNoMore(c)
	c.log.Warn("no speech recognition: keys only", "err", err)
	if t.over && len(t.keys) == 0 {
		c.after(t.Timeout)
	}
}

// hearNoMore ends listening: a key was quicker, or the turn is over.
func (t *turn) hearNoMore(c *Call) {
	if t.speech == nil {
		return
	}
	session := t.speech.end()
	t.speech, c.sound.listener = nil, nil
	c.retap()
	if session != nil {
		go func() { _ = session.Close() }() // it waits for its goroutines
	}
}
