// Package clients tests a running aitunnel, with its plugin process, with the official
// clients of the APIs. It is a separate module, so that the clients are not dependencies of
// the product.
package clients

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/plugins/healthcheckers"
	"github.com/aitunnel/aitunnel/plugins/keyselectors"
	"github.com/aitunnel/aitunnel/plugins/strategies"
	"github.com/aitunnel/aitunnel/sdk"
)

const serveBuiltin = "serve-builtin"

func TestMain(m *testing.M) {
	if len(os.Args) == 2 && os.Args[1] == serveBuiltin {
		sdk.Serve(sdk.Plugin{
			Name: "builtin", Version: "0.0.1",
			Components: slices.Concat(strategies.Components(), keyselectors.Components(), healthcheckers.Components()),
		})
		return
	}
	os.Exit(m.Run())
}

const (
	token         = "client-token-that-apps-send"
	key1, key2    = "sk-primary-one", "sk-primary-two"
	backupKey     = "sk-backup-one"
	patience      = 30 * time.Second
	answerOfFirst = "Hello from primary!"
	answerOfOther = "Hello from backup!"
)

// world is a running aitunnel with two sites.
type world struct {
	t               *testing.T
	url             string
	primary, backup *fakesite.Site
}

// start runs aitunnel. Without a token the caller's own key is not checked.
func start(t *testing.T, clientToken string) *world {
	t.Helper()
	w := &world{t: t, primary: fakesite.New("primary", fakesite.Keys(key1, key2)), backup: fakesite.New("backup", fakesite.Keys(backupKey))}
	for _, s := range []*fakesite.Site{w.primary, w.backup} {
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(s.Close)
	}
	tokens := ""
	if clientToken != "" {
		tokens = fmt.Sprintf("client_tokens = [%q]", clientToken)
	}
	text := fmt.Sprintf(`
proxy {
  listen = "127.0.0.1:0"
  %s
}
admin { listen = "" }
channel "primary" {
  target = %q
  weight = 10
  keys   = [%q, %q]
  key_selector "sequential" {}
}
channel "backup" {
  target   = %q
  keys     = [%q]
  fallback = true
}
retry { base_delay = "20ms" }
log { level = "warn" }
`, tokens, w.primary.URL(), key1, key2, w.backup.URL(), backupKey)
	w.url = "http://" + run(t, text, t.TempDir()).ProxyAddr()
	return w
}

// run runs the program until the test ends.
func run(t *testing.T, configuration, stateDir string) *daemon.Daemon {
	t.Helper()
	path := filepath.Join(t.TempDir(), "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(configuration), 0o600); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d, err := daemon.Start(t.Context(), daemon.Options{
		ConfigPath: path, StateDir: stateDir, Version: "test", LogOutput: t.Output(),
		Builtin: []string{"/usr/bin/env", "GORACE=atexit_sleep_ms=0", self, serveBuiltin},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := d.Shutdown(ctx); err != nil {
			t.Error(err)
		}
	})
	return d
}

// seen checks the keys that a site got, in order, and how they were sent. No site may get
// the caller's credential.
func (w *world) seen(s *fakesite.Site, style string, keys ...string) {
	w.t.Helper()
	got := []string{}
	for _, r := range s.Requests() {
		got = append(got, r.Credential)
		if r.Style != style {
			w.t.Errorf("%s got its key by %q, want %q", s.Name(), r.Style, style)
		}
	}
	if !slices.Equal(got, append([]string{}, keys...)) {
		w.t.Errorf("%s got the keys %v, want %v", s.Name(), got, keys)
	}
	w.withoutCallersKey()
}

func (w *world) withoutCallersKey() {
	w.t.Helper()
	for _, s := range []*fakesite.Site{w.primary, w.backup} {
		for _, r := range s.Requests() {
			if whole := fmt.Sprint(r.Method, r.Path, r.RawQuery, r.Host, r.Header, string(r.Body)); strings.Contains(whole, token) {
				w.t.Errorf("%s got the caller's credential", s.Name())
			}
			carried := 0
			for _, name := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key"} {
				carried += len(r.Header.Values(name))
			}
			if carried > 1 {
				w.t.Errorf("%s got %d credentials", s.Name(), carried)
			}
		}
	}
}
