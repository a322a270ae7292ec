package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Open returns a reader of the history in a state directory, whether or not a program
// is using it. zone is the time zone of days if the file does not contain one. closeIt
// ends the reader.
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
	version, err := schemaVersion(context.Background(), db)
	if err != nil && faultOf(err) == faultReadOnly && !isFile(path+"-wal") {
		_ = db.Close()
		if db, err = connect(path, immutable, 1); err != nil {
			return nil, nil, err
		}
		version, err = schemaVersion(context.Background(), db)
	}
	switch {
	case err != nil:
	case version == 0:
		err = ErrNoHistory
	case version > len(migrations()):
		err = &newerError{version}
	case version < len(migrations()):
		err = update(path)
	}
	if err != nil {
		_ = db.Close()
		if !errors.Is(err, ErrNoHistory) {
			err = &UnreadableError{path, plain(err)}
		}
		return nil, nil, err
	}
	return &Reader{db: db, zone: keptZone(db, zone)}, func() { _ = db.Close() }, nil
}

func keptZone(db *sql.DB, or *time.Location) *time.Location {
	name := ""
	if err := db.QueryRowContext(context.Background(), "SELECT value FROM about WHERE name = 'zone'").Scan(&name); err != nil || name == "" {
		return or
	}
	if zone, err := time.LoadLocation(name); err == nil {
		return zone
	}
	return or
}

// Zone returns the time zone of days.
func (r *Reader) Zone() *time.Location { return r.zone }

func isFile(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// update migrates a file of an older version.
func update(path string) error {
	db, err := connect(path, "rw", 1)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if err := migrate(context.Background(), db); err != nil {
		return fmt.Errorf("an older version of aitunnel wrote it, and it cannot be updated: %s", plain(err))
	}
	return nil
}

// UnreadableError says that the file cannot be read.
type UnreadableError struct{ Path, Why string }

func (e *UnreadableError) Error() string {
	return "the history file " + e.Path + " cannot be read: " + e.Why
}
