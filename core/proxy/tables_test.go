package proxy

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

func mustParse(s string) *url.URL {
	u, err := url.Parse(s)
	if err != nil {
		panic(err)
	}
	return u
}

// TestJudge is the table of verdicts of the design.
func TestJudge(t *testing.T) {
	const cooldown = 7 * time.Second
	html := http.Header{"Content-Type": {"text/html; charset=UTF-8"}, "Server": {"cloudflare"}}
	page := http.Header{"Content-Type": {"text/html"}, "Server": {"nginx"}}
	api := http.Header{"Content-Type": {"application/json"}, "Server": {"cloudflare"}}
	rest := http.Header{"Retry-After": {"7"}}
	channelFault := verdict{scope: scopeChannel, retry: true}
	blocked := verdict{scope: scopeChannel, retry: true, blocked: true}
	key := func(f keyFault, wait time.Duration) verdict {
		return verdict{scope: scopeKey, retry: true, key: f, wait: wait}
	}
	limitedModel := key(limited, cooldown)
	limitedModel.modelOnly = true
	passed := verdict{scope: scopeRequest}
	for _, tt := range []struct {
		name   string
		status int
		header http.Header
		body   string
		want   verdict
	}{
		{"good", 200, nil, "", verdict{scope: scopeNone}},
		{"redirect", 302, nil, "", verdict{scope: scopeNone}},
		{"bad gateway", 502, nil, "", channelFault},
		{"unavailable", 503, nil, "", channelFault},
		{"gateway timeout", 504, nil, "", channelFault},
		{"unknown error of the edge", 520, nil, "", channelFault},
		{"overloaded", 529, nil, "", channelFault},
		{"500, listed", 500, nil, "", channelFault},
		{"501, not listed", 501, nil, "", passed},
		{"limited", 429, nil, "", key(limited, 0)},
		{"limited for a time", 429, rest, "", key(limited, cooldown)},
		{"limited for the model", 429, rest, `{"error":{"message":"Rate limit reached for gpt-4o in organization"}}`, limitedModel},
		{"limited, another model named", 429, rest, `{"error":{"message":"Rate limit reached for o3"}}`, key(limited, cooldown)},
		{"limited, out of quota", 429, nil, `{"error":{"code":"insufficient_quota"}}`, key(exhausted, 0)},
		{"limited, out of quota by type", 429, rest, `{"error":{"type":"Insufficient_Quota"}}`, key(exhausted, cooldown)},
		{"forbidden, out of quota", 403, api, `{"error":{"code":"insufficient_user_quota"}}`, key(exhausted, 0)},
		{"payment required", 402, nil, "", key(exhausted, 0)},
		{"unauthorized", 401, nil, "", key(invalid, 0)},
		{"forbidden by the API", 403, api, `{"error":{"code":"permission_denied"}}`, key(invalid, 0)},
		{"forbidden without a type", 403, nil, "", key(invalid, 0)},
		{"challenge", 403, html, "<title>Just a moment...</title>", blocked},
		{"challenge as 503", 503, html, "", blocked},
		{"challenge named", 403, http.Header{"Cf-Mitigated": {"challenge"}}, "", blocked},
		{"a page of another server", 403, page, "", channelFault},
		{"401 with a challenge's header", 401, http.Header{"Cf-Mitigated": {"challenge"}}, "", blocked},
		{"page of the edge without a challenge", 404, html, "", passed},
		{"bad request", 400, nil, `{"error":{"code":"insufficient_quota"}}`, passed},
		{"not found", 404, nil, "", passed},
		{"unprocessable", 422, nil, "", passed},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := tt.header
			if h == nil {
				h = http.Header{}
			}
			on := config.Retry{On: []int{429, 500, 502, 503, 504}}
			got := judge(tt.status, h, []byte(tt.body), "gpt-4o", on, time.Now())
			if (got.reason == "") != (tt.want.scope == scopeNone) {
				t.Errorf("reason %q", got.reason)
			}
			got.reason = ""
			if got != tt.want {
				t.Errorf("judged %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestJudgeEvent(t *testing.T) {
	retry := config.Retry{On: []int{429, 500, 502, 503, 504}}
	for _, tt := range []struct {
		event string
		scope scope
		key   keyFault
	}{
		{`data: {"choices":[]}`, scopeNone, 0},
		{`data: {"error":null}`, scopeNone, 0},
		{`data: {"error":`, scopeNone, 0},
		{`data: [DONE]`, scopeNone, 0},
		{"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\"}}", scopeChannel, 0},
		{"event: error\r\ndata: {\"error\":\r\ndata: {\"type\":\"rate_limit_error\"}}", scopeKey, limited},
		{`data: {"error":{"type":"authentication_error"}}`, scopeKey, invalid},
		{`data: {"error":{"code":"insufficient_quota"}}`, scopeKey, exhausted},
		{`data: {"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}`, scopeKey, limited},
		{`data: {"error":{"type":"invalid_request_error"}}`, scopeRequest, 0},
		{`data: {"error":{"code":501}}`, scopeChannel, 0},
		{`data: {"error":"upstream said no"}`, scopeChannel, 0},
	} {
		v := judgeEvent([]byte(tt.event), "m", http.Header{}, retry, time.Now())
		if v.scope != tt.scope || v.key != tt.key {
			t.Errorf("%s: judged %+v, want scope %q and key fault %d", tt.event, v, tt.scope, tt.key)
		}
	}
}

// TestReasonsHoldCodesOnly: a site writes nothing else into our log.
func TestReasonsHoldCodesOnly(t *testing.T) {
	for body, want := range map[string]string{
		`{"error":{"code":"model_not_found"}}`:              "404 Not Found (model_not_found)",
		`{"error":{"code":"no key sk-secret here"}}`:        "404 Not Found",
		`{"error":{"code":"sk-a1b2c3d4e5f6a7b8"}}`:          "404 Not Found",
		`{"error":{"code":"1113"}}`:                         "404 Not Found (1113)",
		"{\"error\":{\"code\":\"x\\n2026 fake log line\"}}": "404 Not Found",
		`{"error":{"code":404,"status":"NOT_FOUND"}}`:       "404 Not Found (NOT_FOUND)",
		`<html>`: "404 Not Found",
	} {
		if got := reasonOf(404, []byte(body)); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}

func TestRestOf(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, tt := range []struct {
		name   string
		header http.Header
		body   string
		want   time.Duration
	}{
		{"nothing", nil, "", 0},
		{"seconds", http.Header{"Retry-After": {" 30 "}}, "", 30 * time.Second},
		{"fraction", http.Header{"Retry-After": {"0.5"}}, "", 500 * time.Millisecond},
		{"date", http.Header{"Retry-After": {"Fri, 02 Jan 2026 03:05:05 GMT"}}, "", time.Minute},
		{"date gone by", http.Header{"Retry-After": {"Fri, 02 Jan 2026 03:00:00 GMT"}}, "", 0},
		{"negative", http.Header{"Retry-After": {"-3"}}, "", 0},
		{"words", http.Header{"Retry-After": {"soon"}}, "", 0},
		{"milliseconds first", http.Header{"Retry-After-Ms": {"1500"}, "Retry-After": {"2"}}, "", 1500 * time.Millisecond},
		{"duration", http.Header{"X-Ratelimit-Reset-Requests": {"6m0s"}}, "", 6 * time.Minute},
		{"RFC 3339", http.Header{"Anthropic-Ratelimit-Requests-Reset": {"2026-01-02T03:04:15Z"}}, "", 10 * time.Second},
		{"Unix seconds", http.Header{"X-Ratelimit-Reset": {"1767323065"}}, "", 20 * time.Second},
		{"Unix milliseconds", http.Header{"X-Ratelimit-Reset": {"1767323065000"}}, "", 20 * time.Second},
		{"the one that is spent", http.Header{
			"X-Ratelimit-Reset-Requests": {"1s"}, "X-Ratelimit-Remaining-Requests": {"9"},
			"X-Ratelimit-Reset-Tokens": {"40s"}, "X-Ratelimit-Remaining-Tokens": {"0"},
		}, "", 40 * time.Second},
		{"the soonest, none is said to be spent", http.Header{"X-Ratelimit-Reset-Requests": {"5s"}, "X-Ratelimit-Reset-Tokens": {"40s"}}, "", 5 * time.Second},
		{"Retry-After before resets", http.Header{"Retry-After": {"3"}, "X-Ratelimit-Reset-Tokens": {"40s"}}, "", 3 * time.Second},
		{"Gemini", nil, `{"error":{"details":[{"@type":"x"},{"retryDelay":"17s"}]}}`, 17 * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := restOf(tt.header, []byte(tt.body), now); got != tt.want {
				t.Errorf("a rest of %s, want %s", got, tt.want)
			}
		})
	}
}

func TestOnward(t *testing.T) {
	in := http.Header{
		"Connection": {"close, X-Hop", "keep-alive, x-other"}, "X-Hop": {"1"}, "X-Other": {"1"},
		"Keep-Alive": {"1"}, "Proxy-Connection": {"1"}, "Te": {"trailers"}, "Trailer": {"X"}, "Transfer-Encoding": {"chunked"}, "Upgrade": {"h2c"},
		"Forwarded": {"for=1"}, "Via": {"1.1 x"}, "X-Real-Ip": {"1"}, "X-Forwarded-For": {"1"}, "X-Forwarded-Proto": {"http"}, "X-Forwarded-Anything": {"1"},
		"Proxy-Authorization": {"Basic x"}, "Expect": {"100-continue"},
		"Content-Type": {"application/json"}, "Accept": {"a", "b"}, "X-Forwardedness": {"mine"}, "Openai-Beta": {"x"},
	}
	want := http.Header{
		"Content-Type": {"application/json"}, "Accept": {"a", "b"}, "X-Forwardedness": {"mine"}, "Openai-Beta": {"x"},
		"User-Agent": {""},
	}
	if got := onward(in); !reflect.DeepEqual(got, want) {
		t.Errorf("onward go %v, want %v", got, want)
	}
	if got := onward(http.Header{"User-Agent": {"codex/1"}}); got.Get("User-Agent") != "codex/1" {
		t.Errorf("the user agent became %q", got)
	}
}

func TestBackward(t *testing.T) {
	got := http.Header{}
	backward(got, http.Header{
		"Connection": {"X-Hop"}, "X-Hop": {"1"}, "Transfer-Encoding": {"chunked"}, "Keep-Alive": {"timeout=5"}, "Proxy-Authenticate": {"Basic"},
		"Retry-After": {"3"}, "Set-Cookie": {"a", "b"}, "Via": {"1.1 cache"},
	})
	if want := (http.Header{"Retry-After": {"3"}, "Set-Cookie": {"a", "b"}, "Via": {"1.1 cache"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("backward go %v, want %v", got, want)
	}
}

func TestWithout(t *testing.T) {
	isToken := func(v string) bool { return v == "mine" }
	for _, tt := range []struct {
		name, query, wantQuery string
		header, want           http.Header
		keep                   func(string) bool
	}{
		{"all go", "alt=sse&key=abc&x=%20", "alt=sse&x=%20",
			http.Header{"Authorization": {"Bearer abc"}, "X-Api-Key": {"abc"}, "X-Goog-Api-Key": {"abc"}, "Accept": {"*/*"}}, http.Header{"Accept": {"*/*"}}, nil},
		{"more than one", "key=a&k=1&key=b", "k=1", http.Header{"X-Api-Key": {"a", "b"}}, http.Header{}, nil},
		{"an escaped name", "k%65y=abc&keys=1", "keys=1", nil, nil, nil},
		{"kept", "key=mine&key=other", "key=mine", http.Header{"Authorization": {"bearer mine"}, "X-Api-Key": {"other"}}, http.Header{"Authorization": {"bearer mine"}}, isToken},
		{"nothing to take", "a=1&&b", "a=1&&b", http.Header{"Accept": {"x"}}, http.Header{"Accept": {"x"}}, nil},
		{"a value that cannot be read", "key=%zz&a=1", "a=1", nil, nil, isToken},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := without(tt.header, tt.query, tt.keep); got != tt.wantQuery || !reflect.DeepEqual(tt.header, tt.want) {
				t.Errorf("left are %q and %v, want %q and %v", got, tt.header, tt.wantQuery, tt.want)
			}
		})
	}
}

func TestCarry(t *testing.T) {
	key := config.NewSecret("k&y")
	for _, tt := range []struct {
		style     config.AuthStyle
		speaks    api
		want      http.Header
		wantQuery string
	}{
		{config.AuthAuto, openAI, http.Header{"Authorization": {"Bearer k&y"}}, "a=1"},
		{config.AuthAuto, anthropic, http.Header{"X-Api-Key": {"k&y"}}, "a=1"},
		{config.AuthAuto, gemini, http.Header{"X-Goog-Api-Key": {"k&y"}}, "a=1"},
		{config.AuthBearer, anthropic, http.Header{"Authorization": {"Bearer k&y"}}, "a=1"},
		{config.AuthXAPIKey, openAI, http.Header{"X-Api-Key": {"k&y"}}, "a=1"},
		{config.AuthXGoogAPIKey, openAI, http.Header{"X-Goog-Api-Key": {"k&y"}}, "a=1"},
		{config.AuthQuery, openAI, http.Header{}, "a=1&to%26ken=k%26y"},
		{config.AuthNone, openAI, http.Header{}, "a=1"},
		{config.AuthPassthrough, openAI, http.Header{}, "a=1"},
	} {
		h := http.Header{}
		got := carry(config.Auth{Style: tt.style, Param: "to&ken"}, tt.speaks, h, "a=1", key)
		if got != tt.wantQuery || !reflect.DeepEqual(h, tt.want) {
			t.Errorf("%s for API %d: wrong place or form", tt.style, tt.speaks)
		}
	}
	if got := carry(config.Auth{Style: config.AuthQuery, Param: "key"}, gemini, http.Header{}, "", key); got != "key=k%26y" {
		t.Error("a query of its own has the wrong form")
	}
}

func TestClimbs(t *testing.T) {
	for path, want := range map[string]bool{
		"/v1/chat/completions": false, "/": false, "": false, "//v1//": false, "/v1/...": false, "/v1/.well-known": false, "/a..b/..c/d..": false,
		"/v1/models/gemini-2.0-flash:generateContent": false, "/v1/%20": false, "/v1/%25%32%66": false, "/v1/100%": false, "/v1/%2": false, "/%2e%2e%2e": false,
		"/v1/..": true, "/../v1": true, "/v1/./x": true, "/.": true, "/v1/%2e%2e/x": true, "/v1/%2E./x": true, "/v1/.%2e": true,
		"/v1/a%2fb": true, "/v1/a%2Fb": true, "/v1/..%2f": true, "/v1/a%5cb": true, "/v1/a%5C": true, `/v1/a\b`: true, "/v1/%00": true,
	} {
		if got := climbs(path); got != want {
			t.Errorf("climbs(%q) = %v", path, got)
		}
	}
}
