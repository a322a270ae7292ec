//go:build unix

package cli

import (
	"bytes"
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
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/fakesite"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// author is somebody who writes a plugin, in an empty home folder, with
// aitunnel and the tools of Go installed.
type author struct {
	t     *testing.T
	home  string
	self  string // aitunnel
	env   []string
	temp  string // folder for temporary files; "": that of the system
	proxy string // addresses, once it runs
	admin string
}

// listen has the program choose its ports.
const listen = `
proxy {
  listen = "127.0.0.1:0"
}
admin {
  listen = "127.0.0.1:0"
}
`

func newAuthor(t *testing.T) *author {
	t.Helper()
	testhelp.Real(t)
	t.Parallel()
	return newPerson(t)
}

// newPerson is somebody with an empty home folder, aitunnel and the tools of Go.
func newPerson(t *testing.T) *author {
	t.Helper()
	for _, tool := range []string{"go", "make"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("%s is not installed", tool)
		}
	}
	bin := t.TempDir()
	a := &author{t: t, home: t.TempDir(), self: filepath.Join(bin, "aitunnel")}
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
	for _, name := range []string{"GOCACHE", "GOMODCACHE", "GOPATH"} { // else those of the new home
		out, err := exec.Command("go", "env", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		a.env = append(a.env, name+"="+strings.TrimSpace(string(out)))
	}
	a.env = append(a.env, "HOME="+a.home, "PATH="+bin+":"+os.Getenv("PATH"), "GORACE=atexit_sleep_ms=0")
	return a
}

// run runs a program in a folder below the home folder.
func (a *author) run(dir, program string, args ...string) string {
	a.t.Helper()
	out, err := a.try(dir, program, args...)
	if err != nil {
		a.t.Fatalf("%s %s: %v\n%s", program, strings.Join(args, " "), err, out)
	}
	return out
}

// try is run for a program that may fail. The time limit ends one that hangs: on a busy
// machine a build for six systems takes more than five minutes.
func (a *author) try(dir, program string, args ...string) (string, error) {
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

func (a *author) write(path, text string) {
	a.t.Helper()
	path = filepath.Join(a.home, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		a.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

// configure writes the configuration that aitunnel finds by itself, with a
// channel for each site.
func (a *author) configure(more string, sites ...*fakesite.Site) {
	a.t.Helper()
	var b strings.Builder
	b.WriteString(listen)
	for _, s := range sites {
		fmt.Fprintf(&b, "channel %q {\n  target = %q\n  auth   = \"none\"\n}\n", s.Name(), s.URL())
	}
	a.write(".config/aitunnel/aitunnel.hcl", b.String()+more)
}

// start runs the program in the foreground until the test ends.
func (a *author) start() {
	a.t.Helper()
	cmd := exec.Command(a.self, "start", "-f")
	out := &output{}
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
	testhelp.Within(a.t, 2*waitLimit, "the program comes up", func() bool {
		m := saysWhere.FindStringSubmatch(out.String())
		if m != nil {
			a.proxy, a.admin = m[1], m[2]
		}
		return m != nil
	})
}

// saysWhere is what the program says when it has come up.
var saysWhere = regexp.MustCompile(`(?s)Proxy: +http://(\S+)\s.*Panel: +http://(\S+)\s`)

// output is what a program says, while it runs.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// ask sends a request, and returns the name of the site that answered.
func (a *author) ask() string {
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
func (a *author) route() admin.Route {
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

// repository returns an absolute path in it.
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

// TestFromNothingToAStrategyOfOnesOwn is the way that docs/plugins.md leads
// along.
func TestFromNothingToAStrategyOfOnesOwn(t *testing.T) {
	a := newAuthor(t)
	said := a.run(".", "aitunnel", "plugin", "new", "strategy", "mine", "--sdk", repository(t, "sdk"))
	if !strings.Contains(said, "cd aitunnel-plugin-mine") {
		t.Errorf("plugin new says\n%s", said)
	}
	if said := a.run("aitunnel-plugin-mine", "gofmt", "-l", "."); said != "" {
		t.Errorf("not formatted: %s", said)
	}
	a.run("aitunnel-plugin-mine", "make", "test")
	steady, flaky := newSite(t, "steady"), newSite(t, "flaky")
	flaky.Always(fakesite.Status(http.StatusBadGateway, "{}"))
	said = a.run("aitunnel-plugin-mine", "make", "install")
	if !strings.Contains(said, "Installed mine 0.1.0") || !strings.Contains(said, "strategy \"mine\" {}") {
		t.Errorf("make install says\n%s", said)
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
		t.Errorf("the route does not go by the strategy's plans: %+v", r)
	}
	if said := a.run(".", "aitunnel", "plugin", "list"); !strings.Contains(said, "mine/mine") || !strings.Contains(said, "running") {
		t.Errorf("plugin list says\n%s", said)
	}
	if said := a.run(".", "aitunnel", "plugin", "info", "mine"); !strings.Contains(said, "Distributes requests in proportion") {
		t.Errorf("plugin info says\n%s", said)
	}
}

// TestOtherKindsOfOnesOwn holds that what else `plugin new` writes works, too,
// beside a configuration that names it already.
func TestOtherKindsOfOnesOwn(t *testing.T) {
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
		a.run(".", "aitunnel", "plugin", "new", kind, name, "--sdk", repository(t, ".")) // the SDK is found in it
		dir := "aitunnel-plugin-" + name
		if said := a.run(dir, "gofmt", "-l", "."); said != "" {
			t.Errorf("not formatted: %s", said)
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
	testhelp.Eventually(t, "the health checker probes", func() bool {
		probes := 0
		for _, r := range site.Requests() {
			if r.Path == "/v1/models" {
				probes++
			}
		}
		return probes > 1
	})
}

// TestTheExampleLearns uses examples/plugins/bandit as that of a third party:
// built by itself, installed and locked, it comes to prefer the better site.
func TestTheExampleLearns(t *testing.T) {
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
	until := func(best string) {
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
	until("quick")
	if r := a.route(); r.CorePlan || !strings.Contains(r.Reason, "quick has served best") {
		t.Errorf("%+v", r)
	}
	slow.Always(fakesite.OK())
	quick.Always(fakesite.Delay(600 * time.Millisecond))
	until("slow")
}
