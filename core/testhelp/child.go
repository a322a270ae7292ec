package testhelp

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"
)

// Child returns the executable for child processes that are the test binary itself.
// With the race detector, it is a second test binary of the package without it: a
// start with the race detector takes longer than everything most children do. It must
// be called in the directory of the package, as in TestMain.
func Child() string {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	if !Race {
		return self
	}
	dir, err := build([]string{"test", "-c", "-vet=off"}, ".")
	if err != nil {
		fmt.Fprintf(os.Stderr, "child processes run with the race detector: %v\n", err)
		return self
	}
	here, err := os.Getwd()
	if err != nil {
		panic(err)
	}
	return filepath.Join(dir, filepath.Base(here)+".test")
}

// Programs builds commands, and returns the directory with the programs. Each has the name
// of its package.
func Programs(packages ...string) (dir string) {
	dir, err := build([]string{"build"}, packages...)
	if err != nil {
		panic(err)
	}
	return dir
}

// build leaves what it builds where the next run finds it, so that it is linked again only
// after a change, and returns the directory.
func build(command []string, packages ...string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256([]byte(strings.Join(slices.Concat([]string{here}, command, packages), "\n")))
	dir := filepath.Join(os.TempDir(), fmt.Sprintf("aitunnel-tests-%d", os.Getuid()), fmt.Sprintf("%x", sum[:8]))
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	lock := flock.New(dir + ".lock")
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer func() { _ = lock.Unlock() }()
	flags := []string{"-ldflags=-s -w", "-o", dir + string(filepath.Separator)}
	cmd := exec.Command("go", slices.Concat(command, flags, packages)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build: most of it is in the build cache
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", command[0], err, out)
	}
	return dir, nil
}
