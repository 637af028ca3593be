package config

import (
	"bytes"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/ivrd/ivrd/internal/secret"
)

// Kinds of recognizers.
const (
	KindVosk         = "vosk"
	KindDeepgram     = "deepgram"
	KindJambonz      = "jambonz"
	KindPocketSphinx = "pocketsphinx" // the embedded one; only its place in the list
)

// Recognizer is an engine that hears words, or the place of the embedded one.
type Recognizer struct {
	Name string `yaml:"name"`
	Kind string `yaml:"kind"` // one of the Kind values
	URL  string `yaml:"url"`  // empty for Deepgram's own
	// Key goes into the Authorization header; or the environment's KeyEnv, or the file
	// KeyFile has it.
	Key     Secret `yaml:"key"`
	KeyEnv  string `yaml:"key_env"`
	KeyFile string `yaml:"key_file"`
	// Languages that it is given; empty for all.
	Languages []string `yaml:"languages"`
	Model     string   `yaml:"model"` // of Deepgram
	// PhrasesOnly: it hears menus, not conversations.
	PhrasesOnly bool `yaml:"phrases_only"`
	// AllowClear lets key and speech travel in clear beyond private addresses.
	AllowClear bool `yaml:"allow_clear"`
}

// speech checks what is heard.
func (d *decoder) speech(s *Speech) {
	d.oneOf("speech.recognizer", s.Recognizer, "auto", KindPocketSphinx, "none")
	if s.Listeners < 1 || s.Listeners > 100 {
		d.wrong("speech.listeners", "", "wants 1 to 100, got %d", s.Listeners)
	}
	if s.Emotion && !s.Activity {
		d.wrong("speech.emotion", "set speech.activity", "judges utterances, which nobody looks for")
	}
	if s.Recognizer == KindPocketSphinx && !s.Activity {
		d.wrong("speech.recognizer", "set speech.activity", "listens from where speech begins, which nobody looks for")
	}
	seen := map[string]bool{}
	for i := range s.Recognizers {
		r := &s.Recognizers[i]
		key := fmt.Sprintf("speech.recognizers[%d]", i)
		d.recognizer(r, key)
		if r.Kind == KindPocketSphinx && s.Recognizer == "none" {
			d.wrong(key, "set speech.recognizer to auto", "speech.recognizer is none")
		}
		if r.Name != "" && seen[r.Name] {
			d.wrong(key+".name", "", "another recognizer is called %q", r.Name)
		}
		seen[r.Name] = true
	}
}

func (d *decoder) recognizer(r *Recognizer, key string) {
	d.oneOf(key+".kind", r.Kind, KindVosk, KindDeepgram, KindJambonz, KindPocketSphinx)
	if r.Kind == KindPocketSphinx {
		d.embedded(r, key)
		return
	}
	switch {
	case r.Name == "":
		d.wrong(key, "it is in logs, metrics and records", "has no name")
	case r.Name == KindPocketSphinx || len(r.Name) > longestSlug || !slug.MatchString(r.Name):
		d.wrong(key+".name", "such as house", "wants a-z, 0-9 and dashes between them, %d at most, and not %s, got %q", longestSlug, KindPocketSphinx, r.Name)
	}
	if r.URL != "" || r.Kind != KindDeepgram {
		d.recognizerURL(r, key+".url")
	}
	for i, l := range r.Languages {
		if !isLanguage(l) {
			d.wrong(fmt.Sprintf("%s.languages[%d]", key, i), "such as en, en-US or zh", "wants a language tag, got %q", l)
		}
	}
	if r.Model != "" && r.Kind != KindDeepgram {
		d.wrong(key+".model", "", "is for kind deepgram only")
	}
	if r.KeyEnv != "" {
		r.Key = d.secretEnv(key+".key_env", r.KeyEnv, r.Key)
	}
	if r.KeyFile != "" {
		r.Key = d.secretFile(key+".key_file", r.KeyFile, r.Key, "key")
	}
	switch {
	case r.Kind == KindDeepgram && r.Key.IsZero() && r.URL == "":
		d.wrong(key, "set key, key_env or key_file", "has no key, which Deepgram's service wants")
	case r.Kind == KindVosk && !r.Key.IsZero():
		d.wrong(key+".key", "put a proxy with TLS before it", "a Vosk server takes none")
	}
}

// embedded is the place of the embedded engine, which has nothing to set there.
func (d *decoder) embedded(r *Recognizer, key string) {
	r.Name = named(r.Name, KindPocketSphinx)
	set := r.URL != "" || !r.Key.IsZero() || r.KeyEnv != "" || r.KeyFile != "" || len(r.Languages) > 0 || r.Model != "" || r.PhrasesOnly || r.AllowClear
	if r.Name != KindPocketSphinx || set {
		d.wrong(key, "speech.recognizer and speech.listeners are its settings", "the embedded recognizer has a place in the list and nothing else")
	}
}

func named(name, otherwise string) string {
	if name == "" {
		return otherwise
	}
	return name
}

// recognizerURL never repeats what is written: it may hold a key.
func (d *decoder) recognizerURL(r *Recognizer, key string) {
	u, err := url.Parse(r.URL)
	switch {
	case err != nil:
		d.wrong(key, "such as ws://127.0.0.1:2700", "is no URL")
	case u.User != nil:
		d.wrong(key, "give it as key, key_env or key_file", "holds a password")
	case u.Scheme == "unix" && u.Host == "" && u.Path != "":
	case u.Scheme != "ws" && u.Scheme != "wss" || u.Hostname() == "":
		d.wrong(key, "such as ws://127.0.0.1:2700", "wants ws://host, wss://host or unix:///path, got %q", u.Scheme+":")
	case u.Scheme == "ws" && !r.AllowClear && !private(u.Hostname()):
		d.wrong(key, "use wss, a loopback or private address, or set allow_clear: true where the network is trusted", "callers' speech would travel in clear")
	}
}

// private holds for literal addresses that are not of the Internet: a name may be any.
func private(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.Unmap().IsLoopback() || ip.Unmap().IsPrivate() || ip.Unmap().IsLinkLocalUnicast())
}

// isLanguage holds for what looks like a tag of BCP 47 (RFC 5646 §2.1).
func isLanguage(s string) bool {
	parts := strings.Split(s, "-")
	return len(s) <= 35 && (len(parts[0]) == 2 || len(parts[0]) == 3) && !slices.ContainsFunc(parts, func(p string) bool {
		return p == "" || len(p) > 8 || strings.ContainsFunc(p, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		})
	})
}

// secretEnv takes a key from the environment.
func (d *decoder) secretEnv(key, name string, written Secret) Secret {
	if !written.IsZero() {
		d.wrong(key, "keep one of the two", "stands beside a key")
	}
	for _, kv := range d.env {
		if n, value, _ := strings.Cut(kv, "="); n == name && value != "" {
			return secret.New(value)
		}
	}
	d.wrong(key, "", "names a variable that is not set: %q", name)
	return written
}

// secretFile reads what stands in a file beside the configuration, in place of a value
// of that name.
func (d *decoder) secretFile(key, path string, written Secret, name string) Secret {
	if !written.IsZero() {
		d.wrong(key, "keep one of the two", "stands beside a %s", name)
	}
	b, err := os.ReadFile(path) //nolint:gosec // the operator's
	switch {
	case err != nil:
		d.wrong(key, "", "cannot be read: %v", err)
	case len(bytes.TrimSpace(b)) == 0:
		d.wrong(key, "", "names an empty file")
	}
	return secret.New(strings.TrimSpace(string(b)))
}
