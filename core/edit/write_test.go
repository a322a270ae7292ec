package edit

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestAFileIsReplacedInPlace(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real.hcl"), filepath.Join(dir, "link.hcl")
	if err := os.WriteFile(path, []byte("old"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(path, link); err != nil {
		t.Skip("no links here: ", err)
	}
	if err := Write(link, []byte("new"), ""); err != nil {
		t.Fatal(err)
	}
	info, err := os.Lstat(link)
	if err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info, err)
	}
	info, err = os.Stat(path)
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", info, err)
	}
	if b, _ := os.ReadFile(path); string(b) != "new" {
		t.Errorf("%q", b)
	}
	if files, _ := os.ReadDir(dir); len(files) != 2 {
		t.Errorf("something is left behind: %v", files)
	}
	if err := Write(filepath.Join(dir, "none.hcl"), nil, ""); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
}
