package history

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Open returns a reader of the history in a state directory that no program is
// using, or may be using. close ends it.
func Open(dir string, zone *time.Location) (r *Reader, closeIt func(), err error) {
	path := filepath.Join(dir, FileName)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, ErrNoHistory
	} else if err != nil {
		return nil, nil, err
	}
	db, err := connect(path, "ro", 1)
	if err != nil {
		return nil, nil, err
	}
	var version int
	if err := db.QueryRow("PRAGMA user_version").Scan(&version); err != nil {
		_ = db.Close()
		return nil, nil, &UnreadableError{path, plain(err)}
	}
	if version > len(migrations) {
		_ = db.Close()
		return nil, nil, &UnreadableError{path, plain(&newerError{version})}
	}
	if version == 0 {
		_ = db.Close()
		return nil, nil, ErrNoHistory
	}
	return &Reader{db, zone}, func() { _ = db.Close() }, nil
}

// UnreadableError says that the file cannot be read.
type UnreadableError struct{ Path, Why string }

func (e *UnreadableError) Error() string {
	return "the history file " + e.Path + " cannot be read: " + e.Why
}
