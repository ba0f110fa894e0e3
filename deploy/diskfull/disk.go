// Package diskfull fills the disk under the embedded all-in-one while clients
// write, kills it, and sees that nothing acknowledged is lost and that it goes
// on by itself once there is room again. It needs Linux and root: the disk is a
// small one of its own.
package diskfull

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrMount says that no small disk can be had here: nothing was tried.
var ErrMount = errors.New("a small disk cannot be mounted")

// mount makes a disk of so many bytes at a new folder in dir.
func mount(dir string, bytes int64) (at string, unmount func() error, err error) {
	if at, err = os.MkdirTemp(dir, "disk-"); err != nil {
		return "", nil, err
	}
	if err := syscall.Mount("chatlog-disk", at, "tmpfs", 0, fmt.Sprintf("size=%d,mode=700", bytes)); err != nil {
		return "", nil, errors.Join(fmt.Errorf("%w: %w", ErrMount, err), os.Remove(at))
	}
	return at, func() error { return errors.Join(syscall.Unmount(at, 0), os.Remove(at)) }, nil
}

func free(dir string) (int64, error) {
	var s syscall.Statfs_t
	err := syscall.Statfs(dir, &s)
	return int64(s.Bavail) * s.Bsize, err
}

// filler is the file that takes the room.
func filler(dir string) string { return filepath.Join(dir, "filler") }

// fill takes room until no more than rest bytes are left, at once; 0: to the
// last byte. For a while it takes what others give back, too: files are merged
// and logs made shorter all the time.
func fill(dir string, rest int64, stay time.Duration) error {
	f, err := os.OpenFile(filler(dir), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	block := make([]byte, 1<<20)
	for until := time.Now().Add(stay); ; {
		left, err := free(dir)
		if err != nil {
			return err
		}
		switch {
		case left > rest:
			_, err = f.Write(block[:min(int64(len(block)), left-rest)])
		case time.Now().After(until):
			return nil
		default:
			time.Sleep(time.Millisecond) // between two looks
		}
		if err != nil && !errors.Is(err, syscall.ENOSPC) {
			return err
		}
	}
}

// empty gives the room back.
func empty(dir string) error { return os.Remove(filler(dir)) }
