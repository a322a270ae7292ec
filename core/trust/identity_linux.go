package trust

import (
	"fmt"
	"io/fs"
	"syscall"
)

// sysIdentity includes the ctime, which programs cannot set.
func sysIdentity(info fs.FileInfo) string {
	stat, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return ""
	}
	return fmt.Sprintf("%d %d %d %d", stat.Dev, stat.Ino, stat.Ctim.Sec, stat.Ctim.Nsec)
}
