//go:build unix

package pluginhost

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/testhelp"
	"github.com/aitunnel/aitunnel/sdk"
)

func TestEnvironmentOfAPlugin(t *testing.T) {
	t.Setenv("CANARY_API_KEY", "sk-canary")
	t.Setenv("HTTPS_PROXY", "http://user:canary@127.0.0.1:1")
	t.Setenv("LC_ALL", "C")
	r := newRig(t, quick, serveAs("good")...)
	block := &config.Plugin{Name: "acme", Path: r.lock("acme", script(t, "good")), Env: map[string]config.Secret{"OWN": config.NewSecret("mine")}}
	i, err := r.Open(t.Context(), &config.Component{Kind: sdk.KindStrategy, Plugin: "acme", Name: "order"}, block, "test", nil)
	if err != nil {
		t.Fatal(err)
	}
	p, err := plan(t, i, "env")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.Reason, "canary") {
		t.Error("the host's secrets are in the plugin's environment")
	}
	for _, want := range []string{"OWN=mine", "LC_ALL=C", "PATH="} {
		if !strings.Contains(p.Reason, want) {
			t.Errorf("%s is missing", want)
		}
	}
	if p, err := plan(t, i, "dir"); err != nil || p.Reason != "/" {
		t.Errorf("working directory: %q, %v", p.Reason, err)
	}
}

func TestDescriptorsOfAPlugin(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("needs /proc")
	}
	canary, err := os.Create(filepath.Join(t.TempDir(), "canary"))
	if err != nil {
		t.Fatal(err)
	}
	defer canary.Close()
	r := newRig(t, quick, serveAs("good")...)
	p, err := plan(t, r.open(order(`{}`)), "fds")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Reason, "0 /dev/null") || strings.Contains(p.Reason, "canary") {
		t.Errorf("open in the plugin:\n%s", p.Reason)
	}
}

func TestChildrenOfAPluginAreKilled(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	i := r.open(order(`{}`))
	p, err := plan(t, i, "child")
	if err != nil {
		t.Fatal(err)
	}
	child, _ := strconv.Atoi(p.Reason)
	if !alive(child) {
		t.Fatal("there is no child")
	}
	pid := r.pid()
	_ = syscall.Kill(pid, syscall.SIGKILL)
	recovers(t, r, i, pid)
	testhelp.Eventually(t, "the child has ended", func() bool { return !alive(child) })
}

func TestHostKilled(t *testing.T) {
	for _, role := range []string{"running", "with a stopped plugin"} {
		t.Run(role, func(t *testing.T) {
			dir := shortDir(t)
			argv := serveAs("host", dir)
			cmd := exec.Command(argv[0], argv[1:]...)
			out, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			line, _ := bufio.NewReader(out).ReadString('\n')
			var pid int
			if _, err := fmt.Sscanf(line, "pid %d", &pid); err != nil || !alive(pid) {
				t.Fatalf("the host printed %q: %v", line, err)
			}
			if role != "running" {
				testhelp.Suspend(t, pid)
			}
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			testhelp.Eventually(t, "the plugin has ended", func() bool { return !alive(pid) })
			if left, _ := os.ReadDir(dir); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

// TestLifeline shows that a plugin ends after its host has ended, even without the
// parent-death signal of Linux.
func TestLifeline(t *testing.T) {
	r := newRig(t, quick, serveAs("good")...)
	r.open(order(`{}`))
	v := r.running()[0]
	p, err := v.ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_ = p.conn.Close() // breaks the connection, without a signal
	testhelp.Eventually(t, "the plugin has ended", func() bool { return !p.alive() })
	if got := p.runner.exit(); got != "exit status 0" {
		t.Errorf("it ended with %s", got)
	}
}

func TestOldSocketDirectories(t *testing.T) {
	dir := shortDir(t)
	old, recent := filepath.Join(dir, "plugin-dir1"), filepath.Join(dir, "plugin-dir2")
	for _, d := range []string{old, recent} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	hourAgo := time.Now().Add(-time.Hour)
	if err := os.Chtimes(old, hourAgo, hourAgo); err != nil {
		t.Fatal(err)
	}
	if _, err := prepareSocketDir(dir, time.Minute); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(old); !errors.Is(err, os.ErrNotExist) {
		t.Error("the old directory still exists")
	}
	if _, err := os.Stat(recent); err != nil {
		t.Error("the directory of another host was removed")
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if _, err := prepareSocketDir(dir, time.Minute); err == nil {
		t.Error("a directory that others can read was accepted")
	}
}

// TestSocketDirectoryIsShort, because the path of a socket is limited: also if the one that is
// asked for and that for temporary files are long.
func TestSocketDirectoryIsShort(t *testing.T) {
	long := filepath.Join(t.TempDir(), strings.Repeat("x", maxSocketDir))
	t.Setenv("TMPDIR", long)
	for _, dir := range []string{"", long} {
		got, err := prepareSocketDir(dir, time.Minute)
		if err != nil || !isSocketDir(got) {
			t.Errorf("%q: %q, %v", dir, got, err)
		}
	}
}
