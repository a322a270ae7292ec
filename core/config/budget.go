package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/price"
)

// budget checks the budget of a client, and stores its place.
func (r *reader) budget(c *Client) {
	b := r.One("budget")
	if b == nil {
		return
	}
	if c.Budget.Amount == 0 && c.Budget.Tokens == 0 {
		r.loader.Warn(b.DefRange(), "Empty budget", "A budget without an amount or tokens limits nothing: set one, or remove the block.")
	}
	if r.loader.budgetByClient == nil {
		r.loader.budgetByClient = map[string]hcl.Range{}
	}
	r.loader.budgetByClient[c.Name] = b.DefRange()
}

// pricedBudgets reports budgets of money for models without a price, whose cost could not be
// counted, and for models with prices in several currencies, whose costs cannot be added up.
func (l *loader) pricedBudgets() {
	for _, c := range l.config.Clients {
		if c.Budget.Amount == 0 {
			continue
		}
		models := c.Models
		if len(models) == 0 {
			models = []string{"*"}
		}
		if i := slices.IndexFunc(models, func(m string) bool { return !l.isPriced(m) }); i >= 0 {
			l.Fail(l.budgetByClient[c.Name], "No price for a budget", fmt.Sprintf("The budget of the client %q is an amount of money, but the models %q that it may use have no price: add price %q { … }, set price_file, or restrict the models of the client.", c.Name, models[i], models[i]))
			continue
		}
		all := l.currencies(models)
		if len(all) > 1 {
			l.Fail(l.budgetByClient[c.Name], "Budget in several currencies", fmt.Sprintf("The models that the client %q may use have prices in %s, so their costs cannot be added up. Write all prices in one currency (such as input = 2 / 7.1 for 2 CNY in USD), restrict the models of the client, or set tokens instead of amount.", c.Name, strings.Join(all, " and ")))
			continue
		}
		if len(all) == 1 {
			c.Budget.Currency = all[0]
		}
	}
}

// isPriced reports whether all models of the pattern have a price. With a price file, that
// is known only when a request arrives.
func (l *loader) isPriced(pattern string) bool {
	if l.config.PriceFile != "" {
		return true
	}
	return slices.ContainsFunc(l.config.prices, func(p *Price) bool { return MatchModel(p.Models, pattern) })
}

// currencies returns the currencies of the prices of models that match the patterns, in the
// order of the prices, and of those that channels are sent for them.
func (l *loader) currencies(patterns []string) (all []string) {
	add := func(currency string) {
		if !slices.Contains(all, currency) {
			all = append(all, currency)
		}
	}
	for _, pattern := range patterns {
		covered := false
		for _, p := range l.config.prices {
			if covered = MatchModel(p.Models, pattern); covered || MatchModel(pattern, p.Models) {
				add(p.Currency)
			}
			if covered {
				break // later prices are for other models
			}
		}
		if !covered && l.config.PriceFile != "" {
			add(price.DefaultCurrency)
		}
		for _, sent := range l.sentFor(pattern) {
			if p, ok := l.config.Prices.Find(sent); ok {
				add(p.Currency)
			}
		}
	}
	return all
}

// sentFor returns the names by which channels are asked for models of the pattern.
func (l *loader) sentFor(pattern string) (all []string) {
	for _, c := range l.config.Channels {
		for asked, sent := range c.ModelMap {
			if MatchModel(pattern, asked) {
				all = append(all, sent)
			}
		}
	}
	slices.Sort(all)
	return all
}
