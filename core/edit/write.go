package edit

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// Write replaces the content of a file in one step: a reader sees the old
// content or the new one. A link stays a link; the file keeps its mode and its
// owner. Where the file itself cannot be replaced, because it is a mount of its
// own or belongs to another user, it is overwritten.
func Write(name string, content []byte) error {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	// A short name of its own: with the file's name in it, it could be too long.
	next, err := os.CreateTemp(filepath.Dir(path), ".aitunnel-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(next.Name()) }() // gone after a rename
	_, err = next.Write(content)
	err = errors.Join(err, next.Sync(), next.Chmod(was.Mode().Perm()))
	kept := keepOwner(next, was)
	if err = errors.Join(err, next.Close()); err != nil {
		return err
	}
	if !kept {
		return overwrite(path, content)
	}
	if err = os.Rename(next.Name(), path); errors.Is(err, syscall.EBUSY) {
		return overwrite(path, content)
	}
	return err
}

// overwrite changes a file without replacing it. That there is room for the
// content is known.
func overwrite(path string, content []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Truncate(int64(len(content)))
	}
	return errors.Join(err, f.Sync(), f.Close())
}
