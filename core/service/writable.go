package service

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
)

// LogDir is where a system service on Linux may write a log. systemd creates it when the
// service starts.
const LogDir = "/var/log/aitunnel"

// IsInMissingLogDir reports whether a file is in [LogDir] and that does not exist yet.
func IsInMissingLogDir(path string) bool {
	_, err := os.Stat(LogDir)
	return thisOS == "linux" && filepath.Dir(path) == LogDir && errors.Is(err, fs.ErrNotExist)
}

var (
	unitStrict   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^ProtectSystem=strict$`) })
	unitWritable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^ReadWritePaths=(.*)$`) })
	unitWords    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|(\S+)`) })
)

// MayWrite reports whether the sandbox of the installed service lets it write to a path,
// according to its systemd unit and drop-ins.
func (u Unit) MayWrite(path string) bool {
	file, err := File(true)
	if err != nil {
		return true
	}
	content, err := os.ReadFile(file)
	if err != nil {
		content, err = os.ReadFile(packaged(true))
	}
	if err != nil {
		return true
	}
	parts, _ := filepath.Glob(file + ".d/*.conf") // the pattern is always valid
	for _, part := range parts {
		more, _ := os.ReadFile(part) // it may not be readable
		content = append(append(content, '\n'), more...)
	}
	text := string(content)
	return !unitStrict().MatchString(text) || isIn(path, append(writablePaths(text), LogDir, u.StateDir, "/run/aitunnel", "/dev", "/proc"))
}

func writablePaths(text string) (paths []string) {
	for _, line := range unitWritable().FindAllStringSubmatch(text, -1) {
		for _, word := range unitWords().FindAllStringSubmatch(line[1], -1) {
			paths = append(paths, strings.TrimLeft(unquoted.Replace(word[1]+word[2]), "-+"))
		}
	}
	return paths
}

func isIn(path string, dirs []string) bool {
	for _, dir := range dirs {
		if dir != "" && strings.HasPrefix(filepath.Clean(path)+"/", filepath.Clean(dir)+"/") {
			return true
		}
	}
	return false
}
