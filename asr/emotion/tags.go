package emotion

import (
	"bytes"
	"strings"

	"github.com/ivrd/ivrd/transcript"
)

// tagFeelings are SenseVoice's names (FunAudioLLM 2024).
var tagFeelings = map[string]transcript.Feeling{
	"HAPPY": transcript.Happiness, "SAD": transcript.Sadness, "ANGRY": transcript.Anger, "NEUTRAL": transcript.Neutral,
	"FEARFUL": transcript.Fear, "DISGUSTED": transcript.Disgust, "SURPRISED": transcript.Surprise,
	"EMO_UNKNOWN": transcript.Unknown,
}

const (
	tagOpen, tagClose = "<|", "|>"
	longestTag        = 24 // letters of its name
	// tagTrust stands for the confidence that such engines do not tell: about what is
	// reached on natural speech (docs/emotion.md).
	tagTrust = 0.4
)

// TakeTags takes tags such as <|en|><|ANGRY|><|Speech|> off the text of a recognition engine,
// and gives the emotion that they name. Tags are ASCII letters, digits and _ between <| and
// |>, up to 24 of them; all are taken off, for none is a word. Of several emotions the
// most frequent counts, and of equally many none. ok says whether there was a tag of an
// emotion; text without any tag is returned as it is.
func TakeTags(text string) (clean string, e transcript.Emotion, ok bool) {
	var counts transcript.Scores
	var total float64
	if !strings.Contains(text, tagClose) {
		return text, transcript.Emotion{}, false
	}
	out := make([]byte, 0, len(text))
	tags := false
	for i := range len(text) {
		if tags && text[i] == ' ' && (len(out) == 0 || out[len(out)-1] == ' ') {
			continue // what is left around a tag
		}
		out = append(out, text[i])
		at, name := tagAtEnd(out)
		if at < 0 {
			continue
		}
		tags = true
		if f, known := tagFeelings[name]; known {
			counts[f]++
			total++
		}
		out = out[:at]
	}
	if !tags {
		return text, transcript.Emotion{}, false
	}
	clean = strings.TrimSpace(string(out))
	if total == 0 {
		return clean, transcript.Emotion{}, false
	}
	return clean, tagged(counts, total), true
}

// tagAtEnd finds a tag that ends where out does; at is negative when there is none.
func tagAtEnd(out []byte) (at int, name string) {
	if !bytes.HasSuffix(out, []byte(tagClose)) {
		return -1, ""
	}
	end := len(out) - len(tagClose)
	for at = end - 1; at >= 0 && end-at <= longestTag && isTagLetter(out[at]); at-- {
	}
	name = string(out[at+1 : end])
	if name == "" || !bytes.HasSuffix(out[:at+1], []byte(tagOpen)) {
		return -1, ""
	}
	return at + 1 - len(tagOpen), name
}

func isTagLetter(c byte) bool {
	return c == '_' || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
}

func tagged(counts transcript.Scores, total float64) transcript.Emotion {
	e := transcript.Emotion{Method: transcript.MethodASRTag, Arousal: transcript.Measure{Value: 0.5}}
	first, most := counts.Best()
	equals := 0
	for f, n := range counts {
		if n == most {
			equals++
		}
		e.Scores[f] = n / total
	}
	if equals > 1 {
		return e
	}
	if e.Label = first; first != transcript.Unknown {
		e.Confidence = tagTrust * most / total
	}
	return e
}
