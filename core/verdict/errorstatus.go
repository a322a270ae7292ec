package verdict

import (
	"net/http"
	"strconv"
	"strings"
)

// statusOfError returns the HTTP status that corresponds to an error inside a good
// answer; 0 if it is unclear.
func (f *failure) statusOfError() int {
	for _, o := range []object{f.err, f.doc} {
		for _, name := range []string{"code", "status", "http_code", "status_code", "http_status", "statusCode"} {
			if n := knownStatus(scalar(o.get(name))); n > 0 {
				return n
			}
		}
	}
	for _, s := range statusWords {
		for _, c := range f.codes {
			if s.matches(c) {
				return s.status
			}
		}
	}
	return 0
}

// knownStatus returns s as a status, if it is a common one: some sites use their
// own numbers.
func knownStatus(s string) int {
	if n := httpStatus(s); isKnownStatus(n) {
		return n
	}
	return 0
}

// isKnownStatus reports whether a status is standard or common.
func isKnownStatus(n int) bool {
	return http.StatusText(n) != "" || n == 444 || n == 498 || n == 499 || n >= 520 && n <= 530
}

// httpStatus returns s as a number from 400 to 599, otherwise 0.
func httpStatus(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n >= 400 && n <= 599 {
		return n
	}
	return 0
}

type statusWord struct {
	word   string
	status int
}

// matches reports whether a code contains the word. "api_error" must be the whole
// code, since gateways have codes such as new_api_error.
func (s statusWord) matches(code string) bool {
	if s.word == "api_error" {
		return strings.EqualFold(code, s.word)
	}
	return strings.Contains(strings.ToLower(code), s.word) || strings.Contains(plainCode(code), s.word)
}

// statusWords are parts of codes, with the statuses that such errors have outside
// of streams. The first match counts.
var statusWords = []statusWord{
	{"overloaded", 529}, {"slow_down", 503}, {"insufficient_system_resource", 503},
	{"rate_limit", 429}, {"ratelimit", 429}, {"resource_exhausted", 429}, {"insufficient_quota", 429}, {"too_many_requests", 429}, {"quota", 429}, {"throttling", 429}, {"usage_limit", 429},
	{"billing", 402}, {"insufficient_balance", 402}, {"payment", 402}, {"low_balance", 402}, {"arrears", 402}, {"overdue", 402},
	{"authentication", 401}, {"api_key", 401}, {"apikey", 401}, {"unauthenticated", 401}, {"unauthorized", 401},
	{"permission", 403}, {"forbidden", 403}, {"access_denied", 403}, {"unsupported_country", 403},
	{"too_large", 413},
	{"invalid_request", 400}, {"invalid_argument", 400}, {"failed_precondition", 400}, {"bad_request", 400}, {"context_length", 400}, {"content_filter", 400}, {"content_policy", 400}, {"invalidparameter", 400},
	{"not_found", 404},
	{"unavailable", 503}, {"deadline_exceeded", 504}, {"timeout", 504},
	{"internal", 500}, {"server_error", 500}, {"api_error", 500},
}
