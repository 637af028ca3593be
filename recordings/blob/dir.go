package blob

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
)

// Dir is a Store in a directory. Names cannot leave it (os.Root), files are
// readable by their owner only.
type Dir struct{ root *os.Root }

// OpenDir opens a directory, making it when it is not there.
func OpenDir(name string) (*Dir, error) {
	if err := os.MkdirAll(name, 0o700); err != nil {
		return nil, fmt.Errorf("create data directory: %w", err)
	}
	root, err := os.OpenRoot(name)
	if err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	return &Dir{root: root}, nil
}

// Close lets go of the directory; open files stay open.
func (d *Dir) Close() error { return d.root.Close() }

// Create implements Store.
func (d *Dir) Create(name string) (File, error) {
	dir := path.Dir(name)
	_, err := d.root.Stat(dir)
	fresh := errors.Is(err, fs.ErrNotExist)
	if err := d.root.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create directory of %s: %w", name, err)
	}
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, fmt.Errorf("create %s: %w", name, err)
	}
	if err := d.syncDirs(dir, fresh); err != nil {
		return nil, errors.Join(fmt.Errorf("create %s: %w", name, err), f.Close())
	}
	return file{f}, nil
}

// syncDirs makes the entry of a new file durable; when its directory is new
// too, that one's, up to the root.
func (d *Dir) syncDirs(dir string, fresh bool) error {
	for {
		f, err := d.root.Open(dir)
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
		if !fresh || dir == "." {
			return nil
		}
		dir = path.Dir(dir)
	}
}

// Open implements Store.
func (d *Dir) Open(name string) (File, error) { return d.open(name, os.O_RDONLY) }

// Edit implements Store.
func (d *Dir) Edit(name string) (File, error) { return d.open(name, os.O_RDWR) }

func (d *Dir) open(name string, flag int) (File, error) {
	f, err := d.root.OpenFile(name, flag, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", name, err)
	}
	return file{f}, nil
}

// Remove implements Store.
func (d *Dir) Remove(name string) error { return d.root.Remove(name) }

// List implements Store.
func (d *Dir) List(dir string, each func(name string) error) error {
	err := fs.WalkDir(d.root.FS(), dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		return each(name)
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

type file struct{ *os.File }

// Size implements File.
func (f file) Size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// Sync implements File; what is needed to read the bytes is durable, not the
// times of the file.
func (f file) Sync() error { return datasync(f.File) }
