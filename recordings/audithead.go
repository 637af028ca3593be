package recordings

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/ivrd/ivrd/internal/seal"
)

// head names the newest audit entry, under a MAC.
type head struct {
	seq       int64
	hash, mac string
}

func (h *head) proved(k seal.Key) bool {
	return seal.Equal([]byte(h.mac), []byte(auditMAC(k, "head", h.seq, h.hash)))
}

// headFile keeps the head in a file that is replaced whole, so that there is
// never an older head to fall back to.
type headFile struct {
	dir string
	mu  sync.Mutex
}

const headWord = "ivrd-audit-head"

func (f *headFile) path() string { return filepath.Join(f.dir, "audit.head") }

func (f *headFile) write(h head) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.replace(fmt.Sprintf("%s %d %s %s\n", headWord, h.seq, h.hash, h.mac)); err != nil {
		return fmt.Errorf("write audit head: %w", err)
	}
	return nil
}

func (f *headFile) replace(text string) error {
	dir, err := os.Open(f.dir)
	if err != nil {
		return err
	}
	defer func() { _ = dir.Close() }()                // it was only read
	tmp, err := os.CreateTemp(f.dir, ".audit.head-*") // 0600
	if err != nil {
		return err
	}
	_, err = tmp.WriteString(text)
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	if err := os.Rename(tmp.Name(), f.path()); err != nil {
		return errors.Join(err, os.Remove(tmp.Name()))
	}
	return dir.Sync()
}

// read fails with ErrNotFound where there is no head.
func (f *headFile) read() (head, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	data, err := os.ReadFile(f.path())
	if errors.Is(err, fs.ErrNotExist) {
		return head{}, ErrNotFound
	}
	if err != nil {
		return head{}, fmt.Errorf("read audit head: %w", err)
	}
	return parseHead(string(data)), nil
}

// parseHead gives a zero head, which proves nothing, for what is not one.
func parseHead(text string) head {
	words := strings.Fields(text)
	if len(words) != 4 || words[0] != headWord {
		return head{}
	}
	seq, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil {
		return head{}
	}
	return head{seq: seq, hash: words[2], mac: words[3]}
}

func (f *headFile) lost() string { return f.path() + ".lost" }

// setAside keeps a head that the store does not bear out as evidence.
func (f *headFile) setAside() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	to := f.lost()
	if f.exists(to) {
		to += time.Now().UTC().Format("-20060102T150405.000000000")
	}
	err := os.Rename(f.path(), to)
	if errors.Is(err, fs.ErrNotExist) { // the loss of the head itself is the evidence
		err = os.WriteFile(to, []byte("the head was missing\n"), 0o600)
	}
	if err != nil {
		return fmt.Errorf("set audit head aside: %w", err)
	}
	return nil
}

func (f *headFile) wasSetAside() bool { return f.exists(f.lost()) }

func (f *headFile) exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
