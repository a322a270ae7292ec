package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/kardianos/service"
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
)

func (a *app) serviceCommand() *cobra.Command {
	system := false
	c := &cobra.Command{
		Use:   "service",
		Short: "Have the system start the proxy and keep it running",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().BoolVar(&system, "system", false, "a service of the whole system, which needs root, and is what root gets; else one of yours")
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
	printOnly := false
	c := &cobra.Command{
		Use:   "install",
		Short: "Install the service and start it",
		Long: `Install a service that starts the proxy with the system and keeps it running, and
start it: a unit of systemd, an agent of launchd, or a Windows service. It runs
this very file of the program with the configuration of now.

A service does not see the variables of your shell: put those that the
configuration asks for by env() into a file, and name that by env_file. This is
checked before anything is installed.

A unit of yours runs while you are logged in. To have it run always, call
'loginctl enable-linger' once.`,
		Example: "  aitunnel service install\n  aitunnel service install -c ~/ai/aitunnel.hcl\n  sudo aitunnel service install -c /etc/aitunnel/aitunnel.hcl\n  aitunnel service install --print",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if len(a.vars) > 0 {
				return usageError{c, errors.New("values of --var would stand in the service's file, where others can read them: put them into a file and use env_file and env(), or file()")}
			}
			u, err := a.unit(*system, runtime.GOOS)
			if err != nil {
				return err
			}
			if printOnly {
				_, err := fmt.Fprint(a.out, u.text)
				return err
			}
			return a.install(c.Context(), u)
		},
	}
	c.Flags().BoolVar(&printOnly, "print", false, "print the service's file and install nothing")
	return c
}

func (a *app) serviceUninstall(system *bool) *cobra.Command {
	return &cobra.Command{
		Use:     "uninstall",
		Short:   "Stop the service and remove it",
		Long:    "Stop the service and remove it. The configuration and the state stay.",
		Example: "  aitunnel service uninstall\n  sudo aitunnel service uninstall",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := managed(unit{system: *system})
			if err != nil {
				return err
			}
			_ = s.Stop() // it may not be running
			if err := s.Uninstall(); err != nil {
				return fmt.Errorf("the service cannot be removed: %w", err)
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
		Short:   "Say whether the service is installed, and runs",
		Long:    "Say whether the service is installed, and runs. The exit code is 3 if it does not.",
		Example: "  aitunnel service status\n  aitunnel service status --json",
		Args:    noArgs,
		RunE: func(*cobra.Command, []string) error {
			s, err := managed(unit{system: *system})
			if err != nil {
				return err
			}
			state, err := s.Status()
			word := map[service.Status]string{service.StatusRunning: "running", service.StatusStopped: "stopped"}[state]
			switch {
			case errors.Is(err, service.ErrNotInstalled):
				word = "not installed"
			case err != nil:
				word = err.Error()
			}
			if asJSON {
				err = a.printJSON(map[string]any{"state": word, "platform": s.Platform(), "system": *system})
			} else {
				a.say("The service is %s (%s).", word, s.Platform())
				err = nil
			}
			if err == nil && state != service.StatusRunning {
				err = exitError(exitNotRunning)
			}
			return err
		},
	}, &asJSON)
}

// serviceName is what the service is called in all systems.
const serviceName = "aitunnel"

// unit is a service as its manager reads it.
type unit struct {
	system     bool
	executable string
	arguments  []string
	text       string // the file of systemd or launchd
}

// unit describes the service that runs this program with the configuration of
// now.
func (a *app) unit(system bool, goos string) (unit, error) {
	path, err := config.Find(a.config)
	if err != nil {
		return unit{}, err
	}
	if path, err = filepath.Abs(path); err != nil {
		return unit{}, err
	}
	u := unit{system: system}
	if u.executable, err = os.Executable(); err != nil {
		return unit{}, err
	}
	u.describe(goos, path, a.stateDir)
	return u, nil
}

// describe writes the service's file for a system. systemd keeps what a
// service prints; elsewhere the proxy logs to its own file, as in the
// background.
func (u *unit) describe(goos, configPath, stateDir string) {
	how := "--" + detachedFlag
	if goos == "linux" {
		how = "--foreground"
	}
	u.arguments = []string{"start", how, "--config", configPath, "--state-dir", stateDir}
	switch goos {
	case "darwin":
		u.text = u.plist()
	case "windows":
		u.text = strings.Join(append([]string{u.executable}, u.arguments...), " ") + "\n"
	default:
		u.text = u.systemd()
	}
}

// managed is the service in the hands of the system's manager.
func managed(u unit) (service.Service, error) {
	switch p := service.Platform(); p {
	case "linux-systemd", "darwin-launchd", "windows-service":
	default:
		return nil, errors.New("there is no service manager here that is known: systemd, launchd or Windows'; use 'aitunnel start'")
	}
	name := serviceName
	if runtime.GOOS == "darwin" {
		name = launchdName
	}
	return service.New(nil, &service.Config{
		Name: name, DisplayName: "aitunnel", Description: serviceDescription,
		Executable: u.executable, Arguments: u.arguments,
		Option: service.KeyValue{
			"UserService": !u.system, "SystemdScript": u.text, "LaunchdConfig": u.text,
			"OnFailure": "restart", "OnFailureDelayDuration": "5s",
		},
	})
}

const serviceDescription = "A proxy for AI APIs that runs at home and serves your VPS"

func (a *app) install(ctx context.Context, u unit) error {
	s, err := managed(u)
	if err != nil {
		return err
	}
	if err := a.validAsService(ctx, u); err != nil {
		return err
	}
	if err := s.Install(); err != nil {
		return fmt.Errorf("the service cannot be installed: %w", err)
	}
	if err := s.Start(); err != nil {
		return fmt.Errorf("the service is installed, but it does not start: %w", err)
	}
	a.say("The service is installed and started; see 'aitunnel status'.")
	return nil
}

// validAsService checks the configuration as the service will see it: without
// the variables of this shell.
func (a *app) validAsService(ctx context.Context, u unit) error {
	check := exec.CommandContext(ctx, u.executable, "validate", u.arguments[3])
	for _, name := range []string{"HOME", "PATH", "USER", "LOGNAME", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_RUNTIME_DIR", "SystemRoot", "TEMP", "USERPROFILE", "APPDATA", "LOCALAPPDATA"} {
		if v, ok := os.LookupEnv(name); ok {
			check.Env = append(check.Env, name+"="+v)
		}
	}
	said, err := check.CombinedOutput()
	exit := (*exec.ExitError)(nil)
	if !errors.As(err, &exit) {
		return err
	}
	_, _ = a.err.Write(said)
	_, _ = fmt.Fprintln(a.err, "\naitunnel: nothing was installed: the configuration is not valid for a service, which does not see the variables of your shell; put them into a file and name it by env_file")
	return exitError(exit.ExitCode())
}
