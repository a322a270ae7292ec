package observe

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/cli/internal/view"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/history"
)

// TestMoneyIsRoundedAsInThePanel: half up, which a floating point number is not.
func TestMoneyIsRoundedAsInThePanel(t *testing.T) {
	t.Parallel()
	for amount, want := range map[event.Money]string{
		0: "0.00", 49_999: "<0.0001", 50_000: "0.0001", 3_250_000: "0.0033", 3_249_999: "0.0032", 999_999_999: "1.0000", 1_000_000_000: "1.00",
		1_005_000_000: "1.01", 2_675_000_000: "2.68", 1_234_567_890_000: "1,234.57", 12_070_000_000: "12.07",
	} {
		if got := view.Money(history.Cost{Amount: amount, Currency: "USD"}); got != want+" USD" {
			t.Errorf("%d: %s, want %s USD", amount, got, want)
		}
	}
}

// TestACostWithoutSomeRequestsIsMarked as the least that it can be.
func TestACostWithoutSomeRequestsIsMarked(t *testing.T) {
	t.Parallel()
	some := []history.Cost{{Amount: 3_300_000, Currency: "USD"}}
	for want, s := range map[string]history.UsageSums{
		"0.0033 USD": {Cost: some}, "≥ 0.0033 USD": {Cost: some, Unpriced: 2}, "": {Unpriced: 2},
		"≈ 0.0066 USD": {Cost: some, Estimate: some, Unpriced: 2, Estimated: 2}, "≥ ≈ 0.0033 USD": {Estimate: some, Unpriced: 3, Estimated: 2},
	} {
		if got := usageFigures(term.Paint(false), s)[3]; got != want {
			t.Errorf("%+v: %q, want %q", s, got, want)
		}
	}
}

// TestAMissingCostHasItsReason: no price, or nothing to multiply it with.
func TestAMissingCostHasItsReason(t *testing.T) {
	t.Parallel()
	for want, s := range map[string]history.UsageSums{
		"": {TokensIn: 5},
		"3 requests is not known: the sites sent no token counts":                                           {TokensIn: 5, Unpriced: 3},
		"1 request is not known: there is no price":                                                         {Unpriced: 1, UnpricedTokens: 7},
		"≈ includes 2 requests that ended without a price, estimated with the prices of now: 0.0033 USD.\n": {Unpriced: 2, UnpricedTokens: 7, Estimated: 2, Estimate: []history.Cost{{Amount: 3_300_000, Currency: "USD"}}},
		"0.0033 USD.\nThe cost of 1 request is not known: there is no price for the model":                  {Unpriced: 3, UnpricedTokens: 7, Estimated: 2, Estimate: []history.Cost{{Amount: 3_300_000, Currency: "USD"}}},
	} {
		if got := unpricedText(s); !strings.Contains(got, want) || (want == "") != (got == "") {
			t.Errorf("%+v: %q", s, got)
		}
	}
	answered := func(path string, stream bool, tokens ...uint64) (r history.Record) {
		r.Path, r.Stream, r.Status, r.Endpoint = path, stream, 200, "generate"
		for i, to := range []*uint64{&r.TokensIn, &r.TokensCacheRead, &r.TokensCacheWrite, &r.TokensOut, &r.TokensReasoning} {
			if i < len(tokens) {
				*to = tokens[i]
			}
		}
		return r
	}
	failed := answered("/v1/chat/completions", true)
	failed.Failed, failed.Status = true, 502
	for _, c := range []struct {
		r    history.Record
		want string
	}{
		{answered("/v1/chat/completions", false, 1000, 0, 0, 20), "1,000 in, 20 out"},
		{answered("/v1/chat/completions", false, 1000, 800, 50, 20, 7), "1,000 in (800 from the cache, 50 into the cache), 20 out (7 reasoning)"},
		{answered("/v1/chat/completions", true), "the site sent none; ask for them with stream_options.include_usage"},
		{answered("/v1/messages", true), "the site sent none"},
		{failed, ""},
	} {
		if got := recordTokens(c.r); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}
