package proxy

import (
	"net/http"
	"reflect"
	"testing"
)

func TestCopyRequestHeaders(t *testing.T) {
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
	if got := copyRequestHeaders(in); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := copyRequestHeaders(http.Header{"User-Agent": {"codex/1"}}); got.Get("User-Agent") != "codex/1" {
		t.Errorf("the user agent became %q", got)
	}
}

func TestCopyAnswerHeaders(t *testing.T) {
	got := http.Header{}
	copyAnswerHeaders(got, http.Header{
		"Connection": {"X-Hop"}, "X-Hop": {"1"}, "Transfer-Encoding": {"chunked"}, "Keep-Alive": {"timeout=5"}, "Proxy-Authenticate": {"Basic"},
		"Retry-After": {"3"}, "Set-Cookie": {"a", "b"}, "Via": {"1.1 cache"},
	})
	if want := (http.Header{"Retry-After": {"3"}, "Via": {"1.1 cache"}}); !reflect.DeepEqual(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestLeavesBasePath(t *testing.T) {
	for path, want := range map[string]bool{
		"/v1/chat/completions": false, "/": false, "": false, "//v1//": false, "/v1/...": false, "/v1/.well-known": false, "/a..b/..c/d..": false,
		"/v1/models/gemini-2.0-flash:generateContent": false, "/v1/%20": false, "/v1/%25%32%66": false, "/v1/100%": false, "/v1/%2": false, "/%2e%2e%2e": false,
		"/v1/..": true, "/../v1": true, "/v1/./x": true, "/.": true, "/v1/%2e%2e/x": true, "/v1/%2E./x": true, "/v1/.%2e": true,
		"/v1/models/openai%2Fgpt-4o": false, "/v1/models/a%2f..%2fb": true, "/v1/deployments/a%2Fb/chat/completions": false, "/v1/models/x/a%2fb": true,
		"/v1/a%2fb": true, "/v1/a%2Fb": true, "/v1/..%2f": true, "/v1/a%5cb": true, "/v1/a%5C": true, `/v1/a\b`: true, "/v1/%00": true,
	} {
		if got := leavesBasePath(path); got != want {
			t.Errorf("leavesBasePath(%q) = %v", path, got)
		}
	}
}
