package adminapi

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/redact"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/edit"
	"github.com/aitunnel/aitunnel/core/limit"
)

// Clients is for [admin.Source].
func (s *Source) Clients() []admin.Client {
	cfg := s.running().Config
	var names []string
	switch {
	case !cfg.RequiresToken():
		names = append(names, config.ClientAnonymous)
	case len(cfg.Proxy.ClientTokens) > 0:
		names = append(names, config.ClientDefault)
	}
	for _, c := range cfg.Clients {
		if len(names) == 0 || c.Name != names[0] {
			names = append(names, c.Name)
		}
	}
	out := []admin.Client{}
	for _, name := range names {
		out = append(out, s.showClient(name, cfg.Client(name)))
	}
	return out
}

// showClient shows a client; c is nil for one without a block.
func (s *Source) showClient(name string, c *config.Client) admin.Client {
	now := s.program.Registry.Now()
	counted := s.program.Clients.Client(name)
	used := counted.Gate.Usage(now)
	out := admin.Client{Name: name, State: admin.ClientReady, Waiting: counted.Gate.Waiting(), Active: used.InFlight}
	if c == nil {
		return out
	}
	_, out.Token = c.Hash()
	out.Written, out.Models, out.Paths = true, withoutKeys(c.Models), withoutKeys(c.Paths)
	out.Limit = admin.ClientLimit{
		RequestsPerMinute: c.Limit.RequestsPerMinute, TokensPerMinute: c.Limit.TokensPerMinute, Concurrent: c.Limit.Concurrent,
		RequestsUsed: used.RequestShare(), TokensUsed: used.TokenShare(),
	}
	if wait, _ := counted.Gate.Wait(now, 0); wait > 0 || out.Waiting > 0 {
		out.State = admin.ClientAtLimit
	}
	if b, ok := counted.Budget.Usage(now); ok {
		out.Budget = showBudget(b)
		if b.UsedUp() {
			out.State = admin.ClientBudgetUsedUp
		}
	}
	return out
}

func (s *Source) knowsClient(name string) bool {
	return slices.ContainsFunc(s.Clients(), func(c admin.Client) bool { return c.Name == name })
}

// refusal returns why a request of the client would be refused or would wait now.
func (s *Source) refusal(name, path, model string) string {
	c := s.running().Config.Client(name)
	if c == nil {
		return ""
	}
	counted, now := s.program.Clients.Client(name), s.program.Registry.Now()
	wait, reason := counted.Gate.Wait(now, 0)
	budget, bounded := counted.Budget.Usage(now)
	switch {
	case !c.AllowsPath(path):
		return fmt.Sprintf("the client may not use the path %s", path)
	case !c.Allows(model):
		return fmt.Sprintf("the client may not use the model %q", model)
	case bounded && budget.UsedUp():
		return fmt.Sprintf("the budget is used up until %s", budget.Ends.Format(time.RFC3339))
	case wait > 0:
		return fmt.Sprintf("the client is at its limit of %s", reason)
	}
	return ""
}

func showBudget(b limit.BudgetUsage) *admin.ClientBudget {
	return &admin.ClientBudget{
		Amount: b.Amount, Currency: b.Currency, Tokens: int(b.Tokens), Per: string(b.Per), Ends: b.Ends,
		SpentAmount: b.Spent.Amount, SpentTokens: int(b.Spent.Tokens), ReservedAmount: b.Reserved.Amount, ReservedTokens: int(b.Reserved.Tokens),
	}
}

// AddClient is for [admin.Source].
func (s *Source) AddClient(ctx context.Context, in admin.ClientSpec, m admin.Match) (string, admin.Reload, error) {
	switch in.Name {
	case "":
		return "", admin.Reload{}, admin.Invalid("a client needs a name")
	case config.ClientDefault, config.ClientAnonymous:
		return "", admin.Reload{}, admin.Invalid(fmt.Sprintf("the client %q has no token of its own: choose another name", in.Name))
	}
	if redact.LooksLikeKey(in.Name) {
		return "", admin.Reload{}, admin.Invalid("the name looks like a key, and it would be shown in lists and logs: choose another name")
	}
	token := config.NewToken()
	hash := config.HashToken(token)
	out, err := s.change(ctx, m, func(e *reload.Edit) error {
		if e.Config.Client(in.Name) != nil {
			return admin.Refused("exists", fmt.Sprintf("there is a client %q already", in.Name))
		}
		return editable(e.Document.AddClient(in.Name, edit.Client{
			TokenSHA256: hex.EncodeToString(hash[:]), Models: in.Models, Paths: in.Paths,
			RequestsPerMinute: in.RequestsPerMinute, TokensPerMinute: in.TokensPerMinute, Concurrent: in.Concurrent,
			Budget: in.Budget, BudgetTokens: in.BudgetTokens, Per: in.Per,
		}))
	})
	return token, out, err
}

// RemoveClient is for [admin.Source].
func (s *Source) RemoveClient(ctx context.Context, name string, m admin.Match) (admin.Reload, error) {
	return s.change(ctx, m, func(e *reload.Edit) error {
		if e.Config.Client(name) == nil {
			return admin.NotFound(fmt.Sprintf("there is no client %q", name))
		}
		return editable(e.Document.RemoveClient(name))
	})
}
