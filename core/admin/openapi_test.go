package admin

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"github.com/aitunnel/aitunnel/core/config"
)

// document loads the document as it is served. In tests it allows no field that
// it does not name.
func document(t *testing.T, b []byte) (*openapi3.T, routers.Router) {
	t.Helper()
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

// TestTheHandlersDoWhatTheDocumentSays calls every operation of the document
// with good and with wrong requests, and holds request and answer against it.
func TestTheHandlersDoWhatTheDocumentSays(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 100)
	s.publish("hello")
	resp, b := s.do("GET", "/api/openapi.json", "Authorization", "Bearer "+testToken)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, b)
	}
	doc, router := document(t, b)
	called := map[string]map[int]bool{}
	for _, c := range []struct {
		method, path, body string
		want               int
		header             string // of If-Match
	}{
		{"GET", "/api/status", "", 200, ""},
		{"GET", "/api/channels", "", 200, ""},
		{"POST", "/api/channels", `{"name":"home","target":"https://x.example","weight":2,"fallback":true,"models":["a"],"keys":[{"key":"k","label":"l"}],"routes":["/**"]}`, 201, ""},
		{"POST", "/api/channels", `{"name":"wrong"}`, 422, ""},
		{"POST", "/api/channels", `{"name":"home"}`, 412, "2"},
		{"PUT", "/api/channels/home", `{"weight":1.5}`, 200, "3"},
		{"PUT", "/api/channels/home", `{"weight":1.5}`, 412, `"c-old"`},
		{"PUT", "/api/channels/wrong", `{}`, 422, ""},
		{"DELETE", "/api/channels/home", "", 200, "*"},
		{"DELETE", "/api/channels/home", "", 412, "2"},
		{"POST", "/api/channels/home/toggle", "", 200, ""},
		{"POST", "/api/channels/home/toggle", `{"enabled":true}`, 200, ""},
		{"POST", "/api/channels/none/toggle", "", 404, ""},
		{"POST", "/api/channels/home/switch", `{"on":false}`, 200, ""},
		{"POST", "/api/channels/none/switch", "", 404, ""},
		{"POST", "/api/channels/home/check", "", 200, ""},
		{"POST", "/api/channels/spare/check", "", 409, ""},
		{"POST", "/api/channels/none/check", "", 404, ""},
		{"POST", "/api/channels/home/keys", `{"key":"k","label":"l","ephemeral":true}`, 201, ""},
		{"POST", "/api/channels/home/keys", `{"key":"k"}`, 412, "2"},
		{"DELETE", "/api/channels/home/keys/0", "", 200, ""},
		{"DELETE", "/api/channels/wrong/keys/0", "", 422, ""},
		{"GET", "/api/routes", "", 200, ""},
		{"GET", "/api/tunnels", "", 200, ""},
		{"GET", "/api/plugins", "", 200, ""},
		{"POST", "/api/plugins/acme/restart", "", 200, ""},
		{"POST", "/api/explain", `{"method":"POST","path":"/v1/x","model":"m","headers":{"A":"b"}}`, 200, ""},
		{"POST", "/api/explain", `{"path":""}`, 400, ""},
		{"GET", "/api/stats", "", 200, ""},
		{"GET", "/api/logs/recent?n=3&types=log,request&channel=", "", 200, ""},
		{"GET", "/api/logs/recent?n=0", "", 400, ""},
		{"GET", "/api/logs/recent?types=none", "", 400, ""},
		{"GET", "/api/config", "", 200, ""},
		{"PUT", "/api/config", `{"text":"x","file":"aitunnel.hcl"}`, 200, "*"},
		{"PUT", "/api/config", `{"text":"x"}`, 428, ""},
		{"PUT", "/api/config", `{"text":"x"}`, 412, `"c-old"`},
		{"PUT", "/api/config", `{"text":"x"}`, 400, `"nonsense"`},
		{"POST", "/api/config/reload", "", 200, ""},
		{"POST", "/api/config/reload", "", 412, `"2"`},
		{"POST", "/api/config/plan", "", 200, ""},
		{"POST", "/api/config/plan", `{"text":"wrong"}`, 422, ""},
		{"POST", "/api/config/plan", `{"text":"x","file":"none.hcl"}`, 404, ""},
		{"GET", "/api/session", "", 200, ""},
		{"POST", "/api/session", `{"token":"` + testToken + `"}`, 200, ""},
		{"DELETE", "/api/session", "", 200, ""},
		{"GET", "/api/openapi.json", "", 200, ""},
		{"GET", "/metrics", "", 200, ""},
		{"GET", "/healthz", "", 200, ""},
		{"GET", "/readyz", "", 503, ""}, // the small program is not ready once it was told to do something
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, s.url+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+testToken)
		if c.method != "GET" {
			req.Header.Set("Content-Type", "application/json")
		}
		if c.header != "" {
			req.Header.Set("If-Match", c.header)
		}
		operation := conforms(t, router, req, []byte(c.body), c.want)
		if called[operation] == nil {
			called[operation] = map[int]bool{}
		}
		called[operation][c.want] = true
	}
	for path, item := range doc.Paths.Map() {
		for method := range item.Operations() {
			if name := method + " " + path; called[name] == nil && name != "GET /api/logs" {
				t.Errorf("%s was not called", name)
			}
		}
	}
	for _, e := range s.api.endpoints() {
		if item := doc.Paths.Value(e.path); item == nil || item.GetOperation(e.method) == nil {
			t.Errorf("%s %s is not in the document", e.method, e.path)
		}
	}
}

// conforms sends the request, and holds it and its answer against the document.
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
