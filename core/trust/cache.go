package trust

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// keepUnused is how long a copy that is not started is kept.
const keepUnused = 30 * 24 * time.Hour

// Copy returns the private copy of an executable that [Store.Verify] accepted, and
// makes it if it does not exist. The bytes of the copy are verified each time.
func (s *Store) Copy(e Executable) (string, error) {
	if s.CacheDir == "" {
		return "", errors.New("there is no directory for the copies of verified plugins")
	}
	dir := filepath.Join(s.CacheDir, "sha256-"+e.SHA256)
	path := filepath.Join(dir, filepath.Base(e.Path))
	if err := PrivateDir(s.CacheDir); err != nil {
		return "", err
	}
	if is, err := inspect(path); err == nil && is.SHA256 == e.SHA256 {
		now := time.Now()
		_ = os.Chtimes(dir, now, now) // for the sweep; nothing else depends on it
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("copying a verified plugin: %w", err)
	}
	return path, copyVerified(e, dir, path)
}

// copyVerified hashes while it copies: a file with another hash never gets the name
// under which it would run.
func copyVerified(e Executable, dir, path string) error {
	from, err := os.Open(e.Path)
	if err != nil {
		return err
	}
	defer func() { _ = from.Close() }()
	temp, sum, err := copyOut(from, dir)
	if err != nil {
		return fmt.Errorf("copying a verified plugin: %w", err)
	}
	if sum != e.SHA256 {
		return errors.Join(errSwapped, os.Remove(temp))
	}
	if err := os.Rename(temp, path); err != nil {
		return errors.Join(err, os.Remove(temp))
	}
	return nil
}

func copyOut(from io.Reader, dir string) (path, sum string, err error) {
	// A process that is forked while the file is open for writing holds it open until
	// its exec, and Linux does not execute a file that is open for writing.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	to, err := os.CreateTemp(dir, ".new-*")
	if err != nil {
		return "", "", err
	}
	h := sha256.New()
	_, err = io.Copy(io.MultiWriter(to, h), from)
	if err = errors.Join(err, to.Close(), os.Chmod(to.Name(), 0o500)); err != nil {
		return "", "", errors.Join(err, os.Remove(to.Name()))
	}
	return to.Name(), hex.EncodeToString(h.Sum(nil)), nil
}

// Sweep removes the copies that nobody has started for a long time, unless they
// are locked: a process that runs as long may need its copy once more.
func (s *Store) Sweep() {
	locked := map[string]bool{}
	lock, _ := s.Lock() // of one that cannot be read nothing runs
	for _, platforms := range lock {
		locked["sha256-"+platforms[Platform].SHA256] = true
	}
	entries, _ := os.ReadDir(s.CacheDir) // none if nothing was ever copied
	for _, entry := range entries {
		name := entry.Name()
		info, err := entry.Info()
		if err == nil && strings.HasPrefix(name, "sha256-") && time.Since(info.ModTime()) > keepUnused && !locked[name] {
			_ = os.RemoveAll(filepath.Join(s.CacheDir, name)) // it can be made again
		}
	}
}

// PrivateDir makes a directory that only the user can write to and read, and
// refuses one that another user could have planted.
func PrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return checkPrivate(dir)
}
