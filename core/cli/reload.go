package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
)

const (
	pathReload = "/api/config/reload"
	pathPlan   = "/api/config/plan"
)

func (a *app) reloadCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:     "reload",
		Short:   "Apply the configuration as it is in its files now",
		Long:    "Apply the configuration as it is in its files now. No request under way notices.\nIf anything is wrong with it, nothing changes, and the exit code is 4.\n\nUnless hot_reload is false, changes of the files are applied by themselves.",
		Example: "  aitunnel reload\n  aitunnel reload --json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.apply(c.Context(), pathReload, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

func (a *app) planCommand() *cobra.Command {
	asJSON := false
	c := &cobra.Command{
		Use:     "plan",
		Short:   "Say what a reload would change",
		Long:    "Say what a reload would change, block by block, and what would begin and end for\nit. Nothing is changed.",
		Example: "  aitunnel plan\n  aitunnel plan --json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return a.apply(c.Context(), pathPlan, asJSON)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// apply asks for a reload, or the plan of one, and prints the outcome.
func (a *app) apply(ctx context.Context, path string, asJSON bool) error {
	var out admin.Reload
	err := a.remote().post(ctx, path, nil, &out)
	if asJSON {
		return a.jsonOutcome(out, err)
	}
	if refused := (*apiError)(nil); errors.As(err, &refused) && len(refused.diags) > 0 {
		refused.message = "nothing was changed"
	}
	if err != nil {
		return err
	}
	return a.printOutcome(out, path == pathPlan)
}

// jsonOutcome prints what was answered, a refusal too.
func (a *app) jsonOutcome(out any, err error) error {
	refused := (*apiError)(nil)
	if errors.As(err, &refused) && len(refused.body) > 0 {
		if err := a.printJSON(json.RawMessage(refused.body)); err != nil {
			return err
		}
		return exitError(refused.exitCode())
	}
	if err != nil {
		return err
	}
	return a.printJSON(out)
}

// printOutcome prints a reload that was made, or planned only.
func (a *app) printOutcome(r admin.Reload, planned bool) error {
	if err := config.WriteDiagnostics(a.err, r.Diags, colored(a.err)); err != nil {
		return err
	}
	p := a.paint()
	switch {
	case len(r.Changes) == 0 && planned:
		a.say("A reload would change nothing.")
	case len(r.Changes) == 0:
		a.say("Nothing to change.")
	case planned:
		a.say("A reload would change:")
	default:
		a.say("%s in %s, generation %d runs:", p.good("Applied"), span(time.Duration(r.Took)), r.Generation)
	}
	for _, c := range r.Changes {
		a.say("%s", changeLine(p, c))
	}
	if planned && len(r.Effects) > 0 {
		a.say("For that it would:")
		for _, e := range r.Effects {
			a.say("    %s", e)
		}
	}
	return nil
}

func changeLine(p paint, c config.Change) string {
	sign := map[string]string{config.ActionAdd: p.good("+"), config.ActionRemove: p.bad("-"), config.ActionChange: p.warn("~"), config.ActionUpgrade: p.good("^")}[c.Action]
	line := "  " + sign + " " + c.Block
	if len(c.Fields) > 0 {
		line += ": " + strings.Join(c.Fields, ", ")
	}
	if c.Effect != "" {
		line += p.dim(" (" + c.Effect + ")")
	}
	return line
}
