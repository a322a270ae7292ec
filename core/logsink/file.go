package logsink

import (
	"io"
	"os"
	"sync/atomic"
	"syscall"

	"github.com/DeRuina/timberjack"
)

// How much space a rotated log may use.
const (
	rotateSize = 10 // MB, before the next file is started
	rotateKeep = 5  // earlier files, compressed
)

// file is a log file. When another program moves it away, as logrotate does, a new one is
// created in its place.
type file struct {
	path     string
	rotate   bool
	out      io.WriteCloser
	info     os.FileInfo // of the file that out writes to
	onReopen func()      // called after it was reopened; may be nil
	onFail   func(error) // called when it cannot be reopened, once until it is; may be nil

	fault atomic.Pointer[error] // why the last attempt to reopen it failed; nil if it did not
}

// openFile opens a log file for appending. Only regular files are rotated.
func openFile(path string, rotate bool) (*file, error) {
	f := &file{path: path, rotate: rotate}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// open opens the file. A named pipe without a reader is an error, since waiting for a
// reader would block.
func (f *file) open() error {
	out, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	info, err := out.Stat()
	if err != nil {
		_ = out.Close()
		return err
	}
	f.out, f.info = out, info
	if f.rotate && f.info.Mode().IsRegular() {
		_ = out.Close() // it was opened only to create and to check it
		f.out = &timberjack.Logger{Filename: f.path, MaxSize: rotateSize, MaxBackups: rotateKeep, FileMode: 0o600, Compression: "gzip", LocalTime: true}
	}
	return nil
}

// Write appends p.
func (f *file) Write(p []byte) (int, error) { return f.out.Write(p) }

// reopenMoved reopens the file if its path has another file, or none. If that fails, the
// old file stays in use until the next attempt.
func (f *file) reopenMoved() {
	now, err := os.Stat(f.path)
	if err == nil && os.SameFile(now, f.info) {
		f.fault.Store(nil) // it may have been moved back
		return
	}
	old := f.out
	err = f.open()
	if err == nil {
		_ = old.Close()
		f.fault.Store(nil)
		if f.onReopen != nil {
			f.onReopen() // so that the new file is not empty while nothing else is logged
		}
		return
	}
	if f.onFail != nil && f.fault.Load() == nil {
		f.onFail(err)
	}
	f.fault.Store(&err)
}
