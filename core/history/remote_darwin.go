package history

import (
	"slices"

	"golang.org/x/sys/unix"
)

// remoteFileSystem reports whether a directory is on another machine.
func remoteFileSystem(dir string) (kind string, remote bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return "", false
	}
	kind = unix.ByteSliceToString(s.Fstypename[:])
	return kind, slices.Contains([]string{"nfs", "smbfs", "afpfs", "webdav", "ftp"}, kind)
}
