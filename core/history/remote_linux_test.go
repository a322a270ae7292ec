package history

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/aitunnel/aitunnel/core/testhelp"
)

func TestTheTypeOfAMount(t *testing.T) {
	t.Parallel()
	const mounts = "36 35 98:0 / / rw,noatime master:1 - ext4 /dev/root rw\n" +
		"44 36 0:52 / /srv/x rw,nosuid shared:7 - fuse.sshfs me@host:/ rw,user_id=0\n"
	for device, want := range map[string]string{"98:0": "ext4", "0:52": "fuse.sshfs", "0:53": ""} {
		if got := mountType(mounts, device); got != want {
			t.Errorf("%s: %q, want %q", device, got, want)
		}
	}
	if kind, remote := remoteFileSystem(t.TempDir()); remote {
		t.Errorf("the temporary directory is on %s", kind)
	}
}

// TestSSHFS keeps the history in a directory that sshfs has mounted.
func TestSSHFS(t *testing.T) {
	testhelp.Real(t)
	sshfs, err := exec.LookPath("sshfs")
	server := "/usr/lib/openssh/sftp-server"
	if _, missing := os.Stat(server); err != nil || missing != nil || os.Getuid() != 0 {
		t.Skip("sshfs and sftp-server are not installed, or the test does not run as root")
	}
	far, near := t.TempDir(), t.TempDir()
	mount := exec.CommandContext(t.Context(), sshfs, "-f", "-o", "passive", ":"+far, near)
	files := exec.CommandContext(t.Context(), server, "-d", far)
	var said bytes.Buffer
	mount.Stderr = &said
	if files.Stdin, err = mount.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if mount.Stdin, err = files.StdoutPipe(); err != nil {
		t.Fatal(err)
	}
	if err := mount.Start(); err != nil {
		t.Fatal(err)
	}
	if err := files.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = exec.Command("umount", "-l", near).Run()
		_ = mount.Process.Kill()
		_, _ = mount.Wait(), files.Wait()
	})
	kind := ""
	if !testhelp.Poll(10*time.Second, func() (remote bool) { kind, remote = remoteFileSystem(near); return remote }) {
		t.Skip("sshfs cannot mount here: " + said.String())
	}
	if kind != "sshfs" {
		t.Errorf("the file system is detected as %q", kind)
	}
	r := newRig(t, near)
	r.Add(time.Now(), one("req_1"))
	r.flush()
	if r.count("requests") != 1 || r.said("network file system (sshfs)") != 1 {
		t.Errorf("%d rows, %q", r.count("requests"), r.messages)
	}
	r.stop()
	if _, err := os.Stat(filepath.Join(far, FileName)); err != nil {
		t.Error(err)
	}
}
