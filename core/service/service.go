package service

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/kardianos/service"
)

// InstalledError says that there is a service already.
type InstalledError struct{ Path string }

func (e *InstalledError) Error() string {
	return fmt.Sprintf("the service is already installed (%s)", e.Path)
}

// PackagedError says that the service belongs to a package of the system.
type PackagedError struct{ Path string }

func (e *PackagedError) Error() string {
	return fmt.Sprintf("the service belongs to the package aitunnel (%s): start it with 'systemctl enable --now aitunnel', change it with 'systemctl edit aitunnel', remove it with its package (apt remove aitunnel, dnf remove aitunnel); its configuration is /etc/aitunnel/aitunnel.hcl", e.Path)
}

// State is how the service is.
type State struct {
	State    string `json:"state"` // running, stopped or not installed
	Platform string `json:"platform"`
	System   bool   `json:"system"`
	File     string `json:"file,omitempty"` // of systemd or launchd
	Packaged bool   `json:"packaged"`       // the file belongs to a package
	Outdated bool   `json:"outdated"`       // the file was written by another version
}

// Running reports whether the service runs.
func (s State) Running() bool { return s.State == "running" }

// errNoManager says that the system has no service manager that is known.
var errNoManager = errors.New("no supported service manager was found (systemd, launchd or Windows services); use 'aitunnel start'")

// Supported returns an error if the system's service manager is not supported.
func Supported() error {
	switch service.Platform() {
	case "linux-systemd", "darwin-launchd", "windows-service":
		return nil
	}
	return errNoManager
}

// File returns where the service's file belongs; "" on Windows.
func File(system bool) (string, error) {
	home := ""
	if !system && current != "windows" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", err
		}
	}
	switch {
	case current == "windows":
		return "", nil
	case current == "darwin" && system:
		return filepath.Join("/Library/LaunchDaemons", launchdName+".plist"), nil
	case current == "darwin":
		return filepath.Join(home, "Library/LaunchAgents", launchdName+".plist"), nil
	case system:
		return "/etc/systemd/system/" + name + ".service", nil
	}
	return filepath.Join(home, ".config/systemd/user", name+".service"), nil
}

// packagedUnits are the units that packages bring.
var packagedUnits = []string{"/usr/lib/systemd/system/aitunnel.service", "/lib/systemd/system/aitunnel.service"}

// packaged returns the path of the unit of a package, "" if there is none.
func packaged(system bool) string {
	if current == "linux" && system {
		for _, path := range packagedUnits {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}

// Available returns an error if a service exists already: an [*InstalledError] or
// a [*PackagedError].
func Available(system bool) error {
	file, err := File(system)
	if err != nil {
		return err
	}
	if _, err := os.Stat(file); err == nil && file != "" {
		return &InstalledError{file}
	}
	if path := packaged(system); path != "" {
		return &PackagedError{path}
	}
	return nil
}

// Install installs the service and starts it.
func Install(u Unit) error {
	if err := Available(u.System); err != nil {
		return err
	}
	file, err := File(u.System)
	if err != nil {
		return err
	}
	m, err := manager(u)
	if err != nil {
		return err
	}
	if current == "linux" {
		err = writeUnit(file, u)
	} else {
		err = m.Install()
	}
	if err != nil {
		return fmt.Errorf("the service cannot be installed: %w", err)
	}
	if err := m.Start(); err != nil {
		return startError("the service is installed", err, u.System)
	}
	return nil
}

// Installed is u with the account, the configuration and the state directory that the
// installed service has.
func Installed(u Unit) (Unit, error) {
	file, err := File(u.System)
	if err != nil || current != "linux" {
		return u, err
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if path := packaged(u.System); path != "" {
			return u, &PackagedError{path}
		}
		return u, absentError(u.System)
	}
	if err == nil {
		u.keep(string(text))
	}
	return u, err
}

// OfSystem is the system service as it is installed, by a package or by
// [Install]. There is none to be found but on Linux.
func OfSystem() (u Unit, there bool) {
	path, err := File(true)
	if err != nil || current != "linux" {
		return u, false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		text, err = os.ReadFile(packaged(true))
	}
	if err != nil {
		return u, false
	}
	u = Unit{System: true, StateDir: StateDir, Config: configOf(string(text))}
	u.keep(string(text))
	return u, u.UseAccount(cmp.Or(u.User, "root"), true) == nil
}

// Update replaces the service's file by that of this version, and restarts the
// service.
func Update(u Unit) error {
	m, err := manager(u)
	if err != nil {
		return err
	}
	if current != "linux" {
		_ = m.Stop() // it may not be running
		if err := m.Uninstall(); err != nil {
			return fmt.Errorf("the service cannot be updated: %w", err)
		}
		return Install(u)
	}
	file, err := File(u.System)
	if err != nil {
		return err
	}
	if err := writeUnit(file, u); err != nil {
		return fmt.Errorf("the service cannot be updated: %w", err)
	}
	if err := m.Restart(); err != nil {
		return startError("the service was updated", err, u.System)
	}
	return nil
}

// writeUnit writes a unit of systemd and enables it.
func writeUnit(file string, u Unit) error {
	if err := u.makeStateDir(); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // systemd's own directories are public
		return err
	}
	if err := os.WriteFile(file, []byte(u.systemd()), 0o644); err != nil { //nolint:gosec // so are its units
		return err
	}
	return errors.Join(systemctl(u.System, "daemon-reload"), systemctl(u.System, "enable", name+".service"))
}

func systemctl(system bool, arguments ...string) error {
	if !system {
		arguments = append(arguments, "--user")
	}
	out, err := exec.Command("systemctl", arguments...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("systemctl %s: %w: %s", strings.Join(arguments, " "), err, strings.TrimSpace(string(out)))
	}
	return nil
}

// Uninstall stops the service and removes it.
func Uninstall(system bool) error {
	if err := removable(system); err != nil {
		return err
	}
	m, err := manager(Unit{System: system})
	if err != nil {
		return err
	}
	_ = m.Stop() // it may not be running
	if err := m.Uninstall(); err != nil {
		return fmt.Errorf("the service cannot be removed: %w", err)
	}
	return nil
}

// removable returns an error if there is no service that this user can remove.
func removable(system bool) error {
	installed, packaged := (*InstalledError)(nil), (*PackagedError)(nil)
	switch err := Available(system); {
	case errors.As(err, &packaged):
		return packaged
	case current != "linux":
		return nil
	case errors.As(err, &installed) && system && os.Getuid() != 0:
		return errNeedsRoot
	case err != nil && !errors.As(err, &installed):
		return err
	case err == nil:
		return absentError(system)
	}
	return nil
}

// absentError says that the service is not installed, or that there is one of the whole
// system in place of the user's own.
func absentError(system bool) error {
	packaged := (*PackagedError)(nil)
	switch err := Available(true); {
	case system || err == nil:
		return errNotInstalled
	case errors.As(err, &packaged):
		return packaged
	}
	return errNeedsRoot
}

var (
	errNeedsRoot    = errors.New("the service is one of the whole system: run the command with sudo")
	errNotInstalled = errors.New("the service is not installed: run 'aitunnel service install'")
)

// Status returns how the service is.
func Status(system bool) (State, error) {
	out := State{System: system, Platform: service.Platform(), State: "stopped"}
	m, err := manager(Unit{System: system})
	if err != nil {
		return out, err
	}
	state, err := m.Status()
	switch {
	case errors.Is(err, service.ErrNotInstalled):
		out.State = "not installed"
		return out, nil
	case err != nil:
		return out, fmt.Errorf("the service manager does not answer: %w", err)
	case state == service.StatusRunning && restarts(system):
		out.State = "restarting after a failure"
	case state == service.StatusRunning:
		out.State = "running"
	}
	if out.File, err = File(system); err != nil || out.File == "" {
		return out, err
	}
	if p := (*PackagedError)(nil); errors.As(Available(system), &p) {
		out.File, out.Packaged = p.Path, true
	}
	text, err := os.ReadFile(out.File)
	if err != nil {
		return out, err
	}
	out.Outdated = !strings.Contains(string(text), formatLine)
	return out, nil
}

// LogCommand returns the command that shows the last messages of a service of systemd.
func LogCommand(system bool) string {
	if system {
		return "journalctl -u aitunnel -n 20"
	}
	return "journalctl --user -u aitunnel -n 20"
}

// startError adds to an error where the reason is that a service does not start.
func startError(what string, err error, system bool) error {
	if current == "linux" {
		return fmt.Errorf("%s, but it does not start: %w; see why: %s", what, err, LogCommand(system))
	}
	return fmt.Errorf("%s, but it does not start: %w", what, err)
}

// restarts reports whether systemd is about to start a service again that has failed.
func restarts(system bool) bool {
	arguments := []string{"show", "--property=SubState", "--value", name + ".service"}
	if !system {
		arguments = append(arguments, "--user")
	}
	out, err := exec.Command("systemctl", arguments...).Output() // fails elsewhere
	return err == nil && strings.TrimSpace(string(out)) == "auto-restart"
}

// manager returns the service in the hands of the system's service manager.
func manager(u Unit) (service.Service, error) {
	if err := Supported(); err != nil {
		return nil, err
	}
	label := name
	if current == "darwin" {
		label = launchdName
	}
	text := u.Text(current)
	return service.New(nil, &service.Config{
		Name: label, DisplayName: name, Description: description,
		Executable: u.Executable, Arguments: u.Arguments(current),
		Option: service.KeyValue{
			"UserService": !u.System, "SystemdScript": text, "LaunchdConfig": text,
			"OnFailure": "restart", "OnFailureDelayDuration": "5s",
		},
	})
}
