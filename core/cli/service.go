package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/service"
)

func (a *app) serviceCommand() *cobra.Command {
	system := false
	c := &cobra.Command{
		Use:   "service",
		Short: "Have the system start the proxy and keep it running",
		Args:  noArgs,
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
	printOnly, update := false, false
	c := &cobra.Command{
		Use:   "install",
		Short: "Install the service and start it",
		Long: `Install a service that starts the proxy with the system and keeps it running, and
start it: a systemd unit, a launchd agent, or a Windows service. It runs this
executable with the configuration that is found now, or that --config names.

A service does not see the variables of your shell. Put those that the
configuration reads with env() into a file, and name it with env_file. The
configuration is checked without them before anything is installed.

A systemd unit of your user runs while you are logged in. To run it always, call
'loginctl enable-linger' once.

With --update the file of an installed service is replaced and the service is
restarted: after moving the executable or the configuration, or when
'aitunnel service status' says that the service file is outdated.`,
		Example: "  aitunnel service install\n  aitunnel service install -c ~/ai/aitunnel.hcl\n  sudo aitunnel service install -c /etc/aitunnel/aitunnel.hcl\n  aitunnel service install --update\n  aitunnel service install --print",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(a.vars) > 0 {
				return usageError{c, errors.New("--var cannot be used here: the service file can be read by others. Put the values into a file and use env_file and env(), or file()")}
			}
			u, err := a.unit(*system)
			if err != nil {
				return err
			}
			if printOnly {
				_, err := fmt.Fprint(a.out, u.Text(runtime.GOOS))
				return err
			}
			return a.install(c.Context(), u, update)
		},
	}
	c.Flags().BoolVar(&printOnly, "print", false, "print the service file and install nothing")
	c.Flags().BoolVar(&update, "update", false, "replace the file of an installed service and restart it")
	return c
}

func (a *app) serviceUninstall(system *bool) *cobra.Command {
	return &cobra.Command{
		Use:     "uninstall",
		Short:   "Stop the service and remove it",
		Long:    "Stop the service and remove it. The configuration and the state are kept.",
		Example: "  aitunnel service uninstall\n  sudo aitunnel service uninstall",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := service.Uninstall(*system); err != nil {
				return err
			}
			a.say("The service was removed.")
			return nil
		},
	}
}

func (a *app) serviceStatus(system *bool) *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:     "status",
		Short:   "Show whether the service is installed and running",
		Long:    "Show whether the service is installed and running. If it is not running, the exit\ncode is 3.",
		Example: "  aitunnel service status\n  aitunnel service status --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := service.Status(*system)
			if err != nil {
				return err
			}
			if asJSON {
				err = a.printJSON(s)
			} else {
				a.say("The service is %s (%s).", s.State, s.Platform)
				if s.Outdated {
					a.say("The service file %s was written by another version of aitunnel.\nUpdate it with: aitunnel service install --update", s.File)
				}
			}
			if err == nil && !s.Running() {
				err = exitError(exitNotRunning)
			}
			return err
		},
	}, &asJSON)
}

// unit describes the service that runs this program with the configuration that
// is found now.
func (a *app) unit(system bool) (service.Unit, error) {
	path, err := config.Find(a.config)
	if err != nil {
		return service.Unit{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return service.Unit{}, err
	}
	return service.Unit{System: system, Executable: program, Config: path, StateDir: a.stateDir}, nil
}

func (a *app) install(ctx context.Context, u service.Unit, update bool) error {
	if err := service.Supported(); err != nil {
		return err
	}
	if err := a.validAsService(ctx, u); err != nil {
		return err
	}
	if update {
		if err := service.Update(u); err != nil {
			return err
		}
		a.say("The service was updated and restarted; see 'aitunnel status'.")
		return nil
	}
	err := service.Install(u)
	if installed := (*service.InstalledError)(nil); errors.As(err, &installed) {
		return fmt.Errorf("%w; to have it run this executable with this configuration: aitunnel service install --update", err)
	}
	if err != nil {
		return err
	}
	a.say("The service is installed and started; see 'aitunnel status'.")
	return nil
}

// serviceVariables are those that a service sees.
var serviceVariables = []string{"HOME", "PATH", "USER", "LOGNAME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "SystemRoot", "TEMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"}

// validAsService checks the configuration as the service will see it: without
// the variables of this shell.
func (a *app) validAsService(ctx context.Context, u service.Unit) error {
	check := exec.CommandContext(ctx, u.Executable, "validate", u.Config)
	for _, name := range serviceVariables {
		if v, ok := os.LookupEnv(name); ok {
			check.Env = append(check.Env, name+"="+v)
		}
	}
	out, err := check.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return err
	}
	_, _ = a.err.Write(out)
	_, _ = fmt.Fprintln(a.err, "\naitunnel: nothing was installed: the configuration is not valid for a service, which does not see the variables of your shell. Put them into a file and name it with env_file")
	return exitError(exit.ExitCode())
}
