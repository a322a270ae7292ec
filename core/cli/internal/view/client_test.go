package view

import (
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
)

// TestBudgetText: small amounts have enough digits.
func TestBudgetText(t *testing.T) {
	t.Parallel()
	for want, b := range map[string]admin.ClientBudget{
		"0.0006 of 0.0005 CNY today":          {Amount: 0.0005, SpentAmount: 0.0006, Currency: "CNY", Per: "day"},
		"1.50 of 5 this month":                {Amount: 5, SpentAmount: 1.5, Per: "month"},
		"1,500 of 2,000,000 tokens this week": {Tokens: 2_000_000, SpentTokens: 1500, Per: "week"},
		"0.00 of 1 USD this hour":             {Amount: 1, Currency: "USD", Per: "hour"},
	} {
		if got := budgetText(&b); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
