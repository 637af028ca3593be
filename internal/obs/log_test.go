package obs

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// line logs by f and returns what was written.
func line(t testing.TB, format string, f func(*slog.Logger)) string {
	t.Helper()
	var b bytes.Buffer
	log, err := NewLogger(&b, format, slog.LevelDebug)
	if err != nil {
		t.Fatal(err)
	}
	f(log)
	return b.String()
}

type pin string

func (pin) LogValue() slog.Value { return slog.StringValue("****") }

func TestHandlerMasks(t *testing.T) {
	const number, card = "13800138000", "4111111111111111"
	for name, f := range map[string]func(*slog.Logger){
		"message":      func(l *slog.Logger) { l.Info("call from " + number) },
		"string":       func(l *slog.Logger) { l.Info("m", "from", number) },
		"with":         func(l *slog.Logger) { l.With("from", number).Info("m") },
		"group":        func(l *slog.Logger) { l.WithGroup("g").Info("m", slog.Group("leg", "from", number)) },
		"error":        func(l *slog.Logger) { l.Info("m", "error", errors.New("dial "+number)) },
		"slice":        func(l *slog.Logger) { l.Info("m", "to", []string{number}) },
		"struct":       func(l *slog.Logger) { l.Info("m", "info", struct{ From string }{number}) },
		"int":          func(l *slog.Logger) { l.Info("m", "from", int64(13800138000)) },
		"uint":         func(l *slog.Logger) { l.Info("m", "card", uint64(4111111111111111)) },
		"raw bytes":    func(l *slog.Logger) { l.Info("m", "raw", []byte(number)) },
		"json":         func(l *slog.Logger) { l.Info("m", "raw", json.RawMessage(`{"from":"`+number+`"}`)) },
		"key":          func(l *slog.Logger) { l.Info("m", number, 1) },
		"card":         func(l *slog.Logger) { l.Info("m", "text", "pay by "+card) },
		"log valuer":   func(l *slog.Logger) { l.Info("m", "code", pin(number)) },
		"cut in half":  func(l *slog.Logger) { l.Info(strings.Repeat("a", MaxText-8) + number) }, //nolint:sloglint // the message is what is tested
		"denied":       func(l *slog.Logger) { l.Info("m", "password", number) },
		"denied group": func(l *slog.Logger) { l.Info("m", slog.Group("cookie", "x", number)) },
	} {
		for _, format := range []string{"text", "json"} {
			got := line(t, format, f)
			for _, digits := range []string{number[:8], card[:8]} {
				if strings.Contains(got, digits) {
					t.Errorf("%s as %s: %s", name, format, got)
				}
			}
		}
	}
}

func TestDeniedKeys(t *testing.T) {
	for key, want := range map[string]bool{
		"password": true, "Password": true, "PIN": true, "pin_code": true, "sipSecret": true, "Set-Cookie": true,
		"x.authorization": true, "digits": true, "old password": true, "": false,
		"spinning": false, "from": false, "secretary": false, "call_id": false, "mapping": false,
	} {
		if got := denied(key); got != want {
			t.Errorf("denied(%q) = %v", key, got)
		}
	}
}

func TestControlCharacters(t *testing.T) {
	hostile := "a\nlevel=ERROR msg=forged\r\x1b[31m\x00\u202e\u2028\u0085\xff"
	for _, format := range []string{"text", "json"} {
		got := line(t, format, func(l *slog.Logger) { l.Info(hostile, hostile, hostile) }) //nolint:sloglint // the message is what is tested
		if n := strings.Count(got, "\n"); n != 1 {
			t.Errorf("%s: %d lines: %q", format, n, got)
		}
		if strings.ContainsAny(got, "\r\x1b\x00\u202e\u2028\u0085") {
			t.Errorf("%s: %q", format, got)
		}
	}
}

func TestPlainValuesStay(t *testing.T) {
	got := line(t, "json", func(l *slog.Logger) {
		l.Info("m", "port", 16384, "ssrc", uint32(3735928559), "took", 1500*time.Millisecond,
			"at", time.Unix(0, 0).UTC(), "ok", true, "ns", time.Unix(1700000000, 5).UnixNano())
	})
	for _, want := range []string{
		`"port":16384`, `"ssrc":3735928559`, `"took":1500000000`,
		`"at":"1970-01-01T00:00:00Z"`, `"ok":true`, `"ns":1700000000000000005`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
}

func TestBound(t *testing.T) {
	for _, s := range []string{strings.Repeat("汉", 4000), strings.Repeat("a", 5000), strings.Repeat("1", 5000)} {
		if got := bound(s); len(got) > MaxText+3 {
			t.Errorf("%d bytes are left", len(got))
		}
	}
	if got := bound(strings.Repeat("汉", 4000)); len(got) < MaxText-8 {
		t.Errorf("only %d bytes of Chinese are left", len(got))
	}
}

// TestCorpus measures the masking on generated lines: recall on personal
// numbers at least 99 %, precision at least 95 %.
func TestCorpus(t *testing.T) {
	r := rand.New(rand.NewPCG(25, 1))
	const each = 1000
	hit, falsely := 0, 0
	for range each {
		number := personal(r)
		if got := text(around(r, number)); strings.Contains(got, number) {
			t.Logf("missed: %s", got)
		} else {
			hit++
		}
		ordinary := around(r, harmless(r))
		if got := text(ordinary); got != ordinary {
			t.Logf("masked for nothing: %s → %s", ordinary, got)
			falsely++
		}
	}
	recall := float64(hit) / each
	precision := float64(hit) / float64(hit+falsely)
	t.Logf("recall %.4f, precision %.4f", recall, precision)
	if recall < 0.99 || precision < 0.95 {
		t.Errorf("recall %.4f, precision %.4f", recall, precision)
	}
}

func around(r *rand.Rand, s string) string {
	frames := []string{"%s", "call from %s ended", "from=%s", `{"x":"%s"}`, "<sip:%s@host>", "用户%s，您好", "dial %s: timeout", "(%s)", "a, %s, b", "see %s."}
	return fmt.Sprintf(frames[r.IntN(len(frames))], s)
}

// personal makes a telephone, card or identity number.
func personal(r *rand.Rand) string {
	n := func(digits int) string {
		var b strings.Builder
		for range digits {
			fmt.Fprint(&b, r.IntN(10))
		}
		return b.String()
	}
	mobile := fmt.Sprintf("1%d%s", 3+r.IntN(7), n(9))
	switch r.IntN(12) {
	case 0:
		return mobile
	case 1:
		return "+86" + mobile
	case 2:
		return "86" + mobile
	case 3:
		return mobile[:3] + " " + mobile[3:7] + " " + mobile[7:]
	case 4:
		return mobile[:3] + "-" + mobile[3:7] + "-" + mobile[7:]
	case 5:
		return fmt.Sprintf("0%d%s-%d%s", 2+r.IntN(8), n(2), 2+r.IntN(7), n(7))
	case 6:
		return fmt.Sprintf("+1%d%s%d%s", 2+r.IntN(8), n(2), 2+r.IntN(8), n(6))
	case 7:
		return "+44" + fmt.Sprint(1+r.IntN(9)) + n(9)
	case 8:
		return fmt.Sprintf("(%d%s) %d%s-%s", 2+r.IntN(8), n(2), 2+r.IntN(8), n(2), n(4))
	case 9:
		return withLuhn([]string{"4", "51", "62", "37"}[r.IntN(4)], n)
	case 10:
		c := withLuhn("6222", n)
		return c[:4] + " " + c[4:8] + " " + c[8:12] + " " + c[12:]
	default:
		return identity(r)
	}
}

func withLuhn(prefix string, n func(int) string) string {
	length := 16
	if prefix == "37" {
		length = 15
	}
	body := prefix + n(length-1-len(prefix))
	sum := 0
	for i := range len(body) {
		v := int(body[len(body)-1-i] - '0')
		if i%2 == 0 {
			if v *= 2; v > 9 {
				v -= 9
			}
		}
		sum += v
	}
	return body + fmt.Sprint((10-sum%10)%10)
}

func identity(r *rand.Rand) string {
	body := fmt.Sprintf("%d%04d%d%02d%02d%03d", []int{11, 31, 37, 44, 51}[r.IntN(5)], r.IntN(10000), 1940+r.IntN(80), 1+r.IntN(12), 1+r.IntN(28), r.IntN(1000))
	sum := 0
	for i, w := range []int{7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2} {
		sum += int(body[i]-'0') * w
	}
	return body + string("10X98765432"[sum%11])
}

// harmless makes what a server logs all day.
func harmless(r *rand.Rand) string {
	at := time.UnixMilli(1_700_000_000_000 + r.Int64N(300_000_000_000)).UTC()
	switch r.IntN(16) {
	case 0:
		return fmt.Sprintf("PS%d%05d", at.UnixMilli(), r.IntN(100000))
	case 1:
		return at.Add(time.Duration(r.IntN(1e9))).Format(time.RFC3339Nano)
	case 2:
		return at.Format("2006-01-02 15:04:05.000")
	case 3:
		return at.Format("20060102150405")
	case 4:
		return fmt.Sprint(at.Unix())
	case 5:
		return fmt.Sprint(at.UnixMilli())
	case 6:
		return fmt.Sprint(at.UnixNano())
	case 7:
		return time.Duration(r.Int64N(int64(time.Hour))).String()
	case 8:
		return fmt.Sprintf("%d.%d.%d.%d:%d", 1+r.IntN(254), r.IntN(256), r.IntN(256), r.IntN(256), 1024+r.IntN(60000))
	case 9:
		return fmt.Sprintf("%d-%d", 10000+r.IntN(20000), 32000+r.IntN(30000))
	case 10:
		return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", r.Uint32(), r.IntN(65536), r.IntN(65536), r.IntN(65536), r.Int64N(1<<48))
	case 11:
		return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64())
	case 12:
		return fmt.Sprintf("%dms", r.IntN(1e9))
	case 13:
		return fmt.Sprint(1000 + r.IntN(99000))
	case 14:
		return fmt.Sprintf("%.6f", r.Float64()*100)
	default:
		return fmt.Sprintf("v1.%d.%d-%s", r.IntN(100), r.IntN(100), at.Format("20060102150405"))
	}
}

func FuzzText(f *testing.F) {
	f.Add("call from 13800138000")
	f.Add(strings.Repeat("1 ", 100))
	f.Add("\xff\u202e\n")
	f.Fuzz(func(t *testing.T, s string) {
		got := text(s)
		if strings.ContainsAny(got, "\n\r\x00\x1b\u202e") {
			t.Errorf("%q", got)
		}
		if strings.Contains(s, " 13800138000 ") && strings.Contains(got, "13800138000") {
			t.Errorf("unmasked: %q", got)
		}
	})
}

func TestMetrics(t *testing.T) {
	m := NewMetrics()
	m.CounterFunc("calls_total", "Calls.", func() float64 { return 3 })
	m.GaugeFunc("calls", "Calls now.", func() float64 { return 2 })
	m.GaugeOf("trunk_up", "Trunks.", "trunk", "a", func() float64 { return 1 })
	m.GaugeOf("trunk_up", "Trunks.", "trunk", "b", func() float64 { return 0 })
	m.Counter("http_requests_total", "Requests.", "route", "code").Inc("/x", "200")
	m.Histogram("http_seconds", "Time.", []float64{.1, 1}, "route").Observe(.05, "/x")
	w := httptest.NewRecorder()
	m.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	body, _ := io.ReadAll(w.Body)
	for _, want := range []string{
		"ivrd_calls_total 3", "ivrd_calls 2", `ivrd_trunk_up{trunk="a"} 1`, `ivrd_trunk_up{trunk="b"} 0`,
		`ivrd_http_requests_total{code="200",route="/x"} 1`, `ivrd_http_seconds_bucket{route="/x",le="0.1"} 1`, "go_goroutines",
	} {
		if !strings.Contains(string(body), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

func BenchmarkHandler(b *testing.B) {
	log, _ := NewLogger(io.Discard, "json", slog.LevelInfo)
	b.ReportAllocs()
	for b.Loop() {
		log.Info("call answered", "call_id", "PS170000000000012345", "from", "+8613800138000", "took", time.Second)
	}
}
