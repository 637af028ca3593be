package engine_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/ivrd/ivrd/media"
	"github.com/ivrd/ivrd/media/engine"
	"github.com/ivrd/ivrd/media/rtc"
	"github.com/ivrd/ivrd/media/rtpio"
)

// farEnds asks this test program to play so many browsers and phones.
const (
	farEnds     = "IVRD_FAR_ENDS"
	farBrowsers = "IVRD_FAR_BROWSERS" // half of them, true or false
)

// far is what the two ends of one call tell of themselves, and get to know: a
// browser or a phone, and a phone.
type far struct {
	Web   media.WebLocal
	Other netip.AddrPort // in the place of a browser
	Phone netip.AddrPort
}

// playFarEnds is the far end of BenchmarkBridge, in a process of its own so that
// its work is not counted: browsers, each with a port of its own, or phones, and
// phones; all of them send and count what they hear.
func playFarEnds(n int, browsers bool, in io.Reader, out io.Writer) error {
	ports, err := rtpio.NewPorts(rtpio.UDP{}, loopback, 0, 0)
	if err != nil {
		return err
	}
	guard := rtpio.NewGuard(nil, ports)
	var ends []*rtpio.Endpoint
	to, from := json.NewEncoder(out), json.NewDecoder(bufio.NewReader(in))
	for range n {
		phone, err := rtpio.Open(ports, guard, 0)
		if err != nil {
			return err
		}
		own := far{Phone: phone.Local()}
		var begin func(far) (*rtpio.Endpoint, error)
		if browsers {
			own.Web, begin, err = aBrowser(guard)
		} else {
			own.Other, begin, err = aPhone(ports, guard)
		}
		if err == nil {
			err = to.Encode(own)
		}
		var ours far
		if err == nil {
			err = from.Decode(&ours)
		}
		if err != nil {
			return err
		}
		first, err := begin(ours)
		if err == nil {
			err = phone.Connect(media.Remote{Addr: ours.Phone, Signalling: ours.Phone.Addr(), Codec: media.PCMU})
		}
		if err != nil {
			return err
		}
		ends = append(ends, first, phone)
	}
	talkForEver(ends, to)
	return nil
}

func aPhone(ports *rtpio.Ports, guard *rtpio.Guard) (netip.AddrPort, func(far) (*rtpio.Endpoint, error), error) {
	phone, err := rtpio.Open(ports, guard, 0)
	if err != nil {
		return netip.AddrPort{}, nil, err
	}
	return phone.Local(), func(ours far) (*rtpio.Endpoint, error) {
		return phone, phone.Connect(media.Remote{Addr: ours.Other, Signalling: ours.Other.Addr(), Codec: media.PCMU})
	}, nil
}

func aBrowser(guard *rtpio.Guard) (media.WebLocal, func(far) (*rtpio.Endpoint, error), error) {
	mux, err := rtc.Listen(rtc.Config{Listen: netip.AddrPortFrom(loopback, 0)})
	if err != nil {
		return media.WebLocal{}, nil, err
	}
	path, err := mux.Open()
	if err != nil {
		return media.WebLocal{}, nil, err
	}
	return path.Local(), func(ours far) (*rtpio.Endpoint, error) {
		browser := rtpio.Over(path, guard)
		path.Hear(browser.Deliver)
		l, up := ours.Web, make(chan error, 2)
		err := path.Start(media.WebRemote{Ufrag: l.Ufrag, Pwd: l.Pwd, Fingerprint: l.Fingerprint, Candidates: l.Candidates, Client: true, Controlling: true}, func(k *media.SRTPKeys, err error) {
			if err == nil {
				err = browser.Connect(media.Remote{Addr: rtc.Peer, RTCP: rtc.Peer, Signalling: rtc.Peer.Addr(), Codec: media.PCMU, SRTP: k})
			}
			up <- err
		})
		if err == nil {
			err = <-up
		}
		return browser, err
	}, nil
}

// talkForEver sends for all ends, spread over 20 ms, and tells each second how
// many packets were heard.
func talkForEver(ends []*rtpio.Endpoint, to *json.Encoder) {
	var sound [media.FrameSamples]byte
	var in rtpio.Intake
	next := time.Now()
	for tick := uint32(0); ; tick++ {
		for slot := range 20 {
			for i := slot; i < len(ends); i += 20 {
				ends[i].Take(&in, time.Now())
				ends[i].Send(0, false, tick*media.FrameSamples, sound[:])
			}
			next = next.Add(time.Millisecond)
			time.Sleep(time.Until(next))
		}
		if tick%50 == 49 {
			var heard uint64
			for _, e := range ends {
				heard += e.Stats().Received
			}
			if to.Encode(heard) != nil {
				os.Exit(0) // the benchmark is over
			}
		}
	}
}

var loopback = netip.MustParseAddr("127.0.0.1") //nolint:gochecknoglobals // a constant

// BenchmarkBridge is the price of a call that leads from a phone, or a browser,
// to a trunk, 50 packets a second each way: the engine's process only, over a
// steady window. From the two numbers of calls follow what each costs and what the
// workers' waking costs, whoever calls.
func BenchmarkBridge(b *testing.B) {
	for _, calls := range []int{50, 200} {
		b.Run(fmt.Sprintf("phone/%d", calls), func(b *testing.B) { benchBridge(b, calls, false) })
		b.Run(fmt.Sprintf("browser/%d", calls), func(b *testing.B) { benchBridge(b, calls, true) })
	}
}

func benchBridge(b *testing.B, calls int, browsers bool) {
	mux, err := rtc.Listen(rtc.Config{Listen: netip.AddrPortFrom(loopback, 0)})
	if err != nil {
		b.Fatal(err)
	}
	defer mux.Close()
	workers := runtime.GOMAXPROCS(0)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2*workers + 2)) // as the server has them
	e, err := engine.New(engine.Config{Address: loopback, Web: mux, Workers: workers})
	if err != nil {
		b.Fatal(err)
	}
	if err := e.Start(); err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	before := heap()
	heard := bridges(b, e, calls, browsers)
	after := heap()
	<-heard
	first, cpu, allocated, begun := <-heard, cpuNow(), mallocs(), time.Now()
	var last uint64
	for b.Loop() { // one iteration is a second
		last = <-heard
	}
	took := time.Since(begun).Seconds()
	b.ReportMetric(float64(cpuNow()-cpu)/1e9/took/float64(calls)*100, "cpu-%/call")
	b.ReportMetric(float64(mallocs()-allocated)/took/float64(calls), "allocs/s/call")
	b.ReportMetric(float64(after-before)/float64(calls)/1000, "heap-kB/call")
	b.ReportMetric(float64(last-first)/took/float64(calls), "packets/s/call")
}

func cpuNow() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func mallocs() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.Mallocs
}

func heap() uint64 {
	runtime.GC()
	debug.FreeOSMemory()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapInuse + m.StackInuse
}

// bridges joins browsers with phones of another process, and returns what that
// has heard, each second.
func bridges(b *testing.B, e *engine.Engine, calls int, browsers bool) <-chan uint64 {
	b.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), farEnds+"="+strconv.Itoa(calls), farBrowsers+"="+strconv.FormatBool(browsers))
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	from, to := json.NewDecoder(bufio.NewReader(out)), json.NewEncoder(in)
	for range calls {
		var f far
		if err := from.Decode(&f); err != nil {
			b.Fatal(err)
		}
		join(b, e, f, to)
	}
	heard := make(chan uint64)
	go func() {
		for {
			var n uint64
			if from.Decode(&n) != nil {
				return
			}
			heard <- n
		}
	}()
	return heard
}

func join(b *testing.B, e *engine.Engine, f far, to *json.Encoder) {
	b.Helper()
	s, err := e.NewSession("bench")
	if err != nil {
		b.Fatal(err)
	}
	first, err := s.Open(media.StreamOptions{Name: "first", Web: f.Other == netip.AddrPort{}})
	if err != nil {
		b.Fatal(err)
	}
	plain, err := s.Open(media.StreamOptions{Name: "trunk"})
	if err != nil {
		b.Fatal(err)
	}
	ours, remote := far{Phone: plain.Local()}, media.Remote{Addr: f.Other, Signalling: f.Other.Addr(), Codec: media.PCMU}
	if web, ok := first.(media.WebStream); ok {
		ours.Web = web.Web()
		remote.Web = &media.WebRemote{Ufrag: f.Web.Ufrag, Pwd: f.Web.Pwd, Fingerprint: f.Web.Fingerprint, Candidates: f.Web.Candidates, LocalUfrag: ours.Web.Ufrag, LocalPwd: ours.Web.Pwd}
	} else {
		ours.Other = first.Local()
	}
	if err := first.Connect(remote); err != nil {
		b.Fatal(err)
	}
	if err := plain.Connect(media.Remote{Addr: f.Phone, Signalling: f.Phone.Addr(), Codec: media.PCMU}); err != nil {
		b.Fatal(err)
	}
	if _, err := s.Mix([]media.Party{{Stream: first, Hears: []media.Stream{plain}}, {Stream: plain, Hears: []media.Stream{first}}}); err != nil {
		b.Fatal(err)
	}
	if err := to.Encode(ours); err != nil {
		b.Fatal(err)
	}
}

// TestMain plays the far ends when it is asked to.
func TestMain(m *testing.M) {
	n, err := strconv.Atoi(os.Getenv(farEnds))
	if err != nil {
		os.Exit(m.Run())
	}
	if err := playFarEnds(n, os.Getenv(farBrowsers) == "true", os.Stdin, os.Stdout); err != nil {
		_, _ = os.Stderr.WriteString("far ends: " + err.Error() + "\n")
		os.Exit(1)
	}
}
