//go:build !linux && !darwin && !windows

package history

// remoteFileSystem is not implemented on this system.
func remoteFileSystem(string) (kind string, remote bool) { return "", false }
