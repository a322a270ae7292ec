package edit

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestAWrittenFileKeepsItsOwner(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	path := filepath.Join(t.TempDir(), "a.hcl")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 65534, 65533); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new"), ""); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != 65534 || s.Gid != 65533 || info.Mode().Perm() != 0o640 {
		t.Errorf("owner %d:%d, mode %v", s.Uid, s.Gid, info.Mode())
	}
}

// TestAMountedFileIsOverwritten: containers mount single files.
func TestAMountedFileIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	source, path := filepath.Join(dir, "source.hcl"), filepath.Join(dir, "mounted.hcl")
	for name, text := range map[string]string{source: "a longer text", path: ""} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := syscall.Mount(source, path, "", syscall.MS_BIND, ""); err != nil {
		t.Skip("this machine does not let the test mount a file: ", err)
	}
	defer func() { _ = syscall.Unmount(path, syscall.MNT_DETACH) }()
	copies := t.TempDir()
	if err := Write(path, []byte("new"), copies); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(copies, copyName)); err != nil || string(b) != "a longer text" {
		t.Errorf("the copy of the old content: %q %v", b, err)
	}
	if b, err := os.ReadFile(source); err != nil || string(b) != "new" {
		t.Errorf("%q %v", b, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("something is left behind: %v", files)
	}
}

func TestAFileWithALongName(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 251)+".hcl")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, []byte("new"), ""); err != nil {
		t.Fatal(err)
	}
}

// TestAFileInAReadOnlyDirectoryIsOverwritten: as with a writable file that is mounted into a
// read-only tree.
func TestAFileInAReadOnlyDirectoryIsOverwritten(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a.hcl")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o500); err != nil { //nolint:gosec // a directory
		t.Fatal(err)
	}
	defer func() { _ = os.Chmod(dir, 0o700) }() //nolint:gosec // a directory
	if f, err := os.CreateTemp(dir, "x"); err == nil {
		_ = f.Close()
		t.Skip("this user can write everywhere")
	}
	copies := t.TempDir()
	if err := Write(path, []byte("new"), copies); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{path: "new", filepath.Join(copies, copyName): "old"} {
		if b, err := os.ReadFile(name); err != nil || string(b) != want {
			t.Errorf("%s: %q %v", name, b, err)
		}
	}
}
