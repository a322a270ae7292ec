package connect

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2/maybe"
)

// The files beside a changed one: as it was before, and as it was before undo.
const (
	backupSuffix = ".aitunnel-backup"
	undoneSuffix = ".aitunnel-undone"
)

// maxFile bounds the files that are edited.
const maxFile = 4 << 20

// Written is what was done with a file.
type Written struct {
	Path    string `json:"path"`
	Backup  string `json:"backup,omitempty"`  // the file as it was before
	Created bool   `json:"created,omitempty"` // there was none
	Changed bool   `json:"changed"`           // false: it had these settings
}

// Write writes the settings into the file, and keeps it as it was before beside
// it. The backup of an earlier Write stays: it is what Undo goes back to.
func (f File) Write() (Written, error) {
	path := resolve(f.Path)
	out := Written{Path: path, Backup: path + backupSuffix}
	old, err := read(path)
	if out.Created = errors.Is(err, fs.ErrNotExist); err != nil && !out.Created {
		return out, err
	}
	text, err := f.edit(old)
	if err != nil {
		return out, fmt.Errorf("%s was not changed: %w", path, err)
	}
	if out.Changed = !bytes.Equal(text, old); !out.Changed {
		out.Backup = ""
		return out, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return out, err
	}
	if _, err := os.Stat(out.Backup); errors.Is(err, fs.ErrNotExist) {
		if err := maybe.WriteFile(out.Backup, old, 0o600); err != nil {
			return out, fmt.Errorf("the backup cannot be written: %w", err)
		}
	}
	if !out.Created { // the token is in it from now on
		if err := os.Chmod(path, 0o600); err != nil {
			return out, err
		}
	}
	if err := maybe.WriteFile(path, text, 0o600); err != nil {
		return out, err
	}
	return out, mark(path, out.Backup)
}

// mark gives the backup the time of the file, by which Undo sees that nobody
// has changed the file since.
func mark(path, backup string) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return os.Chtimes(backup, info.ModTime(), info.ModTime())
}

// resolve follows links, so that the file that they lead to is written.
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

// Undone is what Undo did with a file.
type Undone struct {
	Path    string `json:"path"`
	Removed bool   `json:"removed,omitempty"` // there was no such file before
	Kept    string `json:"kept,omitempty"`    // a copy of the file with changes that others made
}

// Undo makes the file what it was before the first Write. Changes that others
// made since are kept beside it.
func (f File) Undo() (Undone, error) {
	path := resolve(f.Path)
	out, backup := Undone{Path: path}, path+backupSuffix
	saved, err := os.Stat(backup)
	if errors.Is(err, fs.ErrNotExist) {
		return out, ErrNothingToUndo
	}
	if err != nil {
		return out, err
	}
	now, err := os.Stat(path)
	if err == nil && !now.ModTime().Equal(saved.ModTime()) {
		text, err := read(path)
		if err != nil {
			return out, err
		}
		out.Kept = path + undoneSuffix
		if err := maybe.WriteFile(out.Kept, text, 0o600); err != nil {
			return out, err
		}
	}
	if saved.Size() == 0 {
		out.Removed = true
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return out, err
		}
		return out, os.Remove(backup)
	}
	return out, os.Rename(backup, path)
}
