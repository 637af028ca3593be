package digest

import (
	"context"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// RFC 7616 §3.9.1, both algorithms.
func TestVectors(t *testing.T) {
	const nonce, cnonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"
	for algorithm, want := range map[string]string{
		MD5:    "8ca523f5e9506fed4657c9700eebdbec",
		SHA256: "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
	} {
		ha1 := HA1(algorithm, "Mufasa", "http-auth@example.org", "Circle of Life")
		if got := response(algorithm, ha1, nonce, "00000001", cnonce, "GET", "/dir/index.html"); got != want {
			t.Errorf("%s: %s, want %s", algorithm, got, want)
		}
	}
}

type one struct{}

func (one) HA1(_ context.Context, user, realm, algorithm string) (string, bool) {
	return HA1(algorithm, "alice", realm, "secret"), user == "alice"
}

func TestVerdicts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v, here, there := NewVerifier("r", one{}), netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2")
		answer := func(i int, user, secret string) Params {
			c, _ := Parse(v.Challenges(here, false)[i])
			s, err := Answer(c, "r", user, secret, "REGISTER", "sip:r")
			if err != nil {
				t.Fatal(err)
			}
			p, _ := Parse(s)
			return p
		}
		check := func(name string, p Params, method string, source netip.Addr, want Verdict) {
			t.Helper()
			if got := v.Verify(t.Context(), p, method, source); got != want {
				t.Errorf("%s: %d, want %d", name, got, want)
			}
		}
		good := answer(0, "alice", "secret")
		check("elsewhere", good, "REGISTER", there, Stale)
		check("other method", good, "INVITE", here, Wrong)
		check("right", good, "REGISTER", here, Proved)
		check("again", good, "REGISTER", here, Stale)
		check("md5", answer(1, "alice", "secret"), "REGISTER", here, Proved)
		check("wrong secret", answer(0, "alice", "guess"), "REGISTER", here, Wrong)
		check("unknown user", answer(0, "mallory", "secret"), "REGISTER", here, Wrong)
		check("empty user", answer(0, "", "secret"), "REGISTER", here, Absent)
		old := answer(0, "alice", "secret")
		time.Sleep(NonceTTL + time.Second)
		check("old", old, "REGISTER", here, Stale)
		noQop := answer(0, "alice", "secret")
		delete(noQop, "qop")
		check("no qop", noQop, "REGISTER", here, Absent)
	})
}

func TestGuardStaysBounded(t *testing.T) {
	g := newGuard()
	for i := range 100000 {
		g.failed(string(rune('a'+i%26))+time.Duration(i).String(), netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}))
	}
	if len(g.table) > 2*maxGuarded {
		t.Errorf("%d entries", len(g.table))
	}
}

// FuzzParse: a parsed challenge gives credentials that parse, and never hold
// a line break.
func FuzzParse(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth,auth-int", algorithm=SHA-256, opaque="\"x\\", stale=TRUE`)
	f.Add(`Digest username="a", realm=r, nonce=, response="`)
	f.Fuzz(func(t *testing.T, s string) {
		p, ok := Parse(s)
		if !ok {
			return
		}
		creds, err := Answer(p, "", "user", "secret", "INVITE", "sip:x")
		if err != nil {
			return
		}
		q, ok := Parse(creds)
		if !ok || q["username"] != "user" || q["uri"] != "sip:x" {
			t.Fatalf("credentials %q cannot be read back", creds)
		}
		for _, c := range creds {
			if c == '\r' || c == '\n' {
				t.Fatal("line break in credentials")
			}
		}
	})
}
