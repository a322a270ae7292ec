package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/hclfile"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/handover"
	"github.com/aitunnel/aitunnel/core/logsink"
	"github.com/aitunnel/aitunnel/core/service"
)

// startFlags are those of start.
type startFlags struct {
	foreground bool
	detached   bool // this is the process in the background
}

func (a *app) startCommand() *cobra.Command {
	var f startFlags
	c := &cobra.Command{
		Use:   "start",
		Short: "Run the proxy",
		Long: `Run the proxy in the background. The command returns when the proxy is ready to
answer, and prints its addresses; if the proxy cannot start, it says why. The log
goes to aitunnel.log in the state directory (see 'aitunnel logs').

With -f it stays in the foreground, logs to standard error, and runs until it gets
SIGINT or SIGTERM: then it accepts no new requests, lets those in flight finish for
as long as the setting drain allows, and exits. A second signal stops it at once.
SIGHUP reloads the configuration.`,
		Example: "  aitunnel start\n  aitunnel start -c aitunnel.hcl --var home_key=\"$HOME_KEY\"\n  aitunnel start -f",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			a.ServiceSocket = "" // this is another one
			if f.foreground || f.detached {
				return service.Run(c.Context(), func(ctx context.Context) error { return a.run(ctx, f) })
			}
			return a.startInBackground(c.Context())
		},
	}
	c.Flags().BoolVarP(&f.foreground, "foreground", "f", false, "stay in the foreground and log to standard error")
	c.Flags().BoolVar(&f.detached, detachedFlag, false, "")
	_ = c.Flags().MarkHidden(detachedFlag)
	return c
}

// isDaemon reports whether the command makes this process the daemon.
func isDaemon(c *cobra.Command) bool {
	foreground, _ := c.Flags().GetBool("foreground")
	detached, _ := c.Flags().GetBool(detachedFlag)
	return foreground || detached
}

// gcPercent is the value of GOGC unless the user sets it: the live heap is small, and
// collecting half as often saves a tenth of the CPU time under load for a few
// megabytes of memory.
const gcPercent = 200

// run runs the proxy in this process until it is stopped.
func (a *app) run(ctx context.Context, f startFlags) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	path, err := config.Find(a.Config)
	if err != nil {
		return err
	}
	if !hclfile.IsPipe(path) {
		if a.startConfig, err = filepath.Abs(path); err != nil {
			return err
		}
	}
	builtin, err := command.BuiltinCommand()
	if err != nil {
		return err
	}
	second := secondSignal()
	a.neverBlock()
	out, closeLog, err := a.openLog(f)
	if err != nil {
		return err
	}
	defer closeLog()
	d, err := daemon.Start(ctx, daemon.Options{
		ConfigPath: path, Vars: a.Vars, Dir: startDir, StateDir: a.StateDir, Builtin: builtin, Version: a.Version, LogOutput: out,
		Reloading: notifyReloading, BeforeRestart: a.checkRestart, RuntimeDir: runtimeDir(), StopAndStart: stopAndStart(), Predecessor: handover.Inherited(),
	})
	if err != nil {
		return err
	}
	if w := d.Warnings(); w != nil {
		_ = w.Write(a.Err, bool(term.Colors(a.Err)))
	}
	a.PrintAddresses(d.ProxyAddr(), d.AdminAddr())
	debug.FreeOSMemory() // which only the start needed
	notifyReady(d)
	watched, endWatch := context.WithCancel(context.WithoutCancel(ctx))
	defer endWatch()
	go stopAtOnce(watched, d, second)
	go a.keepWatchdog(watched)
	go reapOrphans(watched)
	ending, replaced, err := a.serveUntilEnd(ctx, d, f, path)
	notifyEnding(ending.Restart, d.DrainTime(ending))
	var sockets string
	if ending.Restart && !replaced && ending.Drain != 0 {
		sockets = d.HandOver(ctx)
	}
	err = errors.Join(err, a.drain(ctx, d, ending))
	if err != nil || replaced || !ending.Restart || ctx.Err() != nil || d.StopRequested() {
		return err
	}
	return a.reexec(path, sockets)
}

// openLog returns the output of the log: standard error, or, in the background, a
// file.
func (a *app) openLog(f startFlags) (out io.Writer, closeLog func(), err error) {
	if !f.detached {
		return a.Err, func() {}, nil
	}
	rotated, err := logsink.OpenRotated(a.LogPath())
	if err != nil {
		return nil, nil, fmt.Errorf("the log file cannot be opened: %w; choose another state directory with --state-dir", err)
	}
	return rotated, rotated.Close, nil
}

// serveUntilEnd serves until the program is stopped, or until another process has
// replaced this one in a restart.
func (a *app) serveUntilEnd(ctx context.Context, d *daemon.Daemon, f startFlags, path string) (ending control.Ending, replaced bool, err error) {
	for {
		ending, err = a.serve(ctx, d)
		if err != nil || !ending.Restart || !a.canReplace(f) {
			return ending, false, err
		}
		notify("STATUS=Restarting")
		if d.Replace(ctx, a.launch(path), notifySuccessor) == nil {
			return ending, true, nil
		}
		// Continue as if nothing had happened.
	}
}

// reexec replaces the program in this process.
func (a *app) reexec(path, sockets string) error {
	a.Flush()
	kept, err := keepConfiguration(path)
	if err != nil {
		return err
	}
	if startDir != "" {
		_ = os.Chdir(startDir) // it may no longer exist
	}
	return reexec(slices.Concat(os.Args, a.pathsOfStart()), sockets, kept)
}

// neverBlock keeps the daemon running when the reader of its output disappears or
// stops reading.
func (a *app) neverBlock() {
	surviveBrokenPipes()
	out, errs := logsink.NewWriter(a.Out), logsink.NewWriter(a.Err)
	a.Out, a.Err = out, errs
	a.Flush = func() { out.Flush(); errs.Flush() }
}

// serve waits for the end, and reloads at every SIGHUP.
func (a *app) serve(ctx context.Context, d *daemon.Daemon) (control.Ending, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	onHangup(ctx, cancel, func() { _, _ = d.Reload(ctx, admin.CauseSignal) })
	return d.Wait(ctx)
}

// secondSignal returns a channel that is closed when this process is told to stop for
// the second time.
func secondSignal() <-chan struct{} {
	signals, second := make(chan os.Signal, 2), make(chan struct{})
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		<-signals
		close(second)
	}()
	return second
}

// stopAtOnce cuts off requests in flight at the second signal, until ctx ends.
func stopAtOnce(ctx context.Context, d *daemon.Daemon, second <-chan struct{}) {
	select {
	case <-second:
		d.StopNow()
	case <-ctx.Done():
	}
}

// drain lets requests in flight finish, as the ending says. If the stop was not caused
// by a signal, the first signal ends the draining.
func (a *app) drain(ctx context.Context, d *daemon.Daemon, ending control.Ending) error {
	limit := d.DrainTime(ending)
	if ctx.Err() != nil {
		again := ""
		if os.Getenv("NOTIFY_SOCKET") == "" { // somebody may be at the keyboard
			again = " Interrupt again to stop at once."
		}
		a.Say("Stopping: requests in flight may take up to %s.%s", term.Span(limit), again)
	}
	draining, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	if ctx.Err() == nil { // the stop was caused by a command
		defer context.AfterFunc(ctx, d.StopNow)()
	}
	return d.Shutdown(draining)
}

// runtimeDir returns the directory that a service manager created for the sockets of
// this process.
func runtimeDir() string {
	first, _, _ := strings.Cut(os.Getenv("RUNTIME_DIRECTORY"), ":")
	return first
}

// stopAndStart returns the commands that stop this process and start it again.
func stopAndStart() string {
	switch {
	case runtimeDir() != "":
		return "'sudo systemctl restart aitunnel'"
	case os.Getenv("NOTIFY_SOCKET") != "" && os.Getenv("INVOCATION_ID") != "":
		return "'systemctl --user restart aitunnel'"
	}
	return "'aitunnel stop' and 'aitunnel start'"
}
