package hclfile

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
)

// pipedEnv is the environment variable that passes a configuration from a pipe to the
// next process of a restart. It contains the number of the descriptor with the text,
// and the path of the pipe.
const pipedEnv = "AITUNNEL_INTERNAL_PIPED"

// PipedFile returns a file in memory with the text that was read from the pipe at
// path, nil if none was.
func PipedFile(path string) (*os.File, error) {
	if _, read := pipes.Load(path); !read {
		return nil, nil
	}
	text, err := ReadPipe(path)
	if err != nil {
		return nil, err
	}
	return memoryFile(path, text)
}

// PipedVariable returns the environment variable that tells another process which
// descriptor has the text of path.
func PipedVariable(fd int, path string) string { return fmt.Sprintf("%s=%d %s", pipedEnv, fd, path) }

// inherited returns the path and the text of a configuration from the previous process
// of a restart.
var inherited = sync.OnceValues(func() (path string, text []byte) {
	number, path, found := strings.Cut(os.Getenv(pipedEnv), " ")
	_ = os.Unsetenv(pipedEnv)
	fd, err := strconv.Atoi(number)
	if !found || err != nil {
		return "", nil
	}
	file := os.NewFile(uintptr(fd), path)
	defer func() { _ = file.Close() }() // it was only read
	if text, err = io.ReadAll(io.LimitReader(file, MaxText)); err != nil {
		return "", nil
	}
	return path, text
})
