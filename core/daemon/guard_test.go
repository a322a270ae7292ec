package daemon_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

func TestListedOriginsAndTokens(t *testing.T) {
	t.Parallel()
	s := site(t, "only")
	r := start(t, alone(s, `
proxy {
  listen        = "127.0.0.1:0"
  origins       = ["https://app.example"]
  client_tokens = ["token-of-a-client", "another-token"]
}`))
	for name, tt := range map[string]struct {
		headers []string
		status  int
	}{
		"no token":      {nil, 401},
		"wrong token":   {[]string{"Authorization", "Bearer token-of-a-clienT"}, 401},
		"bearer":        {[]string{"Authorization", "Bearer token-of-a-client"}, 200},
		"the other":     {[]string{"X-Api-Key", "another-token"}, 200},
		"google style":  {[]string{"X-Goog-Api-Key", "another-token"}, 200},
		"listed page":   {[]string{"X-Api-Key", "another-token", "Origin", "https://app.example"}, 200},
		"another page":  {[]string{"X-Api-Key", "another-token", "Origin", "https://app.example.evil"}, 403},
		"page no token": {[]string{"Origin", "https://app.example"}, 401},
	} {
		if got := r.post(chat, ask, tt.headers...); got.status != tt.status {
			t.Errorf("%s: %d %s, want %d", name, got.status, got.body, tt.status)
		} else if strings.Contains(fmt.Sprint(tt.headers), "app.example]") && got.header.Get("Access-Control-Allow-Origin") != "https://app.example" {
			t.Errorf("%s: the page may not read the answer: %v", name, got.header)
		}
	}
	for _, q := range s.Requests() {
		if q.Credential != p1 {
			t.Errorf("the site saw the credential %q", q.Credential)
		}
	}
	preflight, err := http.NewRequest(http.MethodOptions, r.url+chat, nil)
	if err != nil {
		t.Fatal(err)
	}
	preflight.Header.Set("Origin", "https://app.example")
	preflight.Header.Set("Access-Control-Request-Method", "POST")
	preflight.Header.Set("Access-Control-Request-Headers", "authorization")
	if got := r.do(preflight); got.status != 204 || got.header.Get("Access-Control-Allow-Headers") != "authorization" {
		t.Errorf("preflight: %d %v", got.status, got.header)
	}
}
