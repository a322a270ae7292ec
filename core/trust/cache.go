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

// keepUnused is how long a copy that is not locked is kept: another process may be
// testing it.
const keepUnused = time.Hour

// Copy returns the private copy of an executable that [Store.Verify] accepted, and
// creates it if it does not exist. The bytes of the copy are verified each time.
func (s *Store) Copy(e Executable) (string, error) {
	if s.CacheDir == "" {
		return "", errors.New("there is no directory for the copies of verified plugins")
	}
	dir := filepath.Join(s.CacheDir, "sha256-"+e.SHA256)
	path := filepath.Join(dir, filepath.Base(e.Path))
	if err := PrivateDir(s.CacheDir); err != nil {
		return "", err
	}
	if exe, err := inspect(path); err == nil && exe.SHA256 == e.SHA256 {
		now := time.Now()
		_ = os.Chtimes(dir, now, now) // only for [Store.RemoveOldCopies]
		return path, nil
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("copying a verified plugin: %w", err)
	}
	err := copyVerified(e, dir, path)
	if err == nil {
		s.mu.Lock()
		s.made = append(s.made, path)
		s.mu.Unlock()
	}
	return path, err
}

// RemoveNewCopies removes copies that this store made and that are not in the lock file:
// those of executables that were tested and refused.
func (s *Store) RemoveNewCopies() {
	lock, err := s.Lock()
	if err != nil {
		return // it is unknown which copies are locked
	}
	locked := lock.hashes()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, path := range s.made {
		dir := filepath.Dir(path)
		entries, _ := os.ReadDir(dir) // none if it was removed meanwhile
		if locked[strings.TrimPrefix(filepath.Base(dir), "sha256-")] && len(entries) < 2 {
			continue
		}
		_ = os.Remove(path) // it can be copied again
		_ = os.Remove(dir)  // unless it has another copy
	}
	s.made = nil
}

// copyVerified hashes the file while copying it: one with another hash never gets the
// name under which it would run.
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

// FindCopy returns the path of the copy with a hash, "" if there is none or it is damaged.
func (s *Store) FindCopy(sum string) string {
	dir := filepath.Join(s.CacheDir, "sha256-"+sum)
	entries, _ := os.ReadDir(dir) // none if it was never copied
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		if exe, err := inspect(path); err == nil && exe.SHA256 == sum {
			return path
		}
	}
	return ""
}

// RemoveOldCopies removes copies that are not in the lock file and were not used for
// keepUnused. The lock file has the locked and the previous version of each plugin.
func (s *Store) RemoveOldCopies() {
	lock, err := s.Lock()
	if err != nil {
		return // it is unknown which copies are locked
	}
	locked := lock.hashes()
	entries, _ := os.ReadDir(s.CacheDir) // none if nothing was ever copied
	for _, entry := range entries {
		sum, copied := strings.CutPrefix(entry.Name(), "sha256-")
		info, err := entry.Info()
		if err == nil && copied && !locked[sum] && time.Since(info.ModTime()) > keepUnused {
			_ = os.RemoveAll(filepath.Join(s.CacheDir, entry.Name())) // it can be copied again
		}
	}
}

// PrivateDir creates a directory that only the user can read and write. It returns an
// error for an existing one that another user may have prepared.
func PrivateDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	return checkPrivate(dir)
}
