package proxy

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/tidwall/gjson"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// scope is what the result of an attempt says something about. Acting on the
// wrong one is the classic fault: a challenge page is no word on the key.
type scope = event.Verdict

const (
	scopeNone    = event.VerdictOK
	scopeChannel = event.VerdictChannel
	scopeKey     = event.VerdictKey
	scopeRequest = event.VerdictRequest
	scopeClient  = event.VerdictClient
)

// keyFault is what is wrong with a key.
type keyFault int

const (
	limited keyFault = iota + 1
	invalid
	exhausted
)

// verdict is what an attempt came to.
type verdict struct {
	scope     scope
	reason    string
	retry     bool          // another attempt may help
	blocked   bool          // the site refuses this address
	key       keyFault      // of scopeKey
	wait      time.Duration // the rest that the site asks for; 0 if it names none
	modelOnly bool          // it concerns the key only with the model asked for
}

// judge decides on a channel's answer. body is its beginning, as far as it was
// read; model the one that was sent.
func judge(status int, h http.Header, body []byte, model string, retry config.Retry, now time.Time) verdict {
	on := slices.Contains(retry.On, status)
	reason := reasonOf(status, body)
	switch {
	case challenged(status, h):
		return verdict{scope: scopeChannel, reason: "the site answers with a challenge page: it blocks this address", retry: true, blocked: true}
	case status < 400:
		return verdict{scope: scopeNone}
	case status == http.StatusPaymentRequired,
		(status == http.StatusTooManyRequests || status == http.StatusForbidden) && outOfQuota(body):
		return verdict{scope: scopeKey, reason: reason, retry: true, key: exhausted, wait: restOf(h, body, now)}
	case status == http.StatusTooManyRequests:
		return verdict{scope: scopeKey, reason: reason, retry: on, key: limited, wait: restOf(h, body, now), modelOnly: namesModel(body, model)}
	case status == http.StatusUnauthorized:
		return verdict{scope: scopeKey, reason: reason, retry: true, key: invalid}
	case status == http.StatusForbidden && !isHTML(h):
		return verdict{scope: scopeKey, reason: reason, retry: true, key: invalid}
	case status == http.StatusForbidden:
		return verdict{scope: scopeChannel, reason: "403 with a page in place of the API's answer", retry: true}
	case status >= 520 && status <= 529:
		return verdict{scope: scopeChannel, reason: reason, retry: true}
	case status >= 502 && status <= 504:
		return verdict{scope: scopeChannel, reason: reason, retry: on}
	case on:
		return verdict{scope: scopeChannel, reason: reason, retry: true}
	}
	return verdict{scope: scopeRequest, reason: reason}
}

// challenged recognises the pages by which Cloudflare keeps programs out.
func challenged(status int, h http.Header) bool {
	if first(h, "Cf-Mitigated") != "" {
		return true
	}
	return (status == http.StatusForbidden || status == http.StatusServiceUnavailable) &&
		isHTML(h) && strings.EqualFold(first(h, "Server"), "cloudflare")
}

func isHTML(h http.Header) bool { return strings.HasPrefix(first(h, "Content-Type"), "text/html") }

// quotaCodes are the words by which sites say that a key's money is spent.
var quotaCodes = []string{
	"insufficient_quota", "insufficient_user_quota", "insufficient_balance", "billing_hard_limit_reached",
	"billing_not_active", "quota_exceeded", "pre_consume_token_quota_failed", "credit_balance_too_low",
}

func outOfQuota(body []byte) bool {
	for _, path := range []string{"error.code", "error.type", "code", "type"} {
		if slices.Contains(quotaCodes, strings.ToLower(gjson.GetBytes(body, path).String())) {
			return true
		}
	}
	return false
}

// namesModel says that a rate limit is for the model alone: the message names
// it.
func namesModel(body []byte, model string) bool {
	return model != "" && strings.Contains(gjson.GetBytes(body, "error.message").String(), model)
}

// reasonOf is a short account of an error answer.
func reasonOf(status int, body []byte) string {
	text := http.StatusText(status)
	if status == 529 {
		text = "Overloaded"
	}
	reason := strings.TrimSpace(itoa(status) + " " + text)
	for _, path := range []string{"error.code", "error.type", "error.status"} {
		if code := gjson.GetBytes(body, path); code.Type == gjson.String && isCode(code.Str) {
			return reason + " (" + code.Str + ")"
		}
	}
	return reason
}

// isCode keeps a site from putting anything but a code into our log: it may
// repeat the key that it was sent there. Codes are words, or short numbers.
func isCode(s string) bool {
	const longest, longestNumber = 48, 6
	for _, c := range s {
		digit := c >= '0' && c <= '9' && len(s) <= longestNumber
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && !digit && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= longest
}

// judgeEvent decides on the first event of a stream: an error there is judged
// as if it had come with the status it names.
func judgeEvent(event []byte, model string, h http.Header, retry config.Retry, now time.Time) verdict {
	data := eventData(event)
	fault := gjson.GetBytes(data, "error")
	if !fault.Exists() || fault.Type == gjson.Null || !gjson.ValidBytes(data) {
		return verdict{scope: scopeNone}
	}
	status := eventStatus(data)
	v := judge(status, h, data, model, retry, now)
	v.reason = "the stream begins with an error: " + v.reason
	if v.scope == scopeRequest && status >= 500 {
		v.scope, v.retry = scopeChannel, true
	}
	return v
}

// eventData joins the data lines of an event (HTML standard, 9.2.6).
func eventData(event []byte) []byte {
	var data []byte
	for line := range bytes.SplitSeq(event, []byte("\n")) {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if rest, ok := bytes.CutPrefix(line, []byte("data:")); ok {
			data = append(data, bytes.TrimPrefix(rest, []byte(" "))...)
		}
	}
	return data
}

// eventStatus is the HTTP status that an error event stands for.
func eventStatus(data []byte) int {
	for _, path := range []string{"error.code", "error.status", "error.http_code", "status"} {
		if n := gjson.GetBytes(data, path); n.Type == gjson.Number && n.Int() >= 400 && n.Int() < 600 {
			return int(n.Int())
		}
	}
	words := gjson.GetBytes(data, "error.type").String() + " " + gjson.GetBytes(data, "error.code").String() + " " + gjson.GetBytes(data, "error.status").String()
	for _, k := range []struct {
		word   string
		status int
	}{
		{"insufficient_quota", http.StatusPaymentRequired}, {"billing", http.StatusPaymentRequired},
		{"rate_limit", http.StatusTooManyRequests}, {"RESOURCE_EXHAUSTED", http.StatusTooManyRequests},
		{"authentication", http.StatusUnauthorized}, {"invalid_api_key", http.StatusUnauthorized}, {"UNAUTHENTICATED", http.StatusUnauthorized},
		{"permission", http.StatusForbidden}, {"PERMISSION_DENIED", http.StatusForbidden},
		{"invalid_request", http.StatusBadRequest}, {"INVALID_ARGUMENT", http.StatusBadRequest}, {"not_found", http.StatusNotFound},
		{"overloaded", 529}, {"UNAVAILABLE", http.StatusServiceUnavailable},
	} {
		if strings.Contains(words, k.word) {
			return k.status
		}
	}
	return http.StatusBadGateway
}
