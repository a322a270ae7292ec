package control

import (
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestListenWithLongPaths of the state directory and of the directory for temporary files.
func TestListenWithLongPaths(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("the fallback is /tmp")
	}
	dir := filepath.Join(t.TempDir(), strings.Repeat("x", maxSocketPath))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", dir)
	s, err := Listen(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.remove)
	c, err := net.Dial("unix", Path(dir))
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
	_ = s.listener.Close()
}
