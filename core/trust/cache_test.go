package trust

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestACopyIsKeptWhileItIsUsedOrLocked(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "aitunnel-plugin-acme")
	if err := os.WriteFile(path, []byte("one"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := &Store{LockPath: filepath.Join(dir, FileName), CacheDir: filepath.Join(dir, "cache")}
	exe, err := s.Inspect(path)
	if err != nil {
		t.Fatal(err)
	}
	run, err := s.Copy(exe)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(run); err != nil || string(got) != "one" {
		t.Errorf("%q, %v", got, err)
	}
	if err := os.WriteFile(path, []byte("two"), 0o700); err != nil {
		t.Fatal(err)
	}
	if again, err := s.Copy(exe); err != nil || again != run {
		t.Errorf("the copy is not used again: %s, %v", again, err)
	}
	s.RemoveOldCopies()
	if _, err := os.Stat(run); err != nil {
		t.Errorf("a copy in use is removed: %v", err)
	}
	long := time.Now().Add(-2 * keepUnused)
	if err := os.Chtimes(filepath.Dir(run), long, long); err != nil {
		t.Fatal(err)
	}
	lock := Lock{}
	lock.Set("acme", Platform, Entry{SHA256: exe.SHA256})
	if err := lock.Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	s.RemoveOldCopies()
	if _, err := os.Stat(run); err != nil {
		t.Errorf("a copy that is locked is removed: %v", err)
	}
	if err := os.Remove(s.LockPath); err != nil {
		t.Fatal(err)
	}
	s.RemoveOldCopies()
	if _, err := os.Stat(run); err == nil {
		t.Error("an old copy is kept")
	}
	if _, err := s.Copy(exe); !errors.Is(err, errSwapped) {
		t.Errorf("other bytes are copied: %v", err)
	}
	if left, _ := filepath.Glob(filepath.Join(s.CacheDir, "*", "*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// TestCacheKeepsThePreviousVersion besides the locked one.
func TestCacheKeepsThePreviousVersion(t *testing.T) {
	dir := t.TempDir()
	s := &Store{LockPath: filepath.Join(dir, FileName), CacheDir: filepath.Join(dir, "cache")}
	lock, copies := Lock{}, []string{}
	long := time.Now().Add(-2 * keepUnused)
	for i, version := range []string{"1.0.0", "1.1.0", "1.2.0"} {
		path := filepath.Join(dir, "aitunnel-plugin-acme")
		if err := os.WriteFile(path, []byte(version), 0o700); err != nil { //nolint:gosec // it is executable
			t.Fatal(err)
		}
		exe, err := inspect(path)
		if err != nil {
			t.Fatal(err)
		}
		lock.Set("acme", Platform, Entry{version, exe.SHA256})
		run, err := s.Copy(exe)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(filepath.Dir(run), long, long); err != nil {
			t.Fatal(err)
		}
		if copies = append(copies, run); s.FindCopy(exe.SHA256) != run {
			t.Errorf("copy %d is not found", i)
		}
	}
	if err := lock.Write(s.LockPath); err != nil {
		t.Fatal(err)
	}
	s.RemoveOldCopies()
	for i, run := range copies {
		if _, err := os.Stat(run); (err == nil) != (i > 0) {
			t.Errorf("version %d: %v", i, err)
		}
	}
}
