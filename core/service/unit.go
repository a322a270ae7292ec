package service

import (
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Names of the service: for systemd and Windows, and for launchd, which expects a
// reversed domain name.
const (
	name        = "aitunnel"
	launchdName = "io.github.aitunnel"
	description = "A proxy for AI APIs that runs at home and serves your VPS"
)

// format is the version of the service files. Files with another one are outdated.
const format = "4"

// formatLine is in every file, as a comment.
const formatLine = "aitunnel service file, format " + format

// The defaults of a system service on Linux. Its account is created if it does not
// exist.
const (
	Account  = "aitunnel"
	StateDir = "/var/lib/aitunnel"

	runtimeDir = "/run/aitunnel"
)

// ControlSocket is the path at which a system service on Linux accepts commands from the
// group of its account.
const ControlSocket = runtimeDir + "/control.sock"

// How long a start and a stop may take before the service manager kills the process, and
// how long the process may send no watchdog notification. A stop may take the time for
// requests in flight plus stopSlack.
const (
	startLimit    = 2 * time.Minute
	stopLimit     = 90 * time.Second
	stopSlack     = 30 * time.Second
	watchdogLimit = time.Minute
)

// Unit describes what the service runs.
type Unit struct {
	System     bool // a system service, not that of one user
	Executable string
	Config     string
	StateDir   string
	User       string        // the account of a system service; "": root
	Home       string        // of that account
	Drain      time.Duration // how long requests in flight may take when it stops
}

// Arguments returns the arguments of the program. systemd stores what a service prints;
// elsewhere the proxy logs to its own file, as it does in the background.
func (u Unit) Arguments(goos string) []string {
	mode := "--detached"
	if goos == "linux" {
		mode = "--foreground"
	}
	return []string{"start", mode, "--config", u.Config, "--state-dir", u.StateDir}
}

// Text returns the service file for an operating system; for Windows, which has none,
// the command line.
func (u Unit) Text(goos string) string {
	switch goos {
	case "darwin":
		return u.plist()
	case "windows":
		return strings.Join(append([]string{u.Executable}, u.Arguments(goos)...), " ") + "\n"
	}
	return u.systemd()
}

// configDir returns the directory in which edits write the configuration.
func (u Unit) configDir() string {
	if filepath.Ext(u.Config) == "" {
		return u.Config
	}
	return filepath.Dir(u.Config)
}

// stopTime returns how long the service manager waits for a stop.
func (u Unit) stopTime() time.Duration { return max(stopLimit, u.Drain+stopSlack) }

// thisOS is the operating system of this machine.
const thisOS = runtime.GOOS
