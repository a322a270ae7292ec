package manage

import (
	"context"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
	"github.com/aitunnel/aitunnel/core/tunnel"
)

func (a *app) tunnelTestCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:   "test [NAME]...",
		Short: "Test a tunnel step by step, and show which step fails and why",
		Long: `Connect to the host of a tunnel, check its key, log in, open each forward and
send a request through it, as the running program would. Forwards that
the running program has open are not touched. You are asked for a passphrase that
the configuration does not have.

If the login succeeds, a tunnel of the running program that waits or has failed is
retried at once. If all steps succeed, one that is degraded logs in again: its open
forwards are closed for a moment. Root tests the tunnels of the system service with
the account of the service.

The exit code is 1 if a step fails.`,
		ValidArgsFunction: a.completeTunnel,
		Example:           "  aitunnel tunnel test\n  aitunnel tunnel test vps --json",
		RunE: a.AsServiceAccount(func(c *cobra.Command, args []string) error {
			return a.withTunnels(c.Context(), args, func(all []*config.Tunnel) error {
				return a.tunnelTest(c.Context(), all, asJSON)
			})
		}),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// tested is the outcome for one tunnel.
type tested struct {
	Name  string          `json:"name"`
	OK    bool            `json:"ok"`
	Steps []tunnel.Result `json:"steps"`
}

func (a *app) tunnelTest(ctx context.Context, all []*config.Tunnel, asJSON bool) error {
	running, _ := a.Client().Tunnels(ctx) // the program need not run
	p, good, out := a.Paint(), true, []tested{}
	for _, t := range all {
		x, loggedIn := tested{Name: t.Name}, false
		if !asJSON {
			a.Say("%s", p.Bold("tunnel "+t.Name))
		}
		x.OK = tunnel.Test(ctx, tunnel.Options{}, t, tunnel.TestOptions{
			IsOpen: func(address string) bool { return a.hasOpen(ctx, t, address) },
			Ask:    a.passphrase(ctx),
			Report: func(r tunnel.Result) {
				x.Steps = append(x.Steps, r)
				loggedIn = loggedIn || r.OK && r.Step == sshclient.StepLogin
				switch {
				case asJSON:
				case r.OK:
					a.Say("  %s %s", p.Good("✓"), r.Text)
				default:
					a.Say("  %s could not %s: %s", p.Bad("✗"), tunnel.StepText(r.Step), r.Text)
				}
			},
		})
		if state, retried := a.retryTunnel(ctx, running, t, x.OK, loggedIn); retried && !asJSON {
			a.Say("  In the running program this tunnel is %s. It tries again now.", state)
		}
		good = good && x.OK
		out = append(out, x)
	}
	if asJSON {
		if err := a.PrintJSON(out); err != nil {
			return err
		}
	}
	if !good {
		return command.ExitError(command.ExitFailed)
	}
	return nil
}

// retryTunnel makes the running program retry a tunnel that is waiting or has failed,
// if the login succeeded, or one that is degraded, if every step did. It returns the
// state before. An error is ignored, since the next try follows anyway.
func (a *app) retryTunnel(ctx context.Context, running []admin.Tunnel, t *config.Tunnel, ok, loggedIn bool) (state string, retried bool) {
	for _, r := range running {
		if r.Name != t.Name || r.Host != t.Host {
			continue
		}
		switch tunnel.State(r.State) {
		case tunnel.Failed, tunnel.Waiting:
			retried = loggedIn
		case tunnel.Degraded:
			retried = ok
		}
		if retried {
			_, err := a.Client().RetryTunnel(ctx, t.Name)
			return r.State, err == nil
		}
	}
	return "", false
}

// hasOpen reports whether the running program has the address of the tunnel open. If it is
// just connecting, as after 'tunnel trust', hasOpen waits for the outcome.
func (a *app) hasOpen(ctx context.Context, t *config.Tunnel, address string) bool {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	for {
		running, _ := a.Client().Tunnels(ctx) // the program need not run
		i := slices.IndexFunc(running, func(r admin.Tunnel) bool { return r.Name == t.Name && r.Host == t.Host })
		if i < 0 {
			return false
		}
		if tunnel.State(running[i].State) == tunnel.Connecting {
			select {
			case <-time.After(openPollTime):
				continue
			case <-ctx.Done():
			}
		}
		return slices.ContainsFunc(running[i].Forwards, func(f admin.Forward) bool { return f.Remote == address && f.State == string(tunnel.ForwardOpen) })
	}
}

// openPollTime is the time between two looks at the state of a tunnel.
const openPollTime = 30 * time.Millisecond

// connectTime is how long 'tunnel test' waits for the running program to connect.
const connectTime = 10 * time.Second
