package statefile

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"github.com/google/renameio/v2/maybe"
)

// File is a JSON document of a known version.
type File struct {
	Path    string
	Version int    // the newest version that this program reads, and the one that it writes
	What    string // what it contains, for messages, such as "the state"

	last [sha256.Size]byte // the hash of what Save wrote last
}

// DamagedError says that a file could not be parsed. It was renamed.
type DamagedError struct {
	What, Kept string
	Err        error
}

func (e *DamagedError) Error() string {
	return fmt.Sprintf("%s of the last run is damaged (%v) and starts empty; the file is kept as %s", e.What, e.Err, e.Kept)
}

// Unwrap returns the cause.
func (e *DamagedError) Unwrap() error { return e.Err }

// NewerError says that a newer version of the program wrote a file. It was
// renamed, so that the newer version can use it again.
type NewerError struct {
	What, Kept    string
	Version, Read int
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%s was written by a newer aitunnel (format %d, this one reads up to %d) and starts empty; the file is kept as %s: rename it back before you return to the newer version", e.What, e.Version, e.Read, e.Kept)
}

// Load reads the file into out, which stays as it is if there is no file. A file
// that cannot be used is renamed and reported as [*DamagedError] or
// [*NewerError].
func (f *File) Load(out any) error {
	content, err := os.ReadFile(f.Path)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s of the last run cannot be read and starts empty: %w", f.What, err)
	}
	var header struct {
		Version int `json:"version"`
	}
	err = json.Unmarshal(content, &header)
	switch {
	case err == nil && header.Version > f.Version:
		return &NewerError{What: f.What, Version: header.Version, Read: f.Version, Kept: rename(f.Path, fmt.Sprintf("newer-v%d", header.Version))}
	case err == nil && header.Version < 1:
		err = errors.New("it has no version")
	case err == nil:
		err = json.Unmarshal(content, out)
	}
	if err == nil {
		return nil
	}
	return f.Damaged(err)
}

// Damaged renames a file whose content turned out to be unusable.
func (f *File) Damaged(err error) error {
	return &DamagedError{What: f.What, Err: err, Kept: rename(f.Path, "damaged")}
}

// rename moves a file out of the way. It returns the new path, or the old one with the
// reason.
func rename(path, why string) string {
	kept := fmt.Sprintf("%s.%s-%s", path, why, time.Now().Format("20060102-150405"))
	if err := os.Rename(path, kept); err != nil {
		return fmt.Sprintf("%s, as it cannot be renamed: %v", path, err)
	}
	return kept
}

// Save writes the file atomically. It writes nothing if compared, the content without
// what always changes, is the same as the last time.
func (f *File) Save(content, compared any) error {
	same, err := json.Marshal(compared)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(same)
	if sum == f.last {
		return nil
	}
	b, err := json.Marshal(content)
	if err != nil {
		return err
	}
	if err := maybe.WriteFile(f.Path, b, 0o600); err != nil {
		if temporary := (*fs.PathError)(nil); errors.As(err, &temporary) {
			err = fmt.Errorf("%s: %w", f.Path, temporary.Err) // the name of the temporary file would not help
		}
		return err
	}
	f.last = sum
	return nil
}
