package sip

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/sip/wire"
)

// canary stands in every malformed message; no log line may hold it.
const canary = "c4n4ry5ecret"

// malformed are messages with the answer that they deserve; 0 is none.
// Most are RFC 4475's, by its names, written anew for this server.
func malformed() map[string]struct {
	want int
	raw  string
} {
	type row = struct {
		want int
		raw  string
	}
	base := func(method, uri string, change ...string) string {
		s := method + " " + uri + " SIP/2.0\r\nVia: SIP/2.0/UDP 127.0.0.1:5999;branch=z9hG4bK{B};rport\r\nMax-Forwards: 70\r\n" +
			"From: <sip:" + canary + "@pstn.test>;tag=1\r\nTo: <sip:1000@127.0.0.1>\r\nCall-ID: {B}\r\nCSeq: 1 " + method + "\r\nContact: <sip:a@127.0.0.1>\r\n"
		end := "Content-Length: 0\r\n\r\n"
		for i := 0; i+1 < len(change); i += 2 {
			if change[i] == "" {
				s += change[i+1] + "\r\n"
				continue
			}
			s, end = strings.ReplaceAll(s, change[i], change[i+1]), strings.ReplaceAll(end, change[i], change[i+1])
		}
		return s + end
	}
	inv := func(change ...string) string { return base("INVITE", "sip:1000@127.0.0.1", change...) }
	opt := func(change ...string) string { return base("OPTIONS", "sip:1000@127.0.0.1", change...) }
	return map[string]row{
		"fine":              {200, opt()},
		"compact":           {200, opt("Via:", "v:", "From:", "f :", "To:", "T:", "Call-ID:", "i:", "Content-Length", "l")},
		"folded":            {200, opt("To: ", "To :\r\n  ", "CSeq: 1 ", "cseq: 0001\r\n\t")},
		"escaped quotes":    {200, opt("From: <", "From: \"J Rosenberg \\\\\\\"\" <")},
		"lwsdisp":           {200, opt("From: <", "From: caller<")},
		"semiuri":           {200, base("OPTIONS", "sip:user;par=u%40example.net@127.0.0.1")},
		"unknown via below": {200, opt("Max-Forwards", "Via: SIP/2.0/unknown weird.example\r\nMax-Forwards")},
		"zeromf":            {200, opt("Max-Forwards: 70", "Max-Forwards: 0")},
		"no max-forwards":   {200, opt("Max-Forwards: 70\r\n", "")},
		"rfc2543":           {200, opt(";branch=z9hG4bK{B}", "", ";tag=1", "")},
		"unknown to scheme": {200, opt("To: <sip:1000@127.0.0.1>", "To: <isbn:2983792873>")},

		"badvers":           {505, strings.Replace(opt(), " SIP/2.0\r\n", " SIP/7.0\r\n", 1)},
		"lwsstart":          {400, strings.Replace(opt(), "OPTIONS sip", "OPTIONS  sip", 1)},
		"trws":              {400, strings.Replace(opt(), " SIP/2.0\r\n", " SIP/2.0  \r\n", 1)},
		"lwsruri":           {400, base("OPTIONS", "sip:1000@127.0.0.1; lr")},
		"ltgtruri":          {400, base("OPTIONS", "<sip:1000@127.0.0.1>")},
		"bad port":          {400, base("OPTIONS", "sip:1000@127.0.0.1:99999")},
		"unkscm":            {416, base("OPTIONS", "nobodyKnowsThisScheme:totallyopaquecontent")},
		"tel":               {416, base("INVITE", "tel:+8610")},
		"mismatch01":        {400, opt("CSeq: 1 OPTIONS", "CSeq: 8 INVITE")},
		"scalar02":          {400, opt("CSeq: 1", "CSeq: 36893488147419103232")},
		"max-forwards 256":  {400, opt("Max-Forwards: 70", "Max-Forwards: 300")},
		"max-forwards word": {400, opt("Max-Forwards: 70", "Max-Forwards: many")},
		"expires":           {400, opt("", "Expires: 1000000000000000000000000")},
		"cseq word":         {400, opt("CSeq: 1", "CSeq: one")},
		"cseq lacks method": {400, opt("CSeq: 1 OPTIONS", "CSeq: 1")},
		"no to":             {400, opt("To: <sip:1000@127.0.0.1>\r\n", "")},
		"no from":           {400, opt("From", "X-From")},
		"no cseq":           {400, opt("CSeq", "X-CSeq")},
		"no call-id":        {400, opt("Call-ID", "X-Call-ID")},
		"no via":            {400, opt("Via", "X-Via")},
		"insuf":             {400, inv("Contact", "X-Contact")},
		"multi01":           {400, opt("", "From: <sip:b@x>;tag=2")},
		"two call-ids":      {400, opt("", "i: zwei")},
		"two cseqs":         {400, opt("", "CSeq: 1 OPTIONS")},
		"mcl01":             {400, opt("", "Content-Length: 5")},
		"two lengths alike": {400, opt("", "l: 0")},
		"ncl":               {400, opt("Content-Length: 0", "Content-Length: -999")},
		"length word":       {400, opt("Content-Length: 0", "Content-Length: nil")},
		"badvia":            {400, opt("Via: SIP/2.0/UDP 127.0.0.1:5999", "Via: SIP/2.0/UDP")},
		"via port":          {400, opt("127.0.0.1:5999", "127.0.0.1:port")},
		"quotbal":           {400, opt("To: <sip", "To: \"Mr J. User <sip")},
		"baddn":             {400, opt("From: <", "From: Bell, Alexander <")},
		"bad uri in to":     {400, opt("To: <sip:1000@127.0.0.1>", "To: <sip:>")},
		"unbracketed":       {400, opt("Contact: <sip:a@127.0.0.1>", "Contact: sip:a@127.0.0.1?Route=%3Csip%3A%3E")},
		"no colon":          {400, opt("", canary)},
		"no header name":    {400, opt("", ": "+canary)},
		"bad header name":   {400, opt("", "Bad Name: "+canary)},

		"unknown method":     {501, base("FROBNICATE", "sip:1000@127.0.0.1")},
		"lower-case method":  {501, base("options", "sip:1000@127.0.0.1")},
		"message":            {405, base("MESSAGE", "sip:1000@127.0.0.1")},
		"subscribe":          {405, base("SUBSCRIBE", "sip:1000@127.0.0.1")},
		"notify":             {405, base("NOTIFY", "sip:1000@127.0.0.1")},
		"publish":            {405, base("PUBLISH", "sip:1000@127.0.0.1")},
		"refer":              {403, base("REFER", "sip:1000@127.0.0.1", "", "Refer-To: <sip:x@203.0.113.1>")},
		"bext01":             {420, opt("", "Require: nothingSupportsThis, nothingSupportsThisEither")},
		"invut":              {415, inv("Content-Length: 0\r\n\r\n", "Content-Type: text/plain\r\nContent-Length: 12\r\n\r\n"+canary)},
		"no content type":    {415, inv("Content-Length: 0\r\n\r\n", "Content-Length: 12\r\n\r\n"+canary)},
		"content encoding":   {415, inv("Content-Length: 0\r\n\r\n", "Content-Type: application/sdp\r\nContent-Encoding: gzip\r\nContent-Length: 12\r\n\r\n"+canary)},
		"sdp01":              {406, inv("", "Accept: text/nobodyKnowsThis")},
		"bad sdp":            {400, inv("Content-Length: 0\r\n\r\n", "Content-Type: application/sdp\r\nContent-Length: 12\r\n\r\n"+canary)},
		"bye of nothing":     {481, base("BYE", "sip:1000@127.0.0.1")},
		"bye of a stranger":  {481, base("BYE", "sip:1000@127.0.0.1", "To: <sip:1000@127.0.0.1>", "To: <sip:1000@127.0.0.1>;tag=x")},
		"prack of nothing":   {481, base("PRACK", "sip:1000@127.0.0.1", "", "RAck: 1 1 INVITE")},
		"update of nothing":  {481, base("UPDATE", "sip:1000@127.0.0.1")},
		"info of nothing":    {481, base("INFO", "sip:1000@127.0.0.1")},
		"invite of a tag":    {481, inv("To: <sip:1000@127.0.0.1>", "To: <sip:1000@127.0.0.1>;tag=x")},
		"cancel of nothing":  {481, base("CANCEL", "sip:1000@127.0.0.1")},
		"regaut01":           {401, base("REGISTER", "sip:ivrd.test", "", "Authorization: NoOneKnowsThisScheme opaque-data="+canary)},
		"unknown number":     {404, base("INVITE", "sip:9@127.0.0.1")},
		"bad credentials":    {401, inv("", `Authorization: Digest realm="ivrd.test", nonce="`+canary+`", username="x"`)},
		"claims to be of us": {486, inv("sip:"+canary+"@pstn.test", "sip:"+canary+"@ivrd.test")},

		"ack":          {0, base("ACK", "sip:1000@127.0.0.1")},
		"bad ack":      {0, base("ACK", "sip:1000@127.0.0.1", "CSeq: 1", "CSeq: x")},
		"response":     {0, "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bK" + canary + "\r\nFrom: <sip:a@x>;tag=1\r\nTo: <sip:b@x>;tag=2\r\nCall-ID: {B}\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"},
		"bigcode":      {0, "SIP/2.0 4294967301 better not\r\nVia: SIP/2.0/UDP 127.0.0.1;branch=z9hG4bKx\r\nContent-Length: 0\r\n\r\n"},
		"bad response": {0, "SIP/2.0 200 " + canary + "\r\nContent-Length: 0\r\n\r\n"},
	}
}

// realWorld listens on loopback for true.
func realWorld(t *testing.T, change func(*Config)) *world {
	t.Helper()
	cfg := Config{
		UDP: "127.0.0.1:0", TCP: "127.0.0.1:0", Realm: "ivrd.test",
		Trunks: []Trunk{{Name: "loop", Match: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}},
	}
	if change != nil {
		change(&cfg)
	}
	w := &world{t: t, h: &handler{}, log: &syncBuffer{}}
	srv, err := New(cfg, Deps{Handler: w.h, Secrets: people{"alice"}, Log: slog.New(slog.NewTextHandler(w.log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	if err := srv.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(srv.Close)
	w.srv = srv
	return w
}

func TestMalformedOverUDP(t *testing.T) {
	w := realWorld(t, nil)
	for name, row := range malformed() {
		t.Run(name, func(t *testing.T) {
			conn, err := net.ListenPacket("udp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = conn.Close() }()
			p := newPhone(t, conn, net.UDPAddrFromAddrPort(w.srv.Addr("udp")))
			raw := strings.ReplaceAll(row.raw, "{B}", token())
			p.send(raw)
			if row.want == 0 {
				if m := p.tryRecv(50 * time.Millisecond); m != nil {
					t.Fatalf("answered with %d", m.Status)
				}
				return
			}
			checkAnswer(t, p.expect(row.want), row.want)
		})
	}
	if strings.Contains(w.log.String(), canary) {
		t.Error("the log holds what a peer sent")
	}
}

func checkAnswer(t *testing.T, m *wire.Message, want int) {
	t.Helper()
	for status, header := range map[int]string{405: "Allow", 415: "Accept", 420: "Unsupported", 401: "WWW-Authenticate", 200: "Supported"} {
		if want == status && m.Get(header) == "" && m.Get(header+"-Encoding") == "" {
			t.Errorf("%d lacks %s", want, header)
		}
	}
	if via := m.Get("Via"); via != "" && !strings.Contains(via, "received=") && !strings.Contains(via, "127.0.0.1") {
		t.Errorf("Via of the answer is %s", via)
	}
}

func TestMalformedOverTCP(t *testing.T) {
	w := realWorld(t, func(c *Config) { c.Limits.MaxConnsPerIP = 200 })
	for name, row := range malformed() {
		t.Run(name, func(t *testing.T) {
			conn := dialTCP(t, w)
			raw := strings.ReplaceAll(strings.ReplaceAll(row.raw, "{B}", token()), "/UDP", "/TCP")
			if _, err := io.WriteString(conn, raw); err != nil {
				t.Fatal(err)
			}
			wait := 5 * time.Second
			if row.want == 0 {
				wait = 50 * time.Millisecond
			}
			_ = conn.SetReadDeadline(time.Now().Add(wait))
			r := bufio.NewReader(conn)
			m := readMessage(r)
			for m != nil && m.Status == 100 {
				m = readMessage(r)
			}
			switch {
			case row.want == 0 && m != nil:
				t.Fatalf("answered with %d", m.Status)
			case row.want > 0 && m == nil:
				t.Fatal("no answer")
			case row.want > 0 && m.Status != row.want:
				t.Fatalf("got %d %s, want %d", m.Status, m.Reason, row.want)
			}
		})
	}
	if strings.Contains(w.log.String(), canary) {
		t.Error("the log holds what a peer sent")
	}
}

func dialTCP(t *testing.T, w *world) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", w.srv.Addr("tcp").String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// readMessage reads one framed message; nil at the end.
func readMessage(r *bufio.Reader) *wire.Message {
	var head bytes.Buffer
	length := 0
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return nil
		}
		head.WriteString(line)
		if v, ok := strings.CutPrefix(line, "Content-Length: "); ok {
			length, _ = strconv.Atoi(strings.TrimSpace(v))
		}
		if line == "\r\n" && head.Len() > 2 {
			break
		}
		if line == "\r\n" {
			head.Reset()
		}
	}
	body := make([]byte, length)
	if _, err := io.ReadFull(r, body); err != nil {
		return nil
	}
	return lenient(append(head.Bytes(), body...))
}

func TestTwoWaysOfOneRequest(t *testing.T) {
	inWorld(t, testConfig(), func(_ *testing.T, w *world, p *phone) {
		w.h.calls = func(ctx context.Context, in *Incoming) {
			<-ctx.Done()
			in.Reject(leg.CallerCancel)
		}
		p.send(p.requestSeq("INVITE", 1, 1, sdpAt("198.51.100.7", 4000)))
		p.expect(100)
		p.send(p.requestSeq("INVITE", 1, 2, sdpAt("198.51.100.7", 4000)))
		p.expect(482)
		p.send(p.requestSeq("CANCEL", 1, 1, ""))
		p.recv()
		p.recv()
	})
}

func TestRepetitionsAreAbsorbed(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, p *phone) {
		legs := make(chan leg.Leg, 10)
		w.h.calls = answering(&fakeSession{}, legs)
		raw := p.request("INVITE", sdpAt("198.51.100.7", 4000))
		for range 5 {
			p.send(raw)
		}
		p.target = contactOf(p.expect(200)).String()
		p.ack("")
		await(t, <-legs, leg.Answered)
		p.send(raw)
		time.Sleep(time.Second)
		if n := w.srv.Counters().Incoming; n != 1 {
			t.Errorf("%d calls of one INVITE", n)
		}
	})
}

func TestNumberOfAnswersNeverExceedsRequests(t *testing.T) {
	inWorld(t, testConfig(), func(t *testing.T, w *world, _ *phone) {
		p := w.phone("203.0.113.99:5060")
		for i := range 50 {
			p.callID, p.toTag = "flood-"+strconv.Itoa(i), ""
			p.send(p.request([]string{"INVITE", "REGISTER", "OPTIONS"}[i%3], ""))
		}
		n := 0
		for p.tryRecv(2*time.Minute) != nil {
			n++
		}
		if n != 50 {
			t.Errorf("%d answers to 50 requests of a stranger", n)
		}
		if got := w.srv.Counters().Admitted; got != 0 {
			t.Errorf("%d transactions for a stranger", got)
		}
	})
}
