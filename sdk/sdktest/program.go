package sdktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// RunningProgram is a running aitunnel with the plugin under test.
type RunningProgram struct {
	URL string // of the proxy, without a path

	t      testing.TB
	dir    string
	binary string
	env    []string
	out    syncBuffer

	mu    sync.Mutex
	sites map[string]*programSite
}

type programSite struct {
	server *httptest.Server
	answer http.HandlerFunc
	asked  []AskedRequest
}

// AskedRequest is a request that a site received.
type AskedRequest struct {
	Path   string
	Header http.Header
	Body   string
}

var proxyLine = regexp.MustCompile(`Proxy: +(http://\S+)`)

// Program builds the plugin in the current directory, installs it, and runs a real
// aitunnel with it until the test ends. config is added to a configuration that has a
// channel without a key for each site, in this order. If config itself contains the channel
// of a site, for example to give it keys, a key selector or a health check, that one is
// used. Its target is local.sites.NAME:
//
//	channel "primary" {
//	  target = local.sites.primary
//	  key "team" { value = "key-of-the-team" }
//	  key_selector "mine" {}
//	}
//
// It returns when the plugin has given its first plans.
//
// The program is the one in the environment variable AITUNNEL, or in PATH, or built from a
// Go workspace that contains it; if there is none, the test is skipped.
func Program(t testing.TB, config string, sites ...string) *RunningProgram {
	t.Helper()
	p := &RunningProgram{t: t, dir: t.TempDir(), sites: map[string]*programSite{}}
	p.binary = findProgram(t)
	p.env = append(os.Environ(), "AITUNNEL_STATE_DIR="+filepath.Join(p.dir, "state"), "HOME="+p.dir)
	path := filepath.Join(p.dir, "aitunnel.hcl")
	if err := os.WriteFile(path, []byte(p.configuration(config, sites)), 0o600); err != nil {
		t.Fatal(err)
	}
	plugin := filepath.Join(p.dir, "plugin")
	p.run("go", "build", "-o", plugin, ".")
	p.run(p.binary, "-c", path, "plugin", "install", plugin)
	p.start(path)
	return p
}

// configuration starts the sites, and adds missing blocks to config.
func (p *RunningProgram) configuration(config string, sites []string) string {
	var text, addresses strings.Builder
	text.WriteString("proxy {\n  listen = \"127.0.0.1:0\"\n}\nadmin {\n  listen = \"\"\n}\n")
	for _, name := range sites {
		address := p.site(name)
		fmt.Fprintf(&addresses, "    %q = %q\n", name, address)
		own := regexp.MustCompile(`(?m)^\s*channel\s+"?` + regexp.QuoteMeta(name) + `"?\s*\{`)
		if !own.MatchString(config) {
			fmt.Fprintf(&text, "channel %q {\n  target = %q\n  auth   = \"none\"\n}\n", name, address)
		}
	}
	if addresses.Len() > 0 {
		fmt.Fprintf(&text, "locals {\n  sites = {\n%s  }\n}\n", addresses.String())
	}
	return text.String() + config
}

func findProgram(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("AITUNNEL"); path != "" {
		return path
	}
	if path, err := exec.LookPath("aitunnel"); err == nil {
		return path
	}
	path := filepath.Join(t.TempDir(), "aitunnel")
	cmd := exec.Command("go", "build", "-o", path, "github.com/aitunnel/aitunnel")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Skipf("there is no aitunnel: put it into PATH, or name it in AITUNNEL (%s)", firstLine(out))
	}
	return path
}

func firstLine(text []byte) string {
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// site starts a site, which answers as an API of OpenAI does.
func (p *RunningProgram) site(name string) string {
	s := &programSite{}
	s.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // of a test: short
		p.mu.Lock()
		s.asked = append(s.asked, AskedRequest{r.URL.Path, r.Header.Clone(), string(body)})
		answer := s.answer
		p.mu.Unlock()
		if answer != nil {
			answer(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"id":"1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"hi"},"finish_reason":"stop"}],"usage":{"prompt_tokens":1000,"completion_tokens":1000,"total_tokens":2000}}`)
	}))
	p.t.Cleanup(s.server.Close)
	p.sites[name] = s
	return s.server.URL
}

func (p *RunningProgram) run(program string, args ...string) {
	p.t.Helper()
	cmd := exec.Command(program, args...)
	if program == p.binary {
		cmd.Env = p.env
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		p.t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(args, " "), err, out)
	}
}

func (p *RunningProgram) start(config string) {
	p.t.Helper()
	cmd := exec.Command(p.binary, "-c", config, "start", "-f")
	cmd.Env, cmd.Stdout, cmd.Stderr = p.env, &p.out, &p.out
	if err := cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() {
		if p.t.Failed() {
			p.t.Logf("the last requests, and why their channels were chosen:\n%s", p.lastRequests(config))
		}
		_ = cmd.Process.Signal(os.Interrupt)
		_ = cmd.Wait() // its exit status says that it was interrupted
		if p.t.Failed() {
			p.t.Logf("the output of aitunnel:\n%s", p.out.String())
		}
	})
	for deadline := time.Now().Add(3 * patience); p.URL == ""; time.Sleep(20 * time.Millisecond) {
		if m := proxyLine.FindStringSubmatch(p.out.String()); m != nil {
			p.URL = m[1]
		} else if time.Now().After(deadline) {
			p.t.Fatal("aitunnel did not start in time")
		}
	}
	// A plugin that is not ready within a second is waited for in the background.
	for deadline := time.Now().Add(patience); !hasPlans(p.show(config, "plugin", "list", "--json")); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			p.t.Logf("the plugin gave no plan in time: requests follow a core plan")
			return
		}
	}
}

// hasPlans reports whether a plugin that is not built in is running and has given a plan for
// each block that uses it. list is the list of plugins, as JSON.
func hasPlans(list []byte) bool {
	var all struct {
		Processes []struct {
			Plugin, State string
			Components    []struct {
				Kind string
				Uses []struct {
					Plan     uint64
					CorePlan bool `json:"makeshift"` // the name of the API
				}
			}
		}
	}
	if json.Unmarshal(list, &all) != nil {
		return false
	}
	running := false
	for _, p := range all.Processes {
		if p.Plugin == "built-in" {
			continue
		}
		running = running || p.State == "running"
		for _, c := range p.Components {
			for _, u := range c.Uses {
				if c.Kind != string(sdk.KindHealthChecker) && (u.Plan == 0 || u.CorePlan) {
					return false
				}
			}
		}
	}
	return running
}

// show returns the output of a command of the program.
func (p *RunningProgram) show(config string, args ...string) []byte {
	cmd := exec.Command(p.binary, append([]string{"-c", config}, args...)...)
	cmd.Env = p.env
	out, _ := cmd.CombinedOutput() // an error is in it, too
	return out
}

// lastRequests returns the program's records of the last three requests.
func (p *RunningProgram) lastRequests(config string) string {
	var text strings.Builder
	for line := range bytes.Lines(p.show(config, "requests", "-n", "3", "--json")) {
		var request struct {
			ID string `json:"id"`
		}
		if json.Unmarshal(line, &request) != nil || request.ID == "" {
			text.Write(line)
			continue
		}
		fmt.Fprintf(&text, "%s\n", p.show(config, "requests", request.ID))
	}
	return text.String()
}

// Post sends a POST request through the proxy. headers are pairs of name and value. It
// returns the status and the body of the answer.
func (p *RunningProgram) Post(path, body string, headers ...string) (status int, answer string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodPost, p.URL+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

// Answer sets how a site answers; nil restores the default, a chat completion.
func (p *RunningProgram) Answer(site string, h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sites[site].answer = h
}

// Asked returns the requests that a site has received so far.
func (p *RunningProgram) Asked(site string) []AskedRequest {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]AskedRequest(nil), p.sites[site].asked...)
}

// syncBuffer is written to by a process while a test reads it.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
