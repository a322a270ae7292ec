package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/service"
)

func (a *app) serviceCommand() *cobra.Command {
	system := false
	c := &cobra.Command{
		Use:   "service",
		Short: "Run the proxy as a service of the system",
		Args:  command.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().BoolVar(&system, "system", false, "a service of the whole system (needs root; the default for root) instead of one of your user")
	c.PersistentPreRunE = func(c *cobra.Command, args []string) error {
		if !c.Flags().Changed("system") {
			system = os.Getuid() == 0
		}
		return c.Root().PersistentPreRunE(c, args)
	}
	c.AddCommand(a.serviceInstall(&system), a.serviceUninstall(&system), a.serviceStatus(&system))
	return c
}

func (a *app) serviceInstall(system *bool) *cobra.Command {
	var f installFlags
	c := &cobra.Command{
		Use:   "install",
		Short: "Install the service and start it",
		Long: `Install a service that starts the proxy with the system and keeps it running, and
start it: a systemd unit, a launchd agent, or a Windows service. It runs this
executable with the configuration that is found now, or that --config names.

A service does not see the variables of your shell. Put those that the
configuration reads with env() into a file, and name it with env_file. The
configuration is checked without them before anything is installed.

For root it is a service of the whole system. With systemd it runs under an account
of its own, aitunnel, which is created if it does not exist; --user names another
one. It can write only to its configuration and its state, which is in
/var/lib/aitunnel. Members of the group aitunnel may use the commands.

A systemd unit of your user runs only while you are logged in. To keep it running
when you log out, run 'loginctl enable-linger' once.

--update replaces the file of an installed service and restarts the service. Use it
after moving the executable or the configuration, after changing drain, or when
'aitunnel service status' says that the service file is outdated. The account, the
configuration and the state directory stay as they are, unless --user, -c or
--state-dir is given.`,
		Example: "  aitunnel service install\n  aitunnel service install -c ~/ai/aitunnel.hcl\n  sudo aitunnel service install -c /etc/aitunnel/aitunnel.hcl\n  sudo aitunnel service install -c ~/aitunnel.hcl --user \"$USER\"\n  aitunnel service install --update\n  aitunnel service install --print",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(a.Vars) > 0 {
				return command.WrongUsage(c, errors.New("--var cannot be used here: the service file can be read by others. Put the values into a file and use env_file and env(), or file()"))
			}
			return a.install(c, *system, f)
		},
	}
	c.Flags().BoolVar(&f.printOnly, "print", false, "print the service file and install nothing")
	c.Flags().BoolVar(&f.update, "update", false, "replace the file of an installed service and restart it")
	c.Flags().StringVar(&f.user, "user", "", "the `name` of the account that a system service runs under (default with systemd: aitunnel)")
	return c
}

// installFlags are those of service install.
type installFlags struct {
	printOnly, update bool
	user              string
}

func (a *app) serviceUninstall(system *bool) *cobra.Command {
	return &cobra.Command{
		Use:     "uninstall",
		Short:   "Stop the service and remove it",
		Long:    "Stop the service and remove it. The configuration and the state are kept.",
		Example: "  aitunnel service uninstall\n  sudo aitunnel service uninstall",
		Args:    command.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := service.Uninstall(*system); err != nil {
				return err
			}
			a.Say("The service was removed.")
			return nil
		},
	}
}

func (a *app) serviceStatus(system *bool) *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:     "status",
		Short:   "Show whether the service is installed and running",
		Long:    "Show whether the service is installed and running. If it is not running, the exit\ncode is 3.",
		Example: "  aitunnel service status\n  aitunnel service status --json",
		Args:    command.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := service.Status(*system)
			if err != nil {
				return err
			}
			if _, installed := service.InstalledSystem(); installed && s.State == service.NotInstalled && !*system {
				if s, err = service.Status(true); err != nil {
					return err
				}
			}
			if asJSON {
				err = a.PrintJSON(s)
			} else {
				a.Say("The %s service is %s.", s.Manager(), s.State.Text())
				switch {
				case s.State == service.Restarting && s.System:
					a.Say("In detail: %s.", service.Advice())
				case s.State == service.Restarting:
					a.Say("See why: %s", service.LogCommand(s.System))
				case s.Packaged:
					a.Say("It belongs to the package aitunnel: %s.", s.File)
				case s.Outdated:
					a.Say("The service file %s was written by another version of aitunnel.\nUpdate it with: aitunnel service install --update", s.File)
				}
			}
			if err == nil && s.State != service.Running {
				err = command.ExitError(command.ExitNotRunning)
			}
			return err
		},
	}, &asJSON)
}

// unit describes a service that runs this program with the configuration that is found
// now.
func (a *app) unit(system bool, f installFlags) (service.Unit, error) {
	given := a.Config
	if f.update && given == "" {
		kept, err := service.WithInstalled(service.Unit{System: system})
		if err != nil {
			return kept, err
		}
		given = kept.Config
	}
	path, err := config.Find(given)
	if err != nil {
		return service.Unit{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return service.Unit{}, err
	}
	u := service.Unit{System: system, Executable: command.Program, Config: path, StateDir: a.StateDir}
	account := f.user
	if system && runtime.GOOS == "linux" {
		if !a.StateDirGiven {
			u.StateDir = service.StateDir
		}
		account = cmp.Or(account, service.Account)
	}
	if f.update {
		kept, err := service.WithInstalled(u)
		if err != nil {
			return u, err
		}
		if f.user == "" {
			account = cmp.Or(kept.User, "root")
		}
		if !a.StateDirGiven {
			u.StateDir = kept.StateDir
		}
	}
	if system && account != "" {
		err = u.UseAccount(account, f.printOnly)
	}
	return u, err
}

func (a *app) install(c *cobra.Command, system bool, f installFlags) error {
	if f.user != "" && (!system || runtime.GOOS == "windows") {
		return command.WrongUsage(c, errors.New("--user is for services of the whole system, of systemd or launchd: a service of your user runs with your account"))
	}
	if !f.printOnly {
		if err := service.CheckSupported(); err != nil {
			return err
		}
		if err := service.CheckNotInstalled(system); err != nil && !f.update {
			if installed := (*service.InstalledError)(nil); errors.As(err, &installed) {
				return fmt.Errorf("%w; to have it run this executable with this configuration: aitunnel service install --update", err)
			}
			return err
		}
	}
	u, err := a.unit(system, f)
	if err != nil {
		return err
	}
	if cfg, _ := a.LoadValid(c.Context(), u.Config); cfg != nil {
		u.Drain = cfg.Drain
	}
	if f.printOnly {
		_, err := fmt.Fprint(a.Out, u.Text(runtime.GOOS))
		return err
	}
	if err := a.validAsService(c.Context(), u); err != nil {
		return err
	}
	if f.update {
		if err := service.Update(u); err != nil {
			return err
		}
		a.Say("The service was updated and restarted; see 'aitunnel status'.")
		return nil
	}
	if err := service.Install(u); err != nil {
		return err
	}
	a.Say("The service is installed and started; see 'aitunnel status'.")
	a.sayAccount(u)
	return nil
}

// sayAccount prints what the account of a service means for its user.
func (a *app) sayAccount(u service.Unit) {
	if !u.System || u.User == "" || runtime.GOOS != "linux" {
		return
	}
	a.Say("It runs with the account %q. Members of that account's group may use the commands.", u.User)
	for _, path := range []string{filepath.Dir(u.Config), u.Config} {
		if !u.CanAccess(path, "-w") {
			a.Say("The account cannot write to %s, so the panel and the commands cannot change the configuration.", path)
			return
		}
	}
}

// serviceVariables are the environment variables that a service sees.
var serviceVariables = []string{"HOME", "PATH", "USER", "LOGNAME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "SystemRoot", "TEMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"}

// validAsService checks the configuration as the service will see it: without the
// variables of this shell.
func (a *app) validAsService(ctx context.Context, u service.Unit) error {
	const nothing = "nothing was installed: the account %q may not %s %s. "
	switch {
	case !u.CanAccess(u.Executable, "-x"):
		return fmt.Errorf(nothing+"Put the program where everyone may run it, such as /usr/local/bin", u.User, "run", u.Executable)
	case !u.CanAccess(u.Config, "-r"):
		if strings.HasPrefix(u.Config, "/etc/aitunnel/") {
			return fmt.Errorf(nothing+"Give it to that account:\n  chown -R %[1]s: /etc/aitunnel\nor name another account with --user", u.User, "read", u.Config)
		}
		return fmt.Errorf(nothing+"Move it to a directory of that account:\n  install -d -o %[1]s -m 0750 /etc/aitunnel\n  install -o %[1]s -m 0600 %[4]s /etc/aitunnel/aitunnel.hcl\nthen use it with -c, or name another account with --user", u.User, "read", u.Config, wording.ShellWord(u.Config))
	}
	check := exec.CommandContext(ctx, u.Executable, "validate", u.Config)
	if u.System {
		check.Env = append(check.Env, service.LogDirVariable)
	}
	for _, name := range serviceVariables {
		if v, ok := os.LookupEnv(name); ok {
			check.Env = append(check.Env, name+"="+v)
		}
	}
	if err := u.AsAccount(check); err != nil {
		return err
	}
	out, err := check.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return err
	}
	_, _ = a.Err.Write(out)
	as := ""
	if u.User != "" {
		as = fmt.Sprintf(", which runs with the account %q", u.User)
	}
	_, _ = fmt.Fprintln(a.Err, "\naitunnel: nothing was installed: the configuration is not valid for the service"+as+". If variables of your shell are missing, which a service does not see, put them into a file and name it with env_file")
	return command.ExitError(exit.ExitCode())
}
