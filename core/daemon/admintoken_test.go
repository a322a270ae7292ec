package daemon_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
)

// portStatus returns the status of the admin port's answer.
func (r *running) portStatus(method, path, token string) int {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), method, "http://"+r.AdminAddr()+path, strings.NewReader("{}"))
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

// TestTheAdminPortAlwaysRequiresAToken runs a configuration without one.
func TestTheAdminPortAlwaysRequiresAToken(t *testing.T) {
	t.Parallel()
	r := start(t, two(site(t, "primary"), site(t, "backup"), ""))
	file := filepath.Join(r.dir, "state", "admin-token")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}
	token := r.adminToken()
	for _, path := range []string{"/api/status", "/api/channels", "/api/config", "/metrics", "/api/logs/recent"} {
		if got := r.portStatus("GET", path, ""); got != http.StatusUnauthorized {
			t.Errorf("%s without the token: %d", path, got)
		}
		if got := r.portStatus("GET", path, token); got != http.StatusOK {
			t.Errorf("%s with the token: %d", path, got)
		}
	}
	var status admin.Status
	r.adminGet("/api/status", &status)
	if status.TokenFile != file {
		t.Errorf("status names %q, the token is in %q", status.TokenFile, file)
	}
	if strings.Contains(r.log.String(), token) {
		t.Error("the token is in the log")
	}
	r.stop()
	r.run()
	if r.adminToken() != token {
		t.Error("a restart generated another token")
	}
}

// TestAConfiguredTokenIsTheOnlyOne: none is generated until the configuration has none.
func TestAConfiguredTokenIsTheOnlyOne(t *testing.T) {
	t.Parallel()
	const own = "a-token-of-the-configuration"
	r := start(t, two(site(t, "primary"), site(t, "backup"), "admin {\n listen = \"127.0.0.1:0\"\n token = \""+own+"\"\n}\n"))
	if got := r.portStatus("GET", "/api/status", own); got != http.StatusOK {
		t.Errorf("with the token of the configuration: %d", got)
	}
	if left, err := filepath.Glob(filepath.Join(r.dir, "state", "admin-token*")); err != nil || len(left) > 0 {
		t.Errorf("generated: %v, %v", left, err)
	}
	var status admin.Status
	r.adminGet("/api/status", &status)
	if status.TokenFile != "" {
		t.Errorf("status names %q", status.TokenFile)
	}
	r.save(two(site(t, "primary"), site(t, "backup"), ""))
	if out := r.reload(); !out.OK {
		t.Fatalf("%+v", out)
	}
	if got := r.portStatus("GET", "/api/status", own); got != http.StatusUnauthorized {
		t.Errorf("with the former token: %d", got)
	}
	if got := r.portStatus("GET", "/api/status", r.adminToken()); got != http.StatusOK {
		t.Errorf("with the generated token: %d", got)
	}
	r.adminGet("/api/status", &status)
	if status.TokenFile == "" {
		t.Error("status names no file")
	}
	// The next start with a configured token removes the generated one.
	r.save(two(site(t, "primary"), site(t, "backup"), "admin {\n listen = \"127.0.0.1:0\"\n token = \""+own+"\"\n}\n"))
	r.stop()
	r.run()
	if left, err := filepath.Glob(filepath.Join(r.dir, "state", "admin-token*")); err != nil || len(left) > 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}

// TestOldConfigurationsAllowReadingWithoutAToken, so that scripts that never sent one keep
// working. Edits need it.
func TestOldConfigurationsAllowReadingWithoutAToken(t *testing.T) {
	t.Parallel()
	r := startWith(t, oldFile, oldFiles(site(t, "first"), site(t, "second"))["second version"])
	for path, method := range map[string]string{"/api/status": "GET", "/api/channels": "GET", "/api/channels/first/toggle": "POST", "/api/channels/first/switch": "POST"} {
		if got := r.portStatus(method, path, ""); got != http.StatusOK {
			t.Errorf("%s: %d", path, got)
		}
	}
	for path, method := range map[string]string{"/api/config": "PUT", "/api/config/plan": "POST", "/api/channels": "POST", "/api/channels/first/keys": "POST", "/api/config/reload": "POST"} {
		if got := r.portStatus(method, path, ""); got != http.StatusUnauthorized {
			t.Errorf("%s: %d", path, got)
		}
	}
}
