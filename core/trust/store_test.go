package trust

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestVerifySeesChanges of the lock file, and of an executable that is replaced by one with the
// same size and modification time.
func TestVerifySeesChanges(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel-plugin-acme")
	write := func(text string) {
		t.Helper()
		old := time.Now().Add(-time.Hour)
		if err := errors.Join(os.WriteFile(path+".new", []byte(text), 0o700), os.Rename(path+".new", path), os.Chtimes(path, old, old)); err != nil {
			t.Fatal(err)
		}
	}
	s := &Store{LockPath: filepath.Join(dir, FileName), CacheDir: filepath.Join(dir, "cache")}
	write("#!/bin/sh\n# one\n")
	verify := func(want State) Executable {
		t.Helper()
		exe, err := s.Verify("acme", path)
		var refusal *Refusal
		errors.As(err, &refusal)
		if want == Locked && err != nil || want != Locked && (refusal == nil || refusal.State != want) {
			t.Fatalf("%v, want %s", err, want)
		}
		return exe
	}
	lock := Lock{}
	one := verify(Unlocked)
	lock.Set("acme", Platform, Entry{SHA256: one.SHA256})
	if err := lock.Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	verify(Locked)
	if os.PathSeparator == '/' { // only there the ctime is known
		write("#!/bin/sh\n# two\n")
		verify(Changed)
	}
	if err := (Lock{}).Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	verify(Unlocked)
}
