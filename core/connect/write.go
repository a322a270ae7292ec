package connect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2/maybe"
)

// The files beside a changed one: as it was before, and as it was before undo.
const (
	backupSuffix = ".aitunnel-backup"
	undoneSuffix = ".aitunnel-undone"
)

// maxFile bounds the files that are edited.
const maxFile = 4 << 20

// Written is the result of Write for a file.
type Written struct {
	Path    string `json:"path"`
	Backup  string `json:"backup,omitempty"`  // the file as it was before
	Created bool   `json:"created,omitempty"` // there was none
	Changed bool   `json:"changed"`           // false: it had these settings

	before   []byte
	after    []byte
	mode     fs.FileMode
	backedUp bool   // by this Write
	folder   string // the uppermost one that this Write created; "" for none
}

// Write writes the settings into the file, and keeps it as it was before beside it. The
// backup of an earlier Write stays: it is what Undo goes back to. A file that was not
// there has no backup; created remembers it.
func (f File) Write(created Created) (Written, error) {
	path := resolve(f.Path)
	out := Written{Path: path, mode: 0o600}
	old, err := read(path)
	if out.Created = errors.Is(err, fs.ErrNotExist); err != nil && !out.Created {
		return out, err
	}
	text, err := f.edit(old)
	if err != nil {
		return out, fmt.Errorf("%s was not changed: %w", path, err)
	}
	if out.Changed = !bytes.Equal(text, old); !out.Changed {
		return out, nil
	}
	out.before, out.after = old, text
	out.folder = newFolder(filepath.Dir(path))
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return out, err
	}
	if !out.Created {
		if err := out.keep(created); err != nil {
			return out, err
		}
	}
	if err := maybe.WriteFile(path, text, 0o600); err != nil {
		return out, err
	}
	if out.Backup == "" {
		return out, created.add(path)
	}
	return out, mark(path, out.Backup)
}

// keep writes the backup of a file that is there, unless an earlier Write wrote it, or
// created the file.
func (w *Written) keep(created Created) error {
	info, err := os.Stat(w.Path)
	if err != nil {
		return err
	}
	w.mode = info.Mode().Perm()
	if _, ours := created.load()[w.Path]; !ours {
		w.Backup = w.Path + backupSuffix
		if _, err := os.Stat(w.Backup); errors.Is(err, fs.ErrNotExist) {
			if err := maybe.WriteFile(w.Backup, w.before, 0o600); err != nil {
				return fmt.Errorf("the backup cannot be written: %w", err)
			}
			w.backedUp = true
		}
	}
	return os.Chmod(w.Path, 0o600) // the token is in it from now on
}

// Revert undoes one Write, so that the file is what it was just before. It says whether
// it did: a file that was changed since stays as it is.
func (w Written) Revert(created Created) (bool, error) {
	now, err := read(w.Path)
	if err != nil || !w.Changed || !bytes.Equal(now, w.after) {
		return false, err
	}
	if w.Created {
		err := errors.Join(os.Remove(w.Path), created.remove(w.Path))
		w.removeFolders()
		return true, err
	}
	if err := errors.Join(maybe.WriteFile(w.Path, w.before, w.mode), os.Chmod(w.Path, w.mode)); err != nil {
		return false, err
	}
	switch {
	case w.backedUp:
		return true, os.Remove(w.Backup)
	case w.Backup != "":
		return true, mark(w.Path, w.Backup)
	}
	return true, created.add(w.Path)
}

// newFolder returns the uppermost folder that is missing on the way to dir, "" if dir
// is there.
func newFolder(dir string) (missing string) {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return missing
		}
		missing = dir
	}
}

// removeFolders removes the folders that Write created, unless something else is in them
// by now.
func (w Written) removeFolders() {
	if w.folder == "" {
		return
	}
	for dir := filepath.Dir(w.Path); os.Remove(dir) == nil && dir != w.folder; dir = filepath.Dir(dir) {
	}
}

// mark gives the backup the time of the file, so that Undo can tell whether the file was
// changed since.
func mark(path, backup string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Chtimes(backup, info.ModTime(), info.ModTime())
}

// resolve follows links, so that their target is written.
func resolve(path string) string {
	if to, err := filepath.EvalSymlinks(path); err == nil {
		return to
	}
	return path
}

func read(path string) ([]byte, error) {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s is not a regular file", path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%s is larger than %d bytes", path, maxFile)
	}
	return os.ReadFile(path)
}

// ErrNothingToUndo says that a file was not changed by Write.
var ErrNothingToUndo = errors.New("there is nothing to undo")

// Undone is the result of Undo for a file.
type Undone struct {
	Path    string `json:"path"`
	Removed bool   `json:"removed,omitempty"` // there was no such file before
	Kept    string `json:"kept,omitempty"`    // a copy of the file with changes that others made
}

// Undo makes the file what it was before the first Write. Changes that others
// made since are kept beside it.
func (f File) Undo(created Created) (Undone, error) {
	path := resolve(f.Path)
	out, backup := Undone{Path: path}, path+backupSuffix
	written, ours := created.load()[path]
	saved, err := os.Stat(backup)
	switch {
	case err == nil:
		written, ours = saved.ModTime(), saved.Size() == 0 // an empty one is by an earlier version
	case !errors.Is(err, fs.ErrNotExist):
		return out, err
	case !ours:
		return out, ErrNothingToUndo
	}
	if err := out.keepChanges(written); err != nil {
		return out, err
	}
	if !ours {
		return out, os.Rename(backup, path)
	}
	out.Removed = true
	for _, name := range []string{path, backup} {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, err
		}
	}
	return out, created.remove(path)
}

// keepChanges copies the file if it was changed since it was written.
func (u *Undone) keepChanges(written time.Time) error {
	now, err := os.Stat(u.Path)
	if err != nil || now.ModTime().Equal(written) {
		return nil //nolint:nilerr // a file that is gone has no changes
	}
	text, err := read(u.Path)
	if err != nil {
		return err
	}
	u.Kept = u.Path + undoneSuffix
	return maybe.WriteFile(u.Kept, text, 0o600)
}
