package phone

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// step is one part of a key script: a wait or keys.
type step struct {
	wait time.Duration
	keys string
}

// maxWait bounds one wait of a script.
const maxWait = time.Hour

// parseScript reads "w1.5,2,w3,1234#": wN waits N seconds, anything else is
// keys, sent one after the other.
func parseScript(s string) ([]step, error) {
	var steps []step
	for part := range strings.SplitSeq(s, ",") {
		part = strings.TrimSpace(part)
		if part == "" {
			continue
		}
		if num, ok := strings.CutPrefix(part, "w"); ok {
			sec, err := strconv.ParseFloat(num, 64)
			if err != nil || math.IsNaN(sec) || sec < 0 || sec > maxWait.Seconds() {
				return nil, fmt.Errorf("read key script: %q is not a wait (hint: w1.5 waits one and a half seconds)", part)
			}
			steps = append(steps, step{wait: time.Duration(sec * float64(time.Second))})
			continue
		}
		for _, key := range part {
			if !strings.ContainsRune("0123456789*#ABCD", key) {
				return nil, fmt.Errorf("read key script: %q is not a key (hint: 0-9 * # A-D, and wN to wait)", key)
			}
		}
		steps = append(steps, step{keys: part})
	}
	return steps, nil
}
