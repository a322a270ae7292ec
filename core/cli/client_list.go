package cli

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

func (a *app) clientCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "client",
		Short: "Show and change who may use the proxy",
		Args:  noArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.clientList(), a.clientAdd(), a.clientRemove())
	return c
}

func (a *app) clientList() *cobra.Command {
	asJSON := false
	return jsonFlag(&cobra.Command{
		Use:     "list",
		Short:   "List the clients with their limits and budgets",
		Example: "  aitunnel client list\n  aitunnel client list --json",
		Args:    noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.client().Clients(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.printJSON(all)
			}
			return clientTable(a.paint(), all).Write(a.out)
		},
	}, &asJSON)
}

func clientTable(p term.Paint, all []admin.Client) *term.Table {
	t := term.NewTable(p, "CLIENT", "STATE", "MAY USE", "LIMIT", "BUDGET", ">IN FLIGHT", ">WAITING")
	for _, cl := range all {
		state := p.Good(admin.ClientStateText(cl.State))
		if cl.State != admin.ClientReady {
			state = p.Warn(admin.ClientStateText(cl.State))
		}
		t.Row(cl.Name, state, mayUse(cl), limitText(cl.Limit), budgetText(cl.Budget), fmt.Sprint(cl.Active), fmt.Sprint(cl.Waiting))
	}
	return t
}

// writeClients lists the clients, if the configuration has any.
func writeClients(out *strings.Builder, p term.Paint, all []admin.Client) {
	if slices.ContainsFunc(all, func(c admin.Client) bool { return c.Written }) {
		out.WriteString("\n")
		_ = clientTable(p, all).Write(out)
	}
}

func mayUse(c admin.Client) string {
	return cmp.Or(strings.Join(append(c.Models, c.Paths...), ", "), "all")
}

func limitText(l admin.ClientLimit) string {
	var parts []string
	if l.RequestsPerMinute > 0 {
		parts = append(parts, term.Number(l.RequestsPerMinute)+" requests/min")
	}
	if l.TokensPerMinute > 0 {
		parts = append(parts, term.Number(l.TokensPerMinute)+" tokens/min")
	}
	if l.Concurrent > 0 {
		parts = append(parts, fmt.Sprintf("%d at once", l.Concurrent))
	}
	return cmp.Or(strings.Join(parts, ", "), "none")
}

func budgetText(b *admin.ClientBudget) string {
	switch {
	case b == nil:
		return "none"
	case b.Amount > 0:
		return fmt.Sprintf("%s of %s %s", strings.TrimSpace(money(history.Cost{Amount: event.Money(math.Round(b.SpentAmount * 1e9))})), strings.TrimSpace(fmt.Sprintf("%g %s", b.Amount, b.Currency)), periodText(b.Per))
	}
	return fmt.Sprintf("%s of %s tokens %s", term.Number(b.SpentTokens), term.Number(b.Tokens), periodText(b.Per))
}

func periodText(per string) string {
	if per == "day" {
		return "today"
	}
	return "this " + per
}

func (a *app) clientAdd() *cobra.Command {
	var spec admin.ClientSpec
	asJSON := false
	c := jsonFlag(&cobra.Command{
		Use:   "add CLIENT",
		Short: "Add a client to the configuration, and show its token once",
		Long: `Add a client to the configuration and apply it. Its token is generated and printed
once: the configuration has only its hash.

Once there is a client or proxy.client_tokens, every request needs a token.`,
		Example: "  aitunnel client add openclaw\n  aitunnel client add phone --model 'gpt-*' --path '/v1/**'\n  aitunnel client add friend --requests-per-minute 20 --budget 5 --per week",
		Args:    names("CLIENT"),
		RunE: func(c *cobra.Command, args []string) error {
			spec.Name = args[0]
			if spec.Per != "" && spec.Budget == 0 && spec.BudgetTokens == 0 {
				return usageError{c, errors.New("--per is the period of a budget: add --budget or --budget-tokens")}
			}
			out, err := a.client().AddClient(c.Context(), spec)
			done := fmt.Sprintf("Client %s was added to the configuration. Its token, which is not shown again:\n\n  %s\n\nIts apps send it as their API key; 'aitunnel connect' shows their other settings.", out.Name, out.Token)
			return a.report(out, err, asJSON, done)
		},
	}, &asJSON)
	c.Flags().StringSliceVar(&spec.Models, "model", nil, "a pattern of model names that it may use; may be repeated")
	c.Flags().StringSliceVar(&spec.Paths, "path", nil, "a path that it may use, written as in routes; may be repeated")
	c.Flags().IntVar(&spec.RequestsPerMinute, "requests-per-minute", 0, "how many requests it may send per minute")
	c.Flags().IntVar(&spec.TokensPerMinute, "tokens-per-minute", 0, "how many tokens it may use per minute")
	c.Flags().IntVar(&spec.Concurrent, "concurrent", 0, "how many requests it may have in flight")
	c.Flags().Float64Var(&spec.Budget, "budget", 0, "an amount that it may spend per period, in the currency of the prices")
	c.Flags().IntVar(&spec.BudgetTokens, "budget-tokens", 0, "how many tokens it may use per period")
	c.Flags().StringVar(&spec.Per, "per", "", "the period of the budget: hour, day, week or month (default: day)")
	return c
}

func (a *app) clientRemove() *cobra.Command {
	yes, asJSON := false, false
	c := jsonFlag(&cobra.Command{
		Use:               "remove CLIENT",
		Short:             "Remove a client from the configuration: its token is no longer accepted",
		Example:           "  aitunnel client remove openclaw\n  aitunnel client remove openclaw --yes",
		Args:              names("CLIENT"),
		ValidArgsFunction: a.completeClient,
		RunE: func(c *cobra.Command, args []string) error {
			if !yes {
				if err := a.confirmRemoval(c.Context(), fmt.Sprintf("Remove client %s from the configuration?", args[0])); err != nil {
					return err
				}
			}
			out, err := a.client().RemoveClient(c.Context(), args[0])
			return a.report(out, err, asJSON, "Client "+args[0]+" was removed from the configuration. To get it back: aitunnel config undo")
		},
	}, &asJSON)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// completeClient is for commands whose only argument is a client.
func (a *app) completeClient(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	if len(args) == 0 {
		for _, cl := range asked(a, c, (*adminclient.Client).Clients) {
			if cl.Written {
				out = append(out, cl.Name)
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
