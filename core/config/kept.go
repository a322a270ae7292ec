package config

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
)

// keptEnv passes a configuration that came from a pipe to the next process of a restart. It
// has the number of the descriptor to read it from, and the path of the pipe.
const keptEnv = "AITUNNEL_INTERNAL_PIPED"

// Kept returns a file in memory with the text that was read from the pipe at path; nil if
// there is none.
func Kept(path string) (*os.File, error) {
	if _, read := pipes.Load(path); !read {
		return nil, nil
	}
	text, err := readPipe(path)
	if err != nil {
		return nil, err
	}
	return memoryFile(path, text)
}

// KeptVariable returns the environment variable that tells another process in which
// descriptor the text of path is.
func KeptVariable(fd int, path string) string { return fmt.Sprintf("%s=%d %s", keptEnv, fd, path) }

// inherited returns the path and the text of a configuration that the process before a
// restart kept.
var inherited = sync.OnceValues(func() (path string, text []byte) {
	number, path, found := strings.Cut(os.Getenv(keptEnv), " ")
	_ = os.Unsetenv(keptEnv)
	fd, err := strconv.Atoi(number)
	if !found || err != nil {
		return "", nil
	}
	file := os.NewFile(uintptr(fd), path)
	defer func() { _ = file.Close() }() // it was only read
	if text, err = io.ReadAll(io.LimitReader(file, maxText)); err != nil {
		return "", nil
	}
	return path, text
})
