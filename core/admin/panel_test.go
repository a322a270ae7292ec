package admin

import (
	"io/fs"
	"net/http"
	"path"
	"regexp"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/config"
)

// TestThePanelIsServedWithoutToken holds what is in the page open, and what it
// shows closed.
func TestThePanelIsServedWithoutToken(t *testing.T) {
	s := serve(t, config.Admin{Token: config.NewSecret("a-token-of-the-panel")}, 8)
	for at, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/assets/main.js": "text/javascript; charset=utf-8",
		"/assets/base.css": "text/css; charset=utf-8", "/assets/favicon.svg": "image/svg+xml",
	} {
		resp, body := s.do("GET", at, "Sec-Fetch-Site", "cross-site")
		if resp.StatusCode != http.StatusOK || len(body) == 0 || resp.Header.Get("Content-Type") != kind {
			t.Errorf("%s: %d, %d bytes of %s", at, resp.StatusCode, len(body), resp.Header.Get("Content-Type"))
		}
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(resp.Header.Get("Content-Security-Policy"), part) {
				t.Errorf("%s: the policy has no %s", at, part)
			}
		}
		if resp, body = s.do("GET", at, "If-None-Match", resp.Header.Get("ETag")); resp.StatusCode != http.StatusNotModified || len(body) > 0 {
			t.Errorf("%s, unchanged: %d, %d bytes", at, resp.StatusCode, len(body))
		}
	}
	for _, at := range []string{"/assets/none.js", "/assets/", "/assets/%2e%2e/panel.go", "/panel/index.html", "/api/status"} {
		if resp, _ := s.do("GET", at); resp.StatusCode == http.StatusOK {
			t.Errorf("%s is served", at)
		}
	}
	resp, body := s.do("GET", "/", "Host", "evil.example")
	s.wantError(resp, body, http.StatusForbidden, "foreign_host")
}

// TestThePanelIsWhole reads what the page and its modules name: each file is
// there, and nothing lies outside.
func TestThePanelIsWhole(t *testing.T) {
	names := regexp.MustCompile(`(?:src|href)="([^"]+)"|(?:from|import) ['"]([^'"]+)['"]`)
	addresses := regexp.MustCompile(`https?://[\w.-]*\w`)
	files := 0
	err := fs.WalkDir(panelFiles, "panel", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := panelFiles.ReadFile(name)
		text := string(b)
		for _, m := range names.FindAllStringSubmatch(text, -1) {
			at, _, _ := strings.Cut(m[1]+m[2], "#")
			if at == "" {
				continue // a place in the page itself
			}
			if !strings.HasPrefix(at, "/") {
				at = path.Join(strings.TrimPrefix(path.Dir(name), "panel"), at)
			}
			if _, err := fs.Stat(panelFiles, "panel"+at); err != nil {
				t.Errorf("%s names %s, which is not there", name, m[1]+m[2])
			}
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=\"", "<style", "javascript:"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %s", name, bad)
			}
		}
		for _, address := range addresses.FindAllString(text, -1) {
			if !strings.HasSuffix(address, ".example") && !strings.HasPrefix(address, "http://www.w3.org") {
				t.Errorf("%s has the address %s", name, address)
			}
		}
		if strings.Count(text, "\n") > 400 {
			t.Errorf("%s is longer than 400 lines", name)
		}
		if contentTypes[path.Ext(name)] == "" {
			t.Errorf("%s is of a kind that is not served", name)
		}
		return err
	})
	if err != nil || files < 4 {
		t.Fatalf("%d files: %v", files, err)
	}
}
