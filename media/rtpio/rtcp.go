package rtpio

import (
	"encoding/binary"
	"errors"
	"time"
)

// RTCP packet types (RFC 3550 §12.1).
const (
	rtcpSR   = 200
	rtcpRR   = 201
	rtcpSDES = 202
	rtcpBYE  = 203
)

const (
	reportBlockSize = 24
	senderInfoSize  = 20
	sdesCNAME       = 1
	maxReports      = 31
	ntpEpochOffset  = 2208988800 // seconds from 1900 to 1970
)

var errNotRTCP = errors.New("not an RTCP packet")

// SenderInfo is what a sender report tells of sending (RFC 3550 §6.4.1).
type SenderInfo struct {
	NTP       uint64 // 32.32 bits
	Timestamp uint32
	Packets   uint32
	Octets    uint32
}

// ReportBlock is what a receiver tells of one source (RFC 3550 §6.4.1).
type ReportBlock struct {
	SSRC         uint32
	FractionLost uint8
	Lost         int32 // 24 bits
	Highest      uint32
	Jitter       uint32
	LSR, DLSR    uint32 // 16.16 bits of seconds
}

// Report is a compound RTCP packet: a sender report, or without Sender a
// receiver report, followed by the source's name and perhaps its goodbye.
type Report struct {
	SSRC   uint32
	Sender *SenderInfo
	Blocks []ReportBlock
	CNAME  string
	Bye    bool
}

// Append writes the compound packet behind b.
func (r *Report) Append(b []byte) []byte {
	be := binary.BigEndian
	kind, words := byte(rtcpRR), 1+len(r.Blocks)*reportBlockSize/4
	if r.Sender != nil {
		kind, words = rtcpSR, words+senderInfoSize/4
	}
	b = append(b, 2<<6|byte(len(r.Blocks)), kind)
	b = be.AppendUint16(b, uint16(words))
	b = be.AppendUint32(b, r.SSRC)
	if s := r.Sender; s != nil {
		b = be.AppendUint64(b, s.NTP)
		b = be.AppendUint32(b, s.Timestamp)
		b = be.AppendUint32(b, s.Packets)
		b = be.AppendUint32(b, s.Octets)
	}
	for _, k := range r.Blocks {
		b = be.AppendUint32(b, k.SSRC)
		b = be.AppendUint32(b, uint32(k.FractionLost)<<24|uint32(k.Lost)&0xFFFFFF)
		b = be.AppendUint32(b, k.Highest)
		b = be.AppendUint32(b, k.Jitter)
		b = be.AppendUint32(b, k.LSR)
		b = be.AppendUint32(b, k.DLSR)
	}
	b = r.appendName(b)
	if r.Bye {
		b = append(b, 2<<6|1, rtcpBYE, 0, 1)
		b = be.AppendUint32(b, r.SSRC)
	}
	return b
}

// appendName writes one SDES chunk, ended by at least one zero byte.
func (r *Report) appendName(b []byte) []byte {
	if r.CNAME == "" {
		return b
	}
	item := 2 + len(r.CNAME)
	words := 1 + item/4 + 1
	b = append(b, 2<<6|1, rtcpSDES)
	b = binary.BigEndian.AppendUint16(b, uint16(words))
	b = binary.BigEndian.AppendUint32(b, r.SSRC)
	b = append(b, sdesCNAME, byte(len(r.CNAME)))
	b = append(b, r.CNAME...)
	for range 4 - item%4 {
		b = append(b, 0)
	}
	return b
}

// ParseReport reads a compound packet into r, keeping the room of r.Blocks.
// What it does not know it skips; a bad length anywhere makes it fail.
func (r *Report) ParseReport(b []byte) error {
	*r = Report{Blocks: r.Blocks[:0]}
	for first := true; len(b) > 0; first = false {
		if len(b) < 4 || b[0]>>6 != 2 {
			return errNotRTCP
		}
		n := 4 + 4*int(binary.BigEndian.Uint16(b[2:]))
		if len(b) < n || (first && b[1] != rtcpSR && b[1] != rtcpRR) {
			return errNotRTCP
		}
		if err := r.part(b[:n]); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}

func (r *Report) part(b []byte) error {
	count, body := int(b[0]&0x1F), b[4:]
	switch b[1] {
	case rtcpSR, rtcpRR:
		return r.reports(b[1] == rtcpSR, count, body)
	case rtcpSDES:
		if b[0]&0x20 == 0 {
			r.name(count, body)
		}
	case rtcpBYE:
		if len(body) < 4*count {
			return errNotRTCP
		}
		for i := range count {
			r.Bye = r.Bye || binary.BigEndian.Uint32(body[4*i:]) == r.SSRC
		}
	}
	return nil
}

func (r *Report) reports(sender bool, count int, b []byte) error {
	size := 4 + count*reportBlockSize
	if sender {
		size += senderInfoSize
	}
	if len(b) < size {
		return errNotRTCP
	}
	be := binary.BigEndian
	r.SSRC, b = be.Uint32(b), b[4:]
	if sender {
		r.Sender = &SenderInfo{NTP: be.Uint64(b), Timestamp: be.Uint32(b[8:]), Packets: be.Uint32(b[12:]), Octets: be.Uint32(b[16:])}
		b = b[senderInfoSize:]
	}
	for range count {
		if len(r.Blocks) < maxReports {
			r.Blocks = append(r.Blocks, parseBlock(b))
		}
		b = b[reportBlockSize:]
	}
	return nil
}

func parseBlock(b []byte) ReportBlock {
	be := binary.BigEndian
	return ReportBlock{
		SSRC:         be.Uint32(b),
		FractionLost: b[4],
		Lost:         int32(be.Uint32(b[4:])<<8) >> 8,
		Highest:      be.Uint32(b[8:]),
		Jitter:       be.Uint32(b[12:]),
		LSR:          be.Uint32(b[16:]),
		DLSR:         be.Uint32(b[20:]),
	}
}

// name takes the CNAME of the first chunk, when that is the first item.
func (r *Report) name(count int, b []byte) {
	if count > 0 && len(b) >= 6 && b[4] == sdesCNAME && len(b) >= 6+int(b[5]) {
		r.CNAME = string(b[6 : 6+int(b[5])])
	}
}

// ntp is a time as 32.32 bits of seconds since 1900.
func ntp(t time.Time) uint64 {
	seconds := uint64(t.Unix() + ntpEpochOffset)
	return seconds<<32 | uint64(t.Nanosecond())<<32/uint64(time.Second)
}

// middle is the 16.16 bits of an NTP time that LSR holds.
func middle(ntp uint64) uint32 { return uint32(ntp >> 16) }

// maxRoundTrip is more than any way takes that one can talk over: what is longer
// is a peer's fault, or a step of our clock.
const maxRoundTrip = 30 * time.Second

// roundTrip is the way there and back by a report that came at now
// (RFC 3550 §6.4.1); false when the report cannot tell.
func roundTrip(now uint64, k ReportBlock) (time.Duration, bool) {
	if k.LSR == 0 {
		return 0, false
	}
	d := int32(middle(now) - k.LSR - k.DLSR)
	if d < 0 || d > int32(maxRoundTrip/time.Second)<<16 {
		return 0, false
	}
	return time.Duration(d) * time.Second >> 16, true
}
