package config

import (
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"
)

// Formats of the sound that a model gets.
const (
	FormatWAV = "wav"
	FormatL16 = "l16"
)

// EmotionModel judges the sound of callers' utterances after the rules have: one that is
// asked over HTTP, or an ONNX file in a process of its own. Without either there is none.
type EmotionModel struct {
	URL string `yaml:"url"`
	// Key is a bearer token; or the environment's KeyEnv, or the file KeyFile has it.
	Key     Secret `yaml:"key"`
	KeyEnv  string `yaml:"key_env"`
	KeyFile string `yaml:"key_file"`
	Format  string `yaml:"format"` // one of the Format values
	// AllowClear lets key and voices travel in clear beyond private addresses.
	AllowClear bool `yaml:"allow_clear"`

	ONNX      string   `yaml:"onnx"`
	Library   string   `yaml:"library"` // libonnxruntime.so
	Labels    []string `yaml:"labels"`  // of the output's values
	Output    string   `yaml:"output"`  // empty: logits, or the only one
	Rate      int      `yaml:"rate"`    // of the input, Hz
	Normalise bool     `yaml:"normalise"`

	Limit time.Duration `yaml:"limit"` // of one question
}

// Used reports whether there is a model.
func (m EmotionModel) Used() bool { return m.URL != "" || m.ONNX != "" }

func (d *decoder) emotionModel(s *Speech) {
	const key = "speech.emotion_model"
	m := &s.EmotionModel
	d.oneOf(key+".format", m.Format, FormatWAV, FormatL16)
	if m.Limit < 100*time.Millisecond || m.Limit > 30*time.Second {
		d.wrong(key+".limit", "", "wants 100ms to 30s, got %v", m.Limit)
	}
	if m.KeyEnv != "" {
		m.Key = d.secretEnv(key+".key_env", m.KeyEnv, m.Key)
	}
	if m.KeyFile != "" {
		m.Key = d.secretFile(key+".key_file", m.KeyFile, m.Key, "key")
	}
	switch {
	case m.Used() && !s.Emotion:
		d.wrong(key, "set speech.emotion", "has nothing to judge")
	case m.URL != "" && m.ONNX != "":
		d.wrong(key, "keep one of the two", "has both url and onnx")
	case m.URL != "":
		d.emotionURL(m, key+".url")
	case !m.Key.IsZero():
		d.wrong(key, "", "has a key, but no url")
	case m.ONNX != "":
		d.onnx(m, key)
	}
}

// emotionURL never repeats what is written: it may hold a key.
func (d *decoder) emotionURL(m *EmotionModel, key string) {
	u, err := url.Parse(m.URL)
	switch {
	case err != nil:
		d.wrong(key, "such as http://127.0.0.1:9000/", "is no URL")
	case u.User != nil:
		d.wrong(key, "give it as key, key_env or key_file", "holds a password")
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
	case u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "":
		d.wrong(key, "such as http://127.0.0.1:9000/", "wants http://host, https://host or unix:///path, got %q", u.Scheme+":")
	case u.Scheme == "http" && !m.AllowClear && !private(u.Hostname()):
		d.wrong(key, "use https, a loopback or private address, or set allow_clear: true where the network is trusted", "callers' voices would travel in clear")
	}
}

// exists finds files that are not there.
func (d *decoder) exists(key, path string) {
	if _, err := os.Stat(path); path != "" && err != nil {
		d.wrong(key, "", "cannot be read: %v", err)
	}
}

func (d *decoder) onnx(m *EmotionModel, key string) {
	if m.Library == "" {
		d.wrong(key+".library", "such as /usr/lib/libonnxruntime.so", "is needed by onnx")
	}
	d.exists(key+".onnx", m.ONNX)
	d.exists(key+".library", m.Library)
	if len(m.Labels) == 0 {
		d.wrong(key+".labels", "such as [angry, happy, neutral, sad], or [arousal, dominance, valence]", "is needed by onnx: what the values of the output are, in order")
	}
	for i, l := range m.Labels {
		if l == "" || strings.Contains(l, ",") {
			d.wrong(fmt.Sprintf("%s.labels[%d]", key, i), "", "wants a name without commas, got %q", l)
		}
	}
	if m.Rate < 8000 || m.Rate > 48000 {
		d.wrong(key+".rate", "", "wants 8000 to 48000, got %d", m.Rate)
	}
}
