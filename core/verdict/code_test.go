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

// TestWithoutEcho: what a refusal quotes from the request is removed, what a gateway quotes
// from its upstream is not.
func TestWithoutEcho(t *testing.T) {
	for _, c := range []struct{ message, want string }{
		{`The text "my key expired" is not allowed`, `The text '…' is not allowed`},
		{`工具名称 '查询余额' 包含非法字符`, `工具名称 '…' 包含非法字符`},
		{`must not contain “API key expired”.`, `must not contain '…'.`},
		{"The model 'Llama 3 70B' does not exist", "The model '…' does not exist"},
		{"The model `gpt-4` does not exist", "The model `gpt-4` does not exist"},
		{`You didn't provide an API key. You can't go on`, `You didn't provide an API key. You can't go on`},
		{`Error code: 400 - {'error': {'message': 'Your credit balance is too low'}}`, `Error code: 400 - {'error': {'message': 'Your credit balance is too low'}}`},
		{`upstream error: "insufficient balance"`, `upstream error: "insufficient balance"`},
		{`上游返回："余额不足"`, `上游返回："余额不足"`},
		{"not a string, got: 'api key expired'", "not a string"},
	} {
		if got := withoutEcho(c.message, 400); got != c.want {
			t.Errorf("%s\n%s\nwant\n%s", c.message, got, c.want)
		}
		if got := withoutEcho(c.message, 401); got != c.message {
			t.Errorf("with status 401: %s", got)
		}
	}
}
