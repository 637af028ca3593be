package config

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// wrong reports a fault of a value that decoded well, at its place.
func (d *decoder) wrong(key, hint, format string, args ...any) {
	d.faults = append(d.faults, File{lines: d.lines}.Fault(key, hint, format, args...))
}

// Fault is a fault of a loaded value, at its place or that of what it stands
// in: for those who find one that this package cannot know of.
func (f File) Fault(key, hint, format string, args ...any) Fault {
	p, ok := f.lines[key]
	for parent := key; !ok && strings.Contains(parent, "."); {
		parent = parent[:strings.LastIndex(parent, ".")]
		p, ok = f.lines[parent]
	}
	if p.source == "" {
		p.source = "defaults"
	}
	return Fault{Source: p.source, Line: p.line, Key: key, Message: fmt.Sprintf(format, args...), Hint: hint}
}

// check finds what is well written and still cannot work.
func (d *decoder) check(f *File) {
	d.oneOf("mode", f.Mode, ModeDemo, ModeProduction)
	d.listen("http.listen", f.HTTP.Listen)
	d.listen("sip.listen", f.SIP.Listen)
	d.pair("http.tls", f.HTTP.TLS.Cert, f.HTTP.TLS.Key)
	d.pair("sip.tls", f.SIP.TLS.Cert, f.SIP.TLS.Key)
	d.listen("sip.tls.listen", f.SIP.TLS.Listen)
	d.address("sip.advertise", f.SIP.Advertise, true)
	d.address("media.address", f.Media.Address, false)
	d.address("media.advertise", f.Media.Advertise, true)
	if _, _, err := PortRange(f.Media.Ports); err != nil {
		d.wrong("media.ports", "", "%v", err)
	}
	if f.Media.WebPort < 0 || f.Media.WebPort > 65535 {
		d.wrong("media.web_port", "", "wants a port from 1 to 65535, or 0 for no browsers, got %d", f.Media.WebPort)
	}
	if f.Flows.Backend != "" {
		d.oneOf("flows.backend", f.Flows.Backend, "demo")
	}
	d.voices(f)
	d.speech(&f.Speech)
	d.understanding(f.Speech.Understanding)
	d.emotionModel(&f.Speech)
	d.oneOf("log.level", f.Log.Level, "debug", "info", "warn", "error")
	d.oneOf("log.format", f.Log.Format, "text", "json")
	d.plain("sip.realm", f.SIP.Realm)
	if f.SIP.Realm == "" {
		d.wrong("sip.realm", "", "is empty")
	}
	d.limits(f.SIP.Limits)
	d.lasts("media.no_media", f.Media.NoMedia, time.Second)
	if f.Media.LatenessLimit != 0 {
		d.lasts("media.lateness_limit", f.Media.LatenessLimit, time.Millisecond)
	}
	d.atLeast("calls.max", f.Calls.Max, 1)
	d.atLeast("http.sockets", f.HTTP.Sockets, 2)
	d.atLeast("media.workers", f.Media.Workers, 0)
	d.oneOf("media.reader", f.Media.Reader, "auto", "goroutine")
	if f.Data.Dir == "" {
		d.wrong("data.dir", "", "is empty")
	}
	d.trunks(f)
	d.phones(f)
	d.outbound(f)
	d.queues(f)
	d.agents(f)
	d.dispositions(f.Dispositions)
	d.mode(f)
}

func (d *decoder) oneOf(key, got string, allowed ...string) {
	if !slices.Contains(allowed, got) {
		d.wrong(key, "", "wants one of %s, got %q", strings.Join(allowed, ", "), got)
	}
}

func (d *decoder) atLeast(key string, got, least int) {
	if got < least {
		d.wrong(key, "", "wants at least %d, got %d", least, got)
	}
}

func (d *decoder) lasts(key string, got, least time.Duration) {
	if got < least {
		d.wrong(key, "", "wants %v at least, got %v", least, got)
	}
}

// minSE is the shortest session that RFC 4028 lets anybody ask for.
const minSE = 90 * time.Second

func (d *decoder) limits(l Limits) {
	d.atLeast("sip.limits.connections", l.Connections, 1)
	d.atLeast("sip.limits.connections_per_ip", l.ConnectionsPerIP, 1)
	d.lasts("sip.limits.partial_message", l.PartialMessage, time.Second)
	d.lasts("sip.limits.unproved_idle", l.UnprovedIdle, time.Second)
	d.lasts("sip.limits.ring", l.Ring, time.Second)
	d.lasts("sip.limits.session_expires", l.SessionExpires, minSE)
}

// plain refuses what would end a quoted string, or a line, of a SIP message.
func (d *decoder) plain(key, text string) {
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsControl(r) || r == '"' || r == '\\' }) {
		d.wrong(key, "", "wants neither quotes, backslashes nor control characters, got %q", text)
	}
}

// listen wants a literal address: of an empty host or a name nobody can say
// whether it is loopback.
func (d *decoder) listen(key, addr string) {
	host, port, err := net.SplitHostPort(addr)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err == nil {
		_, err = netip.ParseAddr(host)
	}
	if err != nil {
		d.wrong(key, "such as 127.0.0.1:5060", "wants address:port with an IP address, got %q", addr)
	}
}

func (d *decoder) address(key, addr string, optional bool) {
	if addr == "" && optional {
		return
	}
	if _, err := netip.ParseAddr(addr); err != nil {
		d.wrong(key, "a name is not resolved here", "wants an IP address, got %q", addr)
	}
}

func (d *decoder) pair(key, cert, certKey string) {
	if (cert == "") != (certKey == "") {
		d.wrong(key, "", "wants both cert and key")
		return
	}
	if cert == "" {
		return
	}
	if _, err := tls.LoadX509KeyPair(cert, certKey); err != nil {
		d.wrong(key, "", "cannot be used: %v", err)
	}
}

func (d *decoder) trunks(f *File) {
	seen := map[string]bool{}
	for i := range f.SIP.Trunks {
		t := &f.SIP.Trunks[i]
		key := fmt.Sprintf("sip.trunks[%d]", i)
		if t.Name == "" {
			d.wrong(key, "", "has no name")
		} else if seen[t.Name] {
			d.wrong(key+".name", "", "another trunk is called %q", t.Name)
		}
		seen[t.Name] = true
		d.trunk(t, key)
	}
}

func (d *decoder) trunk(t *Trunk, key string) {
	for j, m := range t.Match {
		if _, err := netip.ParsePrefix(m); err != nil {
			d.wrong(fmt.Sprintf("%s.match[%d]", key, j), "such as 203.0.113.7/32", "wants an address range, got %q", m)
		}
	}
	if t.Transport == "" {
		t.Transport = "udp"
	}
	d.oneOf(key+".transport", t.Transport, "udp", "tcp", "tls")
	if t.DTMF != "" {
		d.oneOf(key+".dtmf", t.DTMF, "auto", "rfc4733", "info", "inband")
	}
	if t.Server != "" {
		d.server(t, key+".server")
	}
	d.plain(key+".name", t.Name)
	d.plain(key+".domain", t.Domain)
	d.plain(key+".realm", t.Realm)
	if t.Expires != 0 {
		d.lasts(key+".expires", t.Expires, 10*time.Second)
	}
	if t.KeepAlive != 0 {
		d.lasts(key+".keep_alive", t.KeepAlive, time.Second)
		if t.Server == "" {
			d.wrong(key+".keep_alive", "", "needs a server")
		}
	}
	if t.Register && (t.Server == "" || t.Username.Reveal() == "") {
		d.wrong(key+".register", "", "needs server and username")
	}
	if t.PasswordFile != "" {
		t.Password = d.secretFile(key+".password_file", t.PasswordFile, t.Password, "password")
	}
	if t.SRTP != "" {
		d.srtp(key+".srtp", t.SRTP)
	}
	d.atLeast(key+".max_calls", t.MaxCalls, 0)
	if len(t.Match) == 0 && t.Username.Reveal() == "" {
		d.wrong(key, "set match (addresses) or username and password (digest)", "no call could prove to come from this trunk")
	}
	d.codecs(key+".codecs", t.Codecs)
}

func (d *decoder) codecs(key string, names []string) {
	for i, c := range names {
		d.oneOf(fmt.Sprintf("%s[%d]", key, i), strings.ToUpper(c), "PCMU", "PCMA", "G722", "L16")
	}
}

// server adds the transport's port where none is written.
func (d *decoder) server(t *Trunk, key string) {
	host, port, err := net.SplitHostPort(t.Server)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(t.Server, "["), "]"), "5060"
		if t.Transport == "tls" {
			port = "5061"
		}
	}
	number, err := strconv.ParseUint(port, 10, 16)
	if err != nil || number == 0 || !isHost(host) {
		d.wrong(key, "such as sip.carrier.example:5060, without a scheme", "wants host or host:port, got %q", t.Server)
		return
	}
	t.Server = net.JoinHostPort(host, port)
}

// isHost holds for addresses and for what can be a name.
func isHost(s string) bool {
	if _, err := netip.ParseAddr(s); err == nil {
		return true
	}
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune(".-_", r)
	})
}

func (d *decoder) outbound(f *File) {
	for i, o := range f.SIP.Outbound {
		rule := fmt.Sprintf("sip.outbound[%d]", i)
		if o.Prefix == "" {
			d.wrong(rule, `"+" is that of every international number`, "has no prefix, and would allow every number")
		}
		d.atLeast(rule+".max_calls", o.MaxCalls, 0)
		d.atLeast(rule+".max_per_user", o.MaxPerUser, 0)
		key := rule + ".trunk"
		at := slices.IndexFunc(f.SIP.Trunks, func(t Trunk) bool { return t.Name == o.Trunk })
		switch {
		case at < 0:
			d.wrong(key, "", "no trunk is called %q", o.Trunk)
		case f.SIP.Trunks[at].Server == "":
			d.wrong(key, "set server of the trunk", "trunk %q has no server to call", o.Trunk)
		}
	}
}

func (d *decoder) queues(f *File) {
	seen := map[string]bool{}
	for i := range f.Queues {
		q := &f.Queues[i]
		key := fmt.Sprintf("queues[%d]", i)
		switch {
		case q.Name == "":
			d.wrong(key, "", "has no name")
		case seen[q.Name]:
			d.wrong(key+".name", "", "another queue is called %q", q.Name)
		}
		seen[q.Name] = true
		if q.Ring == 0 {
			q.Ring = 20 * time.Second
		}
		if q.Handle == 0 {
			q.Handle = 4 * time.Minute
		}
		if q.Target == 0 {
			q.Target = 20 * time.Second
		}
		d.lasts(key+".ring", q.Ring, time.Second)
	}
}

func (d *decoder) agents(f *File) {
	seen := map[string]bool{}
	for i, a := range f.Agents {
		key := fmt.Sprintf("agents[%d]", i)
		switch {
		case a.Name == "":
			d.wrong(key, "", "has no name")
		case seen[a.Name]:
			d.wrong(key+".name", "", "another agent is called %q", a.Name)
		}
		seen[a.Name] = true
		for j, s := range a.Skills {
			if _, _, err := Skill(s); err != nil {
				d.wrong(fmt.Sprintf("%s.skills[%d]", key, j), "such as fraud:5", "%v", err)
			}
		}
	}
}

// slug is what programs and pages can take for a word.
var slug = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// longestSlug is the most bytes of one.
const longestSlug = 64

func (d *decoder) dispositions(all []string) {
	for i, s := range all {
		key := fmt.Sprintf("dispositions[%d]", i)
		switch {
		case len(s) > longestSlug || !slug.MatchString(s):
			d.wrong(key, "such as follow-up", "wants a-z, 0-9 and dashes between them, %d at most, got %q", longestSlug, s)
		case slices.Contains(all[:i], s):
			d.wrong(key, "", "is there twice: %q", s)
		}
	}
}

// mode keeps the demo on loopback and production off demo habits.
func (d *decoder) mode(f *File) {
	switch f.Mode {
	case ModeDemo:
		for _, l := range []struct{ key, addr string }{
			{"http.listen", f.HTTP.Listen}, {"sip.listen", f.SIP.Listen}, {"sip.tls.listen", f.SIP.TLS.Listen}, {"media.address", f.Media.Address},
		} {
			if d.open(l.key, l.addr) {
				d.wrong(l.key, "the demo's passwords are public; set mode: production to leave loopback", "is not a loopback address")
			}
		}
	case ModeProduction:
		d.keyFile(f.Data)
		if f.HTTP.TLS.Cert == "" && d.open("http.listen", f.HTTP.Listen) {
			d.wrong("http.tls", "set a certificate, or listen on loopback behind a TLS proxy", "is needed in production")
		}
		if !f.SIP.AllowClear && d.open("sip.listen", f.SIP.Listen) {
			d.wrong("sip.listen", "leave it on loopback and use sip.tls, or set sip.allow_clear: true where the trunk insists on UDP", "would carry signalling in clear")
		}
		if f.Flows.Backend == "demo" {
			d.wrong("flows.backend", "set it to \"\"", "the demo back end is refused in production")
		}
	}
}

func (d *decoder) keyFile(data Data) {
	const hint = "name a key file that your key management mounts; a generated one beside the data is refused"
	switch {
	case data.KeyFile == "":
		d.wrong("data.key_file", hint, "is needed in production")
	case sameFile(data.KeyFile, filepath.Join(data.Dir, "keys", "root")):
		d.wrong("data.key_file", hint, "is the key that the demo has made in data.dir")
	}
}

// sameFile compares paths, and files where both are there.
func sameFile(a, b string) bool {
	absA, errA := filepath.Abs(a)
	absB, errB := filepath.Abs(b)
	if errA == nil && errB == nil && absA == absB {
		return true
	}
	infoA, errA := os.Stat(a)
	infoB, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(infoA, infoB)
}

// open says that an address leaves loopback. One that is no address has its
// fault already.
func (d *decoder) open(key, addr string) bool {
	faulted := slices.ContainsFunc(d.faults, func(f Fault) bool { return f.Key == key })
	return !faulted && !loopback(addr)
}

// loopback holds for nothing but a literal loopback address: an empty host is
// every address, and a name may be any.
func loopback(addr string) bool {
	if host, _, err := net.SplitHostPort(addr); err == nil {
		addr = host
	}
	ip, err := netip.ParseAddr(addr)
	return err == nil && ip.Unmap().IsLoopback()
}
