// Package cli is the command line: one file per command, streams in, exit code
// out.
package cli

import (
	"context"
	"encoding/json"
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
	"strings"
	"syscall"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/hangup"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/service"
	"github.com/aitunnel/aitunnel/sdk"
)

// The exit codes.
const (
	exitOK         = 0
	exitFailed     = 1
	exitUsage      = 2
	exitNotRunning = 3 // the program is not running
	exitConfig     = 4 // the configuration is not valid
)

// builtinArg makes the program serve its built-in components as a plugin.
const builtinArg = "serve-builtin-components"

// Main runs the program with the arguments and streams of the process.
func Main() int {
	eval.RunEvaluator()
	if len(os.Args) == 2 && os.Args[1] == builtinArg {
		sdk.Serve(Builtin())
		return exitOK
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
	args          []string
	command       string // without the program's name
	in            io.Reader
	out, err      io.Writer
	config        string
	startConfig   string // the absolute path of the configuration of a daemon, "" if it came from a pipe
	vars          map[string]string
	stateDir      string
	stateDirGiven bool              // the user named the state directory
	serviceSocket string            // the control socket of the system service, "" if another daemon is meant
	answers       *term.Input       // reads from in
	canTakeOver   bool              // the program that a restart would start can take over from this process
	flush         func()            // waits for output that is still queued
	keyNames      map[string]string // names of keys, by channel and ID
	auths         map[string]string // how keys are sent, by channel
}

// Run runs one command. It ends early when ctx does.
func Run(ctx context.Context, args []string, in io.Reader, out, errs io.Writer) int {
	a := &app{args: args, in: in, out: out, err: errs, flush: func() {}}
	if runtime.GOOS == "linux" {
		a.serviceSocket = service.ControlSocket
	}
	root := a.root()
	root.SetArgs(args)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	code := a.explain(root.ExecuteContext(ctx))
	a.flush()
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
		Args:          noArgs,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRunE: func(c *cobra.Command, _ []string) (err error) {
			a.command = inProgram(c)
			if !isDaemon(c) {
				hangup.Release()
			}
			a.stateDirGiven = c.Flags().Changed("state-dir") || os.Getenv("AITUNNEL_STATE_DIR") != ""
			a.stateDir, err = filepath.Abs(a.stateDir) // plugins run in another folder
			return err
		},
	}
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)
	flags := root.PersistentFlags()
	flags.StringVarP(&a.config, "config", "c", "", "configuration `file` or directory (default: $AITUNNEL_CONFIG, ./aitunnel.hcl, then aitunnel/aitunnel.hcl in the user's configuration directory)")
	flags.StringToStringVar(&a.vars, "var", nil, "set a variable of the configuration, as `name=value`; may be repeated")
	flags.Lookup("var").DefValue = ""
	flags.StringVar(&a.stateDir, "state-dir", defaultStateDir(), "`directory` of the program's state; each running program has its own (default: $AITUNNEL_STATE_DIR, then aitunnel in the user's state directory)")
	flags.Lookup("state-dir").DefValue = "" // the text must not depend on the user
	a.addCommands(root)
	help := helpCommand()
	help.GroupID = "More:"
	root.SetHelpCommand(help)
	root.CompletionOptions.DisableDefaultCmd = true
	wrapArgs(root)
	borrowExamples(root)
	root.SetUsageTemplate(strings.ReplaceAll(root.UsageTemplate(), "FlagUsages ", fmt.Sprintf("FlagUsagesWrapped %d ", helpWidth)))
	a.completeNames(root)
	return root
}

// helpWidth is the width of the list of flags.
const helpWidth = 96

const rootHelp = `A proxy for AI APIs that runs at home and serves your VPS.

Environment variables:
  AITUNNEL_CONFIG        the configuration, if --config is not given
  AITUNNEL_STATE_DIR     the state directory, if --state-dir is not given
  AITUNNEL_VAR_name      the value of a variable of the configuration
  AITUNNEL_PLUGIN_DIR    a directory that is searched for plugins first
  NO_COLOR               turns colors off
  CLICOLOR_FORCE         turns colors on where the output is not a terminal

Exit codes: 0 success, 1 failure, 2 wrong usage, 3 the program is not running,
4 the configuration is not valid.`

// Help lists commands in the order in which they are added.
func init() { cobra.EnableCommandSorting = false }

// addCommands adds all commands, in the groups in which help shows them.
func (a *app) addCommands(root *cobra.Command) {
	groups := []struct {
		title    string
		commands []*cobra.Command
	}{
		{"Set up:", []*cobra.Command{a.demoCommand(), a.initCommand(), a.connectCommand(), a.convertCommand(), a.validateCommand(), a.fmtCommand(), a.configCommand()}},
		{"Run:", []*cobra.Command{a.startCommand(), a.stopCommand(), a.restartCommand(), a.reloadCommand(), a.planCommand(), a.serviceCommand()}},
		{"Observe:", []*cobra.Command{a.statusCommand(), a.topCommand(), a.logsCommand(), a.requestsCommand(), a.usageCommand(), a.panelCommand(), a.explainCommand(), a.verdictCommand()}},
		{"Manage:", []*cobra.Command{a.channelCommand(), a.keyCommand(), a.clientCommand(), a.notifyCommand(), a.tunnelCommand(), a.pluginCommand()}},
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
				return usageError{c, err}
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		wrapArgs(sub)
	}
}

// borrowExamples gives each command group the first example of each of its commands.
func borrowExamples(c *cobra.Command) {
	var lines []string
	for _, sub := range c.Commands() {
		borrowExamples(sub)
		if first, _, _ := strings.Cut(sub.Example, "\n"); first != "" {
			lines = append(lines, first)
		}
	}
	if c.Example == "" {
		c.Example = strings.Join(lines, "\n")
	}
}

type usageError struct {
	command *cobra.Command
	err     error
}

func (e usageError) Error() string { return e.err.Error() }

// explain prints an error with what to do about it, and returns the exit code.
func (a *app) explain(err error) int {
	var usage usageError
	var wrong *reload.ConfigError
	var said exitError
	var idle *notRunningError
	var refused *adminclient.Error
	err = a.explainCall(err)
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &wrong):
		_ = wrong.Write(a.err, bool(term.Colors(a.err)))
		if incompatible := (*incompatibleError)(nil); errors.As(err, &incompatible) {
			_, _ = fmt.Fprintf(a.err, "\naitunnel: %s\n", redact.KeyLike(err.Error()))
		}
		if wrong.Valid {
			return exitFailed
		}
		return exitConfig
	case errors.As(err, &usage):
		_, _ = fmt.Fprintf(a.err, "aitunnel: %s\nSee '%s --help'.\n", redact.KeyLike(usage.Error()), usage.command.CommandPath())
		return exitUsage
	case errors.As(err, &said):
		return int(said)
	case errors.As(err, &idle):
		_, _ = fmt.Fprintf(a.err, "aitunnel: %s\n", idle)
		return exitNotRunning
	case errors.As(err, &refused) && len(refused.Diagnostics) > 0:
		_ = config.WriteDiagnostics(a.err, refused.Diagnostics, bool(term.Colors(a.err)))
		_, _ = fmt.Fprintf(a.err, "\naitunnel: %s\n", redact.KeyLike(refused.Error()))
		return exitCode(refused)
	}
	_, _ = fmt.Fprintf(a.err, "aitunnel: %s\n", redact.KeyLike(errorText(err))) // a key may have been typed into the wrong place
	return exitFailed
}

// errorText returns the text of an error: for a file only its name and the problem,
// not the call that failed.
func errorText(err error) string {
	if file := (*fs.PathError)(nil); errors.As(err, &file) {
		return strings.Replace(err.Error(), file.Error(), file.Path+": "+file.Err.Error(), 1)
	}
	return err.Error()
}

// paint returns the colors for standard output.
func (a *app) paint() term.Paint { return term.Colors(a.out) }

// input reads from standard input.
func (a *app) input() *term.Input {
	if a.answers == nil {
		a.answers = term.NewInput(a.in, a.err)
	}
	return a.answers
}

// printJSON prints v as JSON.
func (a *app) printJSON(v any) error {
	e := json.NewEncoder(a.out)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

func (a *app) say(format string, args ...any) { _, _ = fmt.Fprintf(a.out, format+"\n", args...) }

func defaultStateDir() string {
	if dir := os.Getenv("AITUNNEL_STATE_DIR"); dir != "" {
		return dir
	}
	return filepath.Join(xdg.StateHome, "aitunnel")
}

// builtinCommand returns the command line of the process for built-in components: this
// program. On Linux that is the running executable, even if the file has been replaced
// since.
func builtinCommand() ([]string, error) {
	if runtime.GOOS == "linux" {
		return []string{"/proc/self/exe", builtinArg}, nil
	}
	self, err := os.Executable()
	return []string{self, builtinArg}, err
}
