//go:build unix

package tree

import (
	"errors"
	"os"
	"syscall"
)

// lock takes the folder for one writer until f is closed or the process ends. A file system without locks has none.
func lock(f *os.File) (taken bool) {
	return !errors.Is(syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB), syscall.EWOULDBLOCK)
}
