package history

import "golang.org/x/sys/unix"

// remoteFileSystems are those where the shared memory of a write-ahead log does
// not work.
var remoteFileSystems = map[int64]string{
	unix.NFS_SUPER_MAGIC: "NFS", unix.SMB_SUPER_MAGIC: "SMB", unix.SMB2_SUPER_MAGIC: "SMB", unix.CIFS_SUPER_MAGIC: "SMB",
	unix.CODA_SUPER_MAGIC: "Coda", unix.AFS_SUPER_MAGIC: "AFS", unix.V9FS_MAGIC: "9P", unix.CEPH_SUPER_MAGIC: "Ceph",
}

// remoteFileSystem says whether a directory is on another machine.
func remoteFileSystem(dir string) (kind string, remote bool) {
	var s unix.Statfs_t
	if unix.Statfs(dir, &s) != nil {
		return "", false
	}
	kind, remote = remoteFileSystems[int64(uint32(s.Type))] //nolint:gosec // the type differs among machines
	return kind, remote
}
