package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon"
)

// drainTime is how long requests under way may take after the first signal to
// stop; a second signal ends them at once.
const drainTime = 10 * time.Minute

func (a *app) startCommand() *cobra.Command {
	foreground := false
	c := &cobra.Command{
		Use:     "start",
		Short:   "Run the proxy",
		Long:    "Run the proxy until it is told to stop by SIGINT or SIGTERM: then it takes no\nnew requests, lets those under way come to their end, and exits. A second\nsignal breaks them off.",
		Example: "  aitunnel start -f -c aitunnel.hcl\n  aitunnel start -f --var home_key=\"$HOME_KEY\"",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if !foreground {
				return usageError{c, errors.New("it runs in the foreground only, for now: add -f")}
			}
			return a.start(c.Context())
		},
	}
	c.Flags().BoolVarP(&foreground, "foreground", "f", false, "stay in the foreground and log to standard error")
	return c
}

// gcPercent is what GOGC is unless the user sets it: what lives on the heap is
// small, and collecting it half as often saves a tenth of the CPU under load
// for some megabytes of memory.
const gcPercent = 200

func (a *app) start(ctx context.Context) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	path, err := config.Find(a.config)
	if err != nil {
		return err
	}
	builtin, err := builtinCommand()
	if err != nil {
		return err
	}
	quietLibraries()
	d, err := daemon.Start(ctx, daemon.Options{
		ConfigPath: path, Vars: a.vars, StateDir: a.stateDir, Builtin: builtin, Version: Version(), LogOutput: a.err,
	})
	if err != nil {
		return err
	}
	if w := d.Warnings(); w != nil {
		_ = w.Write(a.err, colored(a.err))
	}
	a.announce(d)
	debug.FreeOSMemory() // what only the start needed
	ending, err := d.Wait(ctx)
	if ctx.Err() != nil {
		ending.Drain = drainTime
		_, _ = fmt.Fprintln(a.out, "Stopping: requests under way come to their end. Interrupt again to break them off.")
	}
	draining, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	draining, cancelDrain := context.WithTimeout(draining, ending.Drain)
	defer cancelDrain()
	return errors.Join(err, d.Shutdown(draining))
}

// quietLibraries keeps off the terminal what libraries print of their own
// accord about broken connections: the log tells it in its own words.
func quietLibraries() {
	log.SetOutput(io.Discard)
	if null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0); err == nil {
		os.Stderr = null
	}
}

func (a *app) announce(d *daemon.Daemon) {
	_, _ = fmt.Fprintf(a.out, "Proxy:  http://%s\n", reachable(d.ProxyAddr()))
	if addr := d.AdminAddr(); addr != "" {
		_, _ = fmt.Fprintf(a.out, "Status: http://%s/api/status\n", reachable(addr))
	}
}
