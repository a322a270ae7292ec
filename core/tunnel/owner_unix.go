//go:build unix

package tunnel

import (
	"fmt"
	"os"
	"syscall"
)

// ownerOf returns the owner and group of a file, since chown may make a key readable.
func ownerOf(info os.FileInfo) string {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		return fmt.Sprint(s.Uid, ":", s.Gid)
	}
	return ""
}
