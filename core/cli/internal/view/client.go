package view

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// WriteClients lists the clients, if the configuration has any.
func WriteClients(out *strings.Builder, p term.Paint, all []admin.Client) {
	if slices.ContainsFunc(all, func(c admin.Client) bool { return c.Written }) {
		out.WriteString("\n")
		_ = ClientTable(p, all).Write(out)
	}
}

// ClientTable lists clients with their limits and budgets.
func ClientTable(p term.Paint, all []admin.Client) *term.Table {
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
		return fmt.Sprintf("%s of %s %s", strings.TrimSpace(Money(history.Cost{Amount: event.Money(math.Round(b.SpentAmount * 1e9))})), strings.TrimSpace(fmt.Sprintf("%g %s", b.Amount, b.Currency)), periodText(b.Per))
	}
	return fmt.Sprintf("%s of %s tokens %s", term.Number(b.SpentTokens), term.Number(b.Tokens), periodText(b.Per))
}

func periodText(per string) string {
	if per == "day" {
		return "today"
	}
	return "this " + per
}
