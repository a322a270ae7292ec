package dialect

import "testing"

func TestCleanPath(t *testing.T) {
	for path, want := range map[string]string{
		"/v1/chat/completions":           "/v1/chat/completions",
		"//v1/chat/completions":          "/v1/chat/completions",
		"/v1//chat/completions":          "/v1/chat/completions",
		"///v1///models/":                "/v1/models/",
		"/messages":                      "/v1/messages",
		"/messages/count_tokens":         "/v1/messages/count_tokens",
		"/messagesx":                     "/messagesx",
		"/v1/messages":                   "/v1/messages",
		"/v1/v1/messages":                "/v1/messages",
		"/v1/v1/chat/completions":        "/v1/chat/completions",
		"/v1beta/v1beta/models":          "/v1beta/models",
		"/v1/v1beta/models":              "/v1/v1beta/models",
		"/v1/v1":                         "/v1/v1",
		"/":                              "/",
		"":                               "",
		"//ws/google.ai.x":               "/ws/google.ai.x",
		"/proxy/https://example.com//v1": "/proxy/https://example.com/v1",
		"/v1/models/org%2Fname":          "/v1/models/org%2Fname",
		"/acme/v1/v1/x":                  "/acme/v1/v1/x",
		"/chat/completions":              "/chat/completions",
	} {
		if got := CleanPath(path); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
		if got := CleanPath(CleanPath(path)); got != want {
			t.Errorf("cleaning %s again changes it to %s", path, got)
		}
	}
}

func TestJoinPath(t *testing.T) {
	for _, tt := range []struct {
		base, path, want string
		overlap          bool
	}{
		{"", "/v1/models", "/v1/models", false},
		{"/", "/v1/models", "/v1/models", false},
		{"/api", "/v1/models", "/api/v1/models", false},
		{"/v1", "/v1/models", "/v1/models", true},
		{"/v1/", "/v1/models", "/v1/models", true},
		{"/api/v1", "/v1/models", "/api/v1/models", true},
		{"/api/v1", "/v1", "/api/v1", true},
		{"/v1/chat/completions", "/v1/chat/completions", "/v1/chat/completions", true},
		{"/x/v1/chat/completions", "/v1/models", "/x/v1/models", true},
		{"/v1/messages", "/v1/messages/count_tokens", "/v1/messages/count_tokens", true},
		{"/api", "/api/chat", "/api/chat", true},
		{"/openai", "/openai/deployments/d/x", "/openai/deployments/d/x", true},
		{"/v1beta", "/v1beta/models", "/v1beta/models", true},
		{"/v1beta/openai", "/v1/chat/completions", "/v1beta/openai/chat/completions", true},
		{"/v1", "/v1beta/models", "/v1beta/models", true},
		{"/api/paas/v4", "/v1/chat/completions", "/api/paas/v4/chat/completions", true},
		{"/api/paas/v4/chat/completions", "/v1/models", "/api/paas/v4/models", true},
		{"/chat/completions", "/v1/chat/completions", "/chat/completions", true},
		{"/v2/x", "/v1/models", "/v2/x/v1/models", false},
		{"/ap", "/api/chat", "/ap/api/chat", false},
		{"/a/b", "/b/c", "/a/b/c", true},
	} {
		got, overlap := JoinPath(tt.base, tt.path)
		if got != tt.want || overlap != tt.overlap {
			t.Errorf("%q and %q: %q, %v; want %q, %v", tt.base, tt.path, got, overlap, tt.want, tt.overlap)
		}
	}
}
