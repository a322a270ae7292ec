package observe

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/tidwall/gjson"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
)

func (a *app) explainCommand() *cobra.Command {
	var q admin.ExplainRequest
	asJSON, body := false, ""
	c := command.JSONFlag(&cobra.Command{
		Use:     "explain PATH",
		Short:   "Show where a request would go, and why",
		Long:    "Show which route a request would take, which channels and keys would be tried, in\nwhich order, and why others would not. Nothing is sent to a site; a strategy that\nroutes single requests is asked.",
		Example: "  aitunnel explain /v1/chat/completions --model gpt-5\n  aitunnel explain /v1/messages --header x-session-id=42 --json",
		Args:    command.ExactArgs("PATH"),
		RunE: func(c *cobra.Command, args []string) error {
			if strings.HasPrefix(args[0], "req_") {
				return fmt.Errorf("explain is about requests to come; 'aitunnel requests %s' shows what happened to a past one, and why", args[0])
			}
			q.Path = args[0]
			if body != "" {
				text, err := os.ReadFile(body)
				if err != nil {
					return err
				}
				q.Body, q.Model = string(text), cmp.Or(q.Model, gjson.GetBytes(text, "model").String())
			}
			return a.explainRequest(c.Context(), q, asJSON)
		},
	}, &asJSON)
	c.Flags().StringVar(&q.Model, "model", "", "the model that the request names")
	c.Flags().StringVar(&q.Client, "client", "", "the client that sends the request")
	c.Flags().StringVar(&q.Method, "method", "POST", "the request's method")
	c.Flags().StringToStringVar(&q.Headers, "header", nil, "a header of the request, as `name=value`; may be repeated")
	c.Flags().Lookup("header").DefValue = ""
	c.Flags().StringVar(&body, "body", "", "a file with the body of the request")
	return c
}

func (a *app) explainRequest(ctx context.Context, q admin.ExplainRequest, asJSON bool) error {
	client := a.Client()
	out, err := client.Explain(ctx, q)
	if asJSON {
		return a.ReportJSON(out, err)
	}
	if err != nil {
		return err
	}
	a.NameKeys(ctx, client)
	p := a.Paint()
	if out.Route == "" {
		return fmt.Errorf("the answer would be 404: %s", out.Reason)
	}
	a.Say("%s %s", p.Dim("Route   "), out.Route)
	a.Say("%s %s", p.Dim("Strategy"), out.Strategy)
	a.Say("%s %d%s", p.Dim("Plan    "), out.Plan, term.After(": ", out.Reason))
	if out.Unrouted != "" {
		a.Say("%s %s", p.Dim("Warning "), p.Warn(out.Unrouted))
	}
	if out.Refused != "" {
		a.Say("%s %s", p.Dim("Refused "), p.Bad(out.Refused))
	}
	if len(out.Candidates) == 0 {
		a.Say("\n%s", p.Bad("No channel is available."))
	} else {
		a.Say("")
		t := term.NewTable(p, ">#", "CHANNEL", "KEY", "WHY")
		for i, c := range out.Candidates {
			t.Row(fmt.Sprint(i+1), c.Channel, a.KeyNames.Name(c.Channel, c.Key), c.Reason+term.After(", by egress ", c.Egress))
		}
		if err := t.Write(a.Out); err != nil {
			return err
		}
		a.explainKeys(p, out.Candidates)
	}
	for _, s := range out.Shadows {
		a.Say("\n%s %s would choose %s: %s", p.Dim("Shadow  "), s.Strategy, cmp.Or(s.Channel, "none"), s.Reason)
	}
	if len(out.Skipped) > 0 {
		a.Say("\nNot tried:")
		for _, s := range out.Skipped {
			a.Say("  %s: %s", p.Bold(strings.TrimSpace(s.Channel+" "+a.KeyNames.Name(s.Channel, s.Key))), view.SkipText(s.Why, s.Reason))
		}
	}
	return nil
}

// explainKeys prints the order of the keys of channels that have more than one.
func (a *app) explainKeys(p term.Paint, candidates []admin.Candidate) {
	for _, c := range candidates {
		if c.KeyReason == "" && len(c.Keys) < 2 {
			continue
		}
		a.Say("\n%s %s, by the key selector %s%s", p.Dim("Keys of"), p.Bold(c.Channel), c.KeySelector, term.After(": ", c.KeyReason))
		for i, k := range c.Keys {
			a.Say("  %d. %s", i+1, a.KeyNames.Name(c.Channel, k))
		}
	}
}
