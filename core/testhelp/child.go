package testhelp

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

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
	built, err := build(".", "test", "-c", "-vet=off")
	if err != nil {
		fmt.Fprintf(os.Stderr, "child processes run with the race detector: %v\n", err)
		return self
	}
	return built
}

// Program builds the program in a folder of the current directory, and returns its path.
func Program(folder string) string {
	built, err := build(folder, "build")
	if err != nil {
		panic(err)
	}
	return built
}

// build leaves the binary where the next run finds it, so that it is linked again only
// after a change.
func build(folder string, command ...string) (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	cache := filepath.Join(os.TempDir(), fmt.Sprintf("aitunnel-tests-%d", os.Getuid()))
	if err := os.MkdirAll(cache, 0o700); err != nil {
		return "", err
	}
	path := filepath.Join(cache, fmt.Sprintf("%x.test", sha256.Sum256([]byte(filepath.Join(dir, folder))))[48:])
	lock := flock.New(path + ".lock")
	if err := lock.Lock(); err != nil {
		return "", err
	}
	defer func() { _ = lock.Unlock() }()
	cmd := exec.Command("go", append(command, "-ldflags=-s -w", "-o", path, folder)...)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0") // as make build: most of it is in the build cache
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go %s: %w: %s", command[0], err, out)
	}
	return path, nil
}
