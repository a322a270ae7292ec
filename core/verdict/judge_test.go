package verdict

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/aitunnel/aitunnel/core/dialect"
)

func parse(t testing.TB, src string) *hcl.File {
	t.Helper()
	file, diags := hclsyntax.ParseConfig([]byte(src), "x.hcl", hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	return file
}

// TestRetryOn: retry.on decides where a request is tried next after a status; rules decide
// what the answer means.
func TestRetryOn(t *testing.T) {
	quota := `{"error":{"code":"insufficient_quota"}}`
	for _, c := range []struct {
		name                  string
		on                    []int
		status                int
		body                  string
		means                 Means
		failover, sameChannel bool
	}{
		{"by default", nil, 500, "", Broken, true, true},
		{"by default 408", nil, 408, "", Broken, true, true},
		{"by default 529", nil, 529, "", Overloaded, true, true},
		{"by default 400", nil, 400, "", Refused, false, false},
		{"by default 405", nil, 405, "", NoEndpoint, true, false},
		{"by default 407", nil, 407, "", Broken, true, false},
		{"written", []int{503}, 503, "", Overloaded, true, true},
		{"409 as 503", []int{503}, 409, "", Overloaded, true, true},
		{"409 without 503", []int{500}, 409, "", Overloaded, false, false},
		{"409 by default", nil, 409, "", Overloaded, true, true},
		{"left out", []int{503}, 500, "", Broken, false, false},
		{"left out, but known", []int{503}, 429, quota, QuotaSpent, true, false},
		{"left out, about the key", []int{503}, 401, "", Suspect, true, false},
		{"an unusual one listed", []int{400}, 400, "", Refused, true, true},
		{"none", []int{}, 503, "", Overloaded, false, false},
	} {
		v := New(Options{RetryOn: c.on}).Judge(answer(c.status, c.body))
		if v.Means != c.means || v.Failover != c.failover || v.SameChannel != c.sameChannel {
			t.Errorf("%s: %s, failover %v, same channel %v; want %s, %v, %v", c.name, v.Means, v.Failover, v.SameChannel, c.means, c.failover, c.sameChannel)
		}
	}
}

// TestAccountEndpointsAffectNothing unless a rule of the user says so.
func TestAccountEndpointsAffectNothing(t *testing.T) {
	for _, status := range []int{401, 403, 404} {
		for _, e := range []dialect.Endpoint{dialect.Account, dialect.Count, dialect.Other} {
			a := answer(status, `{"error":{"message":"Incorrect API key provided","code":"invalid_api_key"}}`)
			a.Endpoint = e
			v := New(Options{}).Judge(a)
			if v.Scope != ScopeRequest || v.Means != Refused && v.Means != Declined {
				t.Errorf("%d on %s: %s %s", status, e, v.Means, v.Scope)
			}
			mine := rules(t, "verdict \"x\" {\nstatus = [401, 403, 404]\nmeans = \"invalid_key\"\n}")
			if v := New(Options{User: mine}).Judge(a); v.Means != InvalidKey || v.Scope != ScopeKey {
				t.Errorf("%d on %s by the user's rule: %s %s", status, e, v.Means, v.Scope)
			}
		}
	}
}

// TestFormsOfErrors has one error in all shapes that sites use.
func TestFormsOfErrors(t *testing.T) {
	const code = "insufficient_quota"
	for _, body := range []string{
		`{"error":{"code":"insufficient_quota","message":"m"}}`,
		`{"error":{"type":"insufficient_quota","message":"m"}}`,
		`{"error":"insufficient_quota","message":"m"}`,
		`{"error":"insufficient_quota","error_description":"m"}`,
		`{"error":"m","code":"insufficient_quota"}`,
		`{"type":"error","error":{"type":"insufficient_quota","message":"m"}}`,
		`{"type":"error","code":"insufficient_quota","message":"m"}`,
		`{"object":"error","type":"insufficient_quota","message":"m","code":429}`,
		`{"type":"response.failed","response":{"error":{"code":"insufficient_quota","message":"m"}}}`,
		`{"status":"failed","error":{"code":"insufficient_quota","message":"m"},"output":[]}`,
		`{"response":{"error":{"code":"insufficient_quota","message":"m"}}}`,
		`{"detail":{"code":"insufficient_quota","message":"m"}}`,
		`{"code":"insufficient_quota","message":"m"}`,
		`{"Error":{"Code":"insufficient_quota","Message":"m"}}`,
		`{"ResponseMetadata":{"Error":{"Code":"insufficient_quota","Message":"m"}}}`,
		`{"errors":[{"code":"insufficient_quota","message":"m"}],"success":false}`,
		`{"success":false,"code":"insufficient_quota","message":"m"}`,
		`{"error":{"message":"{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}"}}`,
		`{"error":{"error":{"code":"insufficient_quota","message":"m"}}}`,
		`[{"error":{"code":"insufficient_quota","message":"m"}}]`,
		"data: {\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}\n\n",
		": hello\r\rdata: {\"error\":\rdata: {\"code\":\"insufficient_quota\",\"message\":\"m\"}}\r\r",
		"{\"model\":\"x\"}\n{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}\n",
		"\ufeff{\"error\":{\"code\":\"insufficient_quota\",\"message\":\"m\"}}",
	} {
		for _, status := range []int{200, 429} {
			if status == 200 && strings.HasPrefix(body, `{"detail"`) {
				continue // in a good answer, detail can be anything
			}
			f := normalize(answer(status, body))
			switch {
			case f == nil:
				t.Errorf("%d %s: good", status, body)
			case f.message != "m" || !strings.Contains(strings.Join(f.codes, " "), code) || f.status != 429:
				t.Errorf("%d %s: message %q, codes %v, status %d", status, body, f.message, f.codes, f.status)
			}
		}
	}
}

// TestGoodAnswersStayGood: fields named like those of errors are not errors.
func TestGoodAnswersStayGood(t *testing.T) {
	for _, body := range []string{
		`{"id":"x","error":null,"output":[]}`, `{"error":{}}`, `{"error":""}`, `{"error":false}`, `{"error":[]}`, `{"error":{"message":""}}`,
		`{"message":{"role":"assistant","content":"x"},"done":false}`,
		`{"code":0,"message":"ok","data":{}}`, `{"success":true,"message":"x"}`, `{"message":"x"}`,
		`{"choices":[],"usage":{}}`, `{"type":"message","content":[]}`, `{"errors":[],"success":true}`,
		`{"id":"x","message":"hello","code":"python"}`, `[]`, `{}`, `null`, `"error"`, ``,
		`{"type":"response.created","response":{"error":null}}`,
	} {
		if f := normalize(answer(200, body)); f != nil {
			t.Errorf("%s: status %d, message %q", body, f.status, f.message)
		}
	}
}

// TestReasonsContainNoTextOfSites, since a site can repeat the key in any field.
func TestReasonsContainNoTextOfSites(t *testing.T) {
	const secret = "canarycanary"
	for _, body := range []string{
		`{"error":{"code":"` + secret + `","message":"m"}}`,
		`{"error":{"code":"sk-` + secret + `","type":"` + secret + `_error","message":"` + secret + `"}}`,
		`{"error":"` + secret + `"}`, secret,
	} {
		for _, status := range []int{200, 400, 401, 429, 500} {
			if v := New(Options{}).Judge(answer(status, body)); strings.Contains(v.Reason+v.Rule, "canary") {
				t.Errorf("%d %s: %q", status, body, v.Reason)
			}
		}
	}
	v := New(Options{}).Judge(answer(429, `{"error":{"code":"rate_limit_exceeded","message":"m"}}`))
	if want := "429 Too Many Requests (rate_limit_exceeded): the key has reached a rate limit"; v.Reason != want {
		t.Errorf("%q, want %q", v.Reason, want)
	}
}

// TestWaitingTimesInMessages in all forms that sites use.
func TestWaitingTimesInMessages(t *testing.T) {
	now := CaseTime
	for _, c := range []struct {
		message string
		want    time.Duration
	}{
		{"Please try again in 1.2s.", 1200 * time.Millisecond},
		{"Please try again in 6m0s.", 6 * time.Minute},
		{"try again in 20ms", 20 * time.Millisecond},
		{"Try again in 23 seconds.", 23 * time.Second},
		{"Please retry after 27 seconds.", 27 * time.Second},
		{"please wait 5 minutes", 5 * time.Minute},
		{"Please try again in 1 hour and 30 minutes", 90 * time.Minute},
		{"Your quota will reset after 2h3m4s.", 2*time.Hour + 3*time.Minute + 4*time.Second},
		{"Resets in 160h20m10s.", 24 * time.Hour},
		{"retry in 2 days", 24 * time.Hour},
		{"Quota will be replenished in 02:15:00.", 2*time.Hour + 15*time.Minute},
		{"will reset at 2026-11-20T12:05:00Z", 5 * time.Minute},
		{"will reset at 2026-11-20 12:05:00 UTC", 5 * time.Minute},
		{"Your limit will reset at 2026-11-20 20:05:00", 5 * time.Minute},
		{"请在 30 秒后重试", 30 * time.Second},
		{"请5分钟后再试", 5 * time.Minute},
		{"usage limit reached|1795176300", 5 * time.Minute},
		{"Limit 3, Used 3, Requested 1 in 60s", 0},
		{"Please try again later.", 0},
	} {
		f := &failure{}
		f.setMessage(c.message)
		if got := f.retryAfter(true, now); got != c.want {
			t.Errorf("%q: %v, want %v", c.message, got, c.want)
		}
	}
	for _, c := range []struct {
		name, value string
		want        time.Duration
	}{
		{"Retry-After", "2", 2 * time.Second},
		{"Retry-After", "0.5", 500 * time.Millisecond},
		{"Retry-After", "Fri, 20 Nov 2026 12:01:30 GMT", 90 * time.Second},
		{"Retry-After", "Fri, 20 Nov 2020 12:01:30 GMT", 0},
		{"Retry-After", "30s", 30 * time.Second},
		{"Retry-After", "1795176300", 5 * time.Minute},
		{"Retry-After", "99999999", 24 * time.Hour},
		{"Retry-After", "NaN", 0},
		{"Retry-After", "-5", 0},
		{"Retry-After-Ms", "1500", 1500 * time.Millisecond},
		{"X-Ratelimit-Reset", "1795176300", 5 * time.Minute},
		{"X-Ratelimit-Reset", "1795176300000", 5 * time.Minute},
		{"X-Ratelimit-Reset-Tokens", "6m0s", 6 * time.Minute},
		{"Anthropic-Ratelimit-Requests-Reset", "2026-11-20T12:05:00Z", 5 * time.Minute},
		{"X-Codex-Primary-Reset-After-Seconds", "300", 5 * time.Minute},
		{"Ratelimit", "limit=10, remaining=0, reset=30", 30 * time.Second},
	} {
		f := &failure{header: http.Header{c.name: {c.value}}}
		if got := f.retryAfter(true, now); got != c.want {
			t.Errorf("%s: %s: %v, want %v", c.name, c.value, got, c.want)
		}
	}
}

// TestResetsOfUnspentLimits are ignored: some sites send reset headers with every answer.
func TestResetsOfUnspentLimits(t *testing.T) {
	a := answer(503, `{"error":{"message":"overloaded"}}`)
	a.Header.Set("X-Ratelimit-Reset-Requests", "6m0s")
	if v := New(Options{}).Judge(a); v.For != 0 {
		t.Errorf("an overloaded site is not used for %v", v.For)
	}
}
