package paneltest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

// serveBuiltin makes the test binary serve the built-in components.
const serveBuiltin = "serve-builtin"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveBuiltin {
		sdk.Serve(sdk.Plugin{
			Name: "builtin", Version: "0.0.1",
			Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components()),
		})
		return
	}
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

// running is a daemon before whose panel a test sits.
type running struct {
	*daemon.Daemon
	t     *testing.T
	path  string // of the configuration
	panel string
}

// start runs a daemon with the configuration, on free ports.
func start(t *testing.T, config string) *running {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	r := &running{t: t, path: filepath.Join(dir, "aitunnel.hcl")}
	if !strings.Contains(config, "admin {") {
		config = "admin {\n  listen = \"127.0.0.1:0\"\n}\n" + config
	}
	config = "proxy {\n  listen = \"127.0.0.1:0\"\n}\n" + config
	if err := os.WriteFile(r.path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	r.Daemon, err = daemon.Start(t.Context(), daemon.Options{
		ConfigPath: r.path, StateDir: filepath.Join(dir, "state"), Builtin: []string{self, serveBuiltin}, Version: "0.1.0", LogOutput: io.Discard,
	})
	if err != nil {
		t.Fatal(err)
	}
	r.panel = "http://" + r.AdminAddr()
	t.Cleanup(r.stop)
	return r
}

func (r *running) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := r.Shutdown(ctx); err != nil {
		r.t.Errorf("shutdown: %v", err)
	}
}

// site starts a fake site.
func site(t *testing.T, name string, options ...fakesite.Option) *fakesite.Site {
	t.Helper()
	s := fakesite.New(name, options...)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// ask sends a request for the model through the proxy and returns who answered.
func (r *running) ask(model string) (from string, status int) {
	r.t.Helper()
	body := strings.NewReader(fmt.Sprintf(`{"model":%q,"messages":[{"role":"user","content":"Hello"}]}`, model))
	resp, err := http.Post("http://"+r.ProxyAddr()+"/v1/chat/completions", "application/json", body)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		r.t.Fatal(err)
	}
	return resp.Header.Get("X-Site"), resp.StatusCode
}

// channel is what the API says about a channel.
func (r *running) channel(name string) admin.Channel {
	r.t.Helper()
	resp, err := http.Get(r.panel + "/api/channels")
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var all []admin.Channel
	if err := json.NewDecoder(resp.Body).Decode(&all); err != nil {
		r.t.Fatal(err)
	}
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	return admin.Channel{}
}

// config is the file as it is on the disk.
func (r *running) config() string {
	b, err := os.ReadFile(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}
