package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/service"
)

// drainFlag is the flag of stop and restart that limits how long requests in
// flight may take.
func drainFlag(c *cobra.Command, drain *time.Duration) {
	c.Flags().DurationVar(drain, "drain", control.DrainAsConfigured, "how long requests in flight may take (default: the setting drain)")
	c.Flags().Lookup("drain").DefValue = "0s"
}

// checkDrain checks the flag, and sets it to 0 with --now.
func checkDrain(c *cobra.Command, now bool, drain *time.Duration) error {
	if given := c.Flags().Lookup("drain"); given.Changed && *drain < 0 {
		return command.WrongUsage(c, errors.New(command.NotADuration("drain", given.Value.String())))
	}
	if now {
		*drain = 0
	}
	return nil
}

func (a *app) stopCommand() *cobra.Command {
	now, drain := false, control.DrainAsConfigured
	c := &cobra.Command{
		Use:     "stop",
		Short:   "Stop the running program",
		Long:    "Stop the running program: it accepts no new requests, lets those in flight finish\nfor as long as the setting drain allows, and exits. Run it again with --now to stop\nthe program at once.",
		Example: "  aitunnel stop\n  aitunnel stop --drain 30s\n  aitunnel stop --now",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkDrain(c, now, &drain); err != nil {
				return err
			}
			return a.stop(c.Context(), control.Ending{Drain: drain})
		},
	}
	c.Flags().BoolVar(&now, "now", false, "cut off requests in flight")
	drainFlag(c, &drain)
	return c
}

func (a *app) restartCommand() *cobra.Command {
	now, drain := false, control.DrainAsConfigured
	c := &cobra.Command{
		Use:   "restart",
		Short: "Restart the running program, as after an upgrade, without losing requests",
		Long: `Replace the running program with the executable that is now at its path, with the
same flags, directory and environment: do this after an upgrade. To change flags
or environment, use stop and start.

The executable is tested first: it must run and accept the configuration. If it
does not, nothing is stopped. In the background and under systemd, a new process
takes over the ports, and the old one finishes its requests in flight, for as long
as the setting drain allows: no request is lost or has to wait. In the foreground,
the process is replaced when they are finished; requests that arrive meanwhile
wait. The forwards of tunnels are closed for a moment; the command waits up to five
seconds for them, and prints their state.

Most changes need no restart: see 'aitunnel reload'.`,
		Example: "  aitunnel restart\n  aitunnel restart --now",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkDrain(c, now, &drain); err != nil {
				return err
			}
			return a.restart(c.Context(), control.Ending{Drain: drain, Restart: true})
		},
	}
	c.Flags().BoolVar(&now, "now", false, "cut off requests in flight")
	drainFlag(c, &drain)
	return c
}

// slowTime is how long a command waits before it prints what it is waiting for.
const slowTime = 2 * time.Second

func (a *app) stop(ctx context.Context, e control.Ending) error {
	client := a.Client()
	running := statefile.HolderOf(a.StateDir)
	var stopping control.Stopping
	if err := client.Call(ctx, http.MethodPost, control.PathStop, e, &stopping); err != nil {
		return err
	}
	if stopping.Unsaved != "" {
		a.Warn("the latest changes of state are lost: %s", stopping.Unsaved)
	}
	for waited := time.Now(); ; {
		if h := statefile.HolderOf(a.StateDir); h == nil || running != nil && h.PID != running.PID && h.PID > 0 {
			a.Say("Stopped.")
			return nil
		}
		if time.Since(waited) > slowTime {
			waited = waited.Add(time.Hour)
			a.Say("%s%s. 'aitunnel stop --now' stops at once.", waiting(ctx, client, "it to exit"), limit(e.Drain))
		}
		select {
		case <-ctx.Done():
			return errors.New("it is still stopping")
		case <-time.After(pollTime):
		}
	}
}

// waiting returns what an ending is waiting for: requests in flight, or else the given
// text.
func waiting(ctx context.Context, client *adminclient.Client, rest string) string {
	s, err := client.Status(ctx)
	if err != nil || s.Active == 0 {
		return "Waiting for " + rest
	}
	return fmt.Sprintf("Waiting for %s in flight", term.Count(s.Active, "request"))
}

// limit returns how long a drain may take.
func limit(drain time.Duration) string {
	if drain <= 0 {
		return ""
	}
	return ", for up to " + term.Span(drain)
}

// askToStop returns the status of the program before it was asked.
func (a *app) askToStop(ctx context.Context, client *adminclient.Client, e control.Ending) (s admin.Status, err error) {
	if s, err = client.Status(ctx); err == nil {
		err = client.Call(ctx, http.MethodPost, control.PathStop, e, nil)
	}
	return s, err
}

func (a *app) restart(ctx context.Context, e control.Ending) error {
	client := a.Client()
	if _, err := client.DryRun(ctx, nil); err != nil {
		if refused := (*adminclient.Error)(nil); errors.As(err, &refused) && len(refused.Diagnostics) > 0 {
			refused.Message = "nothing was restarted: the configuration cannot be applied"
		}
		return err
	}
	said, _ := os.Open(a.OutputPath()) // not there for one in the foreground
	var earlier int64                  // what was written before
	if said != nil {
		defer func() { _ = said.Close() }()
		earlier, _ = said.Seek(0, io.SeekEnd)
	}
	before, err := a.askToStop(ctx, client, e)
	if err != nil {
		return err
	}
	ended := make(chan error, 1)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go a.awaitEnd(ctx, client, before.PID, ended)
	slow := time.AfterFunc(slowTime, func() {
		a.Say("%s%s.", waiting(ctx, client, "the new process"), limit(e.Drain))
	})
	s, err := a.awaitReady(ctx, ended, func(s admin.Status) bool { return !s.StartedAt.Equal(before.StartedAt) })
	slow.Stop()
	if err != nil {
		if said != nil {
			a.printOutput(said, earlier)
		}
		return err
	}
	a.Say("Restarted.")
	a.PrintAddresses(s.Listen, s.AdminListen)
	a.announceTunnels(ctx, s.Tunnels)
	return nil
}

// awaitEnd reports when the program has really ended: during a restart, nobody holds
// the state directory for a moment.
func (a *app) awaitEnd(ctx context.Context, client *adminclient.Client, pid int, ended chan<- error) {
	const moment = 10 * time.Second
	last := time.Now()
	for ctx.Err() == nil {
		var outcome control.Restart
		if err := client.Call(ctx, http.MethodGet, control.PathRestart, nil, &outcome); err == nil && outcome.Error != "" {
			ended <- errors.New(outcome.Error)
			return
		}
		if statefile.HolderOf(a.StateDir) != nil {
			last = time.Now()
		} else if keepsPID && !alive(pid) || time.Since(last) > moment {
			ended <- errors.New("it did not start again; see 'aitunnel logs', or for a service: " + service.LogCommand(a.ServiceSocket != "" || os.Getuid() == 0))
			return
		}
		time.Sleep(pollTime)
	}
}
