package admin

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

func TestOriginOfAnEdit(t *testing.T) {
	token := config.NewSecret(testToken)
	h := New(Options{Source: program{time.Now(), &[]string{}}, Access: func() Access { return Access{Admin: config.Admin{Token: token}} }})
	w := httptest.NewRecorder()
	h.sessions.now = time.Now
	h.sessions.start(w, token)
	session := w.Result().Cookies()[0]
	for name, c := range map[string]struct {
		agent  string
		cookie *http.Cookie
		want   string
	}{
		"the panel":         {"Mozilla/5.0 (X11; Linux)", session, "in the panel"},
		"a wrong cookie":    {"", &http.Cookie{Name: session.Name, Value: "wrong"}, "through the API"},
		"a command":         {UserAgent("1.2.3", "channel add"), nil, "by `aitunnel channel add`"},
		"a script":          {"curl/8.1", nil, "through the API"},
		"a forged line":     {"aitunnel/1 (a\nb)", nil, "through the API"},
		"without a command": {UserAgent("1.2.3", ""), nil, "through the API"},
	} {
		r := httptest.NewRequest(http.MethodPut, "/api/config", nil)
		r.Header.Set("User-Agent", c.agent)
		if c.cookie != nil {
			r.AddCookie(c.cookie)
		}
		if got := OriginOf(h.withOrigin(r).Context()).Text(); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
