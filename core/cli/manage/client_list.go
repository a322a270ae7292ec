package manage

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/adminclient"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
)

func (a *app) clientCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "client",
		Short: "Show and change who may use the proxy",
		Args:  command.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(a.clientList(), a.clientAdd(), a.clientRemove())
	return c
}

func (a *app) clientList() *cobra.Command {
	asJSON := false
	return command.JSONFlag(&cobra.Command{
		Use:     "list",
		Short:   "List the clients with their limits and budgets",
		Example: "  aitunnel client list\n  aitunnel client list --json",
		Args:    command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := a.Client().Clients(c.Context())
			if err != nil {
				return err
			}
			if asJSON {
				return a.PrintJSON(all)
			}
			return view.ClientTable(a.Paint(), all).Write(a.Out)
		},
	}, &asJSON)
}

func (a *app) clientAdd() *cobra.Command {
	var spec admin.ClientSpec
	asJSON := false
	c := command.JSONFlag(&cobra.Command{
		Use:   "add CLIENT",
		Short: "Add a client to the configuration, and show its token once",
		Long: `Add a client to the configuration and apply it. Its token is generated and printed
once: the configuration has only its hash.

Once there is a client or proxy.client_tokens, every request needs a token.`,
		Example: "  aitunnel client add openclaw\n  aitunnel client add phone --model 'gpt-*' --path '/v1/**'\n  aitunnel client add friend --requests-per-minute 20 --budget 5 --per week",
		Args:    command.ExactArgs("CLIENT"),
		RunE: func(c *cobra.Command, args []string) error {
			spec.Name = args[0]
			if spec.Per != "" && spec.Budget == 0 && spec.BudgetTokens == 0 {
				return command.WrongUsage(c, errors.New("--per is the period of a budget: add --budget or --budget-tokens"))
			}
			out, err := a.Client().AddClient(c.Context(), spec)
			done := fmt.Sprintf("Client %s was added to the configuration. Its token, which is not shown again:\n\n  %s\n\nIts apps send it as their API key; 'aitunnel connect' shows their other settings.", out.Name, out.Token)
			return a.Report(out, err, asJSON, done)
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
	c := command.JSONFlag(&cobra.Command{
		Use:               "remove CLIENT",
		Short:             "Remove a client from the configuration: its token is no longer accepted",
		Example:           "  aitunnel client remove openclaw\n  aitunnel client remove openclaw --yes",
		Args:              command.ExactArgs("CLIENT"),
		ValidArgsFunction: a.completeClient,
		RunE: func(c *cobra.Command, args []string) error {
			if !yes {
				if err := a.confirmRemoval(c.Context(), fmt.Sprintf("Remove client %s from the configuration?", args[0])); err != nil {
					return err
				}
			}
			out, err := a.Client().RemoveClient(c.Context(), args[0])
			return a.Report(out, err, asJSON, "Client "+args[0]+" was removed from the configuration. To get it back: aitunnel config undo")
		},
	}, &asJSON)
	c.Flags().BoolVarP(&yes, "yes", "y", false, "do not ask")
	return c
}

// completeClient is for commands whose only argument is a client.
func (a *app) completeClient(c *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	var out []cobra.Completion
	if len(args) == 0 {
		for _, cl := range command.AnswerForCompletion(a.Env, c, (*adminclient.Client).Clients) {
			if cl.Written {
				out = append(out, cl.Name)
			}
		}
	}
	return out, cobra.ShellCompDirectiveNoFileComp
}
