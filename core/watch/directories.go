package watch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// maxLinks is the maximum number of links to follow, as they may form a cycle.
const maxLinks = 40

// directories returns those to watch for path: that of the file, that of every symbolic
// link on the way to it, the nearest that exists if the file is missing, and path itself
// if it is a directory.
func directories(path string) []string {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil
	}
	var dirs []string
	add := func(dir string) {
		if !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	root := filepath.VolumeName(path) + string(filepath.Separator)
	at, rest := root, strings.TrimPrefix(path, root)
	for links := 0; rest != "" && links < maxLinks; {
		name, after, _ := strings.Cut(rest, string(filepath.Separator))
		next := filepath.Join(at, name)
		info, err := os.Lstat(next)
		if err != nil {
			add(at)
			return dirs
		}
		if info.Mode()&os.ModeSymlink == 0 {
			at, rest = next, after
			continue
		}
		links++
		add(at)
		to, err := os.Readlink(next)
		if err != nil {
			return dirs
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(at, to)
		}
		at, rest = root, strings.TrimPrefix(filepath.Join(to, after), root)
	}
	if info, err := os.Stat(at); err == nil && info.IsDir() {
		add(at)
		return dirs
	}
	add(filepath.Dir(at))
	return dirs
}
