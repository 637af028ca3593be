package sip

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/sip/wire"
)

// Keys by SIP INFO, which no RFC describes: application/dtmf-relay has lines
// such as Signal=5 and Duration=160 (ms), the body of application/dtmf is the
// key alone.
const (
	relayType = "application/dtmf-relay"
	plainType = "application/dtmf"
	// maxInfo is the largest body that can be a key.
	maxInfo = 256
	// infoRate and infoBurst bound the INFO of one dialog: more a second than any
	// keypad or dialler sends.
	infoRate, infoBurst = 20, 40
	// keyDuration is what our INFO say of a key, and keyPace how far apart they go.
	keyDuration = 100 * time.Millisecond
	keyPace     = 200 * time.Millisecond
	// maxKeys is how many keys wait to be sent at most.
	maxKeys = 128
)

var (
	errInfoType = errors.New("read key: the body is of another type")
	errInfoBody = errors.New("read key: the body names none")
)

// parseKey reads the body of an INFO. A flash of the hook is no key, and no
// fault either: 0.
func parseKey(contentType string, body []byte) (byte, error) {
	kind, _, _ := strings.Cut(contentType, ";")
	if len(body) > maxInfo {
		return 0, errInfoBody
	}
	switch strings.ToLower(strings.TrimSpace(kind)) {
	case relayType:
		return relayedKey(string(body))
	case plainType:
		return keyNamed(string(body))
	}
	return 0, errInfoType
}

// relayedKey reads lines of name=value; those with other names mean nothing to
// us.
func relayedKey(body string) (key byte, err error) {
	signals := 0
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "signal":
			signals++
			key, err = keyNamed(value)
		case "duration":
			_, err = strconv.ParseUint(value, 10, 16)
		}
		if err != nil {
			return 0, errInfoBody
		}
	}
	if signals != 1 {
		return 0, errInfoBody
	}
	return key, nil
}

// keyNamed is a key by its name, or by its number as an event (RFC 4733 §3.2),
// as some name those beyond 9.
func keyNamed(s string) (byte, error) {
	s = strings.ToUpper(strings.TrimSpace(s))
	switch {
	case len(s) == 1 && strings.Contains("0123456789*#ABCD", s):
		return s[0], nil
	case len(s) == 2 && s >= "10" && s <= "15":
		return "*#ABCD"[s[1]-'0'], nil
	case s == "16" || s == "!":
		return 0, nil
	}
	return 0, errInfoBody
}

// onInfo takes a key (or what keeps a dialog alive: no body at all).
func (p *party) onInfo(t *serverTx) {
	if !p.infos.allow(time.Now()) {
		p.later(t)
		return
	}
	m, tag := t.msg, p.dlg.localTag
	if m.Has("Info-Package") { // RFC 6086 §4.2.2: we have named none
		t.respond(469, "Bad Info Package", tag, wire.Header{Name: "Recv-Info"})
		return
	}
	if len(m.Body) == 0 {
		t.respond(200, "OK", tag)
		return
	}
	key, err := parseKey(m.Get("Content-Type"), m.Body)
	switch {
	case errors.Is(err, errInfoType):
		t.respond(415, "Unsupported Media Type", tag, wire.Header{Name: "Accept", Value: relayType + ", " + plainType})
		return
	case err != nil:
		t.respond(400, "Bad Key", tag)
		return
	}
	t.respond(200, "OK", tag)
	if taker, ok := p.Stream().(media.DigitTaker); ok && key != 0 {
		taker.TakeDigit(key)
	}
}

// bucket bounds a rate. The zero bucket is full.
type bucket struct {
	spent float64
	at    time.Time
}

func (b *bucket) allow(now time.Time) bool {
	b.spent = max(0, b.spent-now.Sub(b.at).Seconds()*infoRate)
	b.at = now
	if b.spent+1 > infoBurst {
		return false
	}
	b.spent++
	return true
}

// keySender sends keys by INFO, one after the other: the next one goes when the
// last has its answer, so that they cannot overtake each other.
type keySender struct {
	queue   []byte
	busy    bool
	refused bool // it has been logged
}

// sendKey is media.Remote's SendKey. What a full inbox has no room for is lost,
// as it would be with a full queue.
func (p *party) sendKey(key byte) {
	p.tryPost(func() {
		if p.stage != up || len(p.keys.queue) >= maxKeys {
			return
		}
		p.keys.queue = append(p.keys.queue, key)
		p.nextKey()
	})
}

func (p *party) nextKey() {
	k := &p.keys
	if k.busy || len(k.queue) == 0 || p.stage != up {
		return
	}
	body := "Signal=" + string(rune(k.queue[0])) + "\r\nDuration=" + strconv.Itoa(int(keyDuration/time.Millisecond)) + "\r\n"
	k.queue, k.busy = slices.Delete(k.queue, 0, 1), true
	m := p.dlg.request("INFO", []byte(body), wire.Header{Name: "Content-Type", Value: relayType})
	p.exchangeThen(m, p.keySent)
}

// keySent goes on to the next key. Who refuses one may take the next: 5xx and
// 491 pass.
func (p *party) keySent(res *wire.Message, err error) {
	r := AsReason(err)
	if err == nil && res.Status >= 300 {
		r = reasonOf(res.Status)
	}
	if !r.IsZero() && !p.keys.refused {
		p.keys.refused = true
		p.log.Warn("peer does not take keys by INFO (hint: set dtmf of the trunk to another way)", "reason", r.Slug, "status", r.Status)
	}
	p.after(keyPace, func() {
		p.keys.busy = false
		p.nextKey()
	})
}

// agreeDigits tells media how keys travel, by the trunk's option and what was
// negotiated.
func (p *party) agreeDigits(r *media.Remote) {
	switch p.dtmf() {
	case dtmfInfo:
		r.SendKey = p.sendKey
	case dtmfInBand:
		r.InBand = true
	case dtmfAuto:
		r.InBand = r.EventType == 0
	}
}

// dtmf is the option of the party's trunk; phones and pages have none.
func (p *party) dtmf() string {
	if t := p.srv.trunkNamed(p.info.Trunk); t != nil {
		return t.DTMF
	}
	return dtmfAuto
}
