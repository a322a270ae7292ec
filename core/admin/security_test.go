package admin

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

const testToken = "a-token-of-some-length-1234"

// send sends a request with a body; header names and values alternate.
func (s *site) send(method, path, body string, header ...string) (*http.Response, []byte) {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for pair := range slices.Chunk(header, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	req.Host = req.Header.Get("Host")
	return s.answer(req)
}

// changing returns the endpoints that change something.
func changing(h *Handler) (all []endpoint) {
	for _, e := range h.endpoints() {
		if e.method != http.MethodGet {
			all = append(all, e)
		}
	}
	return all
}

// at returns an example of the endpoint's path.
func (e endpoint) at() string {
	return strings.NewReplacer("{name}", "home", "{key}", "0").Replace(e.path)
}

// TestUnauthorizedRequestsChangeNothing sends to every endpoint that changes something requests that
// a page of another site could make a browser send, and requests without a token: all are refused.
func TestUnauthorizedRequestsChangeNothing(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	cookie := s.login()
	right := []string{"Authorization", "Bearer " + testToken, "Content-Type", "application/json"}
	form := "application/x-www-form-urlencoded"
	for _, e := range changing(s.api) {
		for _, c := range []struct {
			name   string
			want   int
			header []string
		}{
			{"a foreign host", 403, append(right, "Host", "evil.example")},
			{"a foreign origin with the token", 403, append(right, "Origin", "https://evil.example")},
			{"a foreign origin with the cookie", 403, []string{"Cookie", cookie, "Content-Type", "application/json", "Origin", "http://evil.example"}},
			{"another port's origin with the cookie", 403, []string{"Cookie", cookie, "Content-Type", "application/json", "Origin", "http://127.0.0.1:1"}},
			{"a cross-site request with the cookie", 403, []string{"Cookie", cookie, "Content-Type", "application/json", "Sec-Fetch-Site", "cross-site"}},
			{"a form with the cookie", 415, []string{"Cookie", cookie, "Content-Type", form}},
			{"a plain text with the cookie", 415, []string{"Cookie", cookie, "Content-Type", "text/plain"}},
			{"files of a form with the token", 415, []string{"Authorization", "Bearer " + testToken, "Content-Type", "multipart/form-data; boundary=x"}},
			{"no token", 401, []string{"Content-Type", "application/json"}},
			{"an empty token", 401, []string{"Content-Type", "application/json", "Authorization", "Bearer "}},
			{"a wrong token", 401, []string{"Content-Type", "application/json", "Authorization", "Bearer " + testToken + "5"}},
			{"a wrong cookie", 401, []string{"Content-Type", "application/json", "Cookie", cookieName + "=" + testToken}},
			{"the token as a cookie", 401, []string{"Content-Type", "application/json", "Cookie", cookieName + "=" + testToken}},
		} {
			if e.access == public && c.want == 401 {
				continue
			}
			s.time.jump(time.Minute)
			resp, body := s.send(e.method, e.at(), `{"on":true}`, c.header...)
			if resp.StatusCode != c.want {
				t.Errorf("%s, %s %s: %d %s", c.name, e.method, e.path, resp.StatusCode, body)
			}
			if h := resp.Header.Get("Access-Control-Allow-Origin"); h != "" {
				t.Errorf("%s, %s %s: allowed for %s", c.name, e.method, e.path, h)
			}
		}
	}
	if len(s.done) > 0 {
		t.Errorf("this was changed: %q", s.done)
	}
	resp, body := s.send("POST", "/api/channels/home/switch", "", "Cookie", cookie, "Origin", s.url, "Content-Type", "application/json", "Sec-Fetch-Site", "same-origin")
	if resp.StatusCode != http.StatusOK || len(s.done) != 1 {
		t.Errorf("our own page: %d %s", resp.StatusCode, body)
	}
}

// TestATokenInTheURLIsRefused: a URL ends up in logs and in the history of browsers.
func TestATokenInTheURLIsRefused(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	for _, query := range []string{"token", "access_token", "auth", "authorization"} {
		for _, path := range []string{"/api/logs", "/api/status", "/metrics"} {
			resp, body := s.do("GET", path+"?"+query+"="+testToken)
			s.wantError(resp, body, http.StatusUnauthorized, "unauthorized")
		}
	}
}

// login exchanges the token for a cookie.
func (s *site) login() (cookie string) {
	s.t.Helper()
	resp, body := s.send("POST", "/api/session", `{"token":"`+testToken+`"}`, "Content-Type", "application/json")
	if resp.StatusCode != http.StatusOK || len(resp.Cookies()) != 1 {
		s.t.Fatalf("%d %s %v", resp.StatusCode, body, resp.Cookies())
	}
	c := resp.Cookies()[0]
	if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/" || strings.Contains(string(body)+c.Value, testToken) {
		s.t.Errorf("%s: %s", resp.Header.Get("Set-Cookie"), body)
	}
	return c.Name + "=" + c.Value
}

func (s *site) session(header ...string) (out Session) {
	s.t.Helper()
	_, body := s.do("GET", "/api/session", header...)
	if err := json.Unmarshal(body, &out); err != nil {
		s.t.Fatalf("%v: %s", err, body)
	}
	return out
}

func TestASessionReplacesTheToken(t *testing.T) {
	token := testToken
	s := serveBy(t, func(c config.Admin) config.Admin {
		c.Token = config.NewSecret(token)
		return c
	}, 8)
	if got := s.session(); got != (Session{Needed: true}) {
		t.Errorf("a stranger: %+v", got)
	}
	one, two := s.login(), s.login()
	for _, cookie := range []string{one, two} {
		if resp, body := s.do("GET", "/api/status", "Cookie", cookie); resp.StatusCode != http.StatusOK {
			t.Errorf("%d %s", resp.StatusCode, body)
		}
	}
	stream := s.follow("", "Cookie", one) // the event stream needs no token in its address
	_ = stream.body.Close()
	if got := s.session("Cookie", one); got != (Session{Needed: true, Authenticated: true, Reading: true}) {
		t.Errorf("%+v", got)
	}
	s.send("DELETE", "/api/session", "", "Cookie", one)
	if s.session("Cookie", one).Authenticated || !s.session("Cookie", two).Authenticated {
		t.Error("not exactly the one session was ended")
	}
	s.time.jump(sessionTime + time.Hour)
	if s.session("Cookie", two).Authenticated {
		t.Error("the session does not expire")
	}
	three := s.login()
	token = "another-token-of-the-config"
	if s.session("Cookie", three).Authenticated {
		t.Error("the session is valid although its token has changed")
	}
	token = ""
	if got := s.session(); got != (Session{Reading: true}) {
		t.Errorf("without a token: %+v", got)
	}
}

func TestSessionsAreBounded(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	first := s.login()
	s.time.jump(time.Second)
	for range maxSessions {
		s.login()
	}
	if n := len(s.api.sessions.known); n != maxSessions || s.session("Cookie", first).Authenticated {
		t.Errorf("%d sessions", n)
	}
}

func TestALinkWorksOnceAndForAShortTime(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	code := func() string {
		t.Helper()
		var link Link
		if err := json.Unmarshal(s.local("POST", "/api/session/link").Body.Bytes(), &link); err != nil {
			t.Fatal(err)
		}
		code, ok := strings.CutPrefix(link.URL, s.url+"/#login=")
		if !ok || len(code) < 20 {
			t.Fatalf("%s", link.URL)
		}
		return code
	}
	use := func(code string) int {
		resp, _ := s.send("POST", "/api/session", `{"code":"`+code+`"}`, "Content-Type", "application/json")
		return resp.StatusCode
	}
	c := code()
	if got := use(c); got != http.StatusOK {
		t.Errorf("a good code: %d", got)
	}
	if got := use(c); got != http.StatusUnauthorized {
		t.Errorf("a second time: %d", got)
	}
	late := code()
	s.time.jump(linkTime + time.Second)
	for _, wrong := range []string{late, "", "x", testToken} {
		if got := use(wrong); got != http.StatusUnauthorized {
			t.Errorf("the code %q: %d", wrong, got)
		}
	}
	resp, body := s.send("POST", "/api/session/link", "", "Authorization", "Bearer "+testToken)
	s.wantError(resp, body, http.StatusNotFound, "not_found") // not at the port
}

// TestGuessingIsSlow: after several wrong tokens even the right one is refused, for as long as
// Retry-After says; sessions keep working.
func TestGuessingIsSlow(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	cookie := s.login()
	refused := 0
	for i := range 100 {
		how := []string{"Authorization", fmt.Sprint("Bearer guess-", i)}
		resp, body := s.do("GET", "/api/status", how...)
		if i%2 == 1 {
			resp, body = s.send("POST", "/api/session", fmt.Sprintf(`{"token":"guess-%d"}`, i), "Content-Type", "application/json")
		}
		switch resp.StatusCode {
		case http.StatusUnauthorized:
		case http.StatusTooManyRequests:
			refused++
			if resp.Header.Get("Retry-After") == "" {
				t.Errorf("%v %s", resp.Header, body)
			}
		default:
			t.Fatalf("%d %s", resp.StatusCode, body)
		}
	}
	if refused < 80 {
		t.Errorf("%d of 100 guesses were refused", refused)
	}
	resp, body := s.do("GET", "/api/status", "Authorization", "Bearer "+testToken)
	s.wantError(resp, body, http.StatusTooManyRequests, "too_many_tries")
	if resp, body := s.do("GET", "/api/status", "Cookie", cookie); resp.StatusCode != http.StatusOK {
		t.Errorf("a session during guessing: %d %s", resp.StatusCode, body)
	}
	s.time.jump(tryTime + time.Second)
	if resp, body := s.do("GET", "/api/status", "Authorization", "Bearer "+testToken); resp.StatusCode != http.StatusOK {
		t.Errorf("after the time that was named: %d %s", resp.StatusCode, body)
	}
}

func TestTriesAreBoundedInMemory(t *testing.T) {
	tries := tries{now: time.Now}
	for i := range maxTriers + 100 {
		r := &http.Request{RemoteAddr: fmt.Sprintf("10.%d.%d.1:99", i/256, i%256)}
		for range 2 * maxTries {
			tries.take(r, false)
		}
	}
	if len(tries.all) > maxTriers+1 {
		t.Errorf("%d addresses are stored", len(tries.all))
	}
}

// TestPathTraversal: no path leads to files outside the panel.
func TestPathTraversal(t *testing.T) {
	s := serve(t, config.Admin{}, 8)
	for _, path := range []string{
		"/../etc/passwd", "/assets/../../types.go", "/assets/%2e%2e/%2e%2e/types.go", "/assets/..%2f..%2ftypes.go", "/assets/....//types.go",
		"/panel/index.html", "/assets/\\..\\types.go", "//etc/passwd", "/api/../types.go", "/api/channels/%2e%2e/toggle", "/api/channels/home%2ftoggle",
		"/assets/app.js%00.html", "/API/status", "/api//status", "/api/status;x=y", "/.git/config",
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = "//" + req.URL.Host + path
		resp, body := s.answer(req)
		if resp.StatusCode == http.StatusOK && !strings.Contains(string(body), "<!doctype html>") || strings.Contains(string(body), "package admin") || strings.Contains(string(body), "root:") {
			t.Errorf("%s: %d %.80s", path, resp.StatusCode, body)
		}
	}
}

func TestBodiesAreBounded(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret(testToken)}, 8)
	large := `{"name":"` + strings.Repeat("x", maxBody) + `"}`
	for _, e := range changing(s.api) {
		if e.in == nil {
			continue
		}
		header := []string{"Content-Type", "application/json", "If-Match", "*", "Authorization", "Bearer " + testToken}
		resp, body := s.send(e.method, e.at(), large, header...)
		s.wantError(resp, body, http.StatusRequestEntityTooLarge, "body_too_large")
		for _, wrong := range []string{`{"key":"sk-secret"`, `[]`, `{"no such field":"sk-secret"}`, `{} {}`, `"sk-secret"`, `{"name":{"sk-secret":1},"key":{"sk-secret":1},"text":1,"enabled":"sk-secret","on":"sk-secret","path":1,"token":1,"code":1}`} {
			resp, body := s.send(e.method, e.at(), wrong, header...)
			message := s.wantError(resp, body, http.StatusBadRequest, "bad_body")
			if strings.Contains(message, "sk-secret") {
				t.Errorf("%s %s repeats what was sent: %s", e.method, e.path, message)
			}
		}
	}
	if len(s.done) > 0 {
		t.Errorf("this was changed: %q", s.done)
	}
}

// TestUnknownFieldsAreNamed fails if encoding/json reports them in other words.
func TestUnknownFieldsAreNamed(t *testing.T) {
	for name, quoted := range map[string]string{"nam": `"nam"`, `a " b`: `"a \" b"`} {
		body, _ := json.Marshal(map[string]string{name: "x"})
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields()
		err := d.Decode(new(struct{ Name string }))
		if got, want := wrongJSON(err), "there is no field "+quoted; got != want {
			t.Errorf("%s: got %q, want %q", body, got, want)
		}
	}
}

// TestAnswersAreNotHTML: a browser never renders an answer of the API as a page.
func TestAnswersAreNotHTML(t *testing.T) {
	s := serve(t, config.Admin{}, 8)
	const markup = "<img src=x onerror=alert(1)>"
	s.publish(markup)
	for _, path := range []string{"/api/logs/recent", "/api/" + markup, "/api/channels/" + markup + "/toggle", "/api/logs/recent?types=" + markup} {
		resp, body := s.send("GET", strings.ReplaceAll(path, " ", "%20"), "")
		if kind := resp.Header.Get("Content-Type"); !strings.HasPrefix(kind, "application/json") || resp.Header.Get("X-Content-Type-Options") != "nosniff" || strings.Contains(string(body), "<img") {
			t.Errorf("%s: %s: %s", path, kind, body)
		}
		if policy := resp.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

func TestTheLinkIsReachable(t *testing.T) {
	for addr, want := range map[string]string{
		"127.0.0.1:3000": "127.0.0.1:3000", "0.0.0.0:3000": "127.0.0.1:3000", "[::]:3000": "127.0.0.1:3000", ":3000": "127.0.0.1:3000", "[::1]:3000": "[::1]:3000", "192.0.2.7:3000": "192.0.2.7:3000",
	} {
		if got := reachable(addr); got != want {
			t.Errorf("%s: %s", addr, got)
		}
	}
}
