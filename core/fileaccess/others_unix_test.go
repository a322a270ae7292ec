//go:build unix

package fileaccess

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDenyOthers(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for mode, open := range map[os.FileMode]bool{0o700: false, 0o755: false, 0o775: false, 0o777: true, 0o702: true, 0o777 | os.ModeSticky: true} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		want := ""
		if open {
			want = asOwner("chmod o-w " + dir)
		}
		if got := DenyOthers(dir); got != want {
			t.Errorf("%s: %q, want %q", mode, got, want)
		}
	}
	if got := DenyOthers(filepath.Join(dir, "missing")); got != "" {
		t.Errorf("a missing directory: %q", got)
	}
}
