package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ivrd/ivrd/internal/phone"
	"github.com/ivrd/ivrd/internal/testkit"
	"github.com/ivrd/ivrd/internal/testkit/tone"
	"github.com/ivrd/ivrd/leg"
	"github.com/ivrd/ivrd/media"
)

// certificate makes one for 127.0.0.1 that vouches for itself, and returns the
// files of it and of its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "127.0.0.1"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

// openTLS is open with a TLS listener, whose address and certificate it
// returns too.
func openTLS(t *testing.T) (h *house, address, cert string) {
	t.Helper()
	cert, key := certificate(t)
	address = fmt.Sprintf("127.0.0.1:%d", testkit.Port(t))
	return open(t, "sip.tls.listen="+address, "sip.tls.cert="+cert, "sip.tls.key="+key), address, cert
}

// dialTLS connects as a phone that trusts the certificate.
func dialTLS(t *testing.T, address, cert string) *tls.Conn {
	t.Helper()
	trusted, err := os.ReadFile(cert)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(trusted)
	conn, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// TestTLSCall: `ivrd call` over TLS is heard and hears, and takes no
// certificate that nobody vouches for.
func TestTLSCall(t *testing.T) {
	t.Parallel()
	h, address, cert := openTLS(t)
	uri := "sip:1000@" + address + ";transport=tls"
	r, heard, err := headless(t, "SSL_CERT_FILE="+cert, uri, "--dtmf", "w1.5,5", "--duration", "5s")
	if err != nil || r.End != leg.CallerHangup {
		t.Errorf("the call: %v %+v", err, r)
	}
	checkHeadless(t, h, heard)

	if r, _, err := headless(t, "SSL_CERT_FILE=/dev/null", uri, "--duration", "1s"); err == nil || r.Answered {
		t.Errorf("a call to a stranger's certificate: %v %+v", err, r)
	}
	h.ended(1)
	h.verify()
}

// headless makes a call by `ivrd call` that plays the caller's tone, and
// returns its report and what it heard.
func headless(t *testing.T, env, uri string, args ...string) (r phone.Report, heard []int16, err error) {
	t.Helper()
	mouth, ear := filepath.Join(t.TempDir(), "mouth.wav"), filepath.Join(t.TempDir(), "ear.wav")
	testkit.WriteWAV(t, mouth, testkit.Tone(callerHz, time.Minute))
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"call", uri, "--json", "--play", mouth, "--record", ear}, args...)...)
	cmd.Env = append(os.Environ(), env)
	out, err := cmd.Output()
	if len(out) > 0 {
		if err := json.Unmarshal(out, &r); err != nil {
			t.Fatalf("report %s: %v", out, err)
		}
	}
	if err == nil {
		heard = testkit.ReadWAV(t, ear)
	}
	return r, heard, err
}

// checkHeadless: menu and tune were heard, the caller is in the recording.
func checkHeadless(t *testing.T, h *house, heard []int16) {
	t.Helper()
	checkSound(t, "the caller", heard, "500 700 600")
	checkRecording(t, h, h.ended(1)[0].ID, "400", "700 600")
}

// TestTLSPhone: an independent phone registers over TLS, calls, and is called
// over the connection that it opened.
func TestTLSPhone(t *testing.T) {
	t.Parallel()
	h, address, cert := openTLS(t)
	alice := testkit.Baresip{
		User: "alice", Domain: address, Password: h.sipSecret("alice"), Transport: "tls", Authority: cert, Mouth: testkit.Tone(calleeHz, time.Minute),
	}.Start(t)
	alice.WaitRegistered()
	_, heard, err := headless(t, "SSL_CERT_FILE="+cert, "sip:1000@"+address+";transport=tls", "--dtmf", "w1.5,2", "--duration", "6s")
	if err != nil {
		t.Fatal(err)
	}
	alice.WaitClosed()
	checkSound(t, "the caller", heard, "500 700 1200")
	checkSound(t, "alice", testkit.ReadWAV(t, alice.Heard()[0]), "400")
}

// TestTLSFlow: what comes by a connection is answered on it and nowhere else,
// whatever Via says, also when it has gone.
func TestTLSFlow(t *testing.T) {
	t.Parallel()
	h, address, cert := openTLS(t)
	elsewhere, visits := trap(t)
	conn := dialTLS(t, address, cert)
	if r := ask(t, conn, tlsRequest("OPTIONS", conn, elsewhere, "", "")); r.status() != 200 {
		t.Errorf("OPTIONS was answered %s", r.first)
	}

	p, err := tone.NewUDPPhone()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	id := random()
	r := ask(t, conn, tlsRequest("INVITE", conn, elsewhere, id, describe("127.0.0.1", p.Addr().Port())))
	for r.status() < 200 {
		r = await(t, conn)
	}
	if r.status() != 200 {
		t.Fatalf("INVITE was answered %s", r.first)
	}
	ack := tlsRequest("ACK", conn, elsewhere, id, "")
	ack.headers[3] = "To: " + r.get("To")
	if _, err := conn.Write(ack.bytes()); err != nil {
		t.Fatal(err)
	}
	p.Send(netip.AddrPort{}, media.PCMA, callerHz)
	waitHeard(t, p, 700)
	if err := conn.Close(); err != nil {
		t.Error(err)
	}
	h.ended(1) // by its flow: BYE has no way any more
	if n := visits.Load(); n != 0 {
		t.Errorf("%d messages went to where Via points", n)
	}
}

// trap is a TCP listener and a UDP socket of one port that nobody may visit.
func trap(t *testing.T) (address string, visits *atomic.Int32) {
	t.Helper()
	visits = &atomic.Int32{}
	address = fmt.Sprintf("127.0.0.1:%d", testkit.Port(t))
	stream, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	datagrams, err := net.ListenPacket("udp", address)
	if err != nil {
		t.Fatal(err)
	}
	var done sync.WaitGroup
	done.Go(func() {
		for {
			c, err := stream.Accept()
			if err != nil {
				return
			}
			visits.Add(1)
			_ = c.Close()
		}
	})
	done.Go(func() {
		for {
			if _, _, err := datagrams.ReadFrom(make([]byte, 1)); err != nil {
				return
			}
			visits.Add(1)
		}
	})
	t.Cleanup(func() {
		_ = stream.Close()
		_ = datagrams.Close()
		done.Wait()
	})
	return address, visits
}

// tlsRequest is for a connection, and its Via names another place.
func tlsRequest(method string, conn net.Conn, elsewhere, callID, body string) message {
	to := conn.RemoteAddr().String()
	return message{
		first: method + " sip:1000@" + to + ";transport=tls SIP/2.0",
		headers: []string{
			"Via: SIP/2.0/TLS " + elsewhere + ";branch=z9hG4bK" + random(), "Max-Forwards: 70",
			"From: <sip:caller@example.com>;tag=c1", "To: <sip:1000@" + to + ">", "Call-ID: " + callID + "x",
			"CSeq: 1 " + method, "Contact: <sip:caller@" + conn.LocalAddr().String() + ";transport=tls>",
		},
		body: body,
	}
}

// await reads the next message, which comes in one record.
func await(t *testing.T, conn net.Conn) message {
	t.Helper()
	b := make([]byte, 65536)
	n, err := conn.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return parseMessage(b[:n])
}

// TestTLSHandshakesEnd: who does not shake hands is sent away in time, and
// keeps nobody else from it.
func TestTLSHandshakesEnd(t *testing.T) {
	t.Parallel()
	_, address, cert := openTLS(t)
	began := time.Now()
	var stalled []net.Conn
	for _, says := range []string{"", "\x16\x03\x01\x02\x00\x01", "OPTIONS sip:1000@127.0.0.1 SIP/2.0\r\n"} {
		c, err := net.Dial("tcp", address)
		if err == nil {
			_, err = io.WriteString(c, says)
		}
		if err != nil {
			t.Fatal(err)
		}
		stalled = append(stalled, c)
		t.Cleanup(func() { _ = c.Close() })
	}
	conn := dialTLS(t, address, cert)
	if r := ask(t, conn, tlsRequest("OPTIONS", conn, "127.0.0.1:9", "", "")); r.status() != 200 {
		t.Errorf("OPTIONS was answered %s", r.first)
	}
	for i, c := range stalled {
		if err := c.SetReadDeadline(began.Add(13 * time.Second)); err != nil {
			t.Fatal(err)
		}
		// What comes before the end, such as an alert, does not matter.
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("connection %d after %v: %v", i, time.Since(began), err)
		}
	}
}
