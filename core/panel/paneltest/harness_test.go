package paneltest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/control"
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

// panelToken is the token of the panel unless a test configures the port itself.
const panelToken = "a-token-of-the-panel-tests"

// running is a daemon whose panel a test uses.
type running struct {
	*daemon.Daemon
	t       *testing.T
	options daemon.Options
	path    string // of the configuration
	panel   string
	stopped bool
}

// start runs a daemon with the configuration, on free ports.
func start(t *testing.T, config string, more ...func(*daemon.Options)) *running {
	t.Helper()
	dir := t.TempDir()
	r := &running{t: t, path: filepath.Join(dir, "aitunnel.hcl")}
	if !strings.Contains(config, "admin {") {
		config = "admin {\n  listen = \"127.0.0.1:0\"\n  token  = \"" + panelToken + "\"\n}\n" + config
	}
	config = "proxy {\n  listen = \"127.0.0.1:0\"\n}\n" + config
	r.write(config)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	r.options = daemon.Options{
		ConfigPath: r.path, StateDir: filepath.Join(dir, "state"), Builtin: []string{self, serveBuiltin}, Version: "0.1.0", LogOutput: io.Discard,
	}
	for _, set := range more {
		set(&r.options)
	}
	r.run()
	r.panel = "http://" + r.AdminAddr()
	t.Cleanup(r.stop)
	return r
}

func (r *running) run() {
	r.t.Helper()
	var err error
	if r.Daemon, err = daemon.Start(r.t.Context(), r.options); err != nil {
		r.t.Fatal(err)
	}
	r.stopped = false
}

// restart runs the daemon again, with the panel at the same address.
func (r *running) restart() {
	r.t.Helper()
	r.stop()
	at := strings.TrimPrefix(r.panel, "http://")
	r.write(strings.Replace(r.config(), "admin {\n  listen = \"127.0.0.1:0\"", fmt.Sprintf("admin {\n  listen = %q", at), 1))
	r.run()
	if r.AdminAddr() != at {
		r.t.Fatalf("the panel is at %s now, it was at %s", r.AdminAddr(), at)
	}
}

// write changes the file of the configuration.
func (r *running) write(config string) {
	r.t.Helper()
	if err := os.WriteFile(r.path, []byte(config), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// get requests a path of the API with the token.
func (r *running) get(path string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.panel+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+panelToken)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp
}

// session is the cookie of a browser that has signed in; nil if there is no
// token.
func (r *running) session() *http.Cookie {
	r.t.Helper()
	resp, err := http.Post(r.panel+"/api/session", "application/json", strings.NewReader(`{"token":"`+panelToken+`"}`))
	if err != nil {
		r.t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		r.t.Fatalf("no session: %s", resp.Status)
	}
	for _, c := range resp.Cookies() {
		return c
	}
	return nil // no token, no session
}

// open opens the panel at a path, signed in.
func (r *running) open(path string, width, height int64) *tab {
	r.t.Helper()
	return openWith(r.t, r.panel, path, width, height, r.session())
}

// link is the address by which `aitunnel panel` opens the page.
func (r *running) link() string {
	r.t.Helper()
	socket := control.Path(r.options.StateDir)
	client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
	defer client.CloseIdleConnections()
	resp, err := client.Post("http://aitunnel/api/session/link", "application/json", strings.NewReader("{}"))
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var out admin.Link
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil || out.URL == "" {
		r.t.Fatalf("no link: %s %v", resp.Status, err)
	}
	return out.URL
}

func (r *running) stop() {
	if r.stopped {
		return
	}
	r.stopped = true
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

// ask sends a request for the model through the proxy, and returns the name of the site that
// answered.
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
	resp := r.get("/api/channels")
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

// config returns the content of the configuration file.
func (r *running) config() string {
	b, err := os.ReadFile(r.path)
	if err != nil {
		r.t.Fatal(err)
	}
	return string(b)
}
