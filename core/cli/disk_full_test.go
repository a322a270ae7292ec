//go:build linux

package cli

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestAFullDiskLosesNothingSilently: while the disk is full, a restart is refused, because the
// new process would not know of a pause, and a stop says what is lost.
func TestAFullDiskLosesNothingSilently(t *testing.T) {
	t.Parallel()
	dir, state := smallDisk(t, "1m")
	i := newInstance(t, dir, homeConfig("http://127.0.0.1:9"))
	i.start(exec.Command("aitunnel", "start", "-f", "-c", i.config, "--state-dir", state), "RUNTIME_DIRECTORY="+t.TempDir()) // as a system service
	before := i.ready()
	filler := filepath.Join(state, "filler")
	fill := func() {
		out, err := os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		for err == nil {
			_, err = out.Write(make([]byte, 4096))
		}
		if _ = out.Close(); !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	fill()
	if out, err := i.try("channel", "pause", "home"); err != nil {
		t.Fatal(out)
	}
	fill()
	testhelp.Eventually(t, "status says that the state cannot be saved", func() bool {
		out, _ := i.try("status")
		return strings.Contains(out, "Error: the state cannot be saved and would be lost in a restart: ")
	})
	if out, err := i.try("channel", "pause", "home"); err != nil || !strings.Contains(out, "warning: the state cannot be saved and would be lost in a restart: ") {
		t.Errorf("pause: %v\n%s", err, out)
	}
	isPaused := func(s admin.Status) bool { return s.Channels.States[admin.StatePaused] == 1 }
	for _, how := range []string{"restart", "restart --now"} {
		fill()
		out, err := i.try(strings.Fields(how)...)
		if err == nil || !strings.Contains(out, "nothing was restarted: the state cannot be saved") || !strings.Contains(out, "no space left") || !strings.Contains(out, "'sudo systemctl restart aitunnel'") {
			t.Errorf("%s: %v\n%s", how, err, out)
		}
		if s := i.ready(); !s.StartedAt.Equal(before.StartedAt) || !isPaused(s) {
			t.Errorf("after %s: %+v", how, s)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if out, err := i.try("restart"); err != nil {
		t.Fatalf("with free space: %v\n%s", err, out)
	}
	if s := i.ready(); s.StartedAt.Equal(before.StartedAt) || !isPaused(s) {
		t.Errorf("after a restart with free space: %+v", s)
	}
	fill()
	if out, err := i.try("channel", "resume", "home"); err != nil {
		t.Fatal(out)
	}
	fill()
	out, err := i.try("stop")
	if err != nil || !strings.Contains(out, "the latest changes of state are lost: the state cannot be saved") {
		t.Errorf("stop: %v\n%s", err, out)
	}
	if err := i.wait(); err != nil {
		t.Error(err)
	}
	if log := i.stderr.String(); !strings.Contains(log, "are lost because the program stops") {
		t.Error("the log does not say what was lost")
	}
}

// TestAStartOnAFullDisk says why it fails, although the background process cannot write its
// messages to the state directory.
func TestAStartOnAFullDisk(t *testing.T) {
	t.Parallel()
	dir, state := smallDisk(t, "64k")
	if err := os.WriteFile(filepath.Join(state, "filler"), make([]byte, 64<<10), 0o600); err != nil {
		t.Fatal(err)
	}
	conf := filepath.Join(dir, "aitunnel.hcl")
	if err := os.WriteFile(conf, []byte("channel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("aitunnel", "start", "-c", conf, "--state-dir", state).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "no space left on device") {
		t.Errorf("%v: %q", err, out)
	}
}

// smallDisk returns a directory, and the path of its subdirectory "state", which is a disk of
// this size.
func smallDisk(t *testing.T, size string) (dir, state string) {
	t.Helper()
	dir = t.TempDir()
	state = filepath.Join(dir, "state")
	if err := os.Mkdir(state, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("only root can mount a small disk: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(state, syscall.MNT_DETACH) })
	return dir, state
}
