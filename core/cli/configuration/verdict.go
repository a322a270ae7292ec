package configuration

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/verdict"
)

func (a *app) verdictCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "verdict",
		Short: "Explain what a site's answer means, and list the rules",
		Long:  "A verdict says what an answer means, and its scope: this address, the\nchannel, a key, a key with one model, or the request. Rules of your own are verdict\nblocks in the configuration; docs/verdicts.md describes them.",
		Args:  command.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.verdictList(), a.verdictTest(), a.verdictUnknown())
	return c
}

// verdictRule is a rule as JSON.
type verdictRule struct {
	Name       string              `json:"name"`
	Origin     verdict.Origin      `json:"origin"`
	Means      verdict.Means       `json:"means"`
	Scope      verdict.Scope       `json:"scope,omitempty"`
	Note       string              `json:"note,omitempty"`
	File       string              `json:"file,omitempty"`
	Line       int                 `json:"line,omitempty"`
	Conditions []verdict.Condition `json:"conditions"`
	Found      map[string]string   `json:"found,omitempty"` // what matched in an answer, by condition
}

func ruleFor(r *verdict.Rule) verdictRule {
	out := verdictRule{Name: r.Name, Origin: r.Origin, Means: r.Means, Scope: r.Scope, Note: r.Note, Conditions: r.Conditions()}
	if r.Origin != verdict.FromBuiltin {
		out.File, out.Line = r.Range.Filename, r.Range.Start.Line
	}
	return out
}

func (a *app) verdictList() *cobra.Command {
	asJSON := false
	var channel string
	c := command.JSONFlag(&cobra.Command{
		Use:     "list",
		Short:   "List the rules in the order in which they are tried",
		Example: "  aitunnel verdict list\n  aitunnel verdict list --channel home --json",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			set, err := a.verdictSet(c.Context(), channel)
			if err != nil {
				return err
			}
			return a.listRules(set.Rules(), asJSON)
		},
	}, &asJSON)
	c.Flags().StringVar(&channel, "channel", "", "the `channel` whose rules are listed too")
	return c
}

func (a *app) listRules(rules []*verdict.Rule, asJSON bool) error {
	if asJSON {
		out := make([]verdictRule, len(rules))
		for i, r := range rules {
			out[i] = ruleFor(r)
		}
		return a.PrintJSON(out)
	}
	w := tabwriter.NewWriter(a.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "VERDICT\tFROM\tMEANS\tNOTE")
	for _, r := range rules {
		note := r.Note
		if r.Origin != verdict.FromBuiltin {
			note = fmt.Sprintf("%s:%d", r.Range.Filename, r.Range.Start.Line)
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", r.Name, r.Origin, meansAndScope(r.Means, r.Scope), note)
	}
	_, _ = fmt.Fprintln(w, "-\tstatus\t-\tIf no rule matches, the status decides.")
	return w.Flush()
}

func meansAndScope(m verdict.Means, s verdict.Scope) string {
	return strings.TrimSuffix(string(m)+" "+string(s), " ")
}
