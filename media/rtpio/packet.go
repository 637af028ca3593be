package rtpio

import (
	"encoding/binary"
	"errors"
)

// headerSize is the length of an RTP header without CSRCs and extension.
const headerSize = 12

// errNotRTP is the only thing that is said of a bad packet: it is counted,
// not reported.
var errNotRTP = errors.New("not an RTP packet")

// Packet is an RTP packet (RFC 3550 §5.1). Its slices are views of the bytes
// that it was parsed from.
type Packet struct {
	Marker      bool
	PayloadType uint8
	Sequence    uint16
	Timestamp   uint32
	SSRC        uint32
	CSRC        []byte // four bytes each
	Extended    bool
	Profile     uint16 // of the extension
	Extension   []byte // a multiple of four bytes
	Payload     []byte
	Padding     []byte // its last byte is its length
}

// Parse reads a packet. It does not allocate.
func (p *Packet) Parse(b []byte) error {
	if len(b) < headerSize || b[0]>>6 != 2 {
		return errNotRTP
	}
	*p = Packet{
		Marker:      b[1]&0x80 != 0,
		PayloadType: b[1] & 0x7F,
		Sequence:    binary.BigEndian.Uint16(b[2:]),
		Timestamp:   binary.BigEndian.Uint32(b[4:]),
		SSRC:        binary.BigEndian.Uint32(b[8:]),
		Extended:    b[0]&0x10 != 0,
	}
	rest := b[headerSize:]
	if n := int(b[0]&0x0F) * 4; n > 0 {
		if len(rest) < n {
			return errNotRTP
		}
		p.CSRC, rest = rest[:n:n], rest[n:]
	}
	if p.Extended {
		if len(rest) < 4 {
			return errNotRTP
		}
		n := int(binary.BigEndian.Uint16(rest[2:])) * 4
		if len(rest) < 4+n {
			return errNotRTP
		}
		p.Profile, p.Extension, rest = binary.BigEndian.Uint16(rest), rest[4:4+n:4+n], rest[4+n:]
	}
	if b[0]&0x20 != 0 {
		if len(rest) == 0 {
			return errNotRTP
		}
		n := int(rest[len(rest)-1])
		if n == 0 || n > len(rest) {
			return errNotRTP
		}
		rest, p.Padding = rest[:len(rest)-n], rest[len(rest)-n:]
	}
	p.Payload = rest
	return nil
}

// Append writes the packet behind b. With room in b it does not allocate.
func (p *Packet) Append(b []byte) []byte {
	first := byte(2<<6) | byte(len(p.CSRC)/4)
	if p.Extended {
		first |= 0x10
	}
	if len(p.Padding) > 0 {
		first |= 0x20
	}
	second := p.PayloadType & 0x7F
	if p.Marker {
		second |= 0x80
	}
	b = append(b, first, second)
	b = binary.BigEndian.AppendUint16(b, p.Sequence)
	b = binary.BigEndian.AppendUint32(b, p.Timestamp)
	b = binary.BigEndian.AppendUint32(b, p.SSRC)
	b = append(b, p.CSRC...)
	if p.Extended {
		b = binary.BigEndian.AppendUint16(b, p.Profile)
		b = binary.BigEndian.AppendUint16(b, uint16(len(p.Extension)/4))
		b = append(b, p.Extension...)
	}
	b = append(b, p.Payload...)
	return append(b, p.Padding...)
}

// isRTCP reports whether a datagram on the RTP port is RTCP that a peer sent
// there unasked (RFC 5761 §4).
func isRTCP(b []byte) bool { return len(b) >= 2 && b[1] >= 192 && b[1] <= 223 }
