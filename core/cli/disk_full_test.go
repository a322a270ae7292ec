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

// TestAFullDiskLosesNothingSilently: with a full disk a restart is refused, as the new
// process would not know of a pause, and a stop says what is lost.
func TestAFullDiskLosesNothingSilently(t *testing.T) {
	t.Parallel()
	dir, state := smallDisk(t, "1m")
	conf := filepath.Join(dir, "aitunnel.hcl")
	text := "proxy {\n listen = \"127.0.0.1:0\"\n}\nadmin {\n listen = \"\"\n}\nchannel \"home\" {\n target = \"http://127.0.0.1:9\"\n auth = \"none\"\n}\n"
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := &foreground{t: t, state: state, err: &lockedBuffer{}, ended: make(chan struct{})}
	f.cmd = exec.Command("aitunnel", "start", "-f", "-c", conf, "--state-dir", state)
	f.begin("RUNTIME_DIRECTORY=" + t.TempDir()) // as of a system service
	before := f.ready()
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
	run := func(args ...string) (string, error) {
		out, err := exec.Command("aitunnel", append(args, "--state-dir", state)...).CombinedOutput()
		return string(out), err
	}
	fill()
	if out, err := run("channel", "pause", "home"); err != nil {
		t.Fatal(out)
	}
	fill()
	testhelp.Eventually(t, "status says that the state cannot be saved", func() bool {
		out, _ := run("status")
		return strings.Contains(out, "Error: the state cannot be saved and would be lost in a restart: ")
	})
	if out, err := run("channel", "pause", "home"); err != nil || !strings.Contains(out, "warning: the state cannot be saved and would be lost in a restart: ") {
		t.Errorf("pause: %v\n%s", err, out)
	}
	isPaused := func(s admin.Status) bool { return s.Channels.States[admin.StatePaused] == 1 }
	for _, how := range []string{"restart", "restart --now"} {
		fill()
		out, err := run(strings.Fields(how)...)
		if err == nil || !strings.Contains(out, "nothing was restarted: the state cannot be saved") || !strings.Contains(out, "no space left") || !strings.Contains(out, "'sudo systemctl restart aitunnel'") {
			t.Errorf("%s: %v\n%s", how, err, out)
		}
		if s := f.ready(); !s.StartedAt.Equal(before.StartedAt) || !isPaused(s) {
			t.Errorf("after %s: %+v", how, s)
		}
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if out, err := run("restart"); err != nil {
		t.Fatalf("with room: %v\n%s", err, out)
	}
	if s := f.ready(); s.StartedAt.Equal(before.StartedAt) || !isPaused(s) {
		t.Errorf("after a restart with room: %+v", s)
	}
	fill()
	if out, err := run("channel", "resume", "home"); err != nil {
		t.Fatal(out)
	}
	fill()
	out, err := run("stop")
	if err != nil || !strings.Contains(out, "the latest changes of state are lost: the state cannot be saved") {
		t.Errorf("stop: %v\n%s", err, out)
	}
	if err := f.wait(); err != nil {
		t.Error(err)
	}
	if log := f.err.String(); !strings.Contains(log, "are lost because the program stops") {
		t.Error("the log does not say what was lost")
	}
}

// TestAStartOnAFullDisk says why it fails, although the messages of the background process
// cannot be kept in the state directory.
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

// smallDisk returns a directory, and a state directory in it that is a disk of the size.
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
