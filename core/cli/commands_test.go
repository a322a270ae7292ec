package cli

import (
	"bytes"
	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// needProgram lists the commands that need a running program, with valid arguments.
var needProgram = map[string]string{
	"stop": "", "restart": "", "reload": "", "status": "", "logs": "", "panel": "",
	"explain":      "/v1/models",
	"channel list": "", "channel pause": "x", "channel resume": "x", "channel prefer": "x", "channel check": "x", "channel add": "x http://127.0.0.1:9 --auth none", "channel set": "x --weight 2", "channel remove": "x --yes",
	"key list": "", "key add": "x", "key remove": "x y",
	"channel test": "x", "channel models": "x",
	"client add": "x", "client list": "", "client remove": "x --yes",
	"notify list": "", "notify test": "x",
	"tunnel list":    "",
	"plugin restart": "x",
	"config undo":    "",
}

// needNoProgram lists the commands that work without a running program.
var needNoProgram = []string{
	"", "help", "version", "demo", "init", "convert", "validate", "fmt", "start", "completion", "top",
	"service", "service install", "service uninstall", "service status",
	"config", "config example", "verdict", "verdict list", "verdict test", "verdict unknown", "verdict unknown remove",
	"connect", "requests", "usage", "client", "notify",
	"channel", "key", "tunnel", "tunnel trust", "tunnel test",
	"plugin", "plugin list", "plugin info", "plugin verify", "plugin install", "plugin init", "plugin upgrade", "plugin outdated", "plugin rollback", "plugin remove", "plugin lock", "plugin new",
}

func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = Run(t.Context(), args, strings.NewReader("key-0000000000000000000001\n"), &o, &e)
	return code, o.String(), e.String()
}

// TestUsageErrorsOfEveryCommand: exit code 2, one sentence and the command for help on standard
// error, and nothing on standard output.
func TestUsageErrorsOfEveryCommand(t *testing.T) {
	t.Parallel()
	for _, c := range commands() {
		path := command.NameOf(c)
		if _, asks := needProgram[path]; !asks && !slices.Contains(needNoProgram, path) {
			t.Errorf("%q: does it need a running program? Add it to one of the lists above.", path)
		}
		code, out, errs := run(t, append(strings.Fields(path), "--no-such-flag")...)
		if want := "aitunnel: unknown flag: --no-such-flag\nSee '" + c.CommandPath() + " --help'.\n"; code != command.ExitUsage || out != "" || errs != want {
			t.Errorf("%s: exit code %d, %q, %q", path, code, out, errs)
		}
		if args, asks := needProgram[path]; asks {
			many := append(strings.Fields(path), append(strings.Fields(args), "one", "two", "many")...)
			if code, out, errs := run(t, many...); code != command.ExitUsage || out != "" || !strings.Contains(errs, "See '"+c.CommandPath()+" --help'.") {
				t.Errorf("%s: exit code %d, %q, %q", many, code, out, errs)
			}
		}
	}
}

// TestCommandsThatNeedAProgram, without one: exit code 3 and what to do, also if the state
// directory does not exist or is not a directory. None of them creates it.
func TestCommandsThatNeedAProgram(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, args := range needProgram {
		for _, state := range []string{filepath.Join(dir, "none"), file, filepath.Join(file, "below")} {
			line := append(append(strings.Fields(path), strings.Fields(args)...), "--state-dir", state)
			code, out, errs := run(t, line...)
			if want := "aitunnel: not running (state directory " + state + "); start it with 'aitunnel start'\n"; code != command.ExitNotRunning || out != "" || errs != want {
				t.Errorf("%s: exit code %d, %q, %q", line, code, out, errs)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "none")); err == nil {
		t.Error("a command created the state directory")
	}
}

// TestExitCodes: 4 means that the configuration is not valid, and nothing else.
func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = taken.Close() }()
	const channel = "admin {\n listen = \"\"\n}\nchannel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"
	busy := file("busy.hcl", "proxy {\n listen = \""+taken.Addr().String()+"\"\n}\n"+channel)
	broken := file("broken.hcl", "proxy {\n listen = 9\n"+channel)
	missing, state := filepath.Join(dir, "missing.hcl"), filepath.Join(dir, "state")
	for _, c := range []struct {
		args string
		want int
	}{
		{"start -f -c " + broken, command.ExitConfig},
		{"validate " + broken, command.ExitConfig},
		{"start -f -c " + busy, command.ExitFailed},
		{"start -f -c " + missing, command.ExitFailed},
		{"start -f -c " + busy + " --state-dir " + busy, command.ExitFailed},
		{"validate " + missing, command.ExitFailed},
		{"fmt " + missing, command.ExitFailed},
		{"verdict test " + missing, command.ExitFailed},
		{"plugin verify " + missing, command.ExitFailed},
		{"requests --no-such-flag", command.ExitUsage},
		{"status", command.ExitNotRunning},
		{"reload -c " + broken, command.ExitNotRunning},
	} {
		args := strings.Fields(c.args)
		if !strings.Contains(c.args, "--state-dir") {
			args = append(args, "--state-dir", state)
		}
		if code, out, errs := run(t, args...); code != c.want {
			t.Errorf("%s: exit code %d, not %d\n%s%s", c.args, code, c.want, out, errs)
		}
	}
}
