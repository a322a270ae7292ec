package setup

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/dialect"
)

const oneModel = `{"data":[{"id":"m1"}]}`

// TestTheWizardFindsPathAndCredentials: the API of a site may be at another path, or expect the
// credentials of another API.
func TestTheWizardFindsPathAndCredentials(t *testing.T) {
	sites := map[string]struct {
		serve      http.HandlerFunc
		path, auth string // the result
		want       string // in the output
		given      string // the path of the address
	}{
		"as given": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/v1/models" && r.Header.Get("Authorization") == "Bearer key-1" {
				_, _ = w.Write([]byte(oneModel))
			}
		}, "", "", "works: the site lists 1 model", ""},
		"another path": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v1/models" {
				_, _ = w.Write([]byte(oneModel))
				return
			}
			_, _ = w.Write([]byte("<html>Welcome</html>"))
		}, "/api", "", "Its API is at ", ""},
		"another header": {func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("X-Api-Key") == "key-1" {
				_, _ = w.Write([]byte(oneModel))
				return
			}
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"type":"error","error":{"type":"authentication_error","message":"x-api-key header is required"}}`))
		}, "", "x-api-key", "It expects its key as x-api-key", ""},
		"its own version": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v3/models" {
				_, _ = w.Write([]byte(oneModel))
				return
			}
			http.NotFound(w, r)
		}, "/api/v3", "", "works: the site lists 1 model", "/api/v3"},
		"its own version, not given": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/api/v3/models" {
				_, _ = w.Write([]byte(oneModel))
				return
			}
			http.NotFound(w, r)
		}, "/api/v3", "", "Its API is at ", ""},
		"a dead key": {func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusUnauthorized)
		}, "", "", "the site answers 401 Unauthorized", ""},
		"no list": {http.NotFound, "", "", "lists no models here (404)", ""},
	}
	for name, tt := range sites {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(tt.serve)
			defer server.Close()
			var out bytes.Buffer
			a := &app{Env: &command.Env{Err: &out, In: strings.NewReader("")}}
			s := site{Name: "x", Target: server.URL + tt.given, Keys: []string{"key-1"}}
			a.trySite(t.Context(), &s)
			if s.Target != server.URL+tt.path || s.Auth != tt.auth || !strings.Contains(out.String(), tt.want) || strings.Contains(out.String(), "key-1") {
				t.Errorf("%+v, the output is\n%s", s, &out)
			}
		})
	}
}

// TestTheWizardAsksAModelWhereTheProxyWould: a version in the address replaces that of the API.
func TestTheWizardAsksAModelWhereTheProxyWould(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = append(asked, r.URL.String()) }))
	defer server.Close()
	for _, trial := range []siteTrial{
		{target: server.URL + "/api/v3", dialect: dialect.OpenAI},
		{target: server.URL + "/base", dialect: dialect.OpenAI},
		{target: server.URL, auth: "x-api-key", dialect: dialect.Anthropic},
		{target: server.URL, auth: "x-goog-api-key", dialect: dialect.Gemini},
	} {
		trial.key = "key-1"
		(&app{Env: &command.Env{Err: io.Discard}}).askModel(t.Context(), &site{}, trial, "m/1")
	}
	want := []string{"/api/v3/chat/completions", "/base/v1/chat/completions", "/v1/messages", "/v1beta/models/m%2F1:generateContent"}
	if !slices.Equal(asked, want) {
		t.Errorf("it asked %q, want %q", asked, want)
	}
}

func TestSiteAddress(t *testing.T) {
	for given, want := range map[string]string{
		"api.example.com":                              "https://api.example.com",
		"https://api.example.com/v1/":                  "https://api.example.com cut /v1/",
		"https://a.example/openai/v1/chat/completions": "https://a.example/openai cut /v1/chat/completions",
		"https://a.example/base/":                      "https://a.example/base",
		"https://a.example/v1beta/models":              "https://a.example cut /v1beta/models",
		"localhost:11434":                              "http://localhost:11434",
		"\"https://a.example\"":                        "https://a.example",
		"https://user:secret@a.example":                "!",
		"https://a.example?key=1":                      "!",
		"not an address":                               "!",
		"ftp://a.example":                              "!",
		"y":                                            "!",
		"nas/base":                                     "!",
		"http://nas":                                   "http://nas",
		"nas:11434":                                    "https://nas:11434",
		"localhost":                                    "http://localhost",
		"[::1]:11434":                                  "https://[::1]:11434",
	} {
		target, cut, err := siteAddress(given)
		if cut != "" {
			target += " cut " + cut
		}
		if err != nil {
			target = "!"
		}
		if target != want {
			t.Errorf("%q became %q (%v), want %q", given, target, err, want)
		}
	}
}

// TestTheWizardRefusesMisplacedAnswers: a key in place of a name, and an address in place of a
// key.
func TestTheWizardRefusesMisplacedAnswers(t *testing.T) {
	var out bytes.Buffer
	a := &app{Env: &command.Env{Err: &out, In: strings.NewReader("sk-canary-0123456789abcdef\nsk-c1\nhf_canary\nd41d8cd98f00b204e9800998ecf8427e\nhome\nhttp://127.0.0.1:7002\nkey-1\n\n")}}
	s := site{Name: "x", Target: "http://127.0.0.1:7001"}
	if err := a.askName(t.Context(), &first{}, &s); err != nil || s.Name != "home" {
		t.Errorf("%v: %+v", err, s)
	}
	if err := a.askKeys(t.Context(), &s); err != nil || len(s.Keys) != 1 || s.Keys[0] != "key-1" {
		t.Errorf("%v: %+v", err, s)
	}
	if n := strings.Count(out.String(), "This looks like a key"); n != 4 {
		t.Errorf("%d of 4 keys were noticed in place of a name:\n%s", n, &out)
	}
	for _, want := range []string{"This looks like a key", "This is an address, not a key"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not contain %q:\n%s", want, &out)
		}
	}
}

// TestTheWizardNamesEachKey: keys with the same masked form have numbers, and the message about a
// refused key has the command that removes it.
func TestTheWizardNamesEachKey(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.Header.Get("Authorization"), "dead") {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = w.Write([]byte(oneModel))
	}))
	defer server.Close()
	var out bytes.Buffer
	a := &app{Env: &command.Env{Err: &out, In: strings.NewReader("")}}
	s := site{Name: "main", Target: server.URL, Keys: []string{"sk-good-first-00000abcdef", "sk-dead-other-00000abcdef", "sk-good-third-000000vwxyz"}}
	a.trySite(t.Context(), &s)
	for _, want := range []string{"✓ Key 1, sk-…cdef, works", "✗ Key 2, sk-…cdef: the site answers 401", "'aitunnel key remove main 1' removes it", "✓ The key sk-…wxyz works"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("the output does not contain %q:\n%s", want, &out)
		}
	}
}
