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

// Suffixes of the copies next to a changed file: before the change, and before undo.
const (
	backupSuffix = ".aitunnel-backup"
	undoneSuffix = ".aitunnel-undone"
)

// maxFile is the maximum size of a file that is edited.
const maxFile = 4 << 20

// WriteResult is the result of Write for a file.
type WriteResult struct {
	Path    string `json:"path"`
	Backup  string `json:"backup,omitempty"`  // the previous file
	Created bool   `json:"created,omitempty"` // there was none
	Changed bool   `json:"changed"`           // false: it had these settings

	before   []byte
	after    []byte
	mode     fs.FileMode
	backedUp bool   // by this Write
	folder   string // the topmost folder that this Write created; "" for none
}

// Write writes the settings into the file, and keeps the previous file next to it. The backup
// of an earlier Write stays, since Undo restores it. A new file has no backup, but is added to
// created.
func (f File) Write(created CreatedFiles) (WriteResult, error) {
	path := resolve(f.Path)
	out := WriteResult{Path: path, mode: 0o600}
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

// keep writes the backup of an existing file, unless an earlier Write did so or created the
// file.
func (w *WriteResult) keep(created CreatedFiles) error {
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
	return os.Chmod(w.Path, 0o600) // it will contain the token
}

// Revert undoes one Write, unless the file was changed since, and reports whether it did.
func (w WriteResult) Revert(created CreatedFiles) (bool, error) {
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

// newFolder returns the topmost missing folder of the path dir, "" if dir exists.
func newFolder(dir string) (missing string) {
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Lstat(dir); !errors.Is(err, fs.ErrNotExist) || dir == filepath.Dir(dir) {
			return missing
		}
		missing = dir
	}
}

// removeFolders removes the folders that Write created, unless they contain other files.
func (w WriteResult) removeFolders() {
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

// UndoResult is the result of Undo for a file.
type UndoResult struct {
	Path    string `json:"path"`
	Removed bool   `json:"removed,omitempty"` // there was no such file before
	Kept    string `json:"kept,omitempty"`    // a copy of the file with changes by others
}

// Undo restores the file from before the first Write. If others have changed the file since, a
// copy of it is kept.
func (f File) Undo(created CreatedFiles) (UndoResult, error) {
	path := resolve(f.Path)
	out, backup := UndoResult{Path: path}, path+backupSuffix
	written, ours := created.load()[path]
	saved, err := os.Stat(backup)
	switch {
	case err == nil:
		written, ours = saved.ModTime(), saved.Size() == 0 // earlier versions wrote an empty backup for a new file
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

// keepChanges copies the file if others have changed it since Write.
func (u *UndoResult) keepChanges(written time.Time) error {
	now, err := os.Stat(u.Path)
	if err != nil || now.ModTime().Equal(written) {
		return nil //nolint:nilerr // a removed file has no changes
	}
	text, err := read(u.Path)
	if err != nil {
		return err
	}
	u.Kept = u.Path + undoneSuffix
	return maybe.WriteFile(u.Kept, text, 0o600)
}
