package cli

import (
	"bytes"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/cli/setup"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/pluginsource/releasetest"
	"github.com/aitunnel/aitunnel/core/sshdtest"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// oddName is almost as long as the name of a file can be, and has special characters. It must
// work in every path that the program creates or is given.
var oddName = specialCharacters + strings.Repeat("n", 245-len(specialCharacters))

const specialCharacters = "it's \"1%\" $A [x];ü ${B}😀"

// TestOddPaths runs every command with odd names for all files and directories: the state
// directory, the configuration, the log file, the plugin, keys and known hosts, the home
// directory, other files that it reads or writes, and the program itself.
func TestOddPaths(t *testing.T) {
	t.Parallel()
	newOddPaths(t, oddName).run()
}

type oddPaths struct {
	*testing.T
	dir, program, config, state, log string
	site                             *httptest.Server
	releases                         *releasetest.Server
	used                             map[string]bool // commands that ran
}

func newOddPaths(t *testing.T, name string) *oddPaths {
	top, err := os.MkdirTemp("", "at") // short, because the path of a socket in the state directory is limited
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	dir := filepath.Join(top, name)
	short := name[:min(len(name), 24)]
	p := &oddPaths{T: t, dir: dir, config: filepath.Join(dir, name[:min(len(name), 241)]+".hcl"), state: filepath.Join(top, short), log: filepath.Join(dir, name[:min(len(name), 241)]+".log"), used: map[string]bool{}}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	p.site = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet {
			_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"gpt-a","object":"model"}]}`)
			return
		}
		_, _ = io.WriteString(w, `{"id":"1","object":"chat.completion","model":"gpt-a","choices":[{"index":0,"message":{"role":"assistant","content":"ok"},"finish_reason":"stop"}]}`)
	}))
	t.Cleanup(p.site.Close)
	p.releases = releasetest.New(t)
	p.file(".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.releases.Certificate().Raw})))
	sshd := sshdtest.Start(t, sshdtest.Options{})
	identity := p.file(".key", string(p.read(filepath.Join(sshd.Home, ".ssh", "id_ed25519"))))
	env := p.file(".env", "HOME_KEY=sk-of-the-env-file-0001\n")
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	remote := l.Addr().String()
	_ = l.Close()
	text := "env_file = " + setup.Literal(env) + "\nproxy {\n  listen = \"127.0.0.1:0\"\n}\nadmin {\n  listen = \"127.0.0.1:0\"\n}\nlog {\n  file = " + setup.Literal(p.log) + "\n}\n" +
		"channel \"home\" {\n  target = " + setup.Literal(p.site.URL) + "\n  keys = [env(\"HOME_KEY\")]\n  health_check \"http\" {}\n}\nroute \"/v1/**\" {\n  channels = [channel.home]\n  strategy \"acme/backwards\" {}\n}\n" +
		"notify \"hook\" {\n  url = " + setup.Literal("generic+"+p.site.URL+"/?template=json&disabletls=yes") + "\n}\n" +
		"tunnel \"vps\" {\n  host = " + setup.Literal(sshd.Addr()) + "\n  user = " + setup.Literal(sshd.User) + "\n  identity = " + setup.Literal(identity) + "\n  known_hosts = " + setup.Literal(p.path(".hosts")) + "\n  ssh_config = false\n  forward " + setup.Literal(remote) + " {}\n}\n"
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p.program = filepath.Join(dir, "aitunnel")
	p.copyProgram("aitunnel", p.program)
	p.copyProgram("aitunnel-plugin-acme", filepath.Join(dir, "aitunnel-plugin-acme"))
	return p
}

// path returns an odd name with a suffix in the odd directory.
func (p *oddPaths) path(suffix string) string {
	name := filepath.Base(p.dir)
	return filepath.Join(p.dir, name[:min(len(name), 245-len(suffix))]+suffix)
}

// file writes a file with an odd name.
func (p *oddPaths) file(suffix, text string) string {
	p.Helper()
	path := p.path(suffix)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
	return path
}

func (p *oddPaths) read(path string) []byte {
	p.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		p.Fatal(err)
	}
	return b
}

func (p *oddPaths) copyProgram(name, to string) {
	p.Helper()
	from, err := exec.LookPath(name)
	if err != nil {
		p.Fatal(err)
	}
	b, err := os.ReadFile(from)
	if err == nil {
		err = testhelp.WriteProgram(to, b, 0o700)
	}
	if err != nil {
		p.Fatal(err)
	}
}

// do runs the program and returns what it prints.
func (p *oddPaths) do(args ...string) string {
	p.Helper()
	return p.doWith("", nil, args...)
}

// expectedFailure is in the output of the command that tests the plugin acme, one of whose
// components is faulty.
const expectedFailure = "failed   strategy lying"

// doWith runs the program with an input and more variables.
func (p *oddPaths) doWith(input string, env []string, args ...string) string {
	p.Helper()
	return p.finish(exec.Command(p.program, args...), input, env, args)
}

// finish runs a command of the program, and records that it was used.
func (p *oddPaths) finish(c *exec.Cmd, input string, env, args []string) string {
	p.Helper()
	if found, _, err := (&app{Env: &command.Env{}}).root().Find(args); err == nil {
		p.used[found.CommandPath()] = true
	}
	c.Dir, c.Stdin = p.dir, strings.NewReader(input)
	c.Env = append(os.Environ(), "HOME="+p.dir, "XDG_CONFIG_HOME=", "AITUNNEL_STATE_DIR="+p.state, "AITUNNEL_CONFIG="+p.config, "AITUNNEL_GITHUB_API="+p.releases.API(), "SSL_CERT_FILE="+p.path(".pem"), "SSH_AUTH_SOCK=", "GORACE=atexit_sleep_ms=0")
	c.Env = append(c.Env, env...)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Run(); err != nil && !strings.Contains(out.String(), expectedFailure) {
		p.Fatalf("aitunnel %s: %v\n%s", strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// has checks that a file contains a text.
func (p *oddPaths) has(path, text string) {
	p.Helper()
	if b := string(p.read(path)); !strings.Contains(b, text) {
		p.Errorf("%s does not contain %q: %s", path, text, b)
	}
}

func (p *oddPaths) run() {
	p.beforeStart()
	p.Cleanup(func() {
		c := exec.Command(p.program, "stop", "--now", "--state-dir", p.state)
		_ = c.Run() // it may have ended
	})
	panel := regexp.MustCompile(`(?m)^Panel: +(http\S+)$`)
	p.answers(panel.FindStringSubmatch(p.do("start")))
	p.whileItRuns()
	p.answers(panel.FindStringSubmatch(p.do("restart")))
	p.has(p.log, "started")
	p.do("stop")
	p.do("requests")
	p.do("usage", "--json")
	text := "channel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\n" // no plugin is used any more
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
	p.do("plugin", "remove", "acme")
	p.do("plugin", "install", filepath.Join(p.dir, "aitunnel-plugin-acme"))
	p.do("plugin", "lock")
	p.checkThatAllRan()
}

// beforeStart runs the commands that need no running program.
func (p *oddPaths) beforeStart() {
	plugin := filepath.Join(p.dir, "aitunnel-plugin-acme")
	p.do("plugin", "verify", plugin)
	text := string(p.read(p.config)) + "plugin \"acme\" {\n  source = \"github.com/acme/aitunnel-plugin-acme\"\n  version = \"~> 1.2\"\n  signing_key = " + setup.Literal(releasetest.NewKey(1).Public()) + "\n}\n"
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		p.Fatal(err)
	}
	build := p.read(plugin)
	p.publish("1.2.0", build)
	p.do("plugin", "init")
	p.publish("1.2.1", bytes.ReplaceAll(build, []byte("1.2.0"), []byte("1.2.1")))
	p.do("plugin", "outdated")
	p.do("plugin", "upgrade")
	p.do("plugin", "rollback", "acme")
	p.do("fmt")
	p.do("validate")
	p.do("validate", "-c", p.dir, "--json")
	p.do("service", "install", "--print")
	p.do("tunnel", "trust", "vps", "--yes")
	p.has(p.path(".hosts"), "ssh-ed25519")
	p.do("tunnel", "test", "vps")
	old := p.file(".yaml", "server: {port: 9100}\nchannels:\n  - name: primary\n    target: https://api-site.test\n    keys: [sk-canary-0001]\nroutes:\n  - path: /v1/**\n    channels: [primary]\n")
	if out := p.do("convert", old); !strings.Contains(out, `channel "primary"`) {
		p.Errorf("convert: %s", out)
	}
	first := filepath.Join(p.dir, "first "+filepath.Base(p.state)+".hcl")
	p.do("init", "-c", first)
	converted := filepath.Join(p.dir, "converted "+filepath.Base(p.state)+".hcl")
	p.do("init", "--from", old, "-c", converted)
	p.has(converted, `channel "primary"`)
	for _, path := range []string{first, converted} { // the directory is used as a configuration later
		if err := os.Remove(path); err != nil {
			p.Error(err)
		}
	}
	body := p.file(".body", `{"error":{"message":"error code: 1010"}}`)
	p.do("verdict", "test", "--status", "403", "--body", body)
	answer := p.file(".http", "HTTP/1.1 429 Too Many Requests\r\nContent-Type: application/json\r\n\r\n{}")
	p.do("verdict", "test", answer)
	p.do("plugin", "new", "strategy", "mine")
	p.has(filepath.Join(p.dir, "aitunnel-plugin-mine", "go.mod"), "module")
	p.do("config", "example")
	p.do("completion", "bash")
	p.do("version")
	p.do("help")
	odd := filepath.Join(filepath.Dir(p.dir), "tmp "+filepath.Base(p.state))
	if err := os.Mkdir(odd, 0o700); err != nil {
		p.Fatal(err)
	}
	p.doWith("", []string{"TMPDIR=" + odd}, "demo", "--once")
}

// publish makes a release of the plugin acme.
func (p *oddPaths) publish(version string, content []byte) {
	name := "aitunnel-plugin-acme_" + version + "_" + runtime.GOOS + "_" + runtime.GOARCH + ".tar.gz"
	p.releases.Publish(version, map[string][]byte{name: releasetest.TarGz(p.T, releasetest.File{Name: "aitunnel-plugin-acme", Content: content})}, releasetest.NewKey(1))
}

// whileItRuns runs the commands that need a running program.
func (p *oddPaths) whileItRuns() {
	for _, command := range []string{
		"status", "status --json", "channel list", "plugin list", "logs", "reload", "plan", "panel --print",
		"explain /v1/models", "channel add spare http://127.0.0.1:9 --auth none", "config undo", "channel add spare http://127.0.0.1:9 --auth none", "plugin restart acme",
		"plugin info acme", "plugin outdated", "channel set home --weight 2", "channel pause home", "channel resume home", "channel prefer home", "channel check home", "channel test home --model gpt-a", "channel models home",
		"channel remove spare --yes", "key list", "client add me", "client list", "client remove me --yes", "requests", "usage", "verdict list", "verdict unknown", "verdict unknown remove --all",
		"tunnel list", "notify list", "notify test hook", "connect",
	} {
		p.do(strings.Fields(command)...)
	}
	p.doWith("sk-added-by-the-test-0002\n", nil, "key", "add", "home", "--label", "second")
	p.has(p.config, "sk-added-by-the-test-0002")
	p.do("key", "remove", "home", "second")
	p.do("connect", "claude-code", "--write")
	p.has(filepath.Join(p.dir, ".claude", "settings.json"), "ANTHROPIC_BASE_URL")
	p.do("connect", "claude-code", "--undo")
	if path, err := exec.LookPath("script"); err != nil {
		p.Log("top needs the program script")
		p.used["aitunnel top"] = true
	} else {
		top := exec.Command(path, "-qec", wording.ShellWord(p.program)+" top", os.DevNull)
		p.finish(top, "q", []string{"TERM=xterm"}, []string{"top"})
	}
}

// checkThatAllRan reports the commands that were not run.
func (p *oddPaths) checkThatAllRan() {
	p.used["aitunnel service uninstall"], p.used["aitunnel service status"] = true, true // they take no path
	var look func(c *cobra.Command)
	look = func(c *cobra.Command) {
		for _, sub := range c.Commands() {
			look(sub)
		}
		if !c.HasSubCommands() && c.Runnable() && !c.Hidden && !p.used[c.CommandPath()] {
			p.Errorf("%s was not run", c.CommandPath())
		}
	}
	look((&app{Env: &command.Env{}}).root())
}

// answers checks that the panel answers at an address that start printed.
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
