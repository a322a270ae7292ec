package cli

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
)

func (a *app) tunnelCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tunnel",
		Short: "Show SSH tunnels, trust their hosts, test them",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.tunnelListCommand(), a.tunnelTrustCommand(), a.tunnelTestCommand())
	return c
}

func (a *app) tunnelListCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:     "list",
		Short:   "List the tunnels of the running program with their state",
		Example: "  aitunnel tunnel list\n  aitunnel tunnel list --json",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.tunnelList(c.Context(), asJSON) },
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) tunnelList(ctx context.Context, asJSON bool) error {
	tunnels, err := a.client().Tunnels(ctx)
	if err != nil {
		return err
	}
	if asJSON {
		return a.printJSON(tunnels)
	}
	if len(tunnels) == 0 {
		a.say("The configuration has no tunnels.")
		return nil
	}
	var out strings.Builder
	writeTunnels(&out, a.paint(), tunnels)
	_, err = io.WriteString(a.out, strings.TrimPrefix(out.String(), "\n"))
	return err
}

// writeTunnels lists tunnels with their forwards, one per line; nothing if there are
// none.
func writeTunnels(out *strings.Builder, p term.Paint, tunnels []admin.Tunnel) {
	if len(tunnels) == 0 {
		return
	}
	t := term.NewTable(p, "TUNNEL", "HOST", "STATE", "SINCE", "OPENS", "LEADS TO", ">ANSWERS IN")
	var wrong []string
	for _, x := range tunnels {
		name, host, state, since := x.Name, x.Host, tunnelState(p, x.State), term.Clock(x.Since)
		for _, f := range x.Forwards {
			to, remote := "the routes", f.Remote
			if f.Channel != "" {
				to = "channel " + f.Channel
			}
			if f.State != "open" {
				remote = p.Dim(remote + " (" + f.State + ")")
			}
			answers := term.Millis(f.Probe)
			if f.State == "open" && f.Probe == 0 {
				answers = p.Warn("not checked")
			}
			t.Row(name, host, state, since, remote, to, answers)
			name, host, state, since = " ", " ", " ", " "
		}
		if len(x.Forwards) == 0 {
			t.Row(name, host, state, since, p.Dim("nothing"), p.Dim("used by egresses"), "")
		}
		if x.LastError != "" && x.State != "up" {
			text := fmt.Sprintf("%s: %s", x.Name, x.LastError)
			switch {
			case x.State == "connecting":
				text += " (it is tried again now)"
			case x.NextTry != nil:
				text += fmt.Sprintf(" (next try at %s; 'aitunnel tunnel test %s' tries now)", term.Clock(*x.NextTry), x.Name)
			}
			wrong = append(wrong, text)
		}
	}
	out.WriteString("\n")
	_ = t.Write(out)
	for _, w := range wrong {
		out.WriteString(p.Bad(w) + "\n")
	}
	for _, x := range tunnels {
		for _, note := range x.Notes {
			_, _ = fmt.Fprintf(out, "%s: %s\n", x.Name, note)
		}
	}
}

func tunnelState(p term.Paint, state string) string {
	switch state {
	case "up":
		return p.Good(state)
	case "failed":
		return p.Bad(state)
	}
	return p.Warn(state)
}

// tunnelTime is how long start waits for tunnels to connect.
const tunnelTime = 5 * time.Second

// announceTunnels prints the state of the tunnels, once each has connected or
// failed.
func (a *app) announceTunnels(ctx context.Context, tunnels []admin.Tunnel) {
	client := a.client()
	connecting := func() bool {
		for _, t := range tunnels {
			if t.State == "connecting" {
				return true
			}
		}
		return false
	}
	for until := time.Now().Add(tunnelTime); connecting() && time.Now().Before(until) && ctx.Err() == nil; time.Sleep(pollTime) {
		var err error
		if tunnels, err = client.Tunnels(ctx); err != nil {
			return
		}
	}
	for _, t := range tunnels {
		text := fmt.Sprintf("%s (%s)", t.Name, t.State)
		if t.State != "up" && t.LastError != "" {
			text += ": " + t.LastError
		}
		var open []string
		for _, f := range t.Forwards {
			switch {
			case f.State == "open" && f.Probe == 0:
				open = append(open, f.Remote+" (not checked)")
			case f.State == "open":
				open = append(open, f.Remote)
			}
		}
		if len(open) > 0 {
			text += ": " + strings.Join(open, ", ") + " on " + t.Host
		}
		a.say("Tunnel: %s", text)
	}
}

// withTunnels calls f with the named tunnels of the configuration, all if there are no
// names.
func (a *app) withTunnels(ctx context.Context, names []string, f func([]*config.Tunnel) error) error {
	path, err := config.Find(a.config)
	if err != nil {
		return err
	}
	var cfg *config.Config
	err = a.withPlugins(path, func(h *pluginhost.Host) error {
		var report config.Report
		if cfg, report = config.Load(ctx, config.Options{Path: path, Vars: a.vars, Catalog: h}); report.HasErrors() {
			return &reload.ConfigError{Report: report}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if len(cfg.Tunnels) == 0 {
		return fmt.Errorf("%s has no tunnel: add a block tunnel \"vps\" { host = \"…\" }", path)
	}
	var known, chosen = []string{}, []*config.Tunnel{}
	for _, t := range cfg.Tunnels {
		known = append(known, t.Name)
	}
	for _, name := range names {
		t := cfg.Tunnel(name)
		if t == nil {
			return fmt.Errorf("there is no tunnel %q in %s; the tunnels are %s", name, path, strings.Join(known, ", "))
		}
		chosen = append(chosen, t)
	}
	if len(names) == 0 {
		chosen = cfg.Tunnels
	}
	return f(chosen)
}
