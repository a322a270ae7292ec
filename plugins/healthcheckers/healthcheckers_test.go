package healthcheckers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// site is a host whose probes go to a real server.
type site struct {
	url  string
	seen chan sdk.ProbeRequest
}

func serve(t *testing.T, h http.HandlerFunc) *site {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return &site{url: server.URL, seen: make(chan sdk.ProbeRequest, 8)}
}

func (s *site) Probe(ctx context.Context, in sdk.ProbeRequest) (sdk.ProbeResult, error) {
	s.seen <- in
	req, err := http.NewRequestWithContext(ctx, in.Method, s.url+in.Path, strings.NewReader(string(in.Body)))
	if err != nil {
		return sdk.ProbeResult{}, err
	}
	for k, v := range in.Header {
		req.Header.Set(k, v)
	}
	begun := time.Now()
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return sdk.ProbeResult{}, errors.New("the connection was refused")
	}
	defer func() { _ = resp.Body.Close() }()
	out := sdk.ProbeResult{Status: resp.StatusCode, Latency: time.Since(begun), Header: map[string]string{}}
	out.Body, err = io.ReadAll(resp.Body)
	for k := range resp.Header {
		out.Header[k] = resp.Header.Get(k)
	}
	return out, err
}

// broken is a host whose probes all fail.
type broken struct{ err error }

func (b broken) Probe(context.Context, sdk.ProbeRequest) (sdk.ProbeResult, error) {
	return sdk.ProbeResult{}, b.err
}

func build(t testing.TB, name, body string) (sdk.HealthChecker, error) {
	t.Helper()
	for _, f := range Components() {
		if f.Name == name {
			c := f.New().(sdk.HealthChecker)
			return c, c.Configure(t.Context(), sdk.Config{Body: json.RawMessage(body)})
		}
	}
	t.Fatalf("there is no health checker %q", name)
	return nil, nil
}

func check(t *testing.T, name, settings string, host sdk.Host, models ...string) (sdk.CheckResult, error) {
	t.Helper()
	c, err := build(t, name, settings)
	if err != nil {
		t.Fatal(err)
	}
	return c.Check(t.Context(), sdk.CheckRequest{Channel: "ch", Models: models}, host)
}

// answerWith gives every request the same answer.
func answerWith(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

const (
	good  = "healthy"
	bad   = "unhealthy"
	mute  = "no result"
	aiOK  = `{"choices":[{"message":{"content":"ok"}}]}`
	antOK = `{"type":"message","content":[{"type":"text","text":"ok"}]}`
	gemOK = `{"candidates":[{"finishReason":"MAX_TOKENS"}]}`
)

func TestResultOfEachAnswer(t *testing.T) {
	for _, test := range []struct {
		name, checker, settings string
		answer                  http.HandlerFunc
		want, reason            string
	}{
		{"ok", "http", `{}`, answerWith(200, `{}`), good, "200 OK"},
		{"any 2xx", "http", `{}`, answerWith(204, ``), good, "204 No Content"},
		{"down", "http", `{}`, answerWith(503, ``), bad, "GET /v1/models gave 503 Service Unavailable"},
		{"a redirect is not a 2xx", "http", `{}`, answerWith(302, ``), bad, "302"},
		{"wanted status", "http", `{"status":[404,418]}`, answerWith(418, ``), good, "418"},
		{"unwanted status", "http", `{"status":[204]}`, answerWith(200, ``), bad, "200 OK"},
		{"invalid key", "http", `{}`, answerWith(401, ``), mute, "401"},
		{"limited key", "http", `{}`, answerWith(429, ``), mute, "429"},
		{"a wanted 401", "http", `{"status":[401]}`, answerWith(401, ``), good, "401"},
		{"challenge", "http", `{}`, answerWith(403, `<html>`, "Content-Type", "text/html", "Cf-Mitigated", "challenge"), bad, "challenge page"},
		{"page", "http", `{}`, answerWith(403, `<html>`, "Content-Type", "text/html"), bad, "403 Forbidden"},
		{"contains", "http", `{"contains":"gpt"}`, answerWith(200, `["gpt-4o"]`), good, ""},
		{"does not contain", "http", `{"contains":"gpt"}`, answerWith(200, `[]`), bad, `does not contain "gpt"`},

		{"openai", "completion", `{"model":"m"}`, answerWith(200, aiOK), good, "model m answered"},
		{"anthropic", "completion", `{"model":"m","api":"anthropic"}`, answerWith(200, antOK), good, ""},
		{"anthropic without text", "completion", `{"model":"m","api":"anthropic"}`, answerWith(200, `{"type":"message","content":[]}`), good, ""},
		{"gemini", "completion", `{"model":"m","api":"gemini"}`, answerWith(200, gemOK), good, ""},
		{"another API's answer", "completion", `{"model":"m"}`, answerWith(200, antOK), bad, "without an answer of the openai API"},
		{"no choices", "completion", `{"model":"m"}`, answerWith(200, `{"choices":[]}`), bad, ""},
		{"a page with 200", "completion", `{"model":"m"}`, answerWith(200, `<html>`), bad, ""},
		{"empty", "completion", `{"model":"m"}`, answerWith(200, ``), bad, ""},
		{"overloaded", "completion", `{"model":"m"}`, answerWith(529, `{}`), bad, "model m gave 529"},
		{"spent", "completion", `{"model":"m"}`, answerWith(402, `{}`), mute, "402"},
	} {
		t.Run(test.checker+"/"+test.name, func(t *testing.T) {
			result, err := check(t, test.checker, test.settings, serve(t, test.answer))
			got, reason := bad, result.Reason
			switch {
			case err != nil:
				got, reason = mute, err.Error()
			case result.Healthy:
				got = good
			}
			if got != test.want || !strings.Contains(reason, test.reason) || reason == "" {
				t.Errorf("%s, %q; want %s, %q", got, reason, test.want, test.reason)
			}
			if err == nil && result.Latency <= 0 {
				t.Error("no latency")
			}
		})
	}
}

func TestRequestOfEachChecker(t *testing.T) {
	type wanted struct{ method, path, body, version, contentType string }
	for _, test := range []struct {
		checker, settings string
		models            []string
		want              wanted
	}{
		{"http", `{}`, nil, wanted{"GET", "/v1/models", ``, "", ""}},
		{"http", `{"path":"/ping?a=b","method":"HEAD"}`, nil, wanted{"HEAD", "/ping?a=b", ``, "", ""}},
		{"http", `{"method":"POST","body":"{}"}`, nil, wanted{"POST", "/v1/models", `{}`, "", "application/json"}},
		{"http", `{"method":"POST","body":"{}","header":{"Anthropic-Version":"1"}}`, nil, wanted{"POST", "/v1/models", `{}`, "1", "application/json"}},
		{"http", `{"method":"POST","body":"a=b","header":{"content-type":"text/plain"}}`, nil, wanted{"POST", "/v1/models", `a=b`, "", "text/plain"}},
		{
			"completion", `{}`, []string{"gpt-*", "gpt-4o", "o3"},
			wanted{"POST", "/v1/chat/completions", `{"max_tokens":8,"messages":[{"content":"Say ok.","role":"user"}],"model":"gpt-4o"}`, "", "application/json"},
		},
		{
			"completion", `{"model":"o3","limit_field":"max_completion_tokens","path":"/api/chat"}`, nil,
			wanted{"POST", "/api/chat", `{"max_completion_tokens":8,"messages":[{"content":"Say ok.","role":"user"}],"model":"o3"}`, "", "application/json"},
		},
		{
			"completion", `{"api":"anthropic","model":"c","max_tokens":1,"prompt":"Hi"}`, nil,
			wanted{"POST", "/v1/messages", `{"max_tokens":1,"messages":[{"content":"Hi","role":"user"}],"model":"c"}`, "2023-06-01", "application/json"},
		},
		{
			"completion", `{"api":"gemini","model":"g"}`, nil,
			wanted{"POST", "/v1beta/models/g:generateContent", `{"contents":[{"parts":[{"text":"Say ok."}],"role":"user"}],"generationConfig":{"maxOutputTokens":8}}`, "", "application/json"},
		},
	} {
		s := serve(t, answerWith(200, `{}`))
		if _, err := check(t, test.checker, test.settings, s, test.models...); err != nil {
			t.Errorf("%s %s: %v", test.checker, test.settings, err)
			continue
		}
		r := <-s.seen
		contentType := r.Header["Content-Type"]
		if contentType == "" {
			contentType = r.Header["content-type"]
		}
		got := wanted{r.Method, r.Path, string(r.Body), r.Header["Anthropic-Version"], contentType}
		if got != test.want {
			t.Errorf("%s %s:\n got %q\nwant %q", test.checker, test.settings, got, test.want)
		}
	}
}

func TestProbesThatFail(t *testing.T) {
	for _, c := range []struct{ name, settings string }{{"http", `{}`}, {"completion", `{"model":"m"}`}} {
		result, err := check(t, c.name, c.settings, broken{errors.New("connection refused")})
		if err != nil || result.Healthy || result.Reason != "connection refused" {
			t.Errorf("%s: unreachable: %+v, %v", c.name, result, err)
		}
		gone := fmt.Errorf("%w: the host has ended", sdk.ErrUnavailable)
		if _, err := check(t, c.name, c.settings, broken{gone}); !errors.Is(err, sdk.ErrUnavailable) {
			t.Errorf("%s: host gone: %v", c.name, err)
		}
		checker, err := build(t, c.name, c.settings)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := checker.Check(ctx, sdk.CheckRequest{}, broken{errors.New("canceled")}); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: canceled: %v", c.name, err)
		}
	}
	if _, err := check(t, "completion", `{}`, broken{}, "gpt-*"); err == nil || !strings.Contains(err.Error(), "no model") {
		t.Errorf("without a model: %v", err)
	}
}

func TestBadSettings(t *testing.T) {
	for _, test := range []struct{ checker, body, path string }{
		{"http", `{"path":"v1/models"}`, "path"},
		{"http", `{"method":"DELETE"}`, "method"},
		{"http", `{"status":[99]}`, "status"},
		{"http", `{"body":"x"}`, "body"},
		{"http", `{"method":"HEAD","contains":"x"}`, "contains"},
		{"completion", `{"api":"mistral"}`, "api"},
		{"completion", `{"max_tokens":0}`, "max_tokens"},
		{"completion", `{"path":"x"}`, "path"},
		{"completion", `{"limit_field":"n"}`, "limit_field"},
	} {
		_, err := build(t, test.checker, test.body)
		var complaint *sdk.ConfigError
		if !errors.As(err, &complaint) || !slices.Equal(complaint.Path, []string{test.path}) || complaint.Hint == "" {
			t.Errorf("%s %s: %#v", test.checker, test.body, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	d, err := sdk.Plugin{Name: "builtin", Version: "0.0.0", Components: Components()}.Describe()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range d.Components {
		if c.Kind != sdk.KindHealthChecker || c.Doc == "" {
			t.Errorf("%s: %s, %q", c.Name, c.Kind, c.Doc)
		}
		for _, a := range c.Schema.Attributes {
			if a.Doc == "" || a.Required {
				t.Errorf("%s.%s: doc %q, required %v", c.Name, a.Name, a.Doc, a.Required)
			}
		}
	}
}
