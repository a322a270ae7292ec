package panel

import (
	"encoding/json"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
)

// get requests a path of the page; header names and values alternate.
func get(at string, header ...string) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	Register(mux)
	req := httptest.NewRequest(http.MethodGet, at, nil)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	out := httptest.NewRecorder()
	mux.ServeHTTP(out, req)
	return out
}

func TestFilesAreServedWithTypePolicyAndTag(t *testing.T) {
	for at, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/assets/panel.js": "text/javascript; charset=utf-8", "/assets/panel.css": "text/css; charset=utf-8",
		"/assets/favicon.svg": "image/svg+xml", "/assets/icon-192.png": "image/png", "/manifest.webmanifest": "application/manifest+json",
	} {
		got := get(at)
		if got.Code != http.StatusOK || got.Body.Len() == 0 || got.Header().Get("Content-Type") != kind {
			t.Errorf("%s: %d, %d bytes of %s", at, got.Code, got.Body.Len(), got.Header().Get("Content-Type"))
		}
		for _, part := range []string{"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"} {
			if !strings.Contains(got.Header().Get("Content-Security-Policy"), part) {
				t.Errorf("%s: the policy has no %s", at, part)
			}
		}
		if again := get(at, "If-None-Match", got.Header().Get("ETag")); again.Code != http.StatusNotModified || again.Body.Len() > 0 {
			t.Errorf("%s, unchanged: %d, %d bytes", at, again.Code, again.Body.Len())
		}
		if !Owns(at) {
			t.Errorf("Owns(%q) is false", at)
		}
	}
	for _, at := range []string{"/assets/none.js", "/assets/", "/panel.go", "/index.html", "/api/status"} {
		if got := get(at); got.Code == http.StatusOK {
			t.Errorf("%s is served", at)
		}
	}
}

// TestThePageIsComplete: every file to which the page and its modules refer exists, and no
// address is on another host.
func TestThePageIsComplete(t *testing.T) {
	names := regexp.MustCompile(`(?:src|href)="([^"]+)"|(?:from|import) ['"]([^'"]+)['"]`)
	addresses := regexp.MustCompile(`https?://[\w.-]*\w`)
	count := 0
	err := fs.WalkDir(files, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		count++
		if contentTypes[path.Ext(name)] == "" {
			t.Errorf("%s has no content type", name)
		}
		if path.Ext(name) == ".png" {
			return nil
		}
		b, err := files.ReadFile(name)
		text := string(b)
		for _, m := range names.FindAllStringSubmatch(text, -1) {
			at, _, _ := strings.Cut(m[1]+m[2], "#")
			if at == "" || strings.ContainsAny(at, "$ ") {
				continue
			}
			if !strings.HasPrefix(at, "/") {
				at = "/" + path.Join(path.Dir(name), at)
			}
			if get(at).Code != http.StatusOK {
				t.Errorf("%s refers to %s, which does not exist", name, m[1]+m[2])
			}
		}
		for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", " style=\"", "<style", "javascript:"} {
			if strings.Contains(text, bad) {
				t.Errorf("%s has %s", name, bad)
			}
		}
		for _, address := range addresses.FindAllString(text, -1) {
			if !ownAddress(address) {
				t.Errorf("%s has the address %s", name, address)
			}
		}
		if strings.Count(text, "\n") > 400 && path.Dir(name) != "assets/i18n" {
			t.Errorf("%s is longer than 400 lines", name)
		}
		return err
	})
	if err != nil || count < 4 {
		t.Fatalf("%d files: %v", count, err)
	}
}

// ownAddress reports whether an address in a file is an example, a namespace,
// or on this machine.
func ownAddress(a string) bool {
	return strings.HasSuffix(a, ".example") || strings.HasSuffix(a, ".example.com") || strings.HasPrefix(a, "http://www.w3.org") || strings.HasPrefix(a, "http://localhost") || strings.HasPrefix(a, "http://127.0.0.1")
}

func TestTheManifestNamesFilesThatExist(t *testing.T) {
	var manifest struct {
		Name  string
		Icons []struct{ Src, Sizes string }
	}
	if err := json.Unmarshal(get("/manifest.webmanifest").Body.Bytes(), &manifest); err != nil || manifest.Name == "" || len(manifest.Icons) < 3 {
		t.Fatalf("%v: %+v", err, manifest)
	}
	for _, icon := range manifest.Icons {
		if got := get(icon.Src); got.Code != http.StatusOK {
			t.Errorf("%s: %d", icon.Src, got.Code)
		}
	}
}
