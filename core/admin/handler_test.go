package admin

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// paths are the paths of all endpoints.
var paths = []string{"/api/status", "/api/channels", "/api/logs", "/api/logs/recent", "/healthz"}

// lookup finds a.0.b in decoded JSON.
func lookup(v any, path string) (any, bool) {
	for name := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = in[name]; !ok {
				return nil, false
			}
		case []any:
			i := int(name[0] - '0')
			if i >= len(in) {
				return nil, false
			}
			v = in[i]
		default:
			return nil, false
		}
	}
	return v, true
}

func TestFieldNamesForScripts(t *testing.T) {
	s := serve(t, config.Admin{}, 8)
	s.publish("hello")
	for _, c := range []struct {
		path string
		want map[string]any
	}{
		{"/api/status", map[string]any{
			"status": "running", "version": "1.2.3", "pid": 42.0, "generation": 3.0, "config": "aitunnel.hcl", "listen": "127.0.0.1:9000",
			"active": 0.0, "channels.healthy": 1.0, "channels.total": 2.0, "plugins.calls": 9.0, "plugins.processes.0.state": "running",
			"plugins.processes.0.components.0.name": "priority", "routes.0.path": "/v1/**", "routes.0.strategy": "priority",
			"routes.0.plan": 7.0, "routes.0.reason": "the highest weight first", "routes.0.channels.1": "spare",
		}},
		{"/api/channels", map[string]any{
			"0.name": "home", "0.target": "https://home.example/api", "0.weight": 10.0, "0.fallback": false, "0.enabled": true,
			"0.health": "up", "0.latency": 12.5, "0.keyStrategy": "round-robin", "0.keys.alive": 1.0, "0.keys.total": 1.0,
			"0.keys.list.0.masked": "sk-…0001", "0.keys.list.0.state": "ready",
			"0.stats.totalRequests": 5.0, "0.stats.successCount": 4.0, "0.stats.failCount": 1.0, "0.stats.lastError": "connection refused",
			"1.enabled": false, "1.fallback": true, "1.out": "health", "1.stats.lastError": nil, "1.stats.lastRequestAt": nil,
		}},
		{"/api/logs/recent", map[string]any{"0.id": 1.0, "0.type": "log", "0.level": "info", "0.message": "hello"}},
	} {
		resp, body := s.do("GET", c.path)
		var got any
		if err := json.Unmarshal(body, &got); err != nil || resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %d %s: %v", c.path, resp.StatusCode, body, err)
			continue
		}
		for name, want := range c.want {
			if v, ok := lookup(got, name); !ok || v != want {
				t.Errorf("%s: %s is %v (there: %v), want %v", c.path, name, v, ok, want)
			}
		}
		for name, want := range map[string]string{"Content-Type": "application/json", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"} {
			if v := resp.Header.Get(name); v != want {
				t.Errorf("%s: %s: %q, want %q", c.path, name, v, want)
			}
		}
	}
	for _, name := range []string{"uptime", "startedAt", "tunnels", "warnings", "routes.0.plannedAt"} {
		_, body := s.do("GET", "/api/status")
		var got any
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if v, ok := lookup(got, name); !ok || v == nil {
			t.Errorf("/api/status has no %s", name)
		}
	}
}

func TestRecentReturnsTheLastEvents(t *testing.T) {
	s := serve(t, config.Admin{}, 1000)
	if _, body := s.do("GET", "/api/logs/recent"); string(body) != "[]\n" {
		t.Errorf("without events: %s", body)
	}
	for range 60 {
		s.publish("one of sixty")
	}
	for query, want := range map[string]struct{ n, first int }{"": {50, 11}, "?n=2": {2, 59}, "?n=1000": {60, 1}} {
		_, body := s.do("GET", "/api/logs/recent"+query)
		var got []struct{ ID int }
		if err := json.Unmarshal(body, &got); err != nil || len(got) != want.n || got[0].ID != want.first {
			t.Errorf("%q: %d events, %v: %s", query, len(got), err, body)
		}
	}
	for _, n := range []string{"0", "-1", "1001", "many", "99999999999999999999"} {
		resp, body := s.do("GET", "/api/logs/recent?n="+n)
		if message := s.wantError(resp, body, http.StatusBadRequest, "bad_parameter"); !strings.Contains(message, "1 to 1000") {
			t.Errorf("n=%s: %s", n, message)
		}
	}
}

func TestOtherMethodsAndPathsAreRefused(t *testing.T) {
	s := serve(t, config.Admin{}, 8)
	for _, path := range paths {
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
			if path == "/api/channels" && method == "POST" {
				continue
			}
			resp, body := s.do(method, path)
			s.wantError(resp, body, http.StatusMethodNotAllowed, "method_not_allowed")
			if got := resp.Header.Get("Allow"); !strings.HasPrefix(got, "GET, HEAD") {
				t.Errorf("%s %s: Allow: %q", method, path, got)
			}
		}
	}
	for _, path := range []string{"/assets", "/assets/", "/assets/x", "/api", "/api/status/", "/api/statuses", "/api/logs/recent/x"} {
		resp, body := s.do("GET", path)
		if message := s.wantError(resp, body, http.StatusNotFound, "not_found"); !strings.Contains(message, path) {
			t.Errorf("%s: %s", path, message)
		}
	}
	if resp, body := s.do("HEAD", "/api/status"); resp.StatusCode != http.StatusOK || len(body) > 0 {
		t.Errorf("HEAD: %d %s", resp.StatusCode, body)
	}
}

func TestForeignHostsAndOriginsAreRefused(t *testing.T) {
	const friend = "https://panel.example"
	s := serve(t, config.Admin{Origins: []string{friend}}, 8)
	host := strings.TrimPrefix(s.url, "http://")
	for _, c := range []struct {
		name   string
		header []string
		code   string // "" if it is let through
	}{
		{"by address", nil, ""},
		{"by name", []string{"Host", "localhost:1234"}, ""},
		{"by a v6 address", []string{"Host", "[::1]:1234"}, ""},
		{"a foreign name", []string{"Host", "evil.example"}, "foreign_host"},
		{"a foreign name with the port", []string{"Host", "evil.example:9001"}, "foreign_host"},
		{"a name that begins with ours", []string{"Host", "localhost.evil.example"}, "foreign_host"},
		{"a name that looks like an address", []string{"Host", "127.0.0.1.evil.example"}, "foreign_host"},
		{"a foreign name with our origin", []string{"Host", "evil.example", "Origin", "http://evil.example"}, "foreign_host"},
		{"our own page", []string{"Origin", "http://" + host}, ""},
		{"a listed page", []string{"Origin", friend, "Sec-Fetch-Site", "cross-site"}, ""},
		{"a foreign page", []string{"Origin", "http://evil.example"}, "foreign_origin"},
		{"another port", []string{"Origin", "http://127.0.0.1:1"}, "foreign_origin"},
		{"another scheme", []string{"Origin", "http://panel.example"}, "foreign_origin"},
		{"a page in a sandbox", []string{"Origin", "null"}, "foreign_origin"},
		{"typed by the user", []string{"Sec-Fetch-Site", "none"}, ""},
		{"a picture on our own page", []string{"Sec-Fetch-Site", "same-origin"}, ""},
		{"a picture on a foreign page", []string{"Sec-Fetch-Site", "cross-site"}, "foreign_origin"},
		{"a picture on a sister page", []string{"Sec-Fetch-Site", "same-site"}, "foreign_origin"},
	} {
		for _, path := range []string{"/api/status", "/api/logs/recent", "/healthz", "/none"} {
			resp, body := s.do("GET", path, c.header...)
			switch {
			case c.code != "":
				s.wantError(resp, body, http.StatusForbidden, c.code)
			case path != "/none" && resp.StatusCode != http.StatusOK:
				t.Errorf("%s, %s: %d %s", c.name, path, resp.StatusCode, body)
			}
			if t.Failed() {
				t.Fatalf("%s, %s", c.name, path)
			}
			want := ""
			if c.name == "a listed page" {
				want = friend
			}
			if got := resp.Header.Get("Access-Control-Allow-Origin"); got != want {
				t.Errorf("%s: Access-Control-Allow-Origin: %q, want %q", c.name, got, want)
			}
		}
	}
}

func TestPreflightOfAListedOrigin(t *testing.T) {
	const friend = "https://panel.example"
	s := serve(t, config.Admin{Origins: []string{friend}, Token: config.NewSecret("a-token-of-some-length-1234")}, 8)
	resp, _ := s.do("OPTIONS", "/api/status", "Origin", friend, "Access-Control-Request-Method", "GET", "Access-Control-Request-Headers", "authorization")
	h := resp.Header
	if resp.StatusCode != http.StatusNoContent || h.Get("Access-Control-Allow-Origin") != friend ||
		h.Get("Access-Control-Allow-Methods") != "GET, POST, PUT, DELETE" || !strings.Contains(h.Get("Access-Control-Allow-Headers"), "Authorization") || h.Get("Vary") != "Origin" {
		t.Errorf("%s %v", resp.Status, h)
	}
	resp, body := s.do("GET", "/api/status", "Origin", friend)
	s.wantError(resp, body, http.StatusUnauthorized, "unauthorized")
	resp, body = s.do("OPTIONS", "/api/status", "Origin", "https://evil.example")
	s.wantError(resp, body, http.StatusForbidden, "foreign_origin")
	resp, body = s.do("OPTIONS", "/api/status", "Origin", friend, "Host", "evil.example")
	s.wantError(resp, body, http.StatusForbidden, "foreign_host")
}

func TestTheConfiguredHostNameIsAccepted(t *testing.T) {
	for _, c := range []struct {
		host, listen string
		want         bool
	}{
		{"box.lan:3000", "box.lan:3000", true},
		{"BOX.lan", "box.lan:3000", true},
		{"box.lan.evil.example", "box.lan:3000", false},
		{"", ":3000", false},
		{":3000", ":3000", false},
	} {
		if got := ownHost(c.host, config.Admin{Listen: c.listen}); got != c.want {
			t.Errorf("ownHost(%q, %q) = %v", c.host, c.listen, got)
		}
	}
}

func TestTheTokenIsRequired(t *testing.T) {
	const token = "a-token-of-some-length-1234"
	s := serve(t, config.Admin{Token: config.NewSecret(token)}, 8)
	for _, path := range []string{"/api/status", "/api/channels", "/api/logs", "/api/logs/recent", "/none"} {
		for name, value := range map[string]string{
			"wrong": "Bearer wrong", "missing": "", "no scheme": token, "another scheme": "Basic " + token, "empty": "Bearer ", "longer": "Bearer " + token + "5",
		} {
			var header []string
			if name != "missing" {
				header = []string{"Authorization", value}
			}
			s.time.jump(time.Minute) // only a few wrong tries are accepted at once
			resp, body := s.do("GET", path, header...)
			s.wantError(resp, body, http.StatusUnauthorized, "unauthorized")
			if resp.Header.Get("WWW-Authenticate") != "Bearer" || strings.Contains(string(body), token) {
				t.Errorf("%s, %s: %v %s", path, name, resp.Header, body)
			}
		}
	}
	for _, value := range []string{"Bearer " + token, "bearer " + token} {
		if resp, body := s.do("GET", "/api/status", "Authorization", value); resp.StatusCode != http.StatusOK {
			t.Errorf("the right token: %d %s", resp.StatusCode, body)
		}
	}
	resp, body := s.do("POST", "/api/status", "Authorization", "Bearer "+token)
	s.wantError(resp, body, http.StatusMethodNotAllowed, "method_not_allowed")
	if resp, body := s.do("GET", "/healthz"); resp.StatusCode != http.StatusOK || string(body) != "ok\n" {
		t.Errorf("/healthz without the token: %d %q", resp.StatusCode, body)
	}
}
