package cli

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// TestPluginCommandsOfRootRunAsTheService: root installs, locks and removes plugins of the
// service of the system with its account, so that the service can read what they write
// and no plugin runs as root.
func TestPluginCommandsOfRootRunAsTheService(t *testing.T) {
	t.Parallel()
	account, err := user.Lookup("nobody")
	if err != nil || os.Getuid() != 0 {
		t.Skip("it takes root and the account nobody")
	}
	if out, err := exec.Command("unshare", "-m", "true").CombinedOutput(); err != nil {
		t.Skipf("this machine allows no mount namespaces: %s", out)
	}
	uid, _ := strconv.Atoi(account.Uid)
	gid, _ := strconv.Atoi(account.Gid)
	top, err := os.MkdirTemp("", "at") // others cannot look into t.TempDir
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(top) })
	dir := func(name string, mode os.FileMode, theirs bool) string {
		path := filepath.Join(top, name)
		if err := os.Mkdir(path, mode); err != nil {
			t.Fatal(err)
		}
		if theirs {
			err = os.Chown(path, uid, gid)
		}
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	if err := os.Chmod(top, 0o755); err != nil {
		t.Fatal(err)
	}
	conf, state, units, work := dir("conf", 0o700, true), dir("state", 0o700, true), dir("units", 0o755, false), dir("work", 0o755, false)
	write := func(path, text string, theirs bool) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if theirs {
			if err := os.Chown(path, uid, gid); err != nil {
				t.Fatal(err)
			}
		}
	}
	config := filepath.Join(conf, "aitunnel.hcl")
	write(config, "proxy {\n  listen = \"127.0.0.1:0\"\n}\nchannel \"home\" {\n  target = \"http://127.0.0.1:9\"\n  auth = \"none\"\n}\nroute \"/v1/**\" {\n  channels = [channel.home]\n  strategy \"acme/backwards\" {}\n}\n", true)
	write(filepath.Join(units, "aitunnel.service"), "[Service]\nExecStart=/usr/local/bin/aitunnel start --foreground --config "+config+" --state-dir "+state+"\nUser=nobody\n", false)
	for _, name := range []string{"aitunnel", "aitunnel-plugin-acme"} {
		from, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(filepath.Join(work, name), b, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	run := func(args ...string) string {
		t.Helper()
		script := `mount --bind "$UNITS" /etc/systemd/system && exec ./aitunnel "$@"`
		c := exec.Command("unshare", append([]string{"-m", "sh", "-c", script, "sh"}, args...)...)
		c.Dir = work
		c.Env = append(os.Environ(), "UNITS="+units, "HOME="+filepath.Join(top, "root"), "AITUNNEL_STATE_DIR=", "AITUNNEL_CONFIG=", "GORACE=atexit_sleep_ms=0")
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("aitunnel %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	run("plugin", "install", "./aitunnel-plugin-acme")
	run("plugin", "lock", "acme")
	if out := run("plugin", "list"); !strings.Contains(out, "acme") {
		t.Errorf("plugin list: %s", out)
	}
	found := 0
	err = filepath.Walk(conf, func(path string, info os.FileInfo, err error) error {
		if err != nil {
			return err
		}
		found++
		if owner := int(info.Sys().(*syscall.Stat_t).Uid); owner != uid {
			t.Errorf("%s belongs to user %d", path, owner)
		}
		return nil
	})
	if err != nil || found < 5 {
		t.Errorf("%d files: %v", found, err)
	}
	if _, err := os.Stat(filepath.Join(top, "root")); err == nil {
		t.Error("something was written to the home directory of root")
	}
	run("plugin", "remove", "acme")
	if left, err := filepath.Glob(filepath.Join(conf, ".aitunnel", "plugins", "*acme*")); err != nil || len(left) > 0 {
		t.Errorf("left after its removal: %v, %v", left, err)
	}
}
