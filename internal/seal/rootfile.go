package seal

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// RootFile is a KeyWrapper whose root keys stand in a file, one line per
// version:
//
//	ivrd-root-key <version> <created, RFC 3339> <32 bytes, base64>
//
// It suits a demo and a test; production asks for a key service.
type RootFile struct {
	path string

	mu    sync.RWMutex
	roots []root // ascending by version
}

type root struct {
	version uint32
	created time.Time
	key     Key
}

// RootVersion describes one root key without holding it.
type RootVersion struct {
	Version uint32    `json:"version"`
	Created time.Time `json:"created_at"`
}

const rootFileWord = "ivrd-root-key"

// OpenRootFile reads the key file. The file must be readable by its owner only.
func OpenRootFile(path string) (*RootFile, error) {
	f := &RootFile{path: path}
	if err := f.load(); err != nil {
		return nil, err
	}
	return f, nil
}

// CreateRootFile opens the key file and makes it, with a first key, when it
// is not there.
func CreateRootFile(path string, log *slog.Logger) (*RootFile, error) {
	f, err := OpenRootFile(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("create key file: %w", err)
	}
	f = &RootFile{path: path}
	if err := f.write([]root{{version: 1, created: time.Now().UTC(), key: NewKey()}}); err != nil {
		return nil, err
	}
	log.Warn("created the root key file: recordings cannot be read without it; keep a copy in a safe place",
		"path", path)
	return f, nil
}

// Version is the newest root version.
func (f *RootFile) Version() uint32 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.roots[len(f.roots)-1].version
}

// Versions lists all roots, oldest first.
func (f *RootFile) Versions() []RootVersion {
	f.mu.RLock()
	defer f.mu.RUnlock()
	list := make([]RootVersion, 0, len(f.roots))
	for _, r := range f.roots {
		list = append(list, RootVersion{Version: r.version, Created: r.created})
	}
	return list
}

// Rotate adds a root version, which wraps from now on, and returns it. A
// server that is running sees it when it first meets something wrapped by it.
func (f *RootFile) Rotate() (uint32, error) {
	if err := f.load(); err != nil {
		return 0, err
	}
	f.mu.RLock()
	next := f.roots[len(f.roots)-1].version + 1
	list := append(append([]root(nil), f.roots...),
		root{version: next, created: time.Now().UTC(), key: NewKey()})
	f.mu.RUnlock()
	return next, f.write(list)
}

// Wrap implements KeyWrapper.
func (f *RootFile) Wrap(_ context.Context, p Purpose, plaintext, aad []byte) ([]byte, error) {
	f.mu.RLock()
	r := f.roots[len(f.roots)-1]
	f.mu.RUnlock()
	prefix := binary.BigEndian.AppendUint32([]byte{wrapFormat}, r.version)
	kek := r.kek(p)
	defer kek.Zero()
	return kek.sealRandom(bytes.Clone(prefix), plaintext, wrapAAD(p, prefix, aad)), nil
}

// Unwrap implements KeyWrapper.
func (f *RootFile) Unwrap(_ context.Context, p Purpose, wrapped, aad []byte) ([]byte, error) {
	version, err := WrappedVersion(wrapped)
	if err != nil {
		return nil, err
	}
	r, err := f.root(version)
	if err != nil {
		return nil, err
	}
	kek := r.kek(p)
	defer kek.Zero()
	return kek.openRandom(wrapped[wrapPrefix:], wrapAAD(p, wrapped[:wrapPrefix], aad))
}

func (r *root) kek(p Purpose) Key { return r.key.derive(nil, "ivrd/kek/v1|"+string(p)) }

// root finds a version; an unknown one may have been added by another process
// (keys rotate beside a running server), so the file is read again once.
func (f *RootFile) root(version uint32) (root, error) {
	if r, ok := f.find(version); ok {
		return r, nil
	}
	if err := f.load(); err != nil {
		return root{}, err
	}
	if r, ok := f.find(version); ok {
		return r, nil
	}
	return root{}, fmt.Errorf("find root key %d in %s: %w", version, f.path, ErrNoVersion)
}

func (f *RootFile) find(version uint32) (root, bool) {
	f.mu.RLock()
	defer f.mu.RUnlock()
	for _, r := range f.roots {
		if r.version == version {
			return r, true
		}
	}
	return root{}, false
}

func (f *RootFile) load() error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("open key file: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("open key file %s: others may read it; run: chmod 600 %s", f.path, f.path)
	}
	data, err := os.ReadFile(f.path)
	if err != nil {
		return fmt.Errorf("read key file: %w", err)
	}
	defer clear(data)
	roots, err := parseRoots(data)
	if err != nil {
		return fmt.Errorf("read key file %s: %w", f.path, err)
	}
	f.mu.Lock()
	f.roots = roots
	f.mu.Unlock()
	return nil
}

// parseRoots reads the lines of a key file; versions must rise.
func parseRoots(data []byte) ([]root, error) {
	var roots []root
	lines := bufio.NewScanner(bytes.NewReader(data))
	for n := 1; lines.Scan(); n++ {
		r, err := parseRoot(lines.Bytes())
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if len(roots) > 0 && r.version <= roots[len(roots)-1].version {
			return nil, fmt.Errorf("line %d: version %d does not rise", n, r.version)
		}
		roots = append(roots, r)
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if len(roots) == 0 {
		return nil, errors.New("it holds no key")
	}
	return roots, nil
}

func parseRoot(line []byte) (root, error) {
	words := bytes.Fields(line)
	if len(words) != 4 || string(words[0]) != rootFileWord {
		return root{}, fmt.Errorf("want %q, version, time and key", rootFileWord)
	}
	var r root
	if _, err := fmt.Sscanf(string(words[1]), "%d", &r.version); err != nil || r.version == 0 {
		return root{}, errors.New("the version is not a number above 0")
	}
	var err error
	if r.created, err = time.Parse(time.RFC3339, string(words[2])); err != nil {
		return root{}, errors.New("the time is not RFC 3339")
	}
	key, err := base64.StdEncoding.DecodeString(string(words[3]))
	if err != nil || len(key) != KeySize { // the error would show the key
		return root{}, errors.New("the key is not 32 bytes in base64")
	}
	copy(r.key.b[:], key)
	clear(key)
	return r, nil
}

// write replaces the file whole, so that a crash leaves the old or the new.
func (f *RootFile) write(roots []root) error {
	var text bytes.Buffer
	for _, r := range roots {
		fmt.Fprintf(&text, "%s %d %s %s\n", rootFileWord, r.version,
			r.created.Format(time.RFC3339), base64.StdEncoding.EncodeToString(r.key.b[:]))
	}
	defer clear(text.Bytes())
	if err := replaceFile(f.path, text.Bytes()); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	f.mu.Lock()
	f.roots = roots
	f.mu.Unlock()
	return nil
}

func replaceFile(path string, data []byte) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()                      // it was only read
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*") // 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // is not there after the rename
	_, err = tmp.Write(data)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return dir.Sync()
}
