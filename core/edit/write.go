package edit

import (
	"os"
	"path/filepath"
)

// Write gives a file another content, in one piece: whoever reads it sees the
// old one or the new one. Links lead to the file that is replaced; it keeps its
// mode and, where that can be had, its owner.
func Write(name string, content []byte) error {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return replace(path, content, info)
}
