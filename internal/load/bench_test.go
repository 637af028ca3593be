package load

import (
	"net/netip"
	"os"
	"testing"

	"github.com/ivrd/ivrd/media"
)

// BenchmarkPackets is what one packet costs the generator, sent and heard: CPU
// of the process, the kernel's work included. A slot has 150 of them, as 3,000
// legs give.
func BenchmarkPackets(b *testing.B) {
	for _, suite := range append([]string{"plain"}, Suites()...) {
		b.Run(suite, func(b *testing.B) { benchmarkPackets(b, suite) })
	}
}

func benchmarkPackets(b *testing.B, suite string) {
	const inSlot = 150
	s, err := openStudio(netip.MustParseAddr("127.0.0.1"), 1, false)
	if err != nil {
		b.Fatal(err)
	}
	defer s.close()
	sender, ear := s.sides[callers].ports[0], s.newLeg(called, 3)
	ear.codec = media.PCMU
	key, _ := newKey(suite)
	for i := range uint32(inSlot) {
		l := s.newLeg(callers, i<<1)
		l.codec, l.remote, l.slot = media.PCMU, placeAt(ear.port.local), 0
		if key != nil {
			if l.crypto, err = newCryptor(suite, key, key, s.room); err != nil {
				b.Fatal(err)
			}
		}
		sender.wheel[0] = append(sender.wheel[0], l)
	}
	if key != nil {
		ear.crypto, _ = newCryptor(suite, key, key, s.room)
	}
	ear.port.legs[placeAt(sender.local)] = ear
	begun, _ := cpuTime(os.Getpid())
	for b.Loop() {
		s.send(0)
		s.hear()
	}
	used, _ := cpuTime(os.Getpid())
	if d := s.sides[called]; d.Received != uint64(b.N)*inSlot || d.Invalid > 0 {
		b.Fatalf("%d of %d were heard, %d invalid", d.Received, b.N*inSlot, d.Invalid)
	}
	b.ReportMetric(float64((used-begun).Nanoseconds())/float64(b.N*inSlot), "cpu-ns/packet")
}
