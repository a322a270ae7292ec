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

// InstalledError says that the service is already installed.
type InstalledError struct{ Path string }

func (e *InstalledError) Error() string {
	return fmt.Sprintf("the service is already installed (%s)", e.Path)
}

// PackagedError says that the service belongs to a Debian or RPM package.
type PackagedError struct{ Path string }

func (e *PackagedError) Error() string {
	return fmt.Sprintf("the service belongs to the package aitunnel (%s): start it with 'systemctl enable --now aitunnel', change it with 'systemctl edit aitunnel', remove it with its package (apt remove aitunnel, dnf remove aitunnel); its configuration is /etc/aitunnel/aitunnel.hcl", e.Path)
}

// errNoManager says that the system has no supported service manager.
var errNoManager = errors.New("no supported service manager was found (systemd, launchd or Windows services); use 'aitunnel start'")

// CheckSupported returns an error if the system's service manager is not supported.
func CheckSupported() error {
	switch service.Platform() {
	case "linux-systemd", "darwin-launchd", "windows-service":
		return nil
	}
	return errNoManager
}

// File returns the path of the service's file; "" on Windows.
func File(system bool) (string, error) {
	home := ""
	if !system && thisOS != "windows" {
		var err error
		if home, err = os.UserHomeDir(); err != nil {
			return "", err
		}
	}
	switch {
	case thisOS == "windows":
		return "", nil
	case thisOS == "darwin" && system:
		return filepath.Join("/Library/LaunchDaemons", launchdName+".plist"), nil
	case thisOS == "darwin":
		return filepath.Join(home, "Library/LaunchAgents", launchdName+".plist"), nil
	case system:
		return "/etc/systemd/system/" + name + ".service", nil
	}
	return filepath.Join(home, ".config/systemd/user", name+".service"), nil
}

// packagedUnits are the paths of units installed by packages.
var packagedUnits = []string{"/usr/lib/systemd/system/aitunnel.service", "/lib/systemd/system/aitunnel.service"}

// packaged returns the path of the unit that a package installed, "" if there is none.
func packaged(system bool) string {
	if thisOS == "linux" && system {
		for _, path := range packagedUnits {
			if _, err := os.Stat(path); err == nil {
				return path
			}
		}
	}
	return ""
}

// CheckNotInstalled returns an error if the service is already installed: an
// [*InstalledError] or a [*PackagedError].
func CheckNotInstalled(system bool) error {
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
	if err := CheckNotInstalled(u.System); err != nil {
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
	if thisOS == "linux" {
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

// WithInstalled returns u with the account, the configuration and the state directory of
// the installed service.
func WithInstalled(u Unit) (Unit, error) {
	file, err := File(u.System)
	if err != nil || thisOS != "linux" {
		return u, err
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		if path := packaged(u.System); path != "" {
			return u, &PackagedError{path}
		}
		return u, notInstalledError(u.System)
	}
	if err == nil {
		u.readUnit(withDropIns(file, string(text)))
	}
	return u, err
}

// installedText returns the unit of the installed system service with its drop-ins.
func installedText() (string, error) {
	file, err := File(true)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(file)
	if err != nil {
		text, err = os.ReadFile(packaged(true))
	}
	return withDropIns(file, string(text)), err
}

// withDropIns returns the text of a unit with what 'systemctl edit' added to it.
func withDropIns(file, text string) string {
	parts, _ := filepath.Glob(file + ".d/*.conf") // the pattern is always valid
	for _, part := range parts {
		more, _ := os.ReadFile(part) // it may not be readable
		text += "\n" + string(more)
	}
	return text
}

// InstalledSystem returns the system service that a package or [Install] has installed.
// It finds one on Linux only.
func InstalledSystem() (u Unit, found bool) {
	if thisOS != "linux" {
		return u, false
	}
	text, err := installedText()
	if err != nil {
		return u, false
	}
	u = Unit{System: true, StateDir: StateDir}
	u.readUnit(text)
	err = u.UseAccount(cmp.Or(u.User, "root"), true)
	u.Home = cmp.Or(homeOf(text), u.Home)
	return u, err == nil
}

// Update rewrites the service's file in the current format, and restarts the service.
func Update(u Unit) error {
	m, err := manager(u)
	if err != nil {
		return err
	}
	if thisOS != "linux" {
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

// writeUnit writes a systemd unit and enables it.
func writeUnit(file string, u Unit) error {
	if err := u.makeStateDir(); err != nil {
		return err
	}
	if err := writeReadable(file, u.systemd()); err != nil {
		return err
	}
	return errors.Join(systemctl(u.System, "daemon-reload"), systemctl(u.System, "enable", name+".service"))
}

// writeReadable writes a file that all accounts can read, whatever the umask: the commands
// of the service's account and of its group find the service by its unit.
func writeReadable(file, text string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil { //nolint:gosec // directories of units are readable by all
		return err
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil { //nolint:gosec // and so are units
		return err
	}
	return os.Chmod(file, 0o644) //nolint:gosec // as above
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
	if err := checkRemovable(system); err != nil {
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

// checkRemovable returns an error if there is no service that this user can remove.
func checkRemovable(system bool) error {
	installed, packaged := (*InstalledError)(nil), (*PackagedError)(nil)
	switch err := CheckNotInstalled(system); {
	case errors.As(err, &packaged):
		return packaged
	case thisOS != "linux":
		return nil
	case errors.As(err, &installed) && system && os.Getuid() != 0:
		return errNeedsRoot
	case err != nil && !errors.As(err, &installed):
		return err
	case err == nil:
		return notInstalledError(system)
	}
	return nil
}

// notInstalledError says that the service is not installed, or that there is a system
// service instead of the user's own.
func notInstalledError(system bool) error {
	packaged := (*PackagedError)(nil)
	switch err := CheckNotInstalled(true); {
	case system || err == nil:
		return errNotInstalled
	case errors.As(err, &packaged):
		return packaged
	}
	return errNeedsRoot
}

var (
	errNeedsRoot    = errors.New("this is a system service: run the command with sudo")
	errNotInstalled = errors.New("the service is not installed; 'aitunnel service install' installs it")
)

// startError adds to an error the command that shows why the service does not start.
func startError(what string, err error, system bool) error {
	if thisOS == "linux" {
		return fmt.Errorf("%s, but it does not start: %w; see why: %s", what, err, LogCommand(system))
	}
	return fmt.Errorf("%s, but it does not start: %w", what, err)
}

// manager returns the service for use with the system's service manager.
func manager(u Unit) (service.Service, error) {
	if err := CheckSupported(); err != nil {
		return nil, err
	}
	label := name
	if thisOS == "darwin" {
		label = launchdName
	}
	text := u.Text(thisOS)
	return service.New(nil, &service.Config{
		Name: label, DisplayName: name, Description: description,
		Executable: u.Executable, Arguments: u.Arguments(thisOS),
		Option: service.KeyValue{
			"UserService": !u.System, "SystemdScript": text, "LaunchdConfig": text,
			"OnFailure": "restart", "OnFailureDelayDuration": "5s",
		},
	})
}
