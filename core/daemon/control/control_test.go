package control

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// TestTheSocketOfAService: it is in the directory of the service manager, open to the group,
// and commands find it with the state directory.
func TestTheSocketOfAService(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("sockets have no group on Windows")
	}
	state, shared := t.TempDir(), t.TempDir()
	s, err := Listen(state, shared)
	if err != nil {
		t.Fatal(err)
	}
	want := filepath.Join(shared, socketName)
	if got := Path(state); got != want {
		t.Errorf("commands look for it at %s, want %s", got, want)
	}
	info, err := os.Stat(want)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o660 {
		t.Errorf("its mode is %o", mode)
	}
	s.Close()
	if _, err := os.Stat(shared); err != nil {
		t.Errorf("the directory of the service manager was removed: %v", err)
	}
	if got := Path(state); got != filepath.Join(state, socketName) {
		t.Errorf("after it was closed, commands look for it at %s", got)
	}
}

// TestTheSocketAfterACrash: it is created again although the former one still exists.
func TestTheSocketAfterACrash(t *testing.T) {
	state, shared := t.TempDir(), t.TempDir()
	if _, err := Listen(state, shared); err != nil {
		t.Fatal(err)
	}
	s, err := Listen(state, "")
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if got := Path(state); got != filepath.Join(state, socketName) {
		t.Errorf("commands look for it at %s", got)
	}
}
