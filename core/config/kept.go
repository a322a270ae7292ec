package config

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"sync"
)

// keptEnv hands a configuration that came from a pipe to the next program of a
// restart: the number of a descriptor to read it from, and the path that it came
// from.
const keptEnv = "AITUNNEL_INTERNAL_PIPED"

// Kept returns a file with the text that was read from the pipe at path, by that
// name, and nil where there is none. The text is in memory only.
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

// KeptVariable returns the environment variable by which another program finds the text
// of path in a descriptor.
func KeptVariable(fd int, path string) string { return fmt.Sprintf("%s=%d %s", keptEnv, fd, path) }

// inherited is the path of a configuration that the program before a restart kept,
// and its text.
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
