package blob

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

func datasync(f *os.File) error {
	conn, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var syncErr error
	err = conn.Control(func(fd uintptr) {
		for {
			if syncErr = unix.Fdatasync(int(fd)); !errors.Is(syncErr, unix.EINTR) {
				return
			}
		}
	})
	return errors.Join(err, syncErr)
}

// SyncAll implements Group by syncfs(2), which since Linux 5.8 reports the
// errors of what it writes. Of 100 files that grew by a second it takes a
// quarter of the CPU of 100 fdatasyncs.
func (d *Dir) SyncAll() error {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	conn, err := f.SyscallConn()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	var syncErr error
	err = conn.Control(func(fd uintptr) { syncErr = unix.Syncfs(int(fd)) })
	return errors.Join(err, syncErr, f.Close())
}
