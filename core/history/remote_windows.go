package history

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// remoteFileSystem reports whether a directory is on another machine.
func remoteFileSystem(dir string) (kind string, remote bool) {
	root, err := windows.UTF16PtrFromString(filepath.VolumeName(dir) + `\`)
	if err != nil {
		return "", false
	}
	return "a network drive", windows.GetDriveType(root) == windows.DRIVE_REMOTE
}
