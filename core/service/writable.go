package service

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// LogDir is where a system service on Linux may write a log. systemd makes it
// when the service starts.
const LogDir = "/var/log/aitunnel"

// IsInNewLogDir reports whether a file is in [LogDir], which does not exist yet.
func IsInNewLogDir(path string) bool {
	_, err := os.Stat(LogDir)
	return current == "linux" && filepath.Dir(path) == LogDir && errors.Is(err, fs.ErrNotExist)
}

var (
	unitStrict   = regexp.MustCompile(`(?m)^ProtectSystem=strict$`)
	unitWritable = regexp.MustCompile(`(?m)^ReadWritePaths=(.*)$`)
	unitWords    = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|(\S+)`)
)

// MayWrite reports whether the rules of an installed service let it write to a path, as
// far as its files of systemd say.
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
	parts, _ := filepath.Glob(file + ".d/*.conf") // the pattern is valid
	for _, part := range parts {
		more, _ := os.ReadFile(part) // it may not be readable
		content = append(append(content, '\n'), more...)
	}
	text := string(content)
	return !unitStrict.MatchString(text) || isIn(path, append(writablePaths(text), LogDir, u.StateDir, "/run/aitunnel", "/dev", "/proc"))
}

func writablePaths(text string) (paths []string) {
	for _, line := range unitWritable.FindAllStringSubmatch(text, -1) {
		for _, word := range unitWords.FindAllStringSubmatch(line[1], -1) {
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
