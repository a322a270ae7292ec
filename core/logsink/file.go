package logsink

import (
	"io"
	"os"
	"syscall"

	"github.com/DeRuina/timberjack"
)

// What a rotated log takes on disk.
const (
	rotateSize = 10 // MB, until the next file is begun
	rotateKeep = 5  // earlier files, compressed
)

// file is a log file. When another program moves it away, as logrotate does, a
// new one is made in its place.
type file struct {
	path   string
	rotate bool
	out    io.WriteCloser
	is     os.FileInfo // the file that out writes to
	opened func()      // called when it was opened again; nil: nothing
}

// openFile opens a log file for appending. Only regular files are rotated.
func openFile(path string, rotate bool) (*file, error) {
	f := &file{path: path, rotate: rotate}
	if err := f.open(); err != nil {
		return nil, err
	}
	return f, nil
}

// open opens the file. A named pipe without a reader is an error: to wait for
// one would block.
func (f *file) open() error {
	out, err := os.OpenFile(f.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return err
	}
	if f.is, err = out.Stat(); err != nil {
		_ = out.Close()
		return err
	}
	f.out = out
	if f.rotate && f.is.Mode().IsRegular() {
		_ = out.Close() // it exists now, and can be written
		f.out = &timberjack.Logger{Filename: f.path, MaxSize: rotateSize, MaxBackups: rotateKeep, FileMode: 0o600, Compression: "gzip", LocalTime: true}
	}
	return nil
}

// Write appends p.
func (f *file) Write(p []byte) (int, error) { return f.out.Write(p) }

// reopenMoved opens the file again if there is another at its path, or none.
// If that fails, the old one is written to until the next try.
func (f *file) reopenMoved() {
	now, err := os.Stat(f.path)
	if err == nil && os.SameFile(now, f.is) {
		return
	}
	old := f.out
	if f.open() == nil {
		_ = old.Close()
		if f.opened != nil {
			f.opened() // so that the new file does not look dead while nothing is logged
		}
	}
}
