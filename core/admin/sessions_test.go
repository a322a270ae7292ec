package admin

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestSessionsSurviveARestart reads the file that another run saved.
func TestSessionsSurviveARestart(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sessions.json")
	token := config.NewSecret(testToken)
	request := func(cookie *http.Cookie) *http.Request {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.AddCookie(cookie)
		return r
	}
	start := func(at time.Time) *sessions {
		s := &sessions{now: func() time.Time { return at }}
		s.load(file)
		return s
	}
	now := time.Now()
	first, w := start(now), httptest.NewRecorder()
	first.start(w, token)
	cookie := w.Result().Cookies()[0]
	if s := start(now.Add(time.Hour)); !s.knows(request(cookie), token) {
		t.Error("after a restart the session is not valid")
	}
	if start(now).knows(request(cookie), config.NewSecret("another-token-of-the-config")) {
		t.Error("after a restart with another token the session is still valid")
	}
	if start(now.Add(sessionTime+time.Hour)).knows(request(cookie), token) {
		t.Error("the session does not expire")
	}
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	if b, _ := os.ReadFile(file); strings.Contains(string(b), cookie.Value) || strings.Contains(string(b), testToken) {
		t.Errorf("the file holds a secret: %s", b)
	}
	s := start(now)
	s.end(httptest.NewRecorder(), request(cookie))
	if start(now).knows(request(cookie), token) {
		t.Error("a session that was ended is back after a restart")
	}
	if err := os.WriteFile(file, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	start(now).start(httptest.NewRecorder(), token) // a damaged file is replaced
}
