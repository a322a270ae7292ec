package command

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/service"
)

// sharedVariables are the variables of the shell that a command keeps when it runs as
// the service. They affect its output.
var sharedVariables = []string{"PATH", "TERM", "LANG", "LC_ALL", "NO_COLOR", "CLICOLOR_FORCE", "COLUMNS", "TZ"}

// downloadVariables are the variables that it also keeps if it downloads plugins.
var downloadVariables = []string{"GITHUB_TOKEN", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"}

// AsServiceAccount makes a command that reads the configuration of the system service
// run with the account of the service, so that it reads and writes the service's
// files, such as its keys and known hosts. Only root and that account may do so. run
// is the command itself.
func (a *Env) AsServiceAccount(run func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		name := a.Config
		if c.Name() == "validate" && len(args) == 1 {
			name = args[0]
		}
		u, isService := a.ServiceConfigured(name)
		root := os.Getuid() == 0
		switch {
		case !isService:
			a.warnOfServiceConfiguration(name, u)
			return run(c, args)
		case !root && !u.IsCurrentUser():
			return fmt.Errorf("there is no configuration of yours; that of the system service is %s: run the command with sudo, or name another with --config%s", u.Config, instead[c.Name()])
		case root && u.User != "":
			return a.rerunAsService(c, u, name)
		}
		a.useServicePaths(u)
		return run(c, args)
	}
}

// warnOfServiceConfiguration warns that the command reads a file of the current or home
// directory although it could act for a service: that may be the file from which the
// configuration of the service was copied.
func (a *Env) warnOfServiceConfiguration(name string, u service.Unit) {
	if name != "" || os.Getenv("AITUNNEL_CONFIG") != "" || a.StateDirGiven || u.Config == "" || !MayActFor(u) {
		return
	}
	if found, err := config.Find(""); err == nil {
		a.Warn("this command reads %s, not %[2]s, which the system service uses: to act for the service, add --config %[2]s", found, u.Config)
	}
}

// instead says what members of the service's group can do without sudo, by command.
var instead = map[string]string{
	"validate": ". 'aitunnel reload --dry-run' has the running service check it",
}

// useServicePaths selects the files of the service, with whose account this process
// runs.
func (a *Env) useServicePaths(u service.Unit) {
	a.Config, a.StateDir = u.Config, u.StateDir
	if u.IsCurrentUser() { // the shell's may be that of another account
		_ = os.Setenv("HOME", u.Home)
		xdg.Reload()
	}
}

// rerunAsService runs the command again with the account, the configuration and the
// state directory of a service. name is the configuration among the arguments, "" if
// there is none.
func (a *Env) rerunAsService(c *cobra.Command, u service.Unit, name string) error {
	again := exec.CommandContext(c.Context(), Program)
	for _, arg := range a.Args {
		if arg == name {
			arg = u.Config
		}
		again.Args = append(again.Args, absolute(arg))
	}
	again.Args = append(again.Args, "--config", u.Config, "--state-dir", u.StateDir)
	shared := sharedVariables
	if c.Parent().Name() == "plugin" {
		shared = slices.Concat(shared, downloadVariables)
	}
	for _, name := range shared {
		if v, ok := os.LookupEnv(name); ok {
			again.Env = append(again.Env, name+"="+v)
		}
	}
	again.Stdin, again.Stdout, again.Stderr = a.In, a.Out, a.Err
	err := u.AsAccount(again)
	if err == nil {
		err = again.Run()
	}
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return ExitError(max(exit.ExitCode(), ExitFailed))
	}
	return err
}

// WithStateFiles makes a command that reads what the program leaves in its files use
// those of the system service, for root and the service's account, unless the user's
// own program is running. It reads them with the service's account, so that root
// leaves no files there. run is the command for the state directory of this user.
func (a *Env) WithStateFiles(c *cobra.Command, run func() error) error {
	u, isService := a.serviceWithState()
	if isService && u.User != "" && os.Getuid() == 0 {
		return a.rerunAsService(c, u, "")
	}
	if isService {
		a.useServicePaths(u)
	}
	return run()
}

// UseServiceState selects the state directory of the service, if that is the one to
// use.
func (a *Env) UseServiceState() {
	if u, isService := a.serviceWithState(); isService {
		a.StateDir = u.StateDir
	}
}

// serviceWithState returns the system service, if its files are the ones to use.
func (a *Env) serviceWithState() (service.Unit, bool) {
	if a.StateDirGiven || statefile.HolderOf(a.StateDir) != nil {
		return service.Unit{}, false
	}
	u, installed := service.InstalledSystem()
	return u, installed && u.Config != "" && u.StateDir != a.StateDir && MayActFor(u)
}

// MayActFor reports whether this process may act with the account of a service.
func MayActFor(u service.Unit) bool { return os.Getuid() == 0 || u.IsCurrentUser() }

// absolute returns an argument for a command that runs in another directory: the
// absolute path if it is an existing file, as plugin commands take it.
func absolute(arg string) string {
	if !strings.ContainsRune(arg, filepath.Separator) || filepath.IsAbs(arg) {
		return arg
	}
	if _, err := os.Stat(arg); err != nil {
		return arg
	}
	if path, err := filepath.Abs(arg); err == nil {
		return path
	}
	return arg
}

// ServiceConfigured returns the system service if the command is to read its
// configuration: name is that configuration, or "" and no other is found.
func (a *Env) ServiceConfigured(name string) (service.Unit, bool) {
	u, installed := service.InstalledSystem()
	if a.StateDirGiven || !installed || u.Config == "" || name != "" && !MayActFor(u) {
		return u, false
	}
	found, err := config.Find(name)
	return u, err != nil && name == "" || err == nil && IsServiceConfig(found, u)
}

// IsServiceConfig reports whether a path is that of the configuration of a service.
func IsServiceConfig(path string, u service.Unit) bool {
	is, err := os.Stat(path)
	own, missing := os.Stat(u.Config)
	return err == nil && missing == nil && os.SameFile(is, own)
}
