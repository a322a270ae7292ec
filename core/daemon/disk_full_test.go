//go:build linux

package daemon_test

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/testhelp"
)

// TestTheDiskIsFull: a full disk does not affect requests, and is reported once; when there is
// room again, the state is saved.
func TestTheDiskIsFull(t *testing.T) {
	t.Parallel()
	r := &running{t: t, log: &lockedBuffer{}, dir: t.TempDir(), time: &clock{}}
	state := filepath.Join(r.dir, "state")
	must(t, os.Mkdir(state, 0o700))
	if err := syscall.Mount("tmpfs", state, "tmpfs", 0, "size=256k"); err != nil {
		t.Skipf("only root can mount a small disk: %v", err)
	}
	t.Cleanup(func() {
		r.stop()
		if err := syscall.Unmount(state, 0); err != nil {
			t.Error(err)
		}
	})
	r.stop = func() {}
	s := site(t, "a")
	r.save(one(s.URL(), ""))
	r.run()
	filler := filepath.Join(state, "filler")
	fill := func() {
		f, err := os.OpenFile(filler, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		must(t, err)
		for err == nil {
			_, err = f.Write(make([]byte, 4096))
		}
		_ = f.Close()
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	fill()
	saved := filepath.Join(state, "state.json")
	for range 20 {
		if got := r.post(chat, ask); got.status != 200 {
			t.Fatalf("%+v", got)
		}
	}
	unsaved := func() string {
		var s admin.Status
		r.adminGet("/api/status", &s)
		return strings.Join(s.Unsaved, "\n")
	}
	testhelp.Eventually(t, "the status says that state and history cannot be written", func() bool {
		fill() // the program may have made room by removing a file
		text := unsaved()
		return strings.Contains(text, "the state cannot be saved") && strings.Contains(text, "the history cannot be written")
	})
	testhelp.Eventually(t, "the log says the same", func() bool {
		return strings.Contains(r.log.String(), "the state cannot be saved and would be lost in a restart: "+saved+": no space left on device") &&
			strings.Contains(r.log.String(), "the disk is full; requests are not affected")
	})
	if now, err := os.ReadFile(saved); err == nil && !json.Valid(now) {
		t.Errorf("the state file is damaged: %s", now)
	}
	if got := r.post(chat, ask); got.status != 200 {
		t.Fatalf("%+v", got)
	}
	must(t, os.Remove(filler))
	testhelp.Eventually(t, "the state is saved again", func() bool {
		b, _ := os.ReadFile(saved)
		return strings.Contains(string(b), `"requests":21`) && strings.Contains(r.log.String(), "can be saved again")
	})
	testhelp.Eventually(t, "the status no longer mentions it", func() bool { return !strings.Contains(unsaved(), "the state ") })
	testhelp.Eventually(t, "each failure is reported once, and its end", func() bool {
		return strings.Count(r.log.String(), "the state cannot be saved") == strings.Count(r.log.String(), "the state can be saved again")
	})
}
