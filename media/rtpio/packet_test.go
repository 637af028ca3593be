package rtpio

import (
	"bytes"
	"slices"
	"testing"

	"github.com/pion/rtp"
)

func seeds() [][]byte {
	plain := Packet{PayloadType: 8, Sequence: 65535, Timestamp: 1, SSRC: 2, Payload: []byte("sound")}
	full := Packet{
		Marker: true, PayloadType: 101, Sequence: 7, Timestamp: 1 << 31, SSRC: 9,
		CSRC: []byte{1, 2, 3, 4, 5, 6, 7, 8}, Extended: true, Profile: 0xBEDE, Extension: []byte{0x10, 1, 0, 0},
		Payload: []byte("sound"), Padding: []byte{0, 0, 3},
	}
	empty := Packet{Extended: true}
	return [][]byte{plain.Append(nil), full.Append(nil), empty.Append(nil)}
}

func TestPacketAgreesWithPion(t *testing.T) {
	for _, b := range seeds() {
		var ours Packet
		var theirs rtp.Packet
		if err := ours.Parse(b); err != nil {
			t.Fatal(err)
		}
		if err := theirs.Unmarshal(b); err != nil {
			t.Fatal(err)
		}
		if ours.Marker != theirs.Marker || ours.PayloadType != theirs.PayloadType || ours.Sequence != theirs.SequenceNumber ||
			ours.Timestamp != theirs.Timestamp || ours.SSRC != theirs.SSRC || len(ours.CSRC) != 4*len(theirs.CSRC) ||
			!bytes.Equal(ours.Payload, theirs.Payload) || len(ours.Padding) != int(theirs.PaddingSize) {
			t.Errorf("ours %+v, theirs %+v", ours, theirs)
		}
	}
}

func TestPacketRefuses(t *testing.T) {
	full := seeds()[1]
	for name, b := range map[string][]byte{
		"nothing":         nil,
		"short":           full[:11],
		"version":         append([]byte{0x40}, full[1:]...),
		"CSRC":            full[:16],
		"extension":       full[:22],
		"padding of 0":    append(slices.Clone(full[:len(full)-1]), 0),
		"too much of it":  append(slices.Clone(full[:len(full)-1]), 200),
		"padding of none": {0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},
	} {
		if err := new(Packet).Parse(b); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

// FuzzPacket: what parses re-marshals to the same bytes.
func FuzzPacket(f *testing.F) {
	for _, b := range seeds() {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var p Packet
		if p.Parse(b) != nil {
			return
		}
		if again := p.Append(nil); !bytes.Equal(again, b) {
			t.Errorf("% x becomes % x", b, again)
		}
	})
}
