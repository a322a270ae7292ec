//go:build linux

package daemon_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestAnEditOfAReadOnlyFileChangesNothing uses a file system that is mounted read-only.
func TestAnEditOfAReadOnlyFileChangesNothing(t *testing.T) {
	t.Parallel()
	home := site(t, "home")
	r := start(t, byHand+fmt.Sprintf(commented, home.URL()))
	disk := filepath.Join(r.dir, "disk")
	must(t, os.Mkdir(disk, 0o700))
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64k"); err != nil {
		t.Skipf("only root can mount a file system: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	elsewhere := filepath.Join(disk, "aitunnel.hcl")
	before := r.text()
	must(t, os.WriteFile(elsewhere, []byte(before), 0o600))
	must(t, os.Remove(r.path()))
	must(t, os.Symlink(elsewhere, r.path()))
	must(t, syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""))
	if got, _, b := r.ask("PUT", "/api/channels/home", `{"weight":5}`); got != 422 || !strings.Contains(string(b), "cannot be written") {
		t.Errorf("%d %s", got, b)
	}
	if w := r.channel("home").Weight; w != 1 || r.text() != before {
		t.Errorf("the weight is %v in\n%s", w, r.text())
	}
}
