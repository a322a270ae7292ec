package view

import (
	"fmt"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// Money returns an amount with two decimals, or four if it is below 1, rounded half up
// as in the panel.
func Money(c history.Cost) string {
	const unit, smallest = 1_000_000_000, 50_000 // billionths
	digits, step := 2, event.Money(unit/100)
	switch {
	case c.Amount > 0 && c.Amount < smallest:
		return "<0.0001 " + c.Currency
	case c.Amount > 0 && c.Amount < unit:
		digits, step = 4, unit/10_000
	}
	n := (c.Amount + step/2) / step
	return fmt.Sprintf("%s.%0*d %s", term.Number(int64(n*step/unit)), digits, int64(n*step%unit/step), c.Currency)
}
