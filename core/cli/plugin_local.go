package cli

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/aitunnel/aitunnel/core/pluginhost"
)

// besideLock returns the path of a release as the lock file has it: relative to that file if
// it is beside or below it, so that it is right for others who have the configuration.
func besideLock(lockPath, source string) string {
	path, err := expandHome(source)
	if err != nil {
		return source
	}
	if path, err = filepath.Abs(path); err != nil {
		return source
	}
	dir, err := filepath.Abs(filepath.Dir(lockPath))
	if err != nil {
		return path
	}
	if rel, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(rel) {
		return "./" + filepath.ToSlash(rel)
	}
	return path
}

// fromLock returns a source in the lock file as it is for this command.
func fromLock(lockPath, source string) string {
	if rel, ok := strings.CutPrefix(source, "./"); ok {
		path := filepath.Join(filepath.Dir(lockPath), filepath.FromSlash(rel))
		if !filepath.IsAbs(path) {
			path = "." + string(filepath.Separator) + path
		}
		return path
	}
	return source
}

// lockPath returns the path of the lock file of a configuration.
func (a *app) lockPath(configured string) (path string) {
	_ = a.withPlugins(configured, func(h *pluginhost.Host) error {
		path = h.LockPath()
		return nil
	})
	return path
}

// localSource names a path as what it is.
func localSource(source string) string {
	switch {
	case isFolder(source):
		return "the folder " + source
	case isLocalRelease(source):
		return "the archive " + source
	}
	return "the file " + source
}

// isFolder reports whether a source is a folder of releases.
func isFolder(source string) bool {
	path, err := expandHome(source)
	if err != nil || !isPath(source) {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}
