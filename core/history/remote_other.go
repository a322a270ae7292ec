//go:build !linux && !darwin && !windows

package history

// remoteFileSystem is not known here.
func remoteFileSystem(string) (kind string, remote bool) { return "", false }
