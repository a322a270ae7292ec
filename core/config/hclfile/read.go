package hclfile

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// The maximum sizes of files.
const (
	MaxText  = 16 << 20 // of a configuration, all its files together
	MaxValue = 64 << 10 // of the files of file() and env_file, which are for keys, not for data
)

// pipeTime is the time limit for reading a configuration from a pipe.
const pipeTime = 10 * time.Second

// readTime is the time limit for reading a file: some files in /proc look regular, but block.
const readTime = time.Second

// ReadRegular reads a regular file of at most limit bytes. It refuses pipes, which would wait
// for another process, and devices, which may have no end.
func ReadRegular(path string, limit int64) ([]byte, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is not a regular file", path)
	}
	_ = f.SetReadDeadline(time.Now().Add(readTime)) // fails for an ordinary file, which needs no deadline
	content, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(content)) > limit {
		return nil, &tooLargeError{path, limit}
	}
	return content, err
}

type tooLargeError struct {
	path  string
	limit int64
}

func (e *tooLargeError) Error() string {
	return fmt.Sprintf("%s is larger than %s", e.path, wording.Size(e.limit))
}

// Read reads a file of a configuration, or a pipe.
func Read(path string) ([]byte, error) {
	if IsPipe(path) {
		return ReadPipe(path)
	}
	return ReadRegular(path, MaxText)
}

// stdin is the name for standard input.
const stdin = "-"

// IsPipe reports whether a configuration comes from a pipe, a terminal or anything else that can be read only once.
// Such a configuration is kept in memory, and not watched.
func IsPipe(path string) bool {
	if _, read := pipes.Load(path); read || path == stdin || IsOfProcess(path) {
		return true
	}
	if kept, _ := inherited(); path == kept && path != "" {
		return true
	}
	info, err := os.Stat(path)
	return err == nil && !info.Mode().IsRegular() && !info.IsDir()
}

// IsOfProcess reports whether a path names a descriptor of this process. In another process, the
// path names something else.
func IsOfProcess(path string) bool {
	return path == "/dev/stdin" || path == "/dev/stdout" || path == "/dev/stderr" || strings.HasPrefix(path, "/dev/fd/") || strings.HasPrefix(path, "/proc/self/fd/")
}

// pipes has the texts that were read from pipes.
var pipes sync.Map // path: func() ([]byte, error)

// ReadPipe reads a pipe once. Later calls return the same text.
func ReadPipe(path string) ([]byte, error) {
	once, _ := pipes.LoadOrStore(path, sync.OnceValues(func() ([]byte, error) {
		if kept, text := inherited(); kept == path {
			return text, nil
		}
		return drainPipe(path)
	}))
	return once.(func() ([]byte, error))()
}

func drainPipe(path string) ([]byte, error) {
	type result struct {
		text []byte
		err  error
	}
	done := make(chan result, 1)
	go func() { // may never end, since nothing can stop the opening of a pipe
		text, err := readAll(path)
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-time.After(pipeTime):
		return nil, fmt.Errorf("nothing could be read from %s within %s", path, pipeTime)
	}
}

func readAll(path string) (text []byte, err error) {
	from := os.Stdin
	if path != stdin {
		if from, err = os.Open(path); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, from.Close()) }()
	}
	text, err = io.ReadAll(io.LimitReader(from, MaxText+1))
	if err == nil && len(text) > MaxText {
		err = &tooLargeError{path, MaxText}
	}
	return text, err
}
