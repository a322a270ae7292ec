package cli

import (
	"bytes"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// oddName is as long as names of files can be, with the signs that people use in
// them. It must work wherever the program makes or is given a path.
var oddName = signs + strings.Repeat("n", 245-len(signs))

const signs = "it's \"1%\" $A [x];ü ${B}😀"

// TestOddPaths runs every command that takes or makes a path with an odd name for
// the state directory, the configuration, the log file, the plugin and the
// program's own file.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("Windows does not allow most of these signs in names")
	}
	newOddPaths(t, oddName).run()
}

type oddPaths struct {
	*testing.T
	dir, program, config, state, log string
}

func newOddPaths(t *testing.T, name string) *oddPaths {
	top, err := os.MkdirTemp("", "at") // short: sockets lie in the state directory only if their paths fit
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	dir := filepath.Join(top, name)
	short := name[:min(len(name), 24)]
	p := &oddPaths{T: t, dir: dir, config: filepath.Join(dir, name[:min(len(name), 241)]+".hcl"), state: filepath.Join(top, short), log: filepath.Join(dir, name[:min(len(name), 241)]+".log")}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	text := "proxy {\n  listen = \"127.0.0.1:0\"\n}\nadmin {\n  listen = \"127.0.0.1:0\"\n}\nlog {\n  file = " + literal(p.log) + "\n}\n" +
		"channel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\nroute \"/v1/**\" {\n  channels = [channel.home]\n  strategy \"acme/backwards\" {}\n}\n"
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.program = filepath.Join(dir, "aitunnel")
	p.copyProgram("aitunnel", p.program)
	p.copyProgram("aitunnel-plugin-acme", filepath.Join(dir, "aitunnel-plugin-acme"))
	return p
}

func (p *oddPaths) copyProgram(name, to string) {
	p.Helper()
	from, err := exec.LookPath(name)
	if err != nil {
		p.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, b, 0o700)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// do runs the program and returns what it prints.
func (p *oddPaths) do(args ...string) string {
	p.Helper()
	c := exec.Command(p.program, args...)
	c.Dir = p.dir
	c.Env = append(os.Environ(), "HOME="+p.dir, "AITUNNEL_STATE_DIR="+p.state, "AITUNNEL_CONFIG="+p.config, "GORACE=atexit_sleep_ms=0")
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil {
		p.Fatalf("aitunnel %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

func (p *oddPaths) run() {
	p.do("plugin", "install", filepath.Join(p.dir, "aitunnel-plugin-acme"))
	p.do("plugin", "lock")
	p.do("fmt")
	p.do("validate")
	p.do("validate", "-c", p.dir, "--json")
	if runtime.GOOS == "linux" {
		p.do("service", "install", "--print")
	}
	p.Cleanup(func() {
		c := exec.Command(p.program, "stop", "--now", "--state-dir", p.state)
		_ = c.Run() // it may have ended
	})
	panel := regexp.MustCompile(`(?m)^Panel: +(http\S+)$`)
	p.answers(panel.FindStringSubmatch(p.do("start")))
	for _, command := range []string{
		"status", "status --json", "channel list", "plugin list", "logs", "reload", "plan", "panel --print",
		"explain /v1/models", "channel add spare http://127.0.0.1:9 --auth none", "plugin restart acme",
		"plugin info acme", "plugin outdated", "channel pause home", "channel resume home", "key list", "client add me", "client list",
		"client remove me --yes", "requests", "usage", "verdict list", "verdict unknown", "tunnel list", "notify list", "connect",
	} {
		p.do(strings.Fields(command)...)
	}
	if text, err := os.ReadFile(p.config); err != nil || !strings.Contains(string(text), `channel "spare"`) {
		p.Errorf("the configuration was not edited: %v", err)
	}
	p.answers(panel.FindStringSubmatch(p.do("restart")))
	if text, err := os.ReadFile(p.log); err != nil || !strings.Contains(string(text), "started") {
		p.Errorf("the log file says %q, %v", text, err)
	}
	p.do("stop")
	p.do("requests")
	p.do("usage", "--json")
	first := filepath.Join(p.dir, "first "+filepath.Base(p.state)+".hcl")
	p.do("init", "-c", first)
	if _, err := os.Stat(first); err != nil {
		p.Error(err)
	}
}

func (p *oddPaths) answers(found []string) {
	p.Helper()
	if found == nil {
		p.Fatal("no address was printed")
	}
	resp, err := http.Get(found[1] + "/healthz")
	if err != nil {
		p.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		p.Errorf("%s %q %v", resp.Status, body, err)
	}
}
