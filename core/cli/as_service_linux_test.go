package cli

import (
	"errors"
	"net/http"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/cli/internal/command"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// installed is a system service that runs with the account nobody. Commands see its unit in
// a mount namespace.
type installed struct {
	*testing.T
	top, config, state, units, work string
	uid, gid                        int
}

func newInstalled(t *testing.T, config string) *installed {
	t.Helper()
	account, err := user.Lookup("nobody")
	if err != nil || os.Getuid() != 0 {
		t.Skip("needs root and the account nobody")
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine allows no mount namespaces: %s", out)
	}
	top, err := os.MkdirTemp("", "at") // other accounts cannot read t.TempDir
	if err == nil {
		err = os.Chmod(top, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	s := &installed{T: t, top: top}
	s.uid, _ = strconv.Atoi(account.Uid)
	s.gid, _ = strconv.Atoi(account.Gid)
	s.state, s.units, s.work = s.dir("state", 0o700, true), s.dir("units", 0o755, false), s.dir("work", 0o755, false)
	s.config = filepath.Join(s.dir("conf", 0o700, true), "aitunnel.hcl")
	s.write(s.config, config, true)
	s.unit("")
	for _, name := range []string{"aitunnel", "aitunnel-plugin-acme"} {
		from, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(from)
		if err == nil {
			err = testhelp.WriteProgram(filepath.Join(s.work, name), b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// unit writes the unit of the service, with more lines.
func (s *installed) unit(more string) {
	s.write(filepath.Join(s.units, "aitunnel.service"), "[Service]\nExecStart=/usr/local/bin/aitunnel start --foreground --config "+s.config+" --state-dir "+s.state+"\nUser=nobody\n"+more, false)
}

func (s *installed) dir(name string, mode os.FileMode, theirs bool) string {
	s.Helper()
	path := filepath.Join(s.top, name)
	if err := os.Mkdir(path, mode); err != nil {
		s.Fatal(err)
	}
	s.give(path, theirs)
	return path
}

func (s *installed) write(path, text string, theirs bool) {
	s.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	if strings.HasPrefix(path, s.units) { // as installed units are
		if err := os.Chmod(path, 0o644); err != nil {
			s.Fatal(err)
		}
	}
	s.give(path, theirs)
}

func (s *installed) give(path string, theirs bool) {
	s.Helper()
	if theirs {
		if err := os.Chown(path, s.uid, s.gid); err != nil {
			s.Fatal(err)
		}
	}
}

// try runs a command as root.
func (s *installed) try(args ...string) (string, error) { return s.tryAs(0, args...) }

// tryAs runs a command with an account. If the directory work has a file systemctl, commands
// run that.
func (s *installed) tryAs(uid int, args ...string) (string, error) {
	script := `mount --bind "$UNITS" /etc/systemd/system && exec setpriv --reuid "$ACCOUNT" --regid "$ACCOUNT" --clear-groups ./aitunnel "$@"`
	c := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, "sh"}, args...)...)
	c.Dir = s.work
	c.Env = append(os.Environ(), "UNITS="+s.units, "PATH="+s.work+":"+os.Getenv("PATH"), "ACCOUNT="+strconv.Itoa(uid), "HOME="+filepath.Join(s.top, "root"), "AITUNNEL_STATE_DIR=", "AITUNNEL_CONFIG=", "GORACE=atexit_sleep_ms=0")
	out, err := c.CombinedOutput()
	return string(out), err
}

func (s *installed) run(args ...string) string {
	s.Helper()
	out, err := s.try(args...)
	if err != nil {
		s.Fatalf("aitunnel %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return out
}

// mustOwn checks that the account of the service owns all files of a directory.
func (s *installed) mustOwn(dir string, atLeast int) {
	s.Helper()
	found := 0
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		found++
		if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != s.uid {
			s.Errorf("%s belongs to user %d", path, owner)
		}
		return nil
	})
	if err != nil || found < atLeast {
		s.Errorf("%d files: %v", found, err)
	}
}

// TestPluginCommandsOfRootRunAsTheService: when root installs, locks or removes plugins of the
// system service, that is done with the account of the service. So the service can read the
// files, and no plugin runs as root.
func TestPluginCommandsOfRootRunAsTheService(t *testing.T) {
	t.Parallel()
	s := newInstalled(t, "proxy {\n  listen = \"127.0.0.1:0\"\n}\nchannel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\nroute \"/v1/**\" {\n  channels = [channel.home]\n  strategy \"acme/backwards\" {}\n}\n")
	s.run("plugin", "install", "./aitunnel-plugin-acme")
	s.run("plugin", "lock", "acme")
	if out := s.run("plugin", "list"); !strings.Contains(out, "acme") {
		t.Errorf("plugin list: %s", out)
	}
	s.mustOwn(filepath.Dir(s.config), 5)
	if _, err := os.Stat(filepath.Join(s.top, "root")); err == nil {
		t.Error("something was written to the home directory of root")
	}
	s.write(s.config, "channel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\n", true)
	s.run("plugin", "remove", "acme")
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(s.config), ".aitunnel", "plugins", "*acme*")); err != nil || len(left) > 0 {
		t.Errorf("after the removal: %v, %v", left, err)
	}
}

// TestRootReadsTheFilesOfAStoppedService with usage, requests and logs, although root has its
// own state directory.
func TestRootReadsTheFilesOfAStoppedService(t *testing.T) {
	t.Parallel()
	s := newInstalled(t, "")
	log := filepath.Join(s.state, "mine.log")
	s.write(s.config, "proxy {\n  listen = \"127.0.0.1:0\"\n}\nadmin {\n  listen = \"\"\n}\nlog {\n  file = \""+log+"\"\n}\nchannel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\n", true)
	i := &instance{t: t, config: s.config, state: s.state}
	c := exec.Command(filepath.Join(s.work, "aitunnel"), "start", "-f", "-c", s.config, "--state-dir", s.state)
	c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(s.uid), Gid: uint32(s.gid)}}
	c.Dir = "/"
	i.start(c, "HOME=/nonexistent")
	resp, err := http.Post("http://"+i.ready().Listen+"/v1/chat/completions", "application/json", strings.NewReader(`{"model":"of-the-service"}`))
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	i.stopBySignal()
	own := filepath.Join(s.top, "root", ".local", "state", "aitunnel")
	if err := os.MkdirAll(own, 0o700); err != nil {
		t.Fatal(err)
	}
	s.write(filepath.Join(own, "aitunnel.log"), "2026-11-27T09:00:00.000Z [INFO]  aitunnel: the log of root\n", false)
	if out := s.run("usage", "--by", "model"); !strings.Contains(out, "of-the-service") {
		t.Errorf("usage: %s", out)
	}
	if out := s.run("requests"); !strings.Contains(out, "of-the-service") {
		t.Errorf("requests: %s", out)
	}
	out, err := s.try("logs")
	if code := exitCodeOf(err); code != command.ExitNotRunning || !strings.Contains(out, "started") && !strings.Contains(out, "127.0.0.1:9") || strings.Contains(out, "the log of root") || !strings.Contains(out, "systemctl start aitunnel") {
		t.Errorf("logs: %v\n%s", err, out)
	}
	s.mustOwn(s.state, 5)
}

// TestValidateAsTheService: validate, run by root, reports what the account of the service may
// not read or write.
func TestValidateAsTheService(t *testing.T) {
	t.Parallel()
	s := newInstalled(t, "")
	configure := func(log string) {
		s.write(s.config, "log {\n  file = \""+log+"\"\n}\nchannel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\n", true)
	}
	sudo := "" // advice omits it where it is not installed
	if _, err := exec.LookPath("sudo"); err == nil {
		sudo = "sudo "
	}
	closed := filepath.Join(s.dir("closed", 0o755, false), "aitunnel.log")
	open := filepath.Join(s.dir("open", 0o755, true), "aitunnel.log")
	configure(closed)
	for _, args := range [][]string{{"validate"}, {"validate", s.config}} {
		if out, err := s.try(args...); exitCodeOf(err) != command.ExitConfig || !strings.Contains(out, "The setting log.file cannot be applied") || !strings.Contains(out, "aitunnel.hcl line 2") || !strings.Contains(out, "the account nobody may not write to") || !strings.Contains(out, "make a directory for it, "+sudo+"install -d -o nobody ") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	copied := filepath.Join(s.work, "aitunnel.hcl")
	s.write(copied, "channel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\n", false)
	if out := s.run("validate"); !strings.Contains(out, "warning: this command reads aitunnel.hcl, not "+s.config+", which the system service uses: to act for the service, add --config "+s.config) {
		t.Errorf("a file in the current directory: %s", out)
	}
	if out := s.run("validate", copied); strings.Contains(out, "warning:") {
		t.Errorf("a named file: %s", out)
	}
	if err := os.Remove(copied); err != nil {
		t.Fatal(err)
	}
	configure(filepath.Join(s.top, "none", "aitunnel.log"))
	if out, err := s.try("validate"); exitCodeOf(err) != command.ExitConfig || !strings.Contains(out, "no such file or directory") {
		t.Errorf("a directory that does not exist: %v\n%s", err, out)
	}
	configure(open)
	if out := s.run("validate"); strings.Contains(out, "ystemd") {
		t.Errorf("a file that the service may write: %s", out)
	}
	s.unit("ProtectSystem=strict\nReadWritePaths=/etc/aitunnel \"/srv/a b\"\n")
	if out := s.run("validate"); !strings.Contains(out, "ystemd does not let the service write to "+open) || !strings.Contains(out, "ReadWritePaths="+filepath.Dir(open)) {
		t.Errorf("a file that systemd protects: %s", out)
	}
	if err := os.Mkdir(filepath.Join(s.units, "aitunnel.service.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	s.write(filepath.Join(s.units, "aitunnel.service.d", "override.conf"), "[Service]\nReadWritePaths="+filepath.Dir(open)+"\n", false)
	if out := s.run("validate"); strings.Contains(out, "ystemd") {
		t.Errorf("with an override: %s", out)
	}
	if _, err := user.Lookup("daemon"); err == nil {
		s.write(filepath.Join(s.units, "aitunnel.service.d", "user.conf"), "[Service]\nUser=daemon\n", false)
		if out, err := s.try("validate"); err == nil || !strings.Contains(out, "the account daemon may not enter ") {
			t.Errorf("an override with another account: %v\n%s", err, out)
		}
		if err := os.Remove(filepath.Join(s.units, "aitunnel.service.d", "user.conf")); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Chown(s.config, 0, 0); err != nil {
		t.Fatal(err)
	}
	if out, err := s.try("validate"); err == nil || !strings.Contains(out, "the account nobody may not read it, as it belongs to root and has the mode 0600; run "+sudo+"chown nobody "+s.config) {
		t.Errorf("a configuration that belongs to root: %v\n%s", err, out)
	}
}

// TestCommandsOfTheServiceAccount use the configuration and state of the service, as those of
// root do. Commands of other accounts advise to use sudo.
func TestCommandsOfTheServiceAccount(t *testing.T) {
	t.Parallel()
	s := newInstalled(t, "channel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\n")
	for _, args := range [][]string{{"validate"}, {"validate", s.config}} {
		if out, err := s.tryAs(s.uid, args...); err != nil || !strings.Contains(out, s.config+" is valid") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if out, err := s.tryAs(s.uid, "tunnel", "test", "vps"); err == nil || strings.Contains(out, "no configuration") {
		t.Errorf("tunnel test: %v\n%s", err, out)
	}
	if out, err := s.tryAs(s.uid, "usage"); err != nil && strings.Contains(out, "denied") {
		t.Errorf("usage: %v\n%s", err, out)
	}
	const other = 54321
	if out, err := s.tryAs(other, "validate"); err == nil || !strings.Contains(out, "run the command with sudo") || !strings.Contains(out, "'aitunnel reload --dry-run'") {
		t.Errorf("another account: %v\n%s", err, out)
	}
	for _, args := range [][]string{{"service", "uninstall"}, {"service", "uninstall", "--system"}} {
		if out, err := s.tryAs(other, args...); err == nil || !strings.Contains(out, "run the command with sudo") {
			t.Errorf("%v: %v\n%s", args, err, out)
		}
	}
	if out, err := s.try("start"); err == nil || !strings.Contains(out, "sudo systemctl start aitunnel") {
		t.Errorf("start by root: %v\n%s", err, out)
	}
}

// TestWhyTheServiceDoesNotAnswer: status explains what systemctl, here a script, shows.
func TestWhyTheServiceDoesNotAnswer(t *testing.T) {
	t.Parallel()
	s := newInstalled(t, "channel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\n")
	systemctl := filepath.Join(s.work, "systemctl")
	for shown, want := range map[string]string{
		"ActiveState=activating\nSubState=auto-restart\nResult=signal\nExecMainCode=2\nExecMainStatus=9": "aitunnel: not running: the system service failed (ended by signal 9, killed), and systemd starts it again",
		"ActiveState=failed\nSubState=failed\nResult=exit-code\nExecMainCode=1\nExecMainStatus=4":        "aitunnel: not running: the system service failed: its configuration is not valid",
		"ActiveState=inactive\nSubState=dead":                                                            "aitunnel: not running: the system service is stopped; start it with 'sudo systemctl start aitunnel'",
	} {
		if err := testhelp.WriteProgram(systemctl, []byte("#!/bin/sh\necho '"+shown+"'\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		if out, err := s.try("status"); exitCodeOf(err) != command.ExitNotRunning || !strings.HasPrefix(out, want) {
			t.Errorf("status: %v\n%s\nwant %s", err, out, want)
		}
	}
}

// exitCodeOf returns the exit code of a command, 0 if it succeeded.
func exitCodeOf(err error) int {
	exit := (*exec.ExitError)(nil)
	if errors.As(err, &exit) {
		return exit.ExitCode()
	}
	return 0
}
