package observe

import (
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/term"
	"github.com/aitunnel/aitunnel/core/history"
)

// TestIncompleteCostsAreMarked as lower bounds, and estimates as such.
func TestIncompleteCostsAreMarked(t *testing.T) {
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

// TestMissingCostsAreExplained: there is no price, or there are no token counts.
func TestMissingCostsAreExplained(t *testing.T) {
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
}

// TestTokensOfARecord: with a hint if the site sent no token counts.
func TestTokensOfARecord(t *testing.T) {
	t.Parallel()
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
