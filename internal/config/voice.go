package config

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"
)

// voices checks what speaks. The settings of engines that are not chosen are not
// looked at.
func (d *decoder) voices(f *File) {
	s := &f.Speech
	d.oneOf("speech.engine", s.Engine, "auto", "espeak-ng", "http", "command", "none")
	switch s.Engine {
	case "http":
		d.speechHTTP(&s.HTTP, f.Mode)
	case "command":
		d.speechCommand(s.Command)
	}
}

func (d *decoder) speechHTTP(h *SpeechHTTP, mode string) {
	const key = "speech.http"
	u, err := url.Parse(h.URL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		d.wrong(key+".url", "such as http://127.0.0.1:8880/v1", "wants an http or https URL") // what is there may hold a secret
	case u.User != nil || u.RawQuery != "":
		d.wrong(key+".url", "a secret goes to key or key_file", "holds a name, a password or a query")
	case mode == ModeProduction && u.Scheme == "http" && u.Hostname() != "localhost" && !loopback(u.Hostname()):
		d.wrong(key+".url", "use https", "would carry what callers are told in clear")
	}
	if h.Model == "" {
		d.wrong(key+".model", "such as tts-1", "is needed")
	}
	if h.KeyFile != "" {
		h.Key = d.secretFile(key+".key_file", h.KeyFile, h.Key, "key")
	}
	d.voice(key, h.Voices, h.Format, h.Rate, h.Timeout)
}

func (d *decoder) speechCommand(c SpeechCommand) {
	const key = "speech.command"
	if len(c.Argv) == 0 || c.Argv[0] == "" {
		d.wrong(key+".argv", `such as [piper, --model, "{voice}", --output_raw]`, "is needed")
	}
	for i, a := range c.Argv {
		if strings.Contains(a, "{text}") {
			d.wrong(fmt.Sprintf("%s.argv[%d]", key, i), "the text comes on standard input, where no other user of the machine sees it", "cannot hold {text}")
		}
	}
	d.voice(key, c.Voices, c.Format, c.Rate, c.Timeout)
}

// voice checks what all engines of others have.
func (d *decoder) voice(key string, voices map[string]string, format string, rate int, timeout time.Duration) {
	d.oneOf(key+".format", format, "wav", "pcm")
	if rates := []int{8000, 16000, 22050, 24000, 32000, 44100, 48000}; !slices.Contains(rates, rate) {
		d.wrong(key+".rate", "", "wants one of %v, got %d", rates, rate)
	}
	if timeout < 100*time.Millisecond || timeout > 20*time.Second {
		d.wrong(key+".timeout", "", "wants 100ms to 20s, got %v", timeout)
	}
	if len(voices) == 0 {
		d.wrong(key+".voices", "such as {en: alloy, zh: alloy}", "is needed")
	}
	for language, voice := range voices {
		if voice == "" {
			d.wrong(key+".voices."+language, "", "is empty")
		}
	}
}
