package rtpio

import (
	"reflect"
	"testing"
	"time"

	"github.com/pion/rtcp"
)

func reports() []Report {
	block := ReportBlock{SSRC: 7, FractionLost: 12, Lost: -3, Highest: 1<<16 | 5, Jitter: 80, LSR: 9, DLSR: 10}
	sender := &SenderInfo{NTP: 1 << 40, Timestamp: 3, Packets: 4, Octets: 5}
	return []Report{
		{SSRC: 1, CNAME: "abc"},
		{SSRC: 1, CNAME: "abcd", Sender: sender},
		{SSRC: 1, CNAME: "abcdefghijkl", Sender: sender, Blocks: []ReportBlock{block}, Bye: true},
		{SSRC: 1, Blocks: []ReportBlock{block, {SSRC: 8, Lost: 1<<23 - 1}}},
	}
}

func TestReportsAgreeWithPion(t *testing.T) {
	for i, r := range reports() {
		b := r.Append(nil)
		packets, err := rtcp.Unmarshal(b)
		if err != nil {
			t.Fatalf("report %d: %v", i, err)
		}
		if r.CNAME != "" {
			if err := rtcp.CompoundPacket(packets).Validate(); err != nil {
				t.Errorf("report %d: %v", i, err)
			}
			if name, err := rtcp.CompoundPacket(packets).CNAME(); err != nil || name != r.CNAME {
				t.Errorf("report %d: CNAME %q, %v", i, name, err)
			}
		}
		for _, p := range packets {
			switch p := p.(type) {
			case *rtcp.SenderReport:
				if p.NTPTime != r.Sender.NTP || p.RTPTime != 3 || p.PacketCount != 4 || p.OctetCount != 5 || len(p.Reports) != len(r.Blocks) {
					t.Errorf("report %d: %+v", i, p)
				}
			case *rtcp.ReceiverReport:
				if p.SSRC != r.SSRC || len(p.Reports) != 0 && p.Reports[0].FractionLost != 12 {
					t.Errorf("report %d: %+v", i, p)
				}
			case *rtcp.Goodbye:
				if !r.Bye || p.Sources[0] != r.SSRC {
					t.Errorf("report %d: %+v", i, p)
				}
			}
		}
		theirs, err := rtcp.Marshal(packets)
		if err != nil || r.Blocks != nil && len(theirs) != len(b) {
			t.Errorf("report %d: pion makes %d bytes of it, we %d: %v", i, len(theirs), len(b), err)
		}
	}
}

func TestReportRefuses(t *testing.T) {
	r := reports()[2]
	whole := r.Append(nil)
	for n := 1; n < len(whole); n++ {
		var got Report
		if err := got.ParseReport(whole[:n]); err == nil && n%4 != 0 {
			t.Errorf("%d bytes of %d were taken", n, len(whole))
		}
	}
	if err := new(Report).ParseReport([]byte{2<<6 | 1, rtcpBYE, 0, 1, 0, 0, 0, 1}); err == nil {
		t.Error("a compound packet without a report was taken")
	}
}

// FuzzReport: what was parsed is written and read again to the same.
func FuzzReport(f *testing.F) {
	for _, r := range reports() {
		f.Add(r.Append(nil))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var first, again Report
		if first.ParseReport(b) != nil {
			return
		}
		if len(first.Blocks) > maxReports {
			t.Fatalf("%d blocks", len(first.Blocks))
		}
		if err := again.ParseReport(first.Append(nil)); err != nil {
			t.Fatal(err)
		}
		if len(first.Blocks) == 0 {
			first.Blocks, again.Blocks = nil, nil
		}
		if !reflect.DeepEqual(first, again) {
			t.Errorf("%+v becomes %+v", first, again)
		}
	})
}

func TestRoundTrip(t *testing.T) {
	sent := time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	k := ReportBlock{LSR: middle(ntp(sent)), DLSR: 3 << 16}
	got, ok := roundTrip(ntp(sent.Add(3*time.Second+40*time.Millisecond)), k)
	if d := got - 40*time.Millisecond; !ok || d < -time.Millisecond || d > time.Millisecond {
		t.Errorf("round trip %v, %v", got, ok)
	}
	if _, ok := roundTrip(ntp(sent), k); ok {
		t.Error("an answer before the question gave a round trip")
	}
	if _, ok := roundTrip(ntp(sent.Add(time.Hour)), k); ok {
		t.Error("an hour was taken for a round trip")
	}
	if _, ok := roundTrip(ntp(sent), ReportBlock{}); ok {
		t.Error("no question gave a round trip")
	}
}

func TestReception(t *testing.T) {
	var r reception
	for i := range 100 {
		if i%10 == 3 { // lost
			continue
		}
		seq := uint16(65500 + i) // wraps
		late := uint32(i%2) * 16
		r.packet(1, seq)
		r.measure(late)
	}
	if r.lost() != 10 || r.highest() != 1<<16|63 {
		t.Errorf("lost %d, highest %#x", r.lost(), r.highest())
	}
	if f := r.interval(); f != 25 { // 10 % of 256
		t.Errorf("fraction lost %d", f)
	}
	if f := r.interval(); f != 0 {
		t.Errorf("fraction lost %d since then", f)
	}
	if j := r.jitter >> 4; j < 12 || j > 16 {
		t.Errorf("jitter %d, want near 16", j)
	}
	r.packet(1, 62) // an old one, late
	if r.lost() != 9 || r.highest() != 1<<16|63 {
		t.Errorf("after a late packet: lost %d, highest %#x", r.lost(), r.highest())
	}
	r.packet(2, 9)
	if r.lost() != 9 || r.lostOfSource() != 0 || r.ssrc != 2 {
		t.Errorf("after a change of source: lost %d, of the new one %d", r.lost(), r.lostOfSource())
	}
}

// TestUnmeasuredPacketsAreNoJitter: between two packets whose time is known
// there may be others.
func TestUnmeasuredPacketsAreNoJitter(t *testing.T) {
	var r reception
	for seq := range uint16(100) {
		r.packet(1, seq)
		if seq%10 < 5 {
			r.measure(uint32(seq) / 10 * 1000) // the same within each five
		} else {
			r.unmeasured()
		}
	}
	if r.jitter != 0 || r.lost() != 0 {
		t.Errorf("jitter %d/16, lost %d on a perfect line", r.jitter, r.lost())
	}
}
