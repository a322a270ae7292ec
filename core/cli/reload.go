package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/config"
)

func (a *app) reloadCommand() *cobra.Command {
	asJSON, dryRun := false, false
	c := &cobra.Command{
		Use:   "reload",
		Short: "Apply the configuration from its files",
		Long: `Apply the configuration from its files. Requests in flight are not affected. If
the configuration has errors, nothing changes and the exit code is 4.

With --dry-run, nothing is changed: the command shows what a reload would change,
block by block, and what would start and stop.

Unless hot_reload is false, the program reloads by itself when files change.`,
		Example: "  aitunnel reload\n  aitunnel reload --dry-run\n  aitunnel reload --json",
		Args:    noArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return a.reload(c.Context(), dryRun, asJSON) },
	}
	c.Flags().BoolVar(&dryRun, "dry-run", false, "show what would change, and change nothing")
	return jsonFlag(c, &asJSON)
}

// planCommand returns an earlier name of reload --dry-run.
func (a *app) planCommand() *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:    "plan",
		Hidden: true,
		Short:  "The same as reload --dry-run",
		Args:   noArgs,
		RunE:   func(c *cobra.Command, _ []string) error { return a.reload(c.Context(), true, asJSON) },
	}, &asJSON)
}

func (a *app) reload(ctx context.Context, dryRun, asJSON bool) error {
	var out admin.Reload
	var err error
	if dryRun {
		out, err = a.client().DryRun(ctx, nil)
		return a.reloaded(out, err, dryRun, asJSON)
	}
	tunnels, _ := a.client().Tunnels(ctx) // only for the output below
	out, err = a.client().Reload(ctx)
	if told := a.reloaded(out, err, dryRun, asJSON); told != nil || err != nil || asJSON {
		return told
	}
	for _, t := range tunnels {
		if t.State != "up" && t.State != "connecting" {
			a.say("The tunnel %s is tried again now; 'aitunnel tunnel list' shows its state.", t.Name)
		}
	}
	return nil
}

// reloaded prints the outcome of a reload.
func (a *app) reloaded(out admin.Reload, err error, dryRun, asJSON bool) error {
	if asJSON {
		return a.jsonOutcome(out, err)
	}
	if refused := (*adminclient.Error)(nil); errors.As(err, &refused) && len(refused.Diagnostics) > 0 {
		refused.Message = "nothing was changed"
	}
	if err != nil {
		return err
	}
	return a.printOutcome(out, dryRun)
}

// jsonOutcome prints an answer, or a refusal, as JSON.
func (a *app) jsonOutcome(out any, err error) error {
	refused := (*adminclient.Error)(nil)
	if errors.As(err, &refused) && len(refused.Body) > 0 {
		if err := a.printJSON(json.RawMessage(refused.Body)); err != nil {
			return err
		}
		return exitError(exitCode(refused))
	}
	if err != nil {
		return err
	}
	return a.printJSON(out)
}

// printOutcome prints what a reload changed, or would change.
func (a *app) printOutcome(r admin.Reload, dryRun bool) error {
	if err := config.WriteDiagnostics(a.err, r.Diags, bool(term.Colors(a.err))); err != nil {
		return err
	}
	p := a.paint()
	switch {
	case len(r.Changes) == 0 && dryRun:
		a.say("A reload would change nothing.")
	case len(r.Changes) == 0:
		a.say("The configuration has not changed.")
	case dryRun:
		a.say("A reload would change:")
	default:
		a.say("%s in %s:", p.Good("Applied"), term.Span(time.Duration(r.Took)))
	}
	for _, c := range r.Changes {
		a.say("%s", changeLine(p, c))
	}
	if dryRun && len(r.Effects) > 0 {
		a.say("Effects:")
		for _, e := range r.Effects {
			a.say("    %s", e)
		}
	}
	return nil
}

func changeLine(p term.Paint, c config.Change) string {
	sign := map[string]string{config.ActionAdd: p.Good("+"), config.ActionRemove: p.Bad("-"), config.ActionChange: p.Warn("~"), config.ActionUpgrade: p.Good("^")}[c.Action]
	line := "  " + sign + " " + c.Block
	if len(c.Fields) > 0 {
		line += ": " + strings.Join(c.Fields, ", ")
	}
	if c.Effect != "" {
		line += p.Dim(" (" + c.Effect + ")")
	}
	return line
}
