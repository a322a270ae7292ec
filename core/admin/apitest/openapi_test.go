package apitest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

const (
	serveBuiltin = "serve-builtin" // makes the test binary serve the built-in components
	token        = "a-token-of-the-api-tests"
)

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveBuiltin {
		sdk.Serve(sdk.Plugin{
			Name: "builtin", Version: "0.0.1",
			Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components()),
		})
		return
	}
	os.Exit(m.Run())
}

// startDaemon runs a daemon with two channels and a tunnel, and returns the
// address of its API.
func startDaemon(t *testing.T) string {
	t.Helper()
	site := fakesite.New("home")
	if err := site.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(site.Close)
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel.hcl")
	text := fmt.Sprintf(`proxy {
  listen = "127.0.0.1:0"
}
admin {
  listen = "127.0.0.1:0"
  token  = %q
}
notify "phone" {
  url = "generic+http://127.0.0.1:9/"
}
channel "home" {
  target = %q
  keys   = ["sk-home-of-the-test-1", "sk-home-of-the-test-2"]
  health_check "http" {
    path = "/v1/models"
  }
}
channel "spare" {
  target   = "http://127.0.0.1:9"
  auth     = "none"
  fallback = true
}
tunnel "vps" {
  host = "127.0.0.1:9"
  user = "nobody"
  known_hosts = "/dev/null"
  forward "127.0.0.1:9000" {}
}
`, token, site.URL()+"/api")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d, err := daemon.Start(t.Context(), daemon.Options{ConfigPath: path, StateDir: filepath.Join(dir, "state"), Builtin: []string{self, serveBuiltin}, Version: "0.1.0", LogOutput: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := d.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	resp, err := http.Post("http://"+d.ProxyAddr()+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"m","messages":[]}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return "http://" + d.AdminAddr()
}

// document loads the document as it is served. In tests it allows no field that
// it does not name.
func document(t *testing.T, url string) (*openapi3.T, routers.Router) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/api/openapi.json", nil)
	if err != nil {
		t.Fatal(err)
	}
	b := send(t, req, http.StatusOK)
	doc, err := openapi3.NewLoader().LoadFromData(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	no := false
	for _, s := range doc.Components.Schemas {
		if len(s.Value.Properties) > 0 {
			s.Value.AdditionalProperties = openapi3.BoolSchema{Has: &no}
		}
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	return doc, router
}

func send(t *testing.T, req *http.Request, want int) []byte {
	t.Helper()
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != want {
		t.Fatalf("%s %s: %d, want %d, %v: %s", req.Method, req.URL.Path, resp.StatusCode, want, err, b)
	}
	return b
}

// TestTheProgramDoesWhatTheDocumentSays calls every operation of the document
// with good and with wrong requests, and compares requests and answers with it.
func TestTheProgramDoesWhatTheDocumentSays(t *testing.T) {
	url := startDaemon(t)
	doc, router := document(t, url)
	called := map[string]bool{}
	for _, c := range []struct {
		method, path, body string
		want               int
		header             string // of If-Match
	}{
		{"GET", "/api/status", "", 200, ""},
		{"GET", "/api/channels", "", 200, ""},
		{"POST", "/api/channels", `{"name":"third","target":"https://x.example","weight":2,"fallback":true,"models":["a"],"keys":[{"key":"sk-of-the-third-one","label":"l"}]}`, 201, ""},
		{"POST", "/api/channels", `{"name":"fourth","target":"nonsense"}`, 422, ""},
		{"POST", "/api/channels", `{"name":"fourth","target":"http://x.example","auth":"none"}`, 412, "1000"},
		{"PUT", "/api/channels/third", `{"weight":1.5}`, 200, ""},
		{"PUT", "/api/channels/third", `{"weight":1.5}`, 412, `"c-old"`},
		{"PUT", "/api/channels/third", `{"target":"nonsense"}`, 422, ""},
		{"POST", "/api/channels/third/keys", `{"key":"sk-a-new-key-of-the-test","label":"k","ephemeral":true}`, 201, ""},
		{"POST", "/api/channels/third/keys", `{"key":"sk-a-key-of-the-test"}`, 412, "1000"},
		{"DELETE", "/api/channels/third/keys/1", "", 200, ""},
		{"DELETE", "/api/channels/third/keys/99", "", 404, ""},
		{"DELETE", "/api/channels/third", "", 412, "1000"},
		{"DELETE", "/api/channels/third", "", 200, "*"},
		{"POST", "/api/clients", `{"name":"phone","models":["gpt-*"]}`, 201, ""},
		{"POST", "/api/clients", `{"name":"phone"}`, 409, ""},
		{"GET", "/api/clients", "", 200, ""},
		{"GET", "/api/notifications", "", 200, ""},
		{"POST", "/api/notifications/phone/test", "", 200, ""},
		{"POST", "/api/notifications/none/test", "", 404, ""},
		{"DELETE", "/api/clients/phone", "", 200, ""},
		{"DELETE", "/api/clients/phone", "", 404, ""},
		{"POST", "/api/config/import", `{"text":"channels:\n  - name: old\n    target: https://old.example\n    keys: [sk-of-the-old-one]\n","preview":true}`, 200, ""},
		{"POST", "/api/config/import", `{"text":"channels:\n  - name: old\n    target: https://old.example\n    keys: [sk-of-the-old-one]\n"}`, 200, ""},
		{"POST", "/api/config/import", `{"text":"channels:\n  - name: old\n    target: https://old.example\n    keys: [sk-of-the-old-one]\n"}`, 409, ""},
		{"POST", "/api/config/import", `{"text":"channels: ["}`, 422, ""},
		{"GET", "/api/config/edits", "", 200, ""},
		{"POST", "/api/config/undo", "", 200, ""},
		{"GET", "/api/apps", "", 200, ""},
		{"GET", "/api/history?limit=10&failed=false", "", 200, ""},
		{"GET", "/api/history?limit=0", "", 400, ""},
		{"GET", "/api/history/none", "", 404, ""},
		{"GET", "/api/usage?by=model", "", 200, ""},
		{"GET", "/api/usage?by=color", "", 400, ""},
		{"GET", "/api/unknown", "", 200, ""},
		{"GET", "/api/unknown/none", "", 404, ""},
		{"DELETE", "/api/unknown/none", "", 404, ""},
		{"POST", "/api/channels/home/toggle", "", 200, ""},
		{"POST", "/api/channels/home/toggle", `{"enabled":true}`, 200, ""},
		{"POST", "/api/channels/none/toggle", "", 404, ""},
		{"POST", "/api/channels/home/switch", `{"on":false}`, 200, ""},
		{"POST", "/api/channels/none/switch", "", 404, ""},
		{"POST", "/api/channels/home/check", "", 200, ""},
		{"POST", "/api/channels/none/check", "", 404, ""},
		{"GET", "/api/channels/home/models", "", 200, ""},
		{"GET", "/api/channels/none/models", "", 404, ""},
		{"GET", "/api/channels/spare/models", "", 409, ""},
		{"POST", "/api/channels/home/try", `{"model":"m","prompt":"Hello"}`, 200, ""},
		{"POST", "/api/channels/spare/try", `{"model":"m","prompt":"Hello"}`, 200, ""},
		{"POST", "/api/channels/home/try", `{"model":"","prompt":"Hello"}`, 400, ""},
		{"GET", "/api/routes", "", 200, ""},
		{"GET", "/api/tunnels", "", 200, ""},
		{"POST", "/api/tunnels/none/retry", "", 404, ""},
		{"POST", "/api/tunnels/vps/test", "", 200, ""},
		{"POST", "/api/tunnels/none/test", "", 404, ""},
		{"POST", "/api/tunnels/vps/trust", `{"fingerprint":"SHA256:other"}`, 409, ""},
		{"POST", "/api/tunnels/vps/trust", `{"fingerprint":""}`, 400, ""},
		{"POST", "/api/tunnels/none/trust", `{"fingerprint":"SHA256:other"}`, 404, ""},
		{"GET", "/api/plugins", "", 200, ""},
		{"POST", "/api/plugins/built-in/restart", "", 200, ""},
		{"POST", "/api/explain", `{"method":"POST","path":"/v1/x","model":"m","headers":{"A":"b"}}`, 200, ""},
		{"POST", "/api/explain", `{"path":""}`, 400, ""},
		{"GET", "/api/stats", "", 200, ""},
		{"POST", "/api/stats/reset", "", 200, ""},
		{"GET", "/api/logs/recent?n=3&types=log,request&channel=", "", 200, ""},
		{"GET", "/api/logs/recent?n=1000", "", 200, ""},
		{"GET", "/api/logs/recent?n=0", "", 400, ""},
		{"GET", "/api/logs/recent?types=none", "", 400, ""},
		{"GET", "/api/config", "", 200, ""},
		{"PUT", "/api/config", `{"text":"x"}`, 428, ""},
		{"PUT", "/api/config", `{"text":"x"}`, 412, `"c-old"`},
		{"PUT", "/api/config", `{"text":"x"}`, 400, `"nonsense"`},
		{"PUT", "/api/config", `{"text":"nonsense {"}`, 422, "*"},
		{"POST", "/api/config/reload", "", 200, ""},
		{"POST", "/api/config/reload", "", 412, `"1000"`},
		{"POST", "/api/config/plan", "", 200, ""},
		{"POST", "/api/config/plan", `{"text":"nonsense {"}`, 422, ""},
		{"POST", "/api/config/plan", `{"text":"x","file":"none.hcl"}`, 404, ""},
		{"GET", "/api/config/edits", "", 200, ""},
		{"POST", "/api/config/undo", "", 200, ""},
		{"GET", "/api/unknown", "", 200, ""},
		{"GET", "/api/unknown/0123456789abcdef", "", 404, ""},
		{"DELETE", "/api/unknown/0123456789abcdef", "", 404, ""},
		{"GET", "/api/apps", "", 200, ""},
		{"GET", "/api/session", "", 200, ""},
		{"POST", "/api/session", `{"token":"` + token + `"}`, 200, ""},
		{"POST", "/api/session/phone", "", 409, ""}, // it listens on loopback
		{"DELETE", "/api/session", "", 200, ""},
		{"GET", "/api/openapi.json", "", 200, ""},
		{"GET", "/metrics", "", 200, ""},
		{"GET", "/healthz", "", 200, ""},
		{"GET", "/readyz", "", 200, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if c.method != "GET" {
			req.Header.Set("Content-Type", "application/json")
		}
		if c.header != "" {
			req.Header.Set("If-Match", c.header)
		}
		called[conforms(t, router, req, []byte(c.body), c.want)] = true
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if name := method + " " + path; !called[name] && name != "GET /api/logs" {
				t.Errorf("%s was not called", name)
			}
		}
	}
}

// conforms sends the request, and compares it and its answer with the document.
func conforms(t *testing.T, router routers.Router, req *http.Request, body []byte, want int) (operation string) {
	t.Helper()
	name := req.Method + " " + req.URL.Path
	bare := *req.URL
	bare.Scheme, bare.Host = "", ""
	asked := req.Clone(t.Context())
	asked.URL, asked.Body = &bare, io.NopCloser(bytes.NewReader(body))
	route, params, err := router.FindRoute(asked)
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return ""
	}
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, MultiError: true}
	input := &openapi3filter.RequestValidationInput{Request: asked, PathParams: params, Route: route, Options: options}
	if err := openapi3filter.ValidateRequest(t.Context(), input); err != nil && len(body) > 0 {
		t.Errorf("%s %s: the request: %v", name, body, err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if resp.StatusCode != want {
		t.Errorf("%s %s: %d, want %d: %s", name, body, resp.StatusCode, want, b)
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: input, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(b)), Options: options,
	})
	if err != nil && json.Valid(b) {
		t.Errorf("%s %s: the answer %d: %v\n%s", name, body, resp.StatusCode, err, b)
	}
	return req.Method + " " + route.Path
}
