package history

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// vboxMagic identifies the shared folders of VirtualBox.
const vboxMagic = 0x786f4256

// remoteFileSystems are the file systems on which the shared memory of a write-ahead
// log does not work.
var remoteFileSystems = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "SMB",
	unix.CODA_SUPER_MAGIC: "Coda", unix.AFS_SUPER_MAGIC: "AFS", unix.V9FS_MAGIC: "9P", unix.CEPH_SUPER_MAGIC: "Ceph", vboxMagic: "vboxsf",
}

// remoteFUSE are the types of FUSE mounts for which the same is true; most other FUSE
// mounts are local.
var remoteFUSE = []string{
	"fuse.sshfs", "fuse.rclone", "fuse.s3fs", "fuse.glusterfs", "fuse.ceph", "fuse.ceph-fuse", "fuse.davfs", "fuse.curlftpfs", "fuse.gcsfuse", "fuse.juicefs",
	"fuse.vmhgfs-fuse",
}

// remoteFileSystem reports whether a directory is on another machine.
func remoteFileSystem(dir string) (kind string, remote bool) {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return "", false
	}
	magic := int64(uint32(fs.Type)) //nolint:gosec // the type differs among machines
	if magic != unix.FUSE_SUPER_MAGIC {
		kind, remote = remoteFileSystems[magic]
		return kind, remote
	}
	var s unix.Stat_t
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil || unix.Stat(dir, &s) != nil {
		return "", false
	}
	kind = mountType(string(mounts), fmt.Sprintf("%d:%d", unix.Major(s.Dev), unix.Minor(s.Dev)))
	return strings.TrimPrefix(kind, "fuse."), slices.Contains(remoteFUSE, kind)
}

// mountType returns the type of the file system of a device, "" if it is not mounted.
func mountType(mounts, device string) string {
	for line := range strings.Lines(mounts) {
		before, after, ok := strings.Cut(line, " - ")
		if fields := strings.Fields(before); ok && len(fields) > 2 && fields[2] == device {
			kind, _, _ := strings.Cut(after, " ")
			return kind
		}
	}
	return ""
}
