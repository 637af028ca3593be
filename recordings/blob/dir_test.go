package blob

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

func TestDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	d, err := OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	f, err := d.Create("audio/2026/a")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("hello"), 0); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(f.Sync(), f.Truncate(4), f.Close()); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(dir, "audio/2026/a")); err != nil || info.Mode().Perm() != 0o600 || info.Size() != 4 {
		t.Errorf("file: %v, %v", info, err)
	}
	if _, err := d.Create("audio/2026/a"); !errors.Is(err, fs.ErrExist) {
		t.Errorf("create again: %v", err)
	}
	if r, err := d.Open("audio/2026/a"); err != nil {
		t.Error(err)
	} else {
		if _, err := r.WriteAt([]byte("x"), 0); err == nil {
			t.Error("a file opened to read was written")
		}
		_ = r.Close()
	}
	for _, bad := range []string{"../x", "/etc/passwd", "audio/../../x"} {
		if f, err := d.Create(bad); err == nil {
			t.Errorf("%s was made", bad)
			_ = f.Close()
		}
	}
	if err := os.Symlink("/etc", filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	if _, err := d.Open("out/hostname"); err == nil {
		t.Error("a link out of the directory was followed")
	}
	if _, err := d.Edit("none"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("edit what is not there: %v", err)
	}
	if g, ok := any(d).(Group); ok {
		if err := g.SyncAll(); err != nil {
			t.Error(err)
		}
	}
	var names []string
	add := func(name string) error { names = append(names, name); return nil }
	if err := errors.Join(d.List("audio", add), d.List("none", add)); err != nil {
		t.Error(err)
	}
	if !slices.Equal(names, []string{"audio/2026/a"}) {
		t.Errorf("list: %v", names)
	}
	if err := d.Remove("audio/2026/a"); err != nil {
		t.Error(err)
	}
}
