package daemon_test

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestAllCountersAgreeOnTheResultOfARequest ends requests in every way, also in those that
// involve no channel: the metrics, the statistics in the panel's header, and the usage
// agree on the result of each.
func TestAllCountersAgreeOnTheResultOfARequest(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, fmt.Sprintf(`
proxy {
  listen        = "127.0.0.1:0"
  client_tokens = ["token-of-all"]
  origins       = ["https://page.example"]
  max_body      = "1KB"
}
client "narrow" {
  token  = "token-of-narrow"
  models = ["gpt-x"]
  paths  = ["/v1/**"]
}
client "limited" {
  token = "token-of-limited"
  limit {
    requests_per_minute = 1
    wait                = "1ms"
  }
}
client "spent" {
  token = "token-of-spent"
  budget {
    tokens = 1
    per    = "month"
  }
}
channel "only" {
  target = %q
  keys   = ["key-of-only"]
}
route "/v1/**" {
  channels = ["only"]
}
%s`, s.URL(), quickRetry))
	want := r.results()
	for _, c := range []ending{
		{what: "a good answer", ends: results{Success: 1}},
		{what: "the merged list of models", method: "GET", path: "/v1/models", ends: results{Success: 1}},
		{what: "one model of the list", method: "GET", path: "/v1/models/no-such", ends: results{Fail: 1}},
		{what: "a preflight request", method: "OPTIONS", headers: []string{"Origin", "https://page.example", "Access-Control-Request-Method", "POST"}, ends: results{Success: 1}},
		{what: "no token", token: "-", ends: results{Fail: 1}},
		{what: "a wrong token", token: "wrong", ends: results{Fail: 1}},
		{what: "the health of the proxy port without a token", method: "GET", path: "/healthz", token: "-", ends: results{Fail: 1}},
		{what: "the health of the proxy port", method: "GET", path: "/healthz", ends: results{Fail: 1}},
		{what: "no route", path: "/v2/other", ends: results{Fail: 1}},
		{what: "a page of another origin", headers: []string{"Origin", "https://other.example"}, ends: results{Fail: 1}},
		{what: "a path that the client may not use", path: "/v2/other", token: "token-of-narrow", ends: results{Fail: 1}},
		{what: "a model that the client may not use", body: `{"model":"other"}`, token: "token-of-narrow", ends: results{Fail: 1}},
		{what: "a body that is too large", body: `{"model":"gpt-x","x":"` + strings.Repeat("x", 2000) + `"}`, ends: results{Fail: 1}},
		{what: "the first of a client's limit", token: "token-of-limited", ends: results{Success: 1}},
		{what: "above the client's limit", token: "token-of-limited", ends: results{Fail: 1}},
		{what: "the first of a client's budget", token: "token-of-spent", ends: results{Success: 1}},
		{what: "with the budget used up", token: "token-of-spent", ends: results{Fail: 1}},
		{what: "refused by the site", site: fakesite.Status(400, `{"error":{"message":"temperature must be at most 2","type":"invalid_request_error"}}`), ends: results{Fail: 1}},
		{what: "cut off by the site", body: askStream, site: fakesite.CutAfterEvents(2), ends: results{Fail: 1}},
		{what: "canceled by the caller", body: askStream, site: fakesite.HangAfterEvents(2), leaves: true, ends: results{Canceled: 1}},
	} {
		if c.site != nil {
			s.Next(c.site)
		}
		status := r.end(c)
		want = want.plus(c.ends)
		testhelp.Eventually(t, fmt.Sprintf("%s (%d): the metrics count %+v", c.what, status, want), func() bool { return r.results() == want })
		var stats admin.Summary
		r.adminGet("/api/stats", &stats)
		hour := stats.Windows["1h"]
		if shown := (results{hour.Success, hour.Fail, hour.Requests - hour.Success - hour.Fail}); shown != want {
			t.Errorf("%s (%d): the last hour counts %+v, want %+v", c.what, status, shown, want)
		}
		testhelp.Eventually(t, fmt.Sprintf("%s (%d): the usage counts %+v", c.what, status, want), func() bool {
			var usage history.Usage
			r.adminGet("/api/usage", &usage)
			return usage.Total.Requests == int64(want.Success+want.Fail+want.Canceled) && usage.Total.Failed == int64(want.Fail)
		})
	}
}

// ending is a request, and how it ends. Empty fields are as in a usual request.
type ending struct {
	what, method, path, body, token string
	headers                         []string
	site                            fakesite.Behavior
	leaves                          bool // the caller, when the answer has begun
	ends                            results
}

// end sends a request, and returns the status of its answer.
func (r *running) end(c ending) int {
	r.t.Helper()
	ctx, leave := context.WithCancel(r.t.Context())
	defer leave()
	req, err := http.NewRequestWithContext(ctx, cmp.Or(c.method, http.MethodPost), r.url+cmp.Or(c.path, chat), strings.NewReader(cmp.Or(c.body, ask)))
	must(r.t, err)
	if c.token != "-" {
		req.Header.Set("Authorization", "Bearer "+cmp.Or(c.token, "token-of-all"))
	}
	for pair := range slices.Chunk(c.headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	if !c.leaves {
		return r.do(req).status
	}
	resp, err := client.Do(req)
	must(r.t, err)
	defer func() { _ = resp.Body.Close() }()
	_, err = resp.Body.Read(make([]byte, 1))
	must(r.t, err)
	return resp.StatusCode
}

// results are how many requests ended in each way.
type results struct{ Success, Fail, Canceled uint64 }

func (a results) plus(b results) results {
	return results{a.Success + b.Success, a.Fail + b.Fail, a.Canceled + b.Canceled}
}

var resultLine = regexp.MustCompile(`(?m)^aitunnel_requests_total\{result="(\w+)"\} (\d+)$`)

// results reads the metrics.
func (r *running) results() (out results) {
	r.t.Helper()
	for _, m := range resultLine.FindAllStringSubmatch(string(r.adminGet("/metrics", nil)), -1) {
		n, err := strconv.ParseUint(m[2], 10, 64)
		must(r.t, err)
		switch m[1] {
		case "success":
			out.Success = n
		case "fail":
			out.Fail = n
		case "canceled":
			out.Canceled = n
		}
	}
	return out
}
