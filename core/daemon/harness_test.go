package daemon_test

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config/eval"
	"github.com/aitunnel/aitunnel/core/daemon"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/notify"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// self is the program of child processes that are this test, and plugins that of plugins.
var self, plugins string

func TestMain(m *testing.M) {
	eval.RunEvaluator()
	self, plugins = testhelp.Child(), filepath.Join(testhelp.Programs("./testdata/plugins"), "plugins")
	os.Exit(m.Run())
}

// running is a daemon under test.
type running struct {
	*daemon.Daemon
	t    testing.TB
	url  string
	log  *lockedBuffer
	dir  string
	time *clock

	file     string // name of the configuration; "": aitunnel.hcl
	roots    *x509.CertPool
	home     string        // with the SSH files; "": the real one
	crashes  int           // of a plugin until it is quarantined; 0: many
	patience time.Duration // with a plugin that starts; 0: as usual
	hurried  time.Duration // the same, while no plugin is running; 0: long enough for a busy machine
	stop     func()        // shuts it down, once

	current atomic.Pointer[string] // where requests go, if not to url
}

// clock is the real time plus jumps that tests make.
type clock struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.ahead)
}

func (c *clock) jump(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead += d
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs a daemon with the configuration; the ports are free ones.
func start(t testing.TB, config string, roots ...*x509.CertPool) *running {
	t.Helper()
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	if len(roots) > 0 {
		r.roots = roots[0]
	}
	r.save(config)
	r.run()
	return r
}

// complete adds the blocks that the tests need to a configuration.
func complete(config string) string {
	if !strings.Contains(config, "proxy {") {
		config += "\nproxy {\n listen = \"127.0.0.1:0\"\n}\n"
	}
	if !strings.Contains(config, "admin {") {
		config += "\nadmin {\n listen = \"127.0.0.1:0\"\n}\n"
	}
	if !strings.Contains(config, "log {") {
		config += "log {\n level = \"debug\"\n}\n"
	}
	return config
}

// run starts the daemon with the saved configuration.
func (r *running) run() {
	r.t.Helper()
	if r.crashes == 0 {
		r.crashes = 100
	}
	d, err := r.try()
	if err != nil {
		r.t.Fatal(err)
	}
	r.Daemon, r.url = d, "http://"+d.ProxyAddr()
	t, log := r.t, r.log
	r.stop = sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := d.Shutdown(ctx); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	t.Cleanup(func() {
		r.stop()
		if t.Failed() {
			t.Logf("log of the daemon:\n%s", log)
		}
	})
}

// try is run, but returns an error.
func (r *running) try() (*daemon.Daemon, error) {
	return daemon.Start(r.t.Context(), daemon.Options{
		ConfigPath: r.path(), StateDir: filepath.Join(r.dir, "state"), Builtin: []string{plugins},
		Version: "test", LogOutput: r.log, Now: r.time.now, Roots: r.roots, Home: r.home, SaveEvery: 200 * time.Millisecond, HandOver: 500 * time.Millisecond,
		NotifyTiming: notify.Timing{Gather: 20 * time.Millisecond, RetryMin: 20 * time.Millisecond, RetryMax: 100 * time.Millisecond, Send: 5 * time.Second},
		PluginTiming: pluginhost.Timing{Ping: 200 * time.Millisecond, RestartMin: 50 * time.Millisecond, RestartMax: 200 * time.Millisecond, Crashes: r.crashes, Overdue: time.Second, Start: r.patience, Configure: r.patience, LimitedStart: cmp.Or(r.hurried, 30*time.Second)},
	})
}

// site starts a fake site.
func site(t testing.TB, name string, options ...fakesite.Option) *fakesite.Site {
	t.Helper()
	s := fakesite.New(name, options...)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// answer is what a caller got.
type answer struct {
	status int
	header http.Header
	body   string
	err    error // while the body was read: the answer was cut off
}

const chat = "/v1/chat/completions"

func (r *running) post(path, body string, headers ...string) answer {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodPost, r.address()+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		req.Header.Set(pair[0], pair[1])
	}
	return r.do(req)
}

func (r *running) address() string {
	if moved := r.current.Load(); moved != nil {
		return *moved
	}
	return r.url
}

func (r *running) do(req *http.Request) answer {
	r.t.Helper()
	resp, err := client.Do(req)
	if err != nil {
		return answer{err: err}
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, string(b), err}
}

var client = &http.Client{
	Transport:     &http.Transport{MaxIdleConnsPerHost: 1000, Proxy: nil},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// seen returns the credentials that a site saw, in order.
func seen(s *fakesite.Site) []string {
	out := []string{}
	for _, r := range s.Requests() {
		out = append(out, r.Credential)
	}
	return out
}

// controlClient sends requests to the control socket, which need no token.
func (r *running) controlClient() *http.Client {
	socket := control.Path(filepath.Join(r.dir, "state"))
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", socket)
	}}}
}

// adminOpen sends a request with the generated token to the admin port, and returns the
// unread answer.
func (r *running) adminOpen(path string) *http.Response {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, "http://"+r.AdminAddr()+path, nil)
	if err != nil {
		r.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+r.adminToken())
	resp, err := client.Do(req)
	if err != nil {
		r.t.Fatal(err)
	}
	return resp
}

// adminToken returns the generated token.
func (r *running) adminToken() string {
	r.t.Helper()
	b, err := os.ReadFile(filepath.Join(r.dir, "state", "admin-token"))
	if err != nil {
		r.t.Fatal(err)
	}
	return strings.TrimSpace(string(b))
}

func (r *running) adminGet(path string, into any) []byte {
	r.t.Helper()
	resp, err := r.controlClient().Get("http://aitunnel" + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		r.t.Fatalf("GET %s: %d %s %v", path, resp.StatusCode, b, err)
	}
	if into != nil {
		if err := json.Unmarshal(b, into); err != nil {
			r.t.Fatal(err)
		}
	}
	return b
}

// active returns how many requests are in flight.
func (r *running) active() int {
	var status struct{ Active int }
	r.adminGet("/api/status", &status)
	return status.Active
}

func (r *running) events() (out []event.Event) {
	r.adminGet("/api/logs/recent?n=1000", &out)
	return out
}

// lastRequest returns the record of the request that ended last.
func (r *running) lastRequest() *event.Request {
	r.t.Helper()
	var last *event.Request
	for _, e := range r.events() {
		if e.Type == event.TypeRequest {
			last = e.Request
		}
	}
	if last == nil {
		r.t.Fatal("no request was recorded")
	}
	return last
}

func (r *running) channel(name string) admin.Channel {
	r.t.Helper()
	var all []admin.Channel
	r.adminGet("/api/channels", &all)
	for _, c := range all {
		if c.Name == name {
			return c
		}
	}
	r.t.Fatalf("no channel %q", name)
	return admin.Channel{}
}

// comparesSpeed skips a test that compares times, except in the long form: on a busy
// machine it proves little.
func comparesSpeed(t *testing.T) {
	t.Helper()
	if !testhelp.Soak() {
		t.Skip("compares times: run by make soak")
	}
}

// two returns a configuration of a primary with two keys and a backup with one.
func two(primary, backup *fakesite.Site, more string) string {
	return fmt.Sprintf(`
channel "primary" {
  target = %q
  weight = 10
  keys   = ["key-primary-1", "key-primary-2"]
  key_selector "sequential" {}
  timeouts {
    first_byte  = "1s"
    stream_idle = "1s"
  }
}
channel "backup" {
  target = %q
  keys   = ["key-backup-1"]
  fallback = true
}
%s`, primary.URL(), backup.URL(), more)
}
