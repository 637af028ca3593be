package seal

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

type pair struct {
	salt  [saltSize]byte
	nonce [nonceSize]byte
}

// pairs counts uses of (key, nonce).
type pairs map[pair]int

func (p pairs) observe(salt [saltSize]byte, nonce [nonceSize]byte) { p[pair{salt, nonce}]++ }

func (p pairs) check(t *testing.T) {
	t.Helper()
	if len(p) == 0 {
		t.Fatal("no use of a nonce was seen")
	}
	for _, n := range p {
		if n != 1 {
			t.Fatal("a (key, nonce) was used twice")
		}
	}
}

func smallRecording(t testing.TB, p pairs) (file []byte, k Key, s *Sealer) {
	t.Helper()
	k = NewKey()
	s, file, err := NewSealer(k, vectorHeader())
	if err != nil {
		t.Fatal(err)
	}
	if p != nil {
		s.Observe = p.observe
	}
	return sealed(t, s, file), k, s
}

// Ten thousand changes of a sealed recording, none accepted.
func TestEveryMutationIsFound(t *testing.T) {
	file, k, s := smallRecording(t, nil)
	call := vectorHeader().Call
	if err := readAll(file, k, call, s.Chain()); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 10000 {
		bad := mutate(rng, file, i)
		if bytes.Equal(bad, file) {
			continue
		}
		if readAll(bad, k, call, s.Chain()) == nil {
			t.Fatalf("mutation %d was accepted", i)
		}
	}
}

// mutate flips a bit, cuts, inserts, removes, or swaps a stretch.
func mutate(rng *rand.Rand, file []byte, kind int) []byte {
	bad := bytes.Clone(file)
	at := rng.IntN(len(bad))
	n := 1 + rng.IntN(min(64, len(bad)-at))
	switch kind % 5 {
	case 0:
		bad[at] ^= 1 << rng.IntN(8)
	case 1:
		return bad[:at]
	case 2:
		return append(bad[:at:at], append(bytes.Repeat([]byte{byte(kind)}, n), file[at:]...)...)
	case 3:
		return append(bad[:at], bad[at+n:]...)
	default:
		to := rng.IntN(len(bad) - n + 1)
		copy(bad[to:to+n], file[at:at+n])
	}
	return bad
}

func TestPartsOfAnotherRecordingAreFound(t *testing.T) {
	a, k, s := smallRecording(t, nil)
	b := Header{Call: "PS170000000000099999"}
	_, other, err := NewSealer(k, b)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Scan(bytes.NewReader(a), int64(len(a)), b.Call); !errors.Is(err, errCall) {
		t.Errorf("a recording in the place of another: %v", err)
	}
	ix, err := Scan(bytes.NewReader(a), int64(len(a)), vectorHeader().Call)
	if err != nil {
		t.Fatal(err)
	}
	swapped := append(bytes.Clone(other), a[ix.Parts[0].Offset:]...)
	if err := readAll(swapped, k, b.Call, s.Chain()); err == nil {
		t.Error("parts under the header of another call were accepted")
	}
}

// A file that was cut at any byte is closed again by Repair: what is left
// opens, no nonce is used twice, and a second repair does nothing.
func TestRepairAtEveryByte(t *testing.T) {
	used := pairs{}
	file, k, _ := smallRecording(t, used)
	h := vectorHeader()
	ix, err := Scan(bytes.NewReader(file), int64(len(file)), h.Call)
	if err != nil {
		t.Fatal(err)
	}
	for cut := range len(file) {
		torn := bytes.Clone(file[:cut])
		v := Recovery{Call: k, Header: h, Observe: used.observe}
		r, err := v.Repair(bytes.NewReader(torn), int64(cut))
		if err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		whole := append(torn[:r.Cut], r.Tail...)
		if err := readAll(whole, k, h.Call, r.Chain); err != nil {
			t.Fatalf("cut at %d: %v", cut, err)
		}
		kept := 0
		for _, p := range ix.Parts {
			if int(p.Offset)+p.Size <= cut {
				kept++
			}
		}
		if r.Parts != kept+1 {
			t.Fatalf("cut at %d: %d parts kept, want %d", cut, r.Parts-1, kept)
		}
		again, err := v.Repair(bytes.NewReader(whole), int64(len(whole)))
		if err != nil || len(again.Tail) != 0 || again.Cut != int64(len(whole)) || again.Chain != r.Chain {
			t.Fatalf("cut at %d: the second repair changed %+v, %v", cut, again, err)
		}
	}
	used.check(t)
}

func TestRepairLeavesDamage(t *testing.T) {
	file, _, _ := smallRecording(t, nil)
	h := vectorHeader()
	file = file[:len(file)-10]
	if _, err := (Recovery{Call: NewKey(), Header: h}).Repair(bytes.NewReader(file), int64(len(file))); !errors.Is(err, ErrDamaged) {
		t.Errorf("with a wrong key: %v", err)
	}
	h.Call = "PS170000000000099999"
	if _, err := (Recovery{Call: NewKey(), Header: h}).Repair(bytes.NewReader(file), int64(len(file))); !errors.Is(err, ErrDamaged) {
		t.Errorf("with the file of another call: %v", err)
	}
}

// openRecording is a recording of six parts that nobody closed, where each part
// begins, and the checkpoint after the fourth.
func openRecording(t *testing.T) (file []byte, starts []int, k Key, c Checkpoint) {
	t.Helper()
	k = NewKey()
	s, file, err := NewSealer(k, vectorHeader())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		if i == 4 {
			c = Checkpoint{Parts: s.Parts(), Chain: s.Chain()}
		}
		starts = append(starts, len(file))
		p := Part{Track: 1, First: int64(40 * i), Samples: 40, Gaps: []Gap{{From: 1, To: 2, Cause: CauseLine}}}
		if file, err = s.Seal(file, p, bytes.Repeat([]byte{byte(i)}, 40)); err != nil {
			t.Fatal(err)
		}
	}
	return file, starts, k, c
}

// A changed byte anywhere in an open recording makes a repair cut the last part
// at most; before the checkpoint it is always found.
func TestRepairCutsNoDamage(t *testing.T) {
	file, starts, k, c := openRecording(t)
	h := vectorHeader()
	for _, durable := range []Checkpoint{{}, c} {
		v := Recovery{Call: k, Header: h, Durable: durable}
		if err := v.Check(bytes.NewReader(file), int64(len(file))); err != nil {
			t.Fatal(err)
		}
		for at := range file {
			for bit := range 8 {
				bad := bytes.Clone(file)
				bad[at] ^= 1 << bit
				r, err := v.Repair(bytes.NewReader(bad), int64(len(bad)))
				if err != nil && !errors.Is(err, ErrDamaged) {
					t.Fatal(err)
				}
				if err == nil && int(r.Cut) < starts[5] {
					t.Fatalf("bit %d of byte %d of %d: cut to %d", bit, at, len(file), r.Cut)
				}
				if err == nil && at < starts[durable.Parts] && readAll(append(bad[:r.Cut], r.Tail...), k, h.Call, r.Chain) == nil {
					t.Fatalf("bit %d of byte %d is not found after the repair", bit, at)
				}
			}
		}
	}
}

// What a crash cannot have done is named with its place and left as it is.
func TestRepairKnowsTheCheckpoint(t *testing.T) {
	file, starts, k, c := openRecording(t)
	blank := func(b []byte, from, to int) []byte { clear(b[from:to]); return b }
	other := c
	other.Chain[0] ^= 1
	for name, x := range map[string]struct {
		bad     []byte
		durable Checkpoint
		damaged bool
	}{
		"whole":                     {file, c, false},
		"torn after it":             {file[:starts[4]+30], c, false},
		"torn at it":                {file[:starts[4]], c, false},
		"torn before it":            {file[:starts[4]-1], c, true},
		"torn, nothing known":       {file[:starts[4]-1], Checkpoint{}, false},
		"all gone":                  {nil, c, true},
		"of another chain":          {file, other, true},
		"blank end":                 {blank(bytes.Clone(file), starts[5]+3, len(file)), c, false},
		"blank page and more after": {blank(bytes.Clone(file), starts[4], starts[5]), c, true},
		"junk after it":             {append(bytes.Clone(file), bytes.Repeat([]byte{0xff}, 30)...), c, true},
	} {
		v := Recovery{Call: k, Header: vectorHeader(), Durable: x.durable}
		r, err := v.Repair(bytes.NewReader(x.bad), int64(len(x.bad)))
		if errors.Is(err, ErrDamaged) != x.damaged || !x.damaged && err != nil {
			t.Errorf("%s: %+v, %v", name, r, err)
		}
	}
}

func TestSealerRefuses(t *testing.T) {
	s, _, err := NewSealer(NewKey(), vectorHeader())
	if err != nil {
		t.Fatal(err)
	}
	for name, p := range map[string]Part{
		"too long":     {Samples: MaxSamples + 1},
		"gap outside":  {Samples: 10, Gaps: []Gap{{0, 11, CauseLost}}},
		"gaps touch":   {Samples: 10, Gaps: []Gap{{0, 2, CauseLost}, {2, 3, CauseLost}}},
		"empty gap":    {Samples: 10, Gaps: []Gap{{3, 3, CauseLost}}},
		"before start": {First: -1},
	} {
		if _, err := s.Seal(nil, p, nil); !errors.Is(err, errPart) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := s.Seal(nil, Part{Flags: FlagLast}, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Seal(nil, Part{}, nil); !errors.Is(err, errEnded) {
		t.Errorf("after the last part: %v", err)
	}
}

// FuzzRecording: whatever the bytes, nothing panics; what opens is what was
// sealed; a repair gives a file that reads whole.
func FuzzRecording(f *testing.F) {
	k := count(32)
	s, file, err := openEpoch(k, vectorHeader(), 0)
	if err != nil {
		f.Fatal(err)
	}
	file = sealed(f, s, file)
	h := vectorHeader()
	f.Add(file)
	f.Add(file[:len(file)-1])
	f.Add(file[:200])
	f.Add([]byte(magic))
	f.Add([]byte{})
	plain := make([]byte, 160)
	f.Fuzz(func(t *testing.T, data []byte) {
		src := bytes.NewReader(data)
		ix, err := Scan(src, int64(len(data)), h.Call)
		if err == nil && ix.Size != int64(len(data)) {
			t.Fatal("bytes were neither read nor named")
		}
		r := NewReader(src, ix, k)
		for i := range ix.Parts {
			got, err := r.Open(nil, i)
			if err == nil && len(got) > 0 && !bytes.Equal(got, plain) {
				t.Fatal("something was opened that was never sealed")
			}
		}
		if ix.Ended && err == nil && ix.Chain == s.Chain() && !bytes.Equal(data, file) && readAll(data, k, h.Call, s.Chain()) == nil {
			t.Fatal("a changed recording was accepted")
		}
		rep, err := (Recovery{Call: k, Header: h}).Repair(src, int64(len(data)))
		if err != nil {
			return
		}
		whole := append(bytes.Clone(data[:rep.Cut]), rep.Tail...)
		if ix, err := Scan(bytes.NewReader(whole), int64(len(whole)), h.Call); err != nil || !ix.Ended {
			t.Fatalf("a repaired recording does not read: %v", err)
		}
	})
}

func FuzzRootFile(f *testing.F) {
	f.Add([]byte("ivrd-root-key 1 2026-01-02T03:04:05Z AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"))
	f.Add([]byte("ivrd-root-key 1\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		roots, err := parseRoots(data)
		if err == nil && len(roots) == 0 {
			t.Fatal("no key and no error")
		}
	})
}

func BenchmarkSealSecond(b *testing.B) {
	s, _, err := NewSealer(NewKey(), vectorHeader())
	if err != nil {
		b.Fatal(err)
	}
	payload, dst := make([]byte, 8000), make([]byte, 0, 16000)
	p := Part{Track: 1, Samples: 8000}
	b.SetBytes(8000)
	b.ReportAllocs()
	for b.Loop() {
		if dst, err = s.Seal(dst[:0], p, payload); err != nil {
			b.Fatal(err)
		}
	}
}
