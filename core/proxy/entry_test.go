package proxy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// Requests that no client of an API sends are refused, whatever their path, and reach no
// site.
func TestRequestLines(t *testing.T) {
	site := newTestSite(t, good)
	r := newRig(t, nil, site)
	for _, tt := range []struct {
		request string // without the Host header
		status  int
		says    string
	}{
		{"GET http://example.com/v1/models HTTP/1.1", 400, "not a forward proxy"},
		{"CONNECT example.com:443 HTTP/1.1", 405, "not allowed"},
		{"TRACE /v1/models HTTP/1.1", 405, "not allowed"},
		{"GET /v1/../admin HTTP/1.1", 400, "'..'"},
		{"GET /v1/%2e%2E/admin HTTP/1.1", 400, "'..'"},
		{"GET /v1/..\\admin HTTP/1.1", 400, ""},
		{"GET /v1/a%5cb HTTP/1.1", 400, ""},
		{"GET /v1/files/a%2fb HTTP/1.1", 400, "encoded slashes"},
		{"GET /v1/..%2fadmin HTTP/1.1", 400, "encoded slashes"},
		{"GET /v1/models/..%2f..%2fadmin HTTP/1.1", 400, ""},
		{"GET /v1beta/models/a%00b:countTokens HTTP/1.1", 400, ""},
		{"POST /v1/x HTTP/1.1\r\nOrigin: https://evil.example\r\nContent-Length: 0", 403, "proxy.origins"},
		{"GET /v1/x HTTP/1.1\r\nSec-Fetch-Site: cross-site", 403, "proxy.origins"},
	} {
		answer := r.raw(tt.request+"\r\nHost: x\r\nConnection: close\r\n\r\n", false)
		if !strings.HasPrefix(answer, fmt.Sprintf("HTTP/1.1 %d ", tt.status)) || !strings.Contains(answer, tt.says) {
			t.Errorf("%q, want %d and %q:\n%s", tt.request, tt.status, tt.says, answer)
		}
	}
	for name, request := range map[string]string{
		"no Host header": "GET /v1/x HTTP/1.1\r\n\r\n",
		"HTTP/2":         "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"a bad chunk":    "POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
	} {
		if answer := r.raw(request, true); !strings.HasPrefix(answer, "HTTP/1.1 400 ") {
			t.Errorf("%s: %s", name, answer)
		}
	}
	if n := len(site.requests()); n != 0 {
		t.Errorf("%d requests reached the site", n)
	}
	r.wantReady("a")
}

// A page may use the proxy if its origin is listed. Its browser sends a
// preflight request first.
func TestWebPages(t *testing.T) {
	site := newTestSite(t, reply(200, chatAnswer, "Access-Control-Allow-Origin: https://site.example", "Access-Control-Allow-Methods: GET"))
	r := newRig(t, func(c *config.Config) { c.Proxy.Origins = []string{"https://app.example"} }, site)
	g := r.ask("OPTIONS", chatPath, "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization, content-type")
	if g.status != 204 || g.header.Get("Access-Control-Allow-Origin") != "https://app.example" || g.header.Get("Access-Control-Allow-Headers") != "authorization, content-type" {
		t.Errorf("preflight: %d %v", g.status, g.header)
	}
	g = r.post(chatPath, chatBody, "Origin", "https://app.example", "Sec-Fetch-Site", "cross-site")
	if g.status != 200 || strings.Join(g.header.Values("Access-Control-Allow-Origin"), " ") != "https://app.example" || g.header.Get("Access-Control-Allow-Methods") != "" || g.header.Get("Vary") != "Origin" {
		t.Errorf("the page's request: %d %v", g.status, g.header)
	}
	for _, headers := range [][]string{{"Origin", "https://other.example"}, {"Sec-Fetch-Site", "cross-site"}, {"Origin", "null"}} {
		if g := r.post(chatPath, chatBody, headers...); g.status != 403 || g.header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%v: %d %v", headers, g.status, g.header)
		}
	}
	if n := len(site.requests()); n != 1 {
		t.Errorf("%d requests reached the site, want 1", n)
	}
}

// A body larger than replay_limit is relayed as it arrives, and can be sent once only.
func TestLargeBodies(t *testing.T) {
	large := func(c *config.Config) { c.Proxy.ReplayLimit = 64 << 10 }
	body := `{"model":"gpt-x","messages":[{"role":"user","content":"` + strings.Repeat("x", 300<<10) + `"}]}`
	site, other := newTestSite(t, good), newTestSite(t, good)
	r := newRig(t, large, site, other)
	if g := r.post(chatPath, body); g.status != 200 || site.requests()[0].body != body {
		t.Errorf("%d, the site got %d of %d bytes", g.status, len(site.requests()[0].body), len(body))
	}
	site.then(reply(503, `{"error":{"message":"overloaded"}}`))
	if g := r.post(chatPath, body); g.status != 503 || len(other.requests()) != 0 {
		t.Errorf("it cannot be sent again: %d, %d requests to the other site", g.status, len(other.requests()))
	}
}

// A handler without a configuration says that the program is stopping.
func TestAStoppingHandlerRefuses(t *testing.T) {
	r := newRig(t, nil, newTestSite(t, good))
	if g := r.post(chatPath, chatBody); g.status != 200 {
		t.Fatal(g.status)
	}
	r.handler.Retire()
	if g := r.post(chatPath, chatBody); g.status != 503 || !strings.Contains(g.body, "stopping") {
		t.Errorf("%d %s", g.status, g.body)
	}
}
