package verdict

import (
	"net/http"
	"testing"
	"time"
)

// FuzzJudge: for any answer, judging does not panic, the time is within bounds, and the
// reason has no text of the site.
func FuzzJudge(f *testing.F) {
	for _, c := range Corpus() {
		a, err := c.Answer()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(a.Status, a.Header.Get("Content-Type"), a.Header.Get("Retry-After"), a.Body)
	}
	set := New(Options{})
	f.Fuzz(func(t *testing.T, status int, contentType, retryAfter string, body []byte) {
		a := Answer{Status: status, Body: body, Header: http.Header{"Content-Type": {contentType}, "Retry-After": {retryAfter}}, Now: CaseTime}
		v := set.Judge(a)
		if v.For < 0 || v.For > MaxRetryAfter {
			t.Errorf("for %v", v.For)
		}
		if meaningOf(v.Means).Means == "" || v.Scope == "" {
			t.Errorf("means %q, scope %q", v.Means, v.Scope)
		}
		if v.Means != Good && v.Reason == "" {
			t.Error("no reason")
		}
		Shape(a, v)
	})
}

// FuzzIntervals: whatever a site writes, the time is between zero and a day.
func FuzzIntervals(f *testing.F) {
	for _, s := range []string{"2", "1.5", "6m0s", "Fri, 20 Nov 2026 12:01:30 GMT", "1795176300000", "NaN", "1e400", "try again in 3 days 4h", "请在 30 秒后重试", "reset at 2026-11-20 20:05:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		failures := []*failure{
			{header: http.Header{"Retry-After": {s}}}, {header: http.Header{"Retry-After-Ms": {s}}},
			{header: http.Header{"X-Ratelimit-Reset": {s}}}, {header: http.Header{"Ratelimit": {s}}},
			{},
		}
		failures[len(failures)-1].setMessage(s)
		for _, x := range failures {
			if d := x.retryAfter(true, CaseTime); d < 0 || d > 24*time.Hour {
				t.Errorf("%v", d)
			}
		}
	})
}

// FuzzCompile: for any text, compiling does not panic, and rules that compile can be applied.
func FuzzCompile(f *testing.F) {
	f.Add(string(builtinSource[:4096]))
	f.Add("verdict \"x\" {\n status = [\"5xx\", 403]\n json = { a = \"b\", \"c.*\" = \"^d$\" }\n after = [\"a.b\", \"header:x\"]\n means = \"rate_limited\"\n}")
	f.Add("verdict \"x\" {\n body = \"(?i)abc|def\"\n content_type = \"text/*\"\n means = \"blocked\"\n at_once = true\n}")
	f.Fuzz(func(t *testing.T, src string) {
		rules, diags := CompileSource([]byte(src), "x.hcl", FromUser)
		if diags.HasErrors() {
			return
		}
		New(Options{User: rules}).Judge(answer(403, `{"error":{"code":"a","message":"b"}}`))
	})
}
