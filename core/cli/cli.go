// Package cli is the command line: the list of commands, streams in, exit code
// out.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"os"
	"os/signal"
	"os/user"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/configuration"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/hangup"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/manage"
	"github.com/aitunnel/aitunnel/core/cli/observe"
	"github.com/aitunnel/aitunnel/core/cli/plugins"
	"github.com/aitunnel/aitunnel/core/cli/setup"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/service"
	"github.com/aitunnel/aitunnel/sdk"
)

// Main runs the program with the arguments and streams of the process.
func Main() int {
	eval.RunEvaluator()
	if len(os.Args) == 2 && os.Args[1] == command.BuiltinArg {
		sdk.Serve(command.Builtin(Version()))
		return command.ExitOK
	}
	findHome()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log.SetOutput(io.Discard) // broken connections, which libraries report here, are in the log already
	return Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
}

// findHome sets HOME from the user's account if it is not set, as for root under some
// service managers.
func findHome() {
	if runtime.GOOS == "windows" || os.Getenv("HOME") != "" {
		return
	}
	if u, err := user.Current(); err == nil && u.HomeDir != "" {
		_ = os.Setenv("HOME", u.HomeDir)
		xdg.Reload()
	}
}

// app is one run of the program.
type app struct {
	*command.Env
	startConfig string // the absolute path of the configuration of a daemon, "" if it came from a pipe
	canTakeOver bool   // the program that a restart would start can take over from this process
}

// Run runs one command. It ends early when ctx does.
func Run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{Env: &command.Env{Version: Version(), Args: args, In: in, Out: out, Err: errs, Flush: func() {}}}
	if runtime.GOOS == "linux" {
		a.ServiceSocket = service.ControlSocket
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	code := a.explain(root.ExecuteContext(ctx))
	a.Flush()
	return code
}

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:           "aitunnel",
		Short:         "A proxy for AI APIs that runs at home and serves your VPS",
		Long:          rootHelp,
		Example:       "  aitunnel init\n  aitunnel start\n  aitunnel status\n  aitunnel demo",
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       Version(),
		Args:          command.NoArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) (err error) {
			a.Command = command.NameOf(c)
			if !isDaemon(c) {
				hangup.Release()
			}
			a.StateDirGiven = c.Flags().Changed("state-dir") || os.Getenv("AITUNNEL_STATE_DIR") != ""
			a.StateDir, err = filepath.Abs(a.StateDir) // plugins run in another folder
			return err
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(command.FlagError)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.Config, "config", "c", "", "configuration `file` or directory (default: $AITUNNEL_CONFIG, ./aitunnel.hcl, then aitunnel/aitunnel.hcl in the user's configuration directory)")
	flags.StringToStringVar(&a.Vars, "var", nil, "set a variable of the configuration, as `name=value`; may be repeated")
	flags.Lookup("var").DefValue = ""
	flags.StringVar(&a.StateDir, "state-dir", command.DefaultStateDir(), "`directory` of the program's state; each running program has its own (default: $AITUNNEL_STATE_DIR, then aitunnel in the user's state directory)")
	flags.Lookup("state-dir").DefValue = "" // the text must not depend on the user
	a.addCommands(root)
	help := helpCommand()
	help.GroupID = "More:"
	root.SetHelpCommand(help)
	root.CompletionOptions.DisableDefaultCmd = true
	wrapArgs(root)
	borrowExamples(root)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages ", fmt.Sprintf("FlagUsagesWrapped %d ", helpWidth)))
	return root
}

// Help lists commands in the order in which they are added.
func init() { cobra.EnableCommandSorting = false }

// addCommands adds all commands, in the groups in which help shows them.
func (a *app) addCommands(root *cobra.Command) {
	groups := []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Set up:", slices.Concat(setup.Commands(a.Env), configuration.Commands(a.Env))},
		{"Run:", slices.Concat([]*cobra.Command{a.startCommand(), a.stopCommand(), a.restartCommand()}, configuration.ReloadCommands(a.Env), []*cobra.Command{a.serviceCommand()})},
		{"Observe:", append(observe.Commands(a.Env), configuration.VerdictCommand(a.Env))},
		{"Manage:", append(manage.Commands(a.Env), plugins.Command(a.Env))},
		{"More:", []*cobra.Command{a.completionCommand(), a.versionCommand()}},
	}
	for _, g := range groups {
		root.AddGroup(&cobra.Group{ID: g.title, Title: g.title})
		for _, c := range g.commands {
			c.GroupID = g.title
			root.AddCommand(c)
		}
	}
}

// wrapArgs turns errors about arguments into usage errors.
func wrapArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return command.WrongUsage(c, err)
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

// explain prints an error with what to do about it, and returns the exit code.
func (a *app) explain(err error) int {
	var usage command.UsageError
	var wrong *reload.ConfigError
	var said command.ExitError
	var idle *command.NotRunningError
	var refused *adminclient.Error
	err = a.ExplainCall(err)
	switch {
	case err == nil:
		return command.ExitOK
	case errors.As(err, &wrong):
		_ = wrong.Write(a.Err, bool(term.Colors(a.Err)))
		if incompatible := (*plugins.IncompatibleError)(nil); errors.As(err, &incompatible) {
			_, _ = fmt.Fprintf(a.Err, "\naitunnel: %s\n", redact.KeyLike(err.Error()))
		}
		if wrong.Valid {
			return command.ExitFailed
		}
		return command.ExitConfig
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(a.Err, "aitunnel: %s\nSee '%s --help'.\n", redact.KeyLike(usage.Error()), usage.Command.CommandPath())
		return command.ExitUsage
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &idle):
		_, _ = fmt.Fprintf(a.Err, "aitunnel: %s\n", idle)
		return command.ExitNotRunning
	case errors.As(err, &refused) && len(refused.Diagnostics) > 0:
		_ = config.WriteDiagnostics(a.Err, refused.Diagnostics, bool(term.Colors(a.Err)))
		_, _ = fmt.Fprintf(a.Err, "\naitunnel: %s\n", redact.KeyLike(refused.Error()))
		return command.ExitCode(refused)
	}
	_, _ = fmt.Fprintf(a.Err, "aitunnel: %s\n", redact.KeyLike(errorText(err))) // a key may have been typed into the wrong place
	return command.ExitFailed
}

// errorText returns the text of an error: for a file only its name and the problem,
// not the call that failed.
func errorText(err error) string {
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		return strings.Replace(err.Error(), file.Error(), file.Path+": "+file.Err.Error(), 1)
	}
	return err.Error()
}
