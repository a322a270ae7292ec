package admin

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestWithoutATokenThePortEditsNothing asks every endpoint of a port that has no
// token: other accounts of the machine reach it too.
func TestWithoutATokenThePortEditsNothing(t *testing.T) {
	harmless := []string{
		"POST /api/channels/{name}/toggle", "POST /api/channels/{name}/switch", "POST /api/channels/{name}/check", "POST /api/explain",
		"POST /api/session", "DELETE /api/session",
	}
	s := serve(t, config.Admin{}, 8)
	for _, e := range s.api.endpoints() {
		name := e.method + " " + e.path
		if e.path == "/api/logs" {
			continue // never ends
		}
		before := len(s.done)
		resp, body := s.send(e.method, e.at(), `{}`, "Content-Type", "application/json")
		if e.method == http.MethodGet || slices.Contains(harmless, name) {
			if resp.StatusCode == http.StatusForbidden || resp.StatusCode == http.StatusUnauthorized {
				t.Errorf("%s is refused: %d %s", name, resp.StatusCode, body)
			}
			continue
		}
		if message := s.wantError(resp, body, http.StatusForbidden, "token_required"); !strings.Contains(message, "admin.token") {
			t.Errorf("%s: the message does not say what to do: %s", name, message)
		}
		if len(s.done) > before {
			t.Errorf("%s: this was done: %q", name, s.done[before:])
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
