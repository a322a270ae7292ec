package plugins

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/aitunnel/aitunnel/core/pluginhost"
)

// relativeToLock returns the path of a release as it is written in the lock file:
// relative to that file if it is in the same directory or below, so that it also works
// for others who have the configuration.
func relativeToLock(lockPath, source string) string {
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

// fromLock returns a source of the lock file as a path for this command.
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
	_ = a.WithPlugins(configured, func(h *pluginhost.Host) error {
		path = h.LockPath()
		return nil
	})
	return path
}

// localSource describes a local source.
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
