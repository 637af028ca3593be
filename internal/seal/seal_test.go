package seal

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

type vectors struct{ Wrapped, Under, Field, File, Chain, Leaf, Index string }

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) == 0 {
		t.Fatalf("vector %q: %v", s, err)
	}
	return b
}

// count makes the key 0, 1, 2… from a first byte on.
func count(from byte) Key {
	var k Key
	for i := range k.b {
		k.b[i] = from + byte(i)
	}
	return k
}

// The vectors come from an implementation in another language.
func TestVectorsOfKeys(t *testing.T) {
	v := readVectors(t)
	f := &RootFile{roots: []root{{version: 7, key: count(0)}}}
	ctx := context.Background()
	aad := StoredKey{ID: "subject/1"}.aad()
	got, err := f.Unwrap(ctx, ForRecording, unhex(t, v.Wrapped), aad)
	if call := count(32); err != nil || !bytes.Equal(got, call.b[:]) {
		t.Errorf("wrapped key: %x, %v", got, err)
	}
	if _, err := f.Unwrap(ctx, ForAudit, unhex(t, v.Wrapped), aad); !errors.Is(err, ErrOpen) {
		t.Errorf("wrapped key opens for another purpose: %v", err)
	}
	if k, err := UnwrapUnder(count(0), "call/1", unhex(t, v.Under)); err != nil || k != count(32) {
		t.Errorf("key under a subject: %v", err)
	}
	if _, err := UnwrapUnder(count(0), "call/2", unhex(t, v.Under)); !errors.Is(err, ErrOpen) {
		t.Errorf("key opens for another call: %v", err)
	}
	number, err := count(0).OpenField(Field{"calls", "personal", "PS1"}, unhex(t, v.Field))
	if err != nil || string(number) != "+8613800000000" {
		t.Errorf("field: %q, %v", number, err)
	}
	if _, err := count(0).OpenField(Field{"calls", "personal", "PS2"}, unhex(t, v.Field)); !errors.Is(err, ErrOpen) {
		t.Errorf("field opens in another row: %v", err)
	}
	if got := fmt.Sprintf("%x", new(Canonical).Text("ivrd/audit/v1").Int(42).Leaf()); got != v.Leaf {
		t.Errorf("leaf %s, want %s", got, v.Leaf)
	}
	if got := fmt.Sprintf("%x", BlindIndex(count(0), "from", "+8613800000000")); got != v.Index {
		t.Errorf("index %s, want %s", got, v.Index)
	}
}

func vectorHeader() Header {
	h := Header{
		Call: "PS170000000000012345", Key: "call/PS170000000000012345",
		Started: 1700000000000, Rate: 8000, Tracks: []TrackChannel{{1, 0}, {3, 1}},
	}
	for i := range h.salt {
		h.salt[i] = 200 + byte(i)
	}
	for i := range h.prefix {
		h.prefix[i] = 50 + byte(i)
	}
	return h
}

func vectorParts() []Part {
	return []Part{
		{Track: 1, Samples: 160, Gaps: []Gap{{20, 40, CauseLine}}},
		{First: 160, Samples: 8000, Gaps: []Gap{{0, 8000, CauseSecret}}},
		{Flags: FlagLast, First: 8160},
	}
}

// sealed is a whole small recording and the nonces that made it.
func sealed(t testing.TB, s *Sealer, file []byte) []byte {
	t.Helper()
	for i, p := range vectorParts() {
		var payload []byte
		if i == 0 {
			payload = make([]byte, 160)
		}
		var err error
		if file, err = s.Seal(file, p, payload); err != nil {
			t.Fatal(err)
		}
	}
	return file
}

func TestVectorsOfRecording(t *testing.T) {
	v := readVectors(t)
	s, file, err := openEpoch(count(32), vectorHeader(), 0)
	if err != nil {
		t.Fatal(err)
	}
	file = sealed(t, s, file)
	if got := hex.EncodeToString(file); got != v.File {
		t.Errorf("file\n%s, want\n%s", got, v.File)
	}
	if got := fmt.Sprintf("%x", s.Chain()); got != v.Chain {
		t.Errorf("chain %s, want %s", got, v.Chain)
	}
	if err := readAll(unhex(t, v.File), count(32), vectorHeader().Call, s.Chain()); err != nil {
		t.Errorf("read vector: %v", err)
	}
}

// readAll reads a closed recording as a verifier does.
func readAll(file []byte, k Key, call string, chain Hash) error {
	src := bytes.NewReader(file)
	ix, err := Scan(src, int64(len(file)), call)
	if err != nil {
		return err
	}
	if !ix.Ended || ix.Chain != chain {
		return errors.New("not closed, or another chain")
	}
	r := NewReader(src, ix, k)
	for i := range ix.Parts {
		if _, err := r.Open(nil, i); err != nil {
			return err
		}
	}
	return nil
}

func TestKeyCannotPrint(t *testing.T) {
	k := count(65) // ABC…
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "key", k, "in", struct{ K Key }{k})
	js, _ := json.Marshal(map[string]any{"k": k, "p": &k})
	out := fmt.Sprintf("%v %+v %#v %s %x %d %q %v", k, k, k, k, k, k, k, &k) + log.String() + string(js)
	for _, bad := range []string{"ABC", "414243", "65 66", "QUJD", "0x41"} {
		if strings.Contains(out, bad) {
			t.Errorf("the key shows as %q in %s", bad, out)
		}
	}
}

func TestRootFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "root")
	f, err := CreateRootFile(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("key file has mode %v, %v", info.Mode(), err)
	}
	ctx := context.Background()
	place := Field{"people", "ha1", "alice"}
	old, err := SealField(ctx, f, place, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	other, err := OpenRootFile(path) // as ivrd keys rotate beside a server
	if err != nil {
		t.Fatal(err)
	}
	if v, err := other.Rotate(); err != nil || v != 2 {
		t.Fatalf("rotate: %d, %v", v, err)
	}
	young, err := SealField(ctx, other, place, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	for _, sealed := range [][]byte{old, young} {
		if got, err := OpenField(ctx, f, place, sealed); err != nil || string(got) != "secret" {
			t.Errorf("open: %q, %v", got, err)
		}
		if _, err := OpenField(ctx, f, Field{"people", "ha1", "bob"}, sealed); !errors.Is(err, ErrOpen) {
			t.Errorf("the value opens for another person: %v", err)
		}
	}
	if f.Version() != 2 || len(f.Versions()) != 2 {
		t.Errorf("the running server did not see version 2: %v", f.Versions())
	}
	lost := bytes.Clone(young)
	lost[4] = 9
	if _, err := OpenField(ctx, f, place, lost); !errors.Is(err, ErrNoVersion) {
		t.Errorf("unknown version: %v", err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRootFile(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key file that others may read: %v", err)
	}
}

func TestRootFileFaults(t *testing.T) {
	good := "ivrd-root-key 1 2026-01-02T03:04:05Z AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
	for name, bad := range map[string]string{
		"it holds no key": "",
		"line 1: want \"ivrd-root-key\", version, time and key": "hello\n",
		"line 2: version 1 does not rise":                       good + good,
		"line 1: the version is not a number above 0":           strings.Replace(good, " 1 ", " 0 ", 1),
		"line 1: the time is not RFC 3339":                      strings.Replace(good, "T", " ", 1)[:0] + "ivrd-root-key 1 x AAAA\n",
		"line 1: the key is not 32 bytes in base64":             "ivrd-root-key 1 2026-01-02T03:04:05Z AAAA\n",
	} {
		if _, err := parseRoots([]byte(bad)); err == nil || err.Error() != name {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

type memKeys map[string]StoredKey

func (m memKeys) PutKey(_ context.Context, s StoredKey) error     { m[s.ID] = s; return nil }
func (m memKeys) ReplaceKey(_ context.Context, s StoredKey) error { m[s.ID] = s; return nil }
func (m memKeys) DeleteKey(_ context.Context, id string) error    { delete(m, id); return nil }

func (m memKeys) Key(_ context.Context, id string) (StoredKey, error) {
	if s, ok := m[id]; ok {
		return s, nil
	}
	return StoredKey{}, ErrNoKey
}

func (m memKeys) OldKeys(_ context.Context, version uint32, limit int) (list []StoredKey, _ error) {
	for _, s := range m {
		if s.Parent == "" && s.Version < version && len(list) < limit {
			list = append(list, s)
		}
	}
	return list, nil
}

func (m memKeys) KeyVersions(context.Context) (map[uint32]int, error) {
	n := map[uint32]int{}
	for _, s := range m {
		if s.Parent == "" {
			n[s.Version]++
		}
	}
	return n, nil
}

func TestRingRotatesAndShreds(t *testing.T) {
	ctx := context.Background()
	f, err := CreateRootFile(filepath.Join(t.TempDir(), "root"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	store := memKeys{}
	r := Ring{Wrapper: f, Store: store}
	subject, ss, err := r.Make(ctx, "subject/1", ForRecording)
	if err != nil {
		t.Fatal(err)
	}
	call, cs := r.MakeUnder(subject, ss.ID, "call/1", ForRecording)
	store[ss.ID], store[cs.ID] = ss, cs
	house, err := r.Ensure(ctx, "mac", ForAudit)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Rotate(); err != nil {
		t.Fatal(err)
	}
	if n, err := r.Rewrap(ctx); n != 2 || err != nil {
		t.Fatalf("rewrapped %d, %v", n, err)
	}
	if n, _ := store.KeyVersions(ctx); n[1] != 0 || n[2] != 2 {
		t.Errorf("versions after the rewrap: %v", n)
	}
	if k, err := r.Get(ctx, "call/1"); err != nil || k != call {
		t.Errorf("call key after the rewrap: %v", err)
	}
	if k, err := r.Ensure(ctx, "mac", ForAudit); err != nil || k != house {
		t.Errorf("key of the house after the rewrap: %v", err)
	}
	// A key row that is copied over another opens for neither.
	wrong := ss
	wrong.ID = "mac"
	store["mac"] = wrong
	if _, err := r.Get(ctx, "mac"); !errors.Is(err, ErrOpen) {
		t.Errorf("a copied key row: %v", err)
	}
	delete(store, "subject/1")
	if _, err := r.Get(ctx, "call/1"); !errors.Is(err, ErrNoKey) {
		t.Errorf("call key after its subject's was destroyed: %v", err)
	}
}
