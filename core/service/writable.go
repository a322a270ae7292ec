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

// LogDirVariable is the variable that systemd sets for a service with [LogDir]. With it, a check
// of a configuration that is run before the service accepts logs in that directory.
const LogDirVariable = "LOGS_DIRECTORY=" + LogDir

// WillBeInLogDir reports whether a file is in [LogDir], and systemd will create that directory
// for the account of the service when it starts.
func WillBeInLogDir(path string) bool {
	if thisOS != "linux" || filepath.Dir(path) != LogDir {
		return false
	}
	_, err := os.Stat(LogDir)
	return errors.Is(err, fs.ErrNotExist) || "LOGS_DIRECTORY="+os.Getenv("LOGS_DIRECTORY") == LogDirVariable
}

var (
	unitStrict   = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^ProtectSystem=strict$`) })
	unitWritable = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?m)^ReadWritePaths=(.*)$`) })
	unitWords    = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|(\S+)`) })
)

// MayWrite reports whether the sandbox of the installed service lets it write to a path,
// according to its systemd unit and drop-ins.
func (u Unit) MayWrite(path string) bool {
	text, err := installedText()
	return err != nil || !unitStrict().MatchString(text) || isIn(path, append(writablePaths(text), LogDir, u.StateDir, "/run/aitunnel", "/dev", "/proc"))
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
