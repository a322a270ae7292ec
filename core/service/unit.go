package service

import (
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Names of the service: of systemd and Windows, and of launchd, which expects
// one of another kind.
const (
	name        = "aitunnel"
	launchdName = "io.github.aitunnel"
	description = "A proxy for AI APIs that runs at home and serves your VPS"
)

// format is the version of the files below. Files with another are outdated.
const format = "4"

// formatLine is in every file, as a comment.
const formatLine = "aitunnel service file, format " + format

// What a system service uses on Linux unless told otherwise. Its account
// is created if it does not exist.
const (
	Account  = "aitunnel"
	StateDir = "/var/lib/aitunnel"

	runtimeDir = "/run/aitunnel"
)

// ControlSocket is where a system service on Linux takes commands from the
// group of its account.
const ControlSocket = runtimeDir + "/control.sock"

// How long a start and a stop may take before the manager ends the process, and
// how long the process may be silent. A stop may take as long as requests in
// flight are given, and a while for the rest.
const (
	startLimit    = 2 * time.Minute
	stopLimit     = 90 * time.Second
	stopSlack     = 30 * time.Second
	watchdogLimit = time.Minute
)

// Unit is what the service runs.
type Unit struct {
	System     bool // of the whole system, not of one user
	Executable string
	Config     string
	StateDir   string
	User       string        // whose account runs a system service; "": root
	Home       string        // of that account
	Drain      time.Duration // how long requests in flight may take when it stops
}

// Arguments returns those of the program. systemd keeps what a service prints;
// elsewhere the proxy logs to its own file, as in the background.
func (u Unit) Arguments(goos string) []string {
	how := "--detached"
	if goos == "linux" {
		how = "--foreground"
	}
	return []string{"start", how, "--config", u.Config, "--state-dir", u.StateDir}
}

// Text returns the file for the manager of an operating system; for Windows, which
// has none, the command line.
func (u Unit) Text(goos string) string {
	switch goos {
	case "darwin":
		return u.plist()
	case "windows":
		return strings.Join(append([]string{u.Executable}, u.Arguments(goos)...), " ") + "\n"
	}
	return u.systemd()
}

// configDir returns the directory that edits of the configuration write to.
func (u Unit) configDir() string {
	if filepath.Ext(u.Config) == "" {
		return u.Config
	}
	return filepath.Dir(u.Config)
}

// stopTime returns how long the service manager waits for a stop.
func (u Unit) stopTime() time.Duration { return max(stopLimit, u.Drain+stopSlack) }

// current is the operating system that this program runs on.
const current = runtime.GOOS
