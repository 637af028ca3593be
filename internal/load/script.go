package load

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// stroke is a key and the frame after the answer at which it is pressed.
type stroke struct {
	frame int
	code  byte // RFC 4733 §3.2
}

// script is what a caller presses, shared by all callers.
type script struct {
	strokes []stroke
	every   int // frames after which it is pressed again; 0: once
}

// parseScript reads keys as Options.Press takes them; nil when there are none.
func parseScript(text string) (*script, error) {
	if text == "" {
		return nil, nil
	}
	s, frame := &script{}, 0
	for part := range strings.SplitSeq(text, ",") {
		if wait, ok := strings.CutPrefix(strings.TrimSpace(part), "w"); ok {
			seconds, err := strconv.ParseFloat(wait, 64)
			if err != nil || seconds < 0 || seconds > 3600 {
				return nil, fmt.Errorf("read keys %q: %q is no time to wait (hint: w1.5)", text, part)
			}
			frame += int(seconds * 50)
			continue
		}
		for _, key := range strings.ToUpper(strings.TrimSpace(part)) {
			code := strings.IndexRune("0123456789*#ABCD", key)
			if code < 0 {
				return nil, fmt.Errorf("read keys %q: %q is no key", text, key)
			}
			s.strokes = append(s.strokes, stroke{frame, byte(code)})
			frame += keyStep
		}
	}
	if len(s.strokes) == 0 {
		return nil, fmt.Errorf("read keys %q: there is no key in it", text)
	}
	return s, nil
}

// repeated presses the keys again and again, first after one interval.
func repeated(keys string, every time.Duration) (*script, error) {
	s, err := parseScript(keys)
	if err != nil {
		return nil, err
	}
	s.every = int(every.Milliseconds() / 20)
	if last := s.strokes[len(s.strokes)-1].frame + keyStep; s.every < last {
		return nil, fmt.Errorf("repeat keys %q: they take %v, which is longer than every %v", keys, time.Duration(last)*20*time.Millisecond, every)
	}
	for i := range s.strokes {
		s.strokes[i].frame += s.every
	}
	return s, nil
}
