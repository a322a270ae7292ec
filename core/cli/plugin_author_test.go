//go:build unix

package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// person is a user of aitunnel with an empty home directory. The Go tools are installed.
type person struct {
	t     *testing.T
	home  string
	self  string // the path of aitunnel
	env   []string
	temp  string // directory for temporary files; "": that of the system
	proxy string // addresses, once the program runs
	admin string
}

// listen lets the system choose the ports.
const listen = `
proxy {
  listen = "127.0.0.1:0"
}
admin {
  listen = "127.0.0.1:0"
}
`

// newAuthor returns the author of a plugin, for a test that is part of the long form.
func newAuthor(t *testing.T) *person {
	t.Helper()
	testhelp.Real(t)
	t.Parallel()
	return newPerson(t)
}

func newPerson(t *testing.T) *person {
	t.Helper()
	for _, tool := range []string{"go", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	bin := t.TempDir()
	a := &person{t: t, home: t.TempDir(), self: filepath.Join(bin, "aitunnel")}
	program, err := exec.LookPath("aitunnel")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(program, a.self); err != nil {
		t.Fatal(err)
	}
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, "XDG_") && !strings.HasPrefix(name, "AITUNNEL_") && name != "HOME" && name != "PATH" && name != "GOWORK" {
			a.env = append(a.env, entry)
		}
	}
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} { // the defaults are below the new home directory
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		a.env = append(a.env, name+"="+strings.TrimSpace(string(out)))
	}
	a.env = append(a.env, "HOME="+a.home, "PATH="+bin+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0")
	return a
}

// run runs a program in a directory below the home directory.
func (a *person) run(dir, program string, args ...string) string {
	a.t.Helper()
	out, err := a.try(dir, program, args...)
	if err != nil {
		a.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// try is run for a program that may fail. The time limit is for one that hangs: on a busy
// machine, building for six systems takes more than five minutes.
func (a *person) try(dir, program string, args ...string) (string, error) {
	if program == "aitunnel" {
		program = a.self
	}
	ctx, cancel := context.WithTimeout(a.t.Context(), 15*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Dir, cmd.Env = filepath.Join(a.home, dir), a.env
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (a *person) write(path, text string) {
	a.t.Helper()
	path = filepath.Join(a.home, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// configure writes the default configuration of the user, with a channel for each site.
func (a *person) configure(more string, sites ...*fakesite.Site) {
	a.t.Helper()
	var b strings.Builder
	b.WriteString(listen)
	for _, s := range sites {
		fmt.Fprintf(&b, "channel %q {\n  target = %q\n  auth   = \"none\"\n}\n", s.Name(), s.URL())
	}
	a.write(".config/aitunnel/aitunnel.hcl", b.String()+more)
}

// start runs the program in the foreground until the test ends.
func (a *person) start() {
	a.t.Helper()
	cmd := exec.Command(a.self, "start", "-f")
	out := &lockedBuffer{}
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = a.home, a.env, out, out
	if err := cmd.Start(); err != nil {
		a.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	a.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := <-ended; err != nil || a.t.Failed() {
			a.t.Errorf("the program ended with %v:\n%s", err, out.String())
		}
	})
	testhelp.Within(a.t, 2*waitLimit, "the program serves", func() bool {
		m := printedURLs.FindStringSubmatch(out.String())
		if m != nil {
			a.proxy, a.admin = m[1], m[2]
		}
		return m != nil
	})
}

// printedURLs matches what the program prints once it serves.
var printedURLs = regexp.MustCompile(`(?s)Proxy: +http://(\S+)\s.*Panel: +http://(\S+)\s`)

// ask sends a request, and returns the name of the site that answered.
func (a *person) ask() string {
	a.t.Helper()
	resp, err := http.Post("http://"+a.proxy+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}`))
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		a.t.Fatalf("%d %s %v", resp.StatusCode, body, err)
	}
	return resp.Header.Get("X-Site")
}

// route returns the state of the first route.
func (a *person) route() admin.Route {
	a.t.Helper()
	req, err := http.NewRequestWithContext(a.t.Context(), http.MethodGet, "http://"+a.admin+"/api/status", nil)
	if err != nil {
		a.t.Fatal(err)
	}
	token, err := os.ReadFile(filepath.Join(a.home, ".local/state/aitunnel/admin-token"))
	if err != nil {
		a.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		a.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var s admin.Status
	if err := json.NewDecoder(resp.Body).Decode(&s); err != nil || len(s.Routes) == 0 {
		a.t.Fatalf("%+v %v", s, err)
	}
	return s.Routes[0]
}

// repository returns the absolute path of a file in this repository.
func repository(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(filepath.Join("../..", path))
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

func newSite(t *testing.T, name string) *fakesite.Site {
	t.Helper()
	s := fakesite.New(name)
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// TestWritingAStrategy follows docs/plugins.md.
func TestWritingAStrategy(t *testing.T) {
	a := newAuthor(t)
	out := a.run(".", "aitunnel", "plugin", "new", "strategy", "mine", "--sdk", repository(t, "sdk"))
	if !strings.Contains(out, "cd aitunnel-plugin-mine") {
		t.Errorf("plugin new prints\n%s", out)
	}
	if out := a.run("aitunnel-plugin-mine", "gofmt", "-l", "."); out != "" {
		t.Errorf("not formatted: %s", out)
	}
	a.run("aitunnel-plugin-mine", "make", "test")
	steady, flaky := newSite(t, "steady"), newSite(t, "flaky")
	flaky.Always(fakesite.Status(http.StatusBadGateway, "{}"))
	out = a.run("aitunnel-plugin-mine", "make", "install")
	if !strings.Contains(out, "Installed mine 0.1.0") || !strings.Contains(out, "strategy \"mine\" {}") {
		t.Errorf("make install prints\n%s", out)
	}
	a.configure(`route "/v1/**" {
  channels = [channel.steady, channel.flaky]
  strategy "mine" { refresh = "100ms" }
}
`, steady, flaky)
	a.run(".", "aitunnel", "validate")
	a.start()
	for range 20 {
		if got := a.ask(); got != "steady" {
			t.Errorf("answered by %q", got)
		}
	}
	if r := a.route(); r.CorePlan || r.Reason != "by weight and successes" {
		t.Errorf("the route does not use the plans of the strategy: %+v", r)
	}
	if out := a.run(".", "aitunnel", "plugin", "list"); !strings.Contains(out, "mine/mine") || !strings.Contains(out, "running") {
		t.Errorf("plugin list prints\n%s", out)
	}
	if out := a.run(".", "aitunnel", "plugin", "info", "mine"); !strings.Contains(out, "Distributes requests in proportion") {
		t.Errorf("plugin info prints\n%s", out)
	}
}

// TestWritingOtherKinds of components with `plugin new`. The configuration uses them before they
// are installed.
func TestWritingOtherKinds(t *testing.T) {
	a := newAuthor(t)
	site := newSite(t, "site")
	a.write("aitunnel.hcl", listen+fmt.Sprintf(`
channel "site" {
  target = %q
  keys   = ["sk-one", "sk-two"]
  key_selector "keys" {}
  health_check "pulse" {
    path     = "/v1/models"
    interval = "100ms"
  }
}
`, site.URL()))
	for kind, name := range map[string]string{"key-selector": "keys", "health-checker": "pulse"} {
		a.run(".", "aitunnel", "plugin", "new", kind, name, "--sdk", repository(t, ".")) // the SDK is below this path
		dir := "aitunnel-plugin-" + name
		if out := a.run(dir, "gofmt", "-l", "."); out != "" {
			t.Errorf("not formatted: %s", out)
		}
		a.run(dir, "make", "test", "install")
	}
	a.start()
	seen := map[string]bool{}
	for range 10 {
		a.ask()
	}
	for _, r := range site.Requests() {
		seen[r.Credential] = true
	}
	if !seen["sk-one"] || !seen["sk-two"] {
		t.Errorf("keys seen: %v", seen)
	}
	testhelp.Eventually(t, "the health checker sends requests", func() bool {
		checks := 0
		for _, r := range site.Requests() {
			if r.Path == "/v1/models" {
				checks++
			}
		}
		return checks > 1
	})
}

// TestTheBanditPrefersTheBetterSite builds examples/plugins/bandit outside the workspace, and
// installs it as the plugin of a third party.
func TestTheBanditPrefersTheBetterSite(t *testing.T) {
	a := newAuthor(t)
	source := repository(t, "examples/plugins/bandit")
	binary := filepath.Join(a.home, "aitunnel-plugin-bandit")
	cmd := exec.Command("go", "build", "-trimpath", "-o", binary, ".")
	cmd.Dir, cmd.Env = source, slices.Concat(a.env, []string{"GOWORK=off", "CGO_ENABLED=0"})
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	slow, quick := newSite(t, "slow"), newSite(t, "quick")
	slow.Always(fakesite.Delay(150 * time.Millisecond))
	a.configure(`route "/v1/**" {
  channels = [channel.slow, channel.quick]
  strategy "bandit" { refresh = "200ms" }
}
`, slow, quick)
	a.run(".", "aitunnel", "plugin", "install", binary)
	a.start()
	awaitBest := func(best string) {
		t.Helper()
		got := map[string]int{}
		for deadline := time.Now().Add(3 * waitLimit); time.Now().Before(deadline); {
			clear(got)
			for range 40 {
				got[a.ask()]++
			}
			if got[best] >= 32 {
				return
			}
		}
		t.Fatalf("of the last 40 requests: %v (%+v)", got, a.route())
	}
	awaitBest("quick")
	if r := a.route(); r.CorePlan || !strings.Contains(r.Reason, "quick has served best") {
		t.Errorf("%+v", r)
	}
	slow.Always(fakesite.OK())
	quick.Always(fakesite.Delay(600 * time.Millisecond))
	awaitBest("slow")
}
