package edit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// Write replaces the content of a file in one step, so that a reader sees the old content or
// the new one. A link stays a link; the file keeps its mode and its owner. A file that cannot
// be replaced, because it is mounted by itself, belongs to another user, or is in a directory
// that cannot be written, is overwritten; before that, its old content is copied to the
// directory copies, unless that is "".
func Write(name string, content []byte, copies string) error {
	path, err := filepath.EvalSymlinks(name)
	if err != nil {
		return err
	}
	was, err := os.Stat(path)
	if err != nil {
		return err
	}
	replaced, err := replace(path, content, was)
	if err != nil || replaced {
		return err
	}
	if copies != "" {
		if err := keepCopy(path, copies); err != nil {
			return fmt.Errorf("the old content cannot be backed up: %w", err)
		}
	}
	return overwrite(path, content)
}

// replace writes a new file and renames it. It returns false if that is impossible.
func replace(path string, content []byte, was os.FileInfo) (bool, error) {
	// A short name: with the file's name in it, it could be too long.
	next, err := os.CreateTemp(filepath.Dir(path), ".aitunnel-*")
	if cannotReplace(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = os.Remove(next.Name()) }() // fails after a rename
	_, err = next.Write(content)
	err = errors.Join(err, next.Sync(), next.Chmod(was.Mode().Perm()))
	kept := keepOwner(next, was)
	if err = errors.Join(err, next.Close()); err != nil || !kept {
		return false, err
	}
	if err = os.Rename(next.Name(), path); cannotReplace(err) {
		return false, nil
	}
	return err == nil, err
}

// cannotReplace reports whether an error concerns the directory or mount of a file, not the
// file itself.
func cannotReplace(err error) bool {
	for _, e := range []error{syscall.EBUSY, syscall.EXDEV, syscall.EROFS, fs.ErrPermission} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// keepCopy copies a file before it is overwritten, so that a crash in between loses nothing.
func keepCopy(path, dir string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(dir, copyName), os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	return errors.Join(err, f.Sync(), f.Close())
}

// copyName is the name of the file in the state directory with the content before the last edit
// that could not be made in one step.
const copyName = "configuration.before"

// overwrite changes a file without replacing it.
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
