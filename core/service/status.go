package service

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"github.com/kardianos/service"
)

// Info describes the service.
type Info struct {
	State    State  `json:"state"`
	Platform string `json:"platform"`
	System   bool   `json:"system"`
	File     string `json:"file,omitempty"` // of systemd or launchd
	Packaged bool   `json:"packaged"`       // the file belongs to a package
	Outdated bool   `json:"outdated"`       // the file was written by another version
}

// State says whether the service runs.
type State string

// The states of a service.
const (
	Running      State = "running"
	Stopped      State = "stopped"
	NotInstalled State = "not_installed"
	Restarting   State = "restarting" // systemd starts it again after a failure
)

// Text returns the state in words, for people.
func (s State) Text() string {
	switch s {
	case NotInstalled:
		return "not installed"
	case Restarting:
		return "restarting after a failure"
	}
	return string(s)
}

// Manager returns the name of the service manager of this machine.
func (i Info) Manager() string {
	_, name, _ := strings.Cut(i.Platform, "-")
	if name == "service" {
		return "Windows"
	}
	return name
}

// Status returns the state of the service, and its file.
func Status(system bool) (Info, error) {
	out := Info{System: system, Platform: service.Platform(), State: Stopped}
	m, err := manager(Unit{System: system})
	if err != nil {
		return out, err
	}
	state, err := m.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		out.State = NotInstalled
		return out, nil
	case err != nil:
		return out, fmt.Errorf("the service manager does not answer: %w", err)
	case state == service.StatusRunning && isRestarting(system):
		out.State = Restarting
	case state == service.StatusRunning:
		out.State = Running
	}
	if out.File, err = File(system); err != nil || out.File == "" {
		return out, err
	}
	if p := (*PackagedError)(nil); errors.As(CheckNotInstalled(system), &p) {
		out.File, out.Packaged = p.Path, true
	}
	text, err := os.ReadFile(out.File)
	if err != nil {
		return out, err
	}
	out.Outdated = isOutdated(string(text))
	return out, nil
}

// isOutdated reports whether a service file was written by another version.
func isOutdated(text string) bool { return !strings.Contains(text, formatLine) }

// LogCommand returns the command that shows the last messages of a systemd service.
func LogCommand(system bool) string {
	if system {
		return "journalctl -u aitunnel -n 20"
	}
	return "journalctl --user -u aitunnel -n 20"
}

// isRestarting reports whether systemd is about to restart the service after a failure.
func isRestarting(system bool) bool {
	arguments := []string{"show", "--property=SubState", "--value", name + ".service"}
	if !system {
		arguments = append(arguments, "--user")
	}
	out, err := exec.Command("systemctl", arguments...).Output() // fails without systemd
	return err == nil && strings.TrimSpace(string(out)) == "auto-restart"
}
