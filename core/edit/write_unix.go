//go:build !windows

package edit

import (
	"os"
	"syscall"
)

// keepOwner gives a new file the owner of the one that it replaces, and reports whether that
// succeeded.
func keepOwner(next *os.File, was os.FileInfo) bool {
	want, ok := was.Sys().(*syscall.Stat_t)
	if !ok {
		return true
	}
	_ = next.Chown(int(want.Uid), int(want.Gid)) // the result is checked below
	info, err := next.Stat()
	if err != nil {
		return false
	}
	has, ok := info.Sys().(*syscall.Stat_t)
	return ok && has.Uid == want.Uid && has.Gid == want.Gid
}
