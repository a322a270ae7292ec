package history

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/aitunnel/aitunnel/core/event"
)

// fault is a reason why the file cannot be used. It is reported once, however often it
// occurs.
type fault string

const (
	faultFull     fault = "the disk is full"
	faultLocked   fault = "another program has locked it"
	faultReadOnly fault = "it cannot be written: check who owns it, and whether the disk is read-only"
	faultDamaged  fault = "it is damaged"
	faultDisk     fault = "it cannot be read or written"
	faultOther    fault = "it cannot be used"
)

// faultOf classifies an error. SQLITE_IOERR_SHMSIZE means that the shared memory file
// could not grow: the disk was full when the history was opened.
func faultOf(err error) fault {
	code, extended := 0, 0
	if e := (*sqlite.Error)(nil); errors.As(err, &e) {
		code, extended = e.Code()&0xff, e.Code()
	}
	switch {
	case code == sqlite3.SQLITE_FULL, extended == sqlite3.SQLITE_IOERR_SHMSIZE, errors.Is(err, syscall.ENOSPC):
		return faultFull
	case code == sqlite3.SQLITE_BUSY, code == sqlite3.SQLITE_LOCKED:
		return faultLocked
	case code == sqlite3.SQLITE_READONLY, code == sqlite3.SQLITE_CANTOPEN, code == sqlite3.SQLITE_PERM, errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		return faultReadOnly
	case code == sqlite3.SQLITE_CORRUPT, code == sqlite3.SQLITE_NOTADB:
		return faultDamaged
	case code == sqlite3.SQLITE_IOERR:
		return faultDisk
	}
	return faultOther
}

// isReplaceable reports whether a new file would work where this one does not.
func isReplaceable(err error) bool {
	newer := (*newerError)(nil)
	return errors.As(err, &newer) || faultOf(err) == faultDamaged
}

// plain returns the text of an error for users.
func plain(err error) string {
	if newer := (*newerError)(nil); errors.As(err, &newer) {
		return newer.Error()
	}
	if f := faultOf(err); f != faultOther {
		return string(f)
	}
	return err.Error()
}

// Fault returns why the history cannot be written now, "" if it can.
func (s *Store) Fault() string {
	if text := s.trouble.Load(); text != nil {
		return *text
	}
	return ""
}

// failed records that the file cannot be written now.
func (w *writer) failed(err error) {
	now := w.store.options.Now()
	w.retryAt = now.Add(retryEvery)
	if isReplaceable(err) && w.store.file.Load() != nil {
		if w.setAside(err) == nil {
			w.retryAt = now
			return
		}
	}
	f := faultOf(err)
	if f == w.fault {
		return
	}
	w.fault = f
	text := string(f)
	if f == faultOther || f == faultDisk {
		text += ": " + err.Error()
	}
	text = fmt.Sprintf("the history cannot be written to %s: %s; requests are not affected, and up to %d records are queued", w.store.path, text, 2*queueSize)
	w.store.trouble.Store(&text)
	w.report(event.LevelWarn, text)
	if f != faultLocked && f != faultFull {
		w.close() // it is reopened for the next attempt
	}
}
