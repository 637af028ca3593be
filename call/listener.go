package call

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/asr"
	"github.com/ivrd/ivrd/asr/emotion"
	"github.com/ivrd/ivrd/media"
)

const (
	// lookBack is how much sound is kept for the time before speech was noticed, which
	// is some 120 ms after its beginning; preRoll of it is heard before that.
	lookBack = media.FramesPerSecond
	preRoll  = 200 * media.SampleRate / 1000
)

// What a flow does not say of answers in words: see ivr.Listen.
const (
	defaultSpeechTimeout = 10 * time.Second
	defaultDecision      = time.Second
	// longestWish is for who says what they want in their own words.
	longestWish = 30 * time.Second
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
	soundFrame

	real bool
}

// soundFrame is a frame that somebody hears later.
type soundFrame struct {
	at  media.Time
	n   int // samples; 0: it was lost
	pcm [media.FrameSamples]int16
}

func (f *soundFrame) frame() asr.Frame { return asr.Frame{At: f.at, PCM: f.pcm[:f.n], Lost: f.n == 0} }

func newListener(r asr.Recognizer, phrases []string, language string) *listener {
	return &listener{recognizer: r, options: asr.Options{Phrases: phrases, Language: language, Single: true, Interim: r.Traits().Interim}}
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

// result waits for what was said, and tells what seems to be said meanwhile. Somebody
// must end the session.
func result(s asr.Session, seems func(string)) spoken {
	var got spoken
	for segment := range s.Segments() {
		segment.Text, _, _ = emotion.TakeTags(segment.Text)
		switch {
		case segment.NoMatch || segment.Text == "":
		case segment.Final:
			got.phrase, got.segment = segment.Text, segment
			got.text = strings.TrimSpace(got.text + " " + segment.Text)
		default:
			seems(segment.Text)
		}
	}
	got.err = s.Err()
	return got
}
