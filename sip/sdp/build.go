package sdp

import (
	"fmt"
	"net/netip"
	"strings"
)

// Bytes writes the description. Each section carries its own c= line, so that
// reading it again gives the same sections.
func (s *Session) Bytes() []byte {
	var b strings.Builder
	fmt.Fprintf(&b, "v=0\r\no=%s %d %d IN %s\r\ns=-\r\n", s.Origin.user(), s.Origin.ID, s.Origin.Version, network(s.Origin.Addr))
	if len(s.Media) > 0 && s.Media[0].Addr.IsValid() {
		fmt.Fprintf(&b, "c=IN %s\r\n", network(s.Media[0].Addr))
	}
	b.WriteString("t=0 0\r\n" + s.bundle())
	for _, m := range s.Media {
		if !m.Addr.IsValid() { // else a reader would give it that of the session
			m.Addr = s.Media[0].Addr
		}
		m.write(&b)
	}
	return []byte(b.String())
}

func (o Origin) user() string {
	if o.User == "" {
		return "-"
	}
	return o.User
}

func network(a netip.Addr) string {
	switch {
	case !a.IsValid():
		return "IP4 0.0.0.0"
	case a.Is4():
		return "IP4 " + a.String()
	default:
		return "IP6 " + a.String()
	}
}

func (m Media) write(b *strings.Builder) {
	fmt.Fprintf(b, "m=%s %d %s", m.Kind, m.Port, m.Proto)
	for _, f := range m.Raw {
		b.WriteString(" " + f)
	}
	b.WriteString("\r\n")
	if m.Addr.IsValid() {
		fmt.Fprintf(b, "c=IN %s\r\n", network(m.Addr))
	}
	for _, f := range m.Formats {
		f.write(b)
	}
	if m.Ptime > 0 {
		fmt.Fprintf(b, "a=ptime:%d\r\n", m.Ptime)
	}
	if m.RTCP.IsValid() {
		fmt.Fprintf(b, "a=rtcp:%d IN %s\r\n", m.RTCP.Port(), network(m.RTCP.Addr()))
	}
	for _, c := range m.Cryptos {
		b.WriteString("a=crypto:" + c.String() + "\r\n")
	}
	m.writeWeb(b)
	if m.Direction != "" {
		fmt.Fprintf(b, "a=%s\r\n", m.Direction)
	}
}

func (f Format) write(b *strings.Builder) {
	name := f.Name
	if name == event {
		name = "telephone-event" // some readers compare case
	}
	fmt.Fprintf(b, "a=rtpmap:%d %s/%d", f.PT, name, f.Rate)
	if f.Channels > 1 {
		fmt.Fprintf(b, "/%d", f.Channels)
	}
	b.WriteString("\r\n")
	if f.Fmtp != "" {
		fmt.Fprintf(b, "a=fmtp:%d %s\r\n", f.PT, f.Fmtp)
	}
}
