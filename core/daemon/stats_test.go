package daemon_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestTokensAreReadFromAnswers of each API, streamed or not, compressed or not.
func TestTokensAreReadFromAnswers(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	zipped := gzipped(t, home.URL())
	for _, target := range []string{home.URL(), zipped} {
		r := start(t, fmt.Sprintf("channel \"home\" {\n target = %q\n key \"mine\" {\n  value = \"key-home-1\"\n }\n}\n", target))
		var before admin.Tokens
		for _, c := range []struct{ path, body string }{
			{chat, `{"model":"gpt","messages":[{"role":"user","content":"one two three"}]}`},
			{chat, `{"model":"gpt","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"one two three"}]}`},
			{"/v1/responses", `{"model":"gpt","input":"one two three"}`},
			{"/v1/responses", `{"model":"gpt","stream":true,"input":"one two three"}`},
			{"/v1/messages", `{"model":"claude","max_tokens":9,"messages":[{"role":"user","content":"one two three"}]}`},
			{"/v1/messages", `{"model":"claude","max_tokens":9,"stream":true,"messages":[{"role":"user","content":"one two three"}]}`},
			{"/v1beta/models/gemini:generateContent", `{"contents":[{"parts":[{"text":"one two three"}]}]}`},
			{"/v1beta/models/gemini:streamGenerateContent?alt=sse", `{"contents":[{"parts":[{"text":"one two three"}]}]}`},
		} {
			if a := r.post(c.path, c.body, "Accept-Encoding", "br, gzip"); a.status != http.StatusOK {
				t.Fatalf("%s: %d %s", c.path, a.status, a.body)
			}
			var now admin.Tokens
			testhelp.Eventually(t, "the tokens of "+c.path+" "+c.body+" are counted", func() bool {
				now = r.channel("home").Tokens
				return now.Input > before.Input && now.Output > before.Output
			})
			if got := r.lastRequest(); got.TokensIn != now.Input-before.Input || got.TokensOut != now.Output-before.Output {
				t.Errorf("%s: %+v, from %+v to %+v", c.path, got, before, now)
			}
			before = now
		}
		var s admin.Summary
		r.adminGet("/api/stats", &s)
		if key := s.Channels["home"].Keys["mine"]; key.Tokens != before || s.Tokens != before || s.Windows["1m"].Tokens != before || len(s.Models) != 3 {
			t.Errorf("%+v", s)
		}
		r.stop()
	}
}

// gzipped returns a proxy in front of a site that compresses its answers.
func gzipped(t *testing.T, target string) string {
	t.Helper()
	return serveHandler(t, func(w http.ResponseWriter, r *http.Request) {
		if got := r.Header.Get("Accept-Encoding"); got != "gzip" && got != "identity" { // streams are requested without compression
			t.Errorf("the site is asked for %q", got)
		}
		req, err := http.NewRequestWithContext(r.Context(), r.Method, target+r.URL.String(), r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		req.Header = r.Header.Clone()
		req.Header.Del("Accept-Encoding")
		resp, err := client.Do(req)
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.Header().Set("Content-Encoding", "gzip")
		out := gzip.NewWriter(w)
		_, _ = io.Copy(out, resp.Body)
		_ = out.Close()
	})
}

func TestStatisticsSurviveARestart(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""))
	primary.Next(fakesite.Status(http.StatusBadGateway, "{}"))
	for range 3 {
		r.post(chat, `{"model":"gpt"}`)
	}
	check := func(when string) {
		t.Helper()
		var s admin.Summary
		r.adminGet("/api/stats", &s)
		p, b := s.Channels["primary"], s.Channels["backup"]
		if s.TotalRequests != 3 || s.TotalSuccess != 3 || s.TotalRetries != 1 || *s.SuccessRate != 1 || p.Requests+b.Requests != 4 || p.Fail != 1 ||
			s.Windows["24h"].Requests != 3 || s.Models["gpt"].Latency.P50 <= 0 || len(p.Keys) != 2 {
			t.Errorf("%s: %+v", when, s)
		}
		c := r.channel("primary")
		if len(c.Recent) != 60 || c.SuccessRate == nil || c.Tokens.Input == 0 {
			t.Errorf("%s: %+v", when, c)
		}
	}
	check("at first")
	var status, again admin.Summary
	r.adminGet("/api/stats", &status)
	r.stop()
	r.run()
	check("after a restart")
	r.adminGet("/api/stats", &again)
	if !again.Since.Equal(status.Since) {
		t.Errorf("since %v, and %v", status.Since, again.Since)
	}
}

func TestMetricsAreForPrometheus(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""))
	r.post(chat, `{"model":"gpt \"quoted\"\n"}`)
	r.post(chat, "{\"model\":\"bad \xff bytes\"}")
	text := string(r.adminGet("/metrics", nil))
	id := r.channel("primary").Keys.List[0].ID
	for _, want := range []string{
		`aitunnel_info{version="test"} 1`, `aitunnel_requests_total{result="success"} 2`, `aitunnel_channel_available{channel="primary"} 1`,
		`aitunnel_channel_attempts_total{channel="primary",result="success"} 2`, `aitunnel_key_available{channel="primary",key="` + id + `"} 1`,
		`aitunnel_model_requests_total{model="gpt \"quoted\"\n",result="success"} 1`, `aitunnel_model_requests_total{model="other",result="success"} 1`,
		`aitunnel_channel_ttfb_seconds_count{channel="primary"} 2`, `aitunnel_plugin_running{plugin="built-in"} 1`, "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("there is no %s in\n%s", want, text)
		}
	}
}

func TestReadyzFollowsTheChannels(t *testing.T) {
	t.Parallel()
	primary, backup := site(t, "primary"), site(t, "backup")
	r := start(t, two(primary, backup, ""))
	ready := func() int {
		status, _, _ := r.ask("GET", "/readyz", "")
		return status
	}
	if got := ready(); got != http.StatusOK {
		t.Errorf("%d", got)
	}
	for _, c := range []string{"primary", "backup"} {
		r.must(http.StatusOK, "POST", "/api/channels/"+c+"/toggle", "")
	}
	if got := ready(); got != http.StatusServiceUnavailable {
		t.Errorf("with all channels paused: %d", got)
	}
	if status, _, _ := r.ask("GET", "/healthz", ""); status != http.StatusOK {
		t.Errorf("%d", status)
	}
}

// serveHandler answers on a free port.
func serveHandler(t *testing.T, f http.HandlerFunc) (url string) {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL
}
