package proxy

import (
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestModelsInUnusualPlaces: the model is found where a site would read it.
func TestModelsInUnusualPlaces(t *testing.T) {
	for name, tt := range map[string]struct {
		path, body string
		headers    []string
	}{
		"twice: the last counts":         {chatPath, `{"model":"other-x","messages":[],"model":"gpt-b"}`, nil},
		"after a byte order mark":        {chatPath, "\ufeff" + `{"model":"gpt-b","messages":[]}`, nil},
		"after blank lines":              {chatPath, "\r\n\r\n  " + `{"model":"gpt-b","messages":[]}`, nil},
		"called text":                    {chatPath, `{"model":"gpt-b"}`, []string{"Content-Type", "text/plain"}},
		"called a form":                  {chatPath, `{"model":"gpt-b"}`, []string{"Content-Type", "application/x-www-form-urlencoded"}},
		"inside an object, then above":   {chatPath, `{"metadata":{"model":"other-x"},"model":"gpt-b"}`, nil},
		"a path with a slash at its end": {chatPath + "/", `{"model":"gpt-b"}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, good), newTestSite(t, good)
			r := newRig(t, func(c *config.Config) {
				c.Channels[0].Models = []string{"other-*"}
				c.Channels[1].Models = []string{"gpt-b"}
				c.Channels[1].ModelMap = map[string]string{"gpt-b": "gpt-mapped"}
			}, a, b)
			g := r.post(tt.path, tt.body, tt.headers...)
			if g.status != 200 || len(b.requests()) != 1 {
				t.Fatalf("%d %.200s, a got %d requests", g.status, g.body, len(a.requests()))
			}
			if sent := b.requests()[0].body; strings.Contains(sent, "gpt-b") || !strings.Contains(sent, "gpt-mapped") {
				t.Errorf("b was sent %q", sent)
			}
		})
	}
}

// TestTargetsWithAVersion: clients put /v1 before every path; sites whose API
// has another version are reached nevertheless.
func TestTargetsWithAVersion(t *testing.T) {
	for _, tt := range []struct{ base, path, want string }{
		{"/api/paas/v4", "/v1/chat/completions", "/api/paas/v4/chat/completions"},
		{"/api/v3", "/v1/chat/completions", "/api/v3/chat/completions"},
		{"/api/coding/v3", "/v1/embeddings", "/api/coding/v3/embeddings"},
		{"/v2", "/v1/chat/completions", "/v2/chat/completions"},
		{"/v1beta/openai", "/v1/chat/completions", "/v1beta/openai/chat/completions"},
		{"/api/paas/v4", "/chat/completions", "/api/paas/v4/chat/completions"},
		{"/api/paas/v4/chat/completions", "/v1/chat/completions", "/api/paas/v4/chat/completions"},
		{"/api/anthropic", "/v1/messages", "/api/anthropic/v1/messages"},
		{"/compatible-mode/v1", "/v1/chat/completions", "/compatible-mode/v1/chat/completions"},
		{"/v1", "/v1beta/models/g:generateContent", "/v1beta/models/g:generateContent"},
		{"", "/v1/chat/completions", "/v1/chat/completions"},
	} {
		a := newTestSite(t, good)
		r := newRig(t, func(c *config.Config) { c.Channels[0].Target.Path = tt.base }, a)
		if g := r.post(tt.path, chatBody); g.status != 200 {
			t.Errorf("%s at %s: %d %s", tt.path, tt.base, g.status, g.body)
			continue
		}
		if path := a.requests()[0].URL.Path; path != tt.want {
			t.Errorf("%s at %q: %s, want %s", tt.path, tt.base, path, tt.want)
		}
	}
}

// TestTokensInUnusualForms: a client token is accepted in the forms that people and
// programs use.
func TestTokensInUnusualForms(t *testing.T) {
	for name, header := range map[string][2]string{
		"lower case":           {"Authorization", "bearer client-token"},
		"two blanks":           {"Authorization", "Bearer  client-token"},
		"without Bearer":       {"Authorization", "client-token"},
		"Bearer twice":         {"Authorization", "Bearer Bearer client-token"},
		"Bearer in x-api-key":  {"X-Api-Key", "Bearer client-token"},
		"quoted":               {"Authorization", `Bearer "client-token"`},
		"Token":                {"Authorization", "Token client-token"},
		"Key":                  {"Authorization", "Key client-token"},
		"basic, as a password": {"Authorization", "Basic dXNlcjpjbGllbnQtdG9rZW4="},
		"Google's":             {"X-Goog-Api-Key", "client-token"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newTestSite(t, good)
			r := newRig(t, withToken, a)
			if g := r.post(chatPath, chatBody, header[0], header[1]); g.status != 200 {
				t.Fatalf("%d %s", g.status, g.body)
			}
			if h := a.requests()[0].Header; h.Get("Authorization") != "Bearer sk-key-a1" || h.Get("X-Api-Key") != "" {
				t.Errorf("the site was sent %v", h)
			}
		})
	}
}

// TestPagesOfListedOrigins: the headers that browsers need.
func TestPagesOfListedOrigins(t *testing.T) {
	a := newTestSite(t, reply(400, `{"error":{"message":"no"}}`, "Retry-After: 3", "X-Request-Id: r1"))
	r := newRig(t, func(c *config.Config) { c.Proxy.Origins = []string{"https://app.example"} }, a)
	g := r.ask("OPTIONS", chatPath, "", "Origin", "https://app.example", "Access-Control-Request-Method", "POST", "Access-Control-Request-Headers", "authorization,content-type", "Access-Control-Request-Private-Network", "true")
	if g.status != 204 || g.header.Get("Access-Control-Allow-Private-Network") != "true" || g.header.Get("Access-Control-Allow-Headers") != "authorization,content-type" {
		t.Errorf("the preflight got %d %v", g.status, g.header)
	}
	if g := r.post(chatPath, chatBody, "Origin", "https://app.example"); g.header.Get("Access-Control-Expose-Headers") != "*" {
		t.Errorf("the page cannot read Retry-After: %v", g.header)
	}
	if g := r.ask("OPTIONS", chatPath, "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST"); g.status != 403 || len(a.requests()) == 0 && g.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("another origin got %d %v", g.status, g.header)
	}
}

// TestOtherRequestsAffectNoState: failures of requests other than those for answers of
// models affect nothing else.
func TestOtherRequestsAffectNoState(t *testing.T) {
	for _, tt := range []struct {
		method, path string
		status       int
	}{
		{"HEAD", "/", 404}, {"HEAD", "/v1/models", 405}, {"GET", "/", 403}, {"OPTIONS", chatPath, 405}, {"GET", "/favicon.ico", 404},
		{"GET", "/v1/models", 404}, {"POST", "/v1/messages/count_tokens", 404}, {"GET", "/health", 403}, {"GET", "/v1/dashboard/billing/usage", 401}, {"POST", "/api/event_logging/batch", 401},
		{"GET", "/v1/organizations/me", 403}, {"GET", "/v1/files/file-1/content", 416},
	} {
		name := tt.method + " " + tt.path + " " + strconv.Itoa(tt.status)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newTestSite(t, func(c *siteConn) {
				switch {
				case c.Method == http.MethodPost && c.URL.Path == chatPath:
					good(c)
				case c.Method == http.MethodHead:
					c.send("HTTP/1.1 " + strconv.Itoa(tt.status) + " x\r\nContent-Length: 20\r\n\r\n")
				default:
					reply(tt.status, `{"error":{"message":"no"}}`)(c)
				}
			})
			r := newRig(t, nil, a)
			for range 3 {
				r.ask(tt.method, tt.path, "")
			}
			if g := r.post(chatPath, chatBody); g.status != 200 {
				t.Errorf("after it chat gets %d %s", g.status, g.body)
			}
			r.wantReady("a")
		})
	}
}

// TestUnusualRequests: unusual forms that clients use, and what the site is sent.
func TestUnusualRequests(t *testing.T) {
	body := `{"model":"gpt-x","messages":[]}`
	for name, tt := range map[string]struct{ raw, want string }{
		"100-continue":        {"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nExpect: 100-continue\r\nContent-Length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"},
		"lower case names":    {"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: " + strconv.Itoa(len(body)) + "\r\n\r\n" + body, "HTTP/1.1 200 OK"},
		"two in one packet":   {"GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\nGET /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK"},
		"an empty POST":       {"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK"},
		"a chunk with a note": {"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n1f;note=1\r\n" + body + "\r\n0\r\nX-Trailer: 1\r\n\r\n", "HTTP/1.1 200 OK"},
		"HEAD":                {"HEAD /v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 200 OK"},
		"an absolute target":  {"GET http://x/v1/models HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 400 "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := newTestSite(t, func(c *siteConn) {
				if c.Method == http.MethodHead {
					c.send("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n")
					return
				}
				good(c)
			})
			r := newRig(t, nil, a)
			if answer := r.raw(tt.raw, false); !strings.HasPrefix(answer, tt.want) {
				t.Errorf("%q", answer)
			}
			for _, q := range a.requests() {
				if q.Header.Get("Expect") != "" || q.Header.Get("X-Trailer") != "" || len(q.TransferEncoding) > 0 {
					t.Errorf("the site was sent %v %v", q.Header, q.TransferEncoding)
				}
			}
		})
	}
}

// TestModelInMultipartForms: multipart forms as libraries write them.
func TestModelInMultipartForms(t *testing.T) {
	for name, part := range map[string]string{
		"quoted":           "Content-Disposition: form-data; name=\"model\"\r\n\r\ngpt-b\r\n",
		"unquoted":         "Content-Disposition: form-data; name=model\r\n\r\ngpt-b\r\n",
		"with a type":      "Content-Disposition: form-data; name=\"model\"\r\nContent-Type: text/plain; charset=utf-8\r\n\r\ngpt-b\r\n",
		"in lower case":    "content-disposition: form-data; name=\"model\"\r\n\r\ngpt-b\r\n",
		"type comes first": "Content-Type: text/plain\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\ngpt-b\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, b := newTestSite(t, good), newTestSite(t, good)
			r := newRig(t, func(c *config.Config) {
				c.Channels[0].Models, c.Channels[1].Models = []string{"other-*"}, []string{"gpt-b"}
			}, a, b)
			form := "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"model\"\r\n\r\nother-x\r\n--B\r\n" + part + "--B--\r\n"
			if g := r.post("/v1/audio/transcriptions", form, "Content-Type", "multipart/form-data; boundary=B"); g.status != 200 || len(b.requests()) != 1 {
				t.Errorf("%d %s", g.status, g.body)
			}
		})
	}
}
