package history

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/aitunnel/aitunnel/core/event"
)

// file is an open history.
type file struct {
	path    string
	info    fs.FileInfo // to recognize another file with the same name
	writing *sql.DB     // one connection
	reading *sql.DB     // several connections, read-only

	statements statements // of the writer
	zone       string     // of the days, as stored in the file
	keys       *[]Key     // as stored in the file; nil: not stored yet
}

// storeZone stores the time zone of the days in the file, for readers while no program
// runs.
func (f *file) storeZone(zone string) error {
	if f.zone == zone {
		return nil
	}
	_, err := f.writing.ExecContext(context.Background(), "INSERT INTO about (name, value) VALUES ('zone', ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value", zone)
	if err == nil {
		f.zone = zone
	}
	return err
}

// openFile opens the file, and creates or migrates it. Only its owner can read it and
// the files that SQLite creates next to it.
func openFile(ctx context.Context, path string, remote bool) (f *file, err error) {
	created, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) //nolint:gosec // the state directory is the user's
	if err != nil {
		return nil, err
	}
	if err := errors.Join(created.Chmod(0o600), created.Close()); err != nil {
		return nil, err
	}
	f = &file{path: path}
	defer func() {
		if err != nil {
			f.close()
		}
	}()
	journal := "wal"
	if remote {
		journal = "truncate" // shared memory does not work there
	}
	// auto_vacuum has no effect unless it is set before the first table is created.
	f.writing, err = connect(path, "rw", 1, "auto_vacuum(incremental)", "journal_mode("+journal+")", "synchronous(normal)", "journal_size_limit(16777216)")
	if err != nil {
		return f, err
	}
	if err := migrate(ctx, f.writing); err != nil {
		return f, err
	}
	if f.reading, err = connect(path, "ro", readers); err != nil {
		return f, err
	}
	f.info, err = os.Stat(path)
	return f, err
}

// readers is how many queries run at the same time.
const readers = 2

// immutable is the mode for a file that nobody can write to, such as one on a
// read-only disk: in any other mode SQLite would create a file next to it.
const immutable = "immutable"

// connect returns a pool of connections in the mode "ro", "rw" or [immutable]. A
// connection waits only briefly for a lock, since the next transaction follows soon.
func connect(path, mode string, most int, pragmas ...string) (*sql.DB, error) {
	q := url.Values{"mode": {mode}, "_pragma": append([]string{"busy_timeout(250)"}, pragmas...), "_txlock": {"immediate"}}
	if mode != "rw" {
		q.Del("_txlock")
	}
	if mode == immutable {
		q.Set("mode", "ro")
		q.Set("immutable", "1")
	}
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	u := url.URL{Scheme: "file", Path: slashed, RawQuery: q.Encode()}
	db, err := sql.Open("sqlite", u.String())
	if err == nil {
		db.SetMaxOpenConns(most)
		db.SetMaxIdleConns(most)
	}
	return db, err
}

func (f *file) close() {
	f.statements.close()
	if f.reading != nil {
		_ = f.reading.Close()
	}
	if f.writing != nil {
		_ = f.writing.Close() // moves the write-ahead log into the file
	}
}

// ready opens the file if it is not open or has been replaced.
func (w *writer) ready() bool {
	ctx := context.Background()
	s := w.store
	f := s.file.Load()
	if f != nil && !f.replaced() {
		return true
	}
	if f != nil {
		w.close()
		w.report(event.LevelWarn, fmt.Sprintf("the history file %s was removed or replaced while it was in use; a new one is created", s.path))
		removeCompanions(s.path)
	}
	kind, remote := s.options.remote(s.options.Dir)
	f, err := openFile(ctx, s.path, remote)
	if err == nil && !w.owed {
		if err = w.recoverSums(f); err != nil {
			f.close()
		}
	}
	if err != nil && isReplaceable(err) {
		if err = w.setAside(err); err == nil {
			f, err = openFile(ctx, s.path, remote)
		}
	}
	if err != nil {
		w.failed(err)
		return false
	}
	if remote {
		w.report(event.LevelWarn, fmt.Sprintf("the history is on a network file system (%s), where SQLite is slow and less safe: set the state directory to a local disk, or turn the history off", kind))
	}
	s.file.Store(f)
	return true
}

func (w *writer) close() {
	if f := w.store.file.Swap(nil); f != nil {
		f.close()
	}
}

// replaced reports whether the path now names another file, or none.
func (f *file) replaced() bool {
	now, err := os.Stat(f.path)
	return err != nil && errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(now, f.info)
}

// removeCompanions removes what SQLite left next to a file that no longer exists.
func removeCompanions(path string) {
	for _, end := range companions {
		_ = os.Remove(path + end)
	}
}

// companions are the suffixes of the files that SQLite creates next to its own.
var companions = []string{"-wal", "-shm", "-journal"}

// setAside renames a file that cannot be used, so that a new one can be created.
func (w *writer) setAside(why error) error {
	s := w.store
	w.close()
	kind := "damaged"
	if newer := (*newerError)(nil); errors.As(why, &newer) {
		kind = "newer"
	}
	to := fmt.Sprintf("%s.%s-%s", s.path, kind, s.options.Now().UTC().Format("20060102T150405"))
	if err := os.Rename(s.path, to); err != nil {
		return fmt.Errorf("%w; it cannot be renamed: %w", why, err)
	}
	for _, end := range companions {
		_ = os.Rename(s.path+end, to+end)
	}
	w.report(event.LevelWarn, fmt.Sprintf("the history file cannot be used: %s; it is kept as %s, and a new one is created", plain(why), to))
	return nil
}
