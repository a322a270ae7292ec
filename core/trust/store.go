package trust

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// Store verifies executables, and keeps the copies that run. It is safe for
// use by many goroutines.
type Store struct {
	LockPath string // of the lock file
	CacheDir string // of the copies; made with mode 0700 if need be

	mu    sync.Mutex
	known map[string]seen // what files were when they were read last
	text  []byte          // of the lock file
	lock  Lock            // parsed from it
}

// Executable is a file as it was when it was read.
type Executable struct {
	Path     string
	SHA256   string
	Platform string // for which it is built; "" if unknown
}

type seen struct {
	identity string
	is       Executable
}

// State is what the lock file says of an executable.
type State string

// The states.
const (
	Locked   State = "locked"
	Unlocked State = "not locked"
	Changed  State = "changed"        // other bytes than those locked
	Foreign  State = "other platform" // built, or locked, for another platform only
)

// Refusal says why an executable may not run.
type Refusal struct {
	State  State
	Reason string // a sentence without its full stop
	Remedy bool   // locking it would mend that
}

func (e *Refusal) Error() string { return e.Reason }

// Inspect reads an executable. A file that is the same as before, by its
// attributes, is not read again: at worst this gives a hash that was true
// earlier, and then the bytes of that hash are what runs.
func (s *Store) Inspect(path string) (Executable, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Executable{}, err
	}
	identity := Identity(info)
	s.mu.Lock()
	last, ok := s.known[path]
	s.mu.Unlock()
	if ok && last.identity == identity {
		return last.is, nil
	}
	is, err := inspect(path)
	if err != nil {
		return is, err
	}
	if time.Since(info.ModTime()) < time.Second { // it may be written to still, within the clock's grain
		return is, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]seen{}
	}
	s.known[path] = seen{identity, is}
	return is, nil
}

func inspect(path string) (Executable, error) {
	f, err := os.Open(path)
	if err != nil {
		return Executable{}, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return Executable{}, err
	}
	return Executable{Path: path, SHA256: hex.EncodeToString(h.Sum(nil)), Platform: PlatformOf(f)}, nil
}

// Verify says whether the lock file lets the executable at path run as the
// plugin called name. The error is a [*Refusal] unless a file cannot be read.
func (s *Store) Verify(name, path string) (Executable, error) {
	lock, err := s.Lock()
	if err != nil {
		return Executable{}, err
	}
	is, err := s.Inspect(path)
	if err != nil {
		return is, err
	}
	return is, s.judge(lock[name], is)
}

func (s *Store) judge(locked map[string]Entry, is Executable) error {
	if is.Platform != "" && is.Platform != Platform {
		return &Refusal{Foreign, fmt.Sprintf("it is built for %s, and this is %s", is.Platform, Platform), false}
	}
	if len(locked) == 0 {
		return &Refusal{Unlocked, "it is not in the lock file " + s.LockPath, true}
	}
	entry, ok := locked[Platform]
	switch {
	case !ok:
		others := strings.Join(slices.Sorted(maps.Keys(locked)), " and ")
		return &Refusal{Foreign, fmt.Sprintf("the lock file %s has it for %s, not for %s", s.LockPath, others, Platform), true}
	case entry.SHA256 != is.SHA256:
		return &Refusal{Changed, fmt.Sprintf("its bytes are not those that were locked: it has the sha256 %s…, and %s says %s…", is.SHA256[:12], s.LockPath, entry.SHA256[:12]), true}
	}
	return nil
}

// Lock is the content of the lock file, as it is now.
func (s *Store) Lock() (Lock, error) {
	text, err := os.ReadFile(s.LockPath)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("the lock file cannot be read: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock != nil && bytes.Equal(text, s.text) {
		return s.lock, nil
	}
	lock, err := parseLock(s.LockPath, text)
	if err == nil {
		s.text, s.lock = text, lock
	}
	return lock, err
}

// errSwapped is for an executable that is not what was verified any more.
var errSwapped = errors.New("it was changed between its check and its start: look who writes to it, and start again")
