// Package price computes what a request costs, with the prices of the configuration
// and of a file. Without a price, the cost is unknown, not 0.
package price

import (
	"math"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/event"
)

// Price is what a model costs, per million tokens.
type Price struct {
	Pattern    string
	Input      float64
	Output     float64
	CacheRead  *float64 // nil: as Input
	CacheWrite *float64 // nil: as Input
	Reasoning  *float64 // nil: as Output
	PerRequest float64
	Currency   string
}

// Book has the prices of one configuration, in the order in which they apply.
type Book struct {
	prices []Price
	file   File
	match  func(pattern, model string) bool
}

// NewBook returns a book with prices, which precede those of a file. match reports whether
// a pattern matches a model.
func NewBook(prices []Price, file File, match func(pattern, model string) bool) *Book {
	return &Book{prices, file, match}
}

// Find returns the price of the first of the models that has one.
func (b *Book) Find(models ...string) (Price, bool) {
	if b == nil {
		return Price{}, false
	}
	for _, model := range models {
		if model == "" {
			continue
		}
		for _, p := range b.prices {
			if b.match(p.Pattern, model) {
				return p, true
			}
		}
		if p, ok := b.file.find(model); ok {
			return p, true
		}
	}
	return Price{}, false
}

// Cost returns what a request costs, by the price of the model that was sent to the site, or
// else of the model that the caller asked for. known is false if there is no price, or if
// the site did not report the tokens.
func (b *Book) Cost(sent, asked string, factor float64, t dialect.Tokens) (cost event.Money, currency string, known bool) {
	return b.CostOfAll(sent, asked, factor, 1, t)
}

// CostOfAll is Cost for several requests for one model with the tokens of all of them together.
func (b *Book) CostOfAll(sent, asked string, factor float64, requests int64, t dialect.Tokens) (cost event.Money, currency string, known bool) {
	p, ok := b.Find(sent, asked)
	if !ok || t.Input+t.Output == 0 && p.byTokens() {
		return 0, "", false
	}
	return event.Money(math.Round((p.of(t) + float64(requests)*p.PerRequest) * factor * 1e9)), p.Currency, true
}

// byTokens reports whether the price depends on tokens.
func (p Price) byTokens() bool {
	for _, more := range []*float64{p.CacheRead, p.CacheWrite, p.Reasoning} {
		if more != nil && *more > 0 {
			return true
		}
	}
	return p.Input > 0 || p.Output > 0 || p.PerRequest == 0
}

// of returns the cost of the tokens, in units of the currency.
func (p Price) of(t dialect.Tokens) float64 {
	read := min(t.CacheRead, t.Input)
	write := min(t.CacheWrite, t.Input-read)
	thought := min(t.Reasoning, t.Output)
	perMillion := float64(t.Input-read-write)*p.Input +
		float64(read)*or(p.CacheRead, p.Input) +
		float64(write)*or(p.CacheWrite, p.Input) +
		float64(t.Output-thought)*p.Output +
		float64(thought)*or(p.Reasoning, p.Output)
	return perMillion / 1e6
}

func or(price *float64, otherwise float64) float64 {
	if price == nil {
		return otherwise
	}
	return *price
}
