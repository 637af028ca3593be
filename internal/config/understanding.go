package config

import (
	"net/netip"
	"net/url"
	"time"
)

// Engines of understanding.
const (
	UnderstandingEmbedded = "embedded"
	UnderstandingRasa     = "rasa"
	UnderstandingChat     = "chat"
)

// Understanding is what says what callers mean: the embedded classifier, or an engine
// elsewhere with that behind it.
type Understanding struct {
	Engine string        `yaml:"engine"` // one of the Understanding values
	URL    string        `yaml:"url"`
	Key    Secret        `yaml:"key"`   // a bearer token
	Model  string        `yaml:"model"` // of chat
	Limit  time.Duration `yaml:"limit"` // of one question
}

func (d *decoder) understanding(u Understanding) {
	const key = "speech.understanding"
	d.oneOf(key+".engine", u.Engine, UnderstandingEmbedded, UnderstandingRasa, UnderstandingChat)
	if u.Limit < 100*time.Millisecond || u.Limit > 10*time.Second {
		d.wrong(key+".limit", "the caller waits for it", "wants 100ms to 10s, got %v", u.Limit)
	}
	if u.Engine == UnderstandingEmbedded {
		if u.URL != "" {
			d.wrong(key+".url", "set engine to rasa or chat", "is not asked by the embedded classifier")
		}
		return
	}
	if u.Engine == UnderstandingChat && u.Model == "" {
		d.wrong(key, "", "has no model, which chat needs")
	}
	at, err := url.Parse(u.URL)
	switch {
	case err != nil || at.Hostname() == "" || at.Scheme != "http" && at.Scheme != "https":
		d.wrong(key+".url", "such as http://127.0.0.1:5005", "wants an http or https URL")
	case at.User != nil:
		d.wrong(key+".url", "give it as key", "holds a password")
	case at.Scheme == "http" && !near(at.Hostname()):
		d.wrong(key+".url", "use https, or a loopback or private address", "callers' words would travel in clear")
	}
}

// near holds for addresses that are not of the Internet, as they are written.
func near(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && (ip.Unmap().IsLoopback() || ip.Unmap().IsPrivate())
}
