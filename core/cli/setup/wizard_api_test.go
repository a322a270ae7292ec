package setup

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/dialect"
)

// apiSite is a site with the APIs at these paths, which checks the key before the request. With
// the path "answers", it answers requests that name no model.
func apiSite(t *testing.T, paths ...string) *httptest.Server {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		known := false
		for _, p := range paths {
			known = known || r.URL.Path == p
		}
		key := r.Header.Get("X-Api-Key") + r.Header.Get("X-Goog-Api-Key") + strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		w.Header().Set("Content-Type", "application/json")
		switch {
		case !known:
			w.WriteHeader(http.StatusNotFound)
			_, _ = fmt.Fprint(w, `{"error":{"message":"Not Found"}}`)
		case key != "key-good":
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = fmt.Fprint(w, `{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}`)
		case slices.Contains(paths, "answers"):
			_, _ = fmt.Fprint(w, `{"id":"msg_1","type":"message","role":"assistant","content":[]}`)
		case r.URL.Path == "/v1/models":
			_, _ = fmt.Fprint(w, oneModel)
		case r.URL.Path == "/v1beta/models":
			_, _ = fmt.Fprint(w, `{"models":[{"name":"models/gemini-x"}]}`)
		default:
			w.WriteHeader(http.StatusBadRequest)
			_, _ = fmt.Fprint(w, `{"type":"error","error":{"type":"invalid_request_error","message":"model: Field required"}}`)
		}
	}))
	t.Cleanup(server.Close)
	return server
}

// TestTheWizardFindsTheOnlyAPI of a site, and tries its keys with it.
func TestTheWizardFindsTheOnlyAPI(t *testing.T) {
	for name, tt := range map[string]struct {
		paths []string
		api   string
		want  []string
	}{
		"Anthropic without a list":      {[]string{"/v1/messages"}, "anthropic", []string{"It only has the API of Anthropic", "✓ Key 1 is accepted", "✗ Key 2: the site answers 401"}},
		"Anthropic with a list":         {[]string{"/v1/messages", "/v1/models"}, "anthropic", []string{"It only has the API of Anthropic", "lists 1 model"}},
		"Gemini":                        {[]string{"/v1beta/models"}, "gemini", []string{"It only has the API of Gemini", "is accepted", "401"}},
		"Anthropic, whatever the model": {[]string{"/v1/messages", "answers"}, "anthropic", []string{"It only has the API of Anthropic", "is accepted", "401"}},
		"OpenAI without a list":         {[]string{"/v1/chat/completions"}, "openai", []string{"It only has the API of OpenAI", "is accepted", "401"}},
		"several":                       {[]string{"/v1/models", "/v1/chat/completions", "/v1/messages"}, "", []string{"lists 1 model"}},
		"none":                          {nil, "", []string{"lists no models here (404)", "such as\n  /api/v3"}},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{Env: &command.Env{Err: &out, In: strings.NewReader("")}}
			s := site{Name: "x", Target: apiSite(t, tt.paths...).URL, Keys: []string{"key-good", "key-dead"}}
			a.trySite(t.Context(), &s)
			if s.API != tt.api || strings.Contains(out.String(), "key-good") {
				t.Errorf("the API is %q, the output\n%s", s.API, &out)
			}
			for _, want := range tt.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("the output does not contain %q:\n%s", want, &out)
				}
			}
		})
	}
}

// TestTheWizardAsksAModelWithTheOnlyAPI, even if the site lists its models as another API does.
func TestTheWizardAsksAModelWithTheOnlyAPI(t *testing.T) {
	var out bytes.Buffer
	a := &app{Env: &command.Env{Err: &out, In: strings.NewReader("")}}
	s := site{Name: "x", Target: apiSite(t, "/v1/messages", "/v1/models").URL, Keys: []string{"key-good"}}
	a.trySite(t.Context(), &s)
	a.askModel(t.Context(), &s, s.by(siteTrial{target: s.Target, key: s.Keys[0], dialect: dialect.OpenAI}), "claude-x")
	if !strings.Contains(out.String(), "model: Field required") || strings.Contains(out.String(), "Not Found") {
		t.Errorf("the output is\n%s", &out)
	}
}

// TestRoutesOfTheWizard send no request to a site that lacks its API.
func TestRoutesOfTheWizard(t *testing.T) {
	sitesWith := func(apis ...string) first {
		f := first{ClientToken: "at-client", AdminToken: "at-admin-token-0123456789"}
		for i, api := range apis {
			f.Sites = append(f.Sites, site{Name: fmt.Sprintf("s%d", i), Target: "http://127.0.0.1:1", Keys: []string{"key-1"}, Fallback: i > 0, API: api})
		}
		return f
	}
	for name, tt := range map[string]struct {
		f    first
		want string
	}{
		"several APIs":          {sitesWith("", "", ""), ""},
		"all with the same API": {sitesWith("anthropic", "anthropic"), ""},
		"one with a single API": {sitesWith("", "anthropic", ""), "/v1/models/** s0 s1 s2; /v1/messages/** s0 s1 s2; /v1beta/** s0 s2; /** s0 s2"},
		"two single APIs":       {sitesWith("openai", "anthropic"), "/v1/models/** s0 s1; /v1/messages/** s1; /** s0"},
		"none with OpenAI's":    {sitesWith("anthropic", "gemini"), "/v1/models/** s0 s1; /v1/messages/** s0; /v1beta/** s1; /** s0 s1"},
	} {
		var got []string
		for _, r := range tt.f.Routes() {
			got = append(got, r.Pattern+" "+strings.Join(r.Channels, " "))
		}
		if text := strings.Join(got, "; "); text != tt.want {
			t.Errorf("%s: the routes are %q, want %q", name, text, tt.want)
		}
		path := filepath.Join(t.TempDir(), "aitunnel.hcl")
		tt.f.Open = true
		text, err := tt.f.render()
		if err != nil || os.WriteFile(path, text, 0o600) != nil {
			t.Fatal(err)
		}
		again, err := (&app{Env: &command.Env{StateDir: t.TempDir(), In: strings.NewReader(""), Out: &bytes.Buffer{}, Err: &bytes.Buffer{}}}).answersIn(t.Context(), path)
		if err != nil || len(again.Sites) != len(tt.f.Sites) || again.Sites[1].API != tt.f.Sites[1].API {
			t.Errorf("%s: an interrupted wizard continues with %+v (%v), in\n%s", name, again.Sites, err, text)
		}
	}
}
