package verdict

import "testing"

// TestPlainCode: one expression finds a code however a site writes it.
func TestPlainCode(t *testing.T) {
	for _, c := range []struct{ code, want string }{
		{"InsufficientBalanceError", "insufficient_balance"},
		{"ERR_INSUFFICIENT_BALANCE", "insufficient_balance"},
		{"insufficient-balance", "insufficient_balance"},
		{"ResourceUnavailable.LowBalance", "resource_unavailable_low_balance"},
		{"APIKeyInvalid", "api_key_invalid"},
		{"RateLimitExceeded.EndpointTPMExceeded", "rate_limit_exceeded_endpoint_tpm_exceeded"},
		{"err_rate_limited", "rate_limited"},
		{"RESOURCE_EXHAUSTED", "resource_exhausted"},
		{"insufficient_quota", ""}, // as it is
		{"1113", ""},
		{"", ""},
		{"error", ""},
		{"余额不足", ""},
	} {
		if got := plainCode(c.code); got != c.want {
			t.Errorf("%q is %q, not %q", c.code, got, c.want)
		}
	}
}

// TestRulesInOtherScripts: a rule of the user's finds what it says, in capital
// letters of any alphabet and in characters that the built-in rules do not use.
func TestRulesInOtherScripts(t *testing.T) {
	for _, text := range []string{"Недостаточно средств", "APIキーが無効です", "餘額不足，請儲值", "Clé d'API ÉCHUE"} {
		set := New(Options{User: rules(t, "verdict \"x\" {\nmessage = \"(?i)"+text+"\"\nmeans = \"quota_spent\"\n}")})
		if v := set.Judge(answer(418, `{"error":{"message":"`+text+`"}}`)); v.Means != QuotaSpent {
			t.Errorf("%s: %s by %q", text, v.Means, v.Rule)
		}
	}
}
