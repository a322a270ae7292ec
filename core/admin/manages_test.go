package admin

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestEditsNeedTheToken sends a request without a token to every endpoint of a port where reading is
// open, as another account of the machine could.
func TestEditsNeedTheToken(t *testing.T) {
	harmless := []string{
		"POST /api/channels/{name}/toggle", "POST /api/channels/{name}/switch", "POST /api/channels/{name}/check", "POST /api/explain",
		"DELETE /api/session",
	}
	s := serve(t, config.Admin{}, 8)
	for _, e := range s.api.endpoints() {
		name := e.method + " " + e.path
		if e.path == "/api/logs" || name == "POST /api/session" {
			continue // the first one does not end, the other one needs no token
		}
		before := len(s.done)
		resp, body := s.send(e.method, e.at(), `{}`, "Content-Type", "application/json")
		private := e.path == "/api/channels/{name}/models" || strings.HasPrefix(e.path, "/api/unknown")
		if e.method == http.MethodGet && !private || slices.Contains(harmless, name) {
			if resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s is refused: %d %s", name, resp.StatusCode, body)
			}
			continue
		}
		if message := s.wantError(resp, body, http.StatusUnauthorized, "unauthorized"); !strings.Contains(message, "admin.token") {
			t.Errorf("%s: the message does not say what to do: %s", name, message)
		}
		if len(s.done) > before {
			t.Errorf("%s: this was changed: %q", name, s.done[before:])
		}
		local := httptest.NewRecorder()
		req := httptest.NewRequest(e.method, e.at(), strings.NewReader(`{}`))
		req.Header.Set("Content-Type", "application/json")
		s.api.Local().ServeHTTP(local, req)
		if local.Code == http.StatusForbidden || local.Code == http.StatusUnauthorized {
			t.Errorf("%s is refused at the socket: %d %s", name, local.Code, local.Body)
		}
	}
}

// TestOpenMetrics: with open_metrics, /metrics needs no token.
func TestOpenMetrics(t *testing.T) {
	for open, want := range map[bool]int{true: http.StatusOK, false: http.StatusUnauthorized} {
		s := serve(t, config.Admin{Token: config.NewSecret(testToken), OpenMetrics: open}, 8)
		if resp, body := s.do("GET", "/metrics"); resp.StatusCode != want {
			t.Errorf("open_metrics = %v: %d %s", open, resp.StatusCode, body)
		}
		if resp, _ := s.do("GET", "/api/status"); resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("open_metrics = %v: /api/status is open", open)
		}
	}
}
