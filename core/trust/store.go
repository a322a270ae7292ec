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
// concurrent use.
type Store struct {
	LockPath string // the lock file
	CacheDir string // for the copies; created with mode 0700 if necessary

	mu    sync.Mutex
	known map[string]inspected // results of Inspect, by path
	text  []byte               // of the lock file
	lock  Lock                 // parsed from it
	made  []string             // copies that this store made

	warnings []string // of the lock file
}

// Executable is a file as it was when it was read.
type Executable struct {
	Path     string
	SHA256   string
	Platform string // that it is built for; "" if unknown
}

type inspected struct {
	identity   string
	executable Executable
}

// State says whether the lock file allows an executable to run.
type State string

// The states.
const (
	Locked        State = "locked"
	Unlocked      State = "not_locked"
	Changed       State = "changed"        // its bytes differ from those locked
	OtherPlatform State = "other_platform" // built, or locked, for another platform only

	// Plugins without an executable to check: the built-in one, and one to which the program is
	// attached in a debugger.
	BuiltIn  State = "built-in"
	Attached State = "attached"
)

// States are all states.
var States = []State{Locked, Unlocked, Changed, OtherPlatform, BuiltIn, Attached}

// Text returns the state in words, for people.
func (s State) Text() string { return strings.ReplaceAll(string(s), "_", " ") }

// Refusal says why an executable may not run.
type Refusal struct {
	State    State
	Reason   string // a sentence without a full stop
	Lockable bool   // locking the executable would allow it to run
}

func (e *Refusal) Error() string { return e.Reason }

// Inspect hashes an executable. A file whose attributes have not changed is not read
// again. At worst the result is the hash of its earlier content; [Store.Copy] then
// returns a copy of that content, or an error.
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
		return last.executable, nil
	}
	exe, err := inspect(path)
	if err != nil {
		return exe, err
	}
	if time.Since(info.ModTime()) < time.Second { // another write within the clock's resolution would not be noticed
		return exe, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil {
		s.known = map[string]inspected{}
	}
	s.known[path] = inspected{identity, exe}
	return exe, nil
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

// Verify checks that the lock file allows the executable at path to run as the plugin
// name. The error is a [*Refusal] unless a file cannot be read.
func (s *Store) Verify(name, path string) (Executable, error) {
	lock, err := s.Lock()
	if err != nil {
		return Executable{}, err
	}
	exe, err := s.Inspect(path)
	if err != nil {
		return exe, err
	}
	return exe, s.check(lock[name], exe)
}

func (s *Store) check(p *Plugin, exe Executable) error {
	if exe.Platform != "" && exe.Platform != Platform {
		return &Refusal{OtherPlatform, fmt.Sprintf("it is built for %s, but this is %s", exe.Platform, Platform), false}
	}
	if p == nil || len(p.Platforms) == 0 {
		return &Refusal{Unlocked, "it is not in the lock file " + s.LockPath, true}
	}
	entry, ok := p.Platforms[Platform]
	switch {
	case !ok:
		others := strings.Join(slices.Sorted(maps.Keys(p.Platforms)), " and ")
		return &Refusal{OtherPlatform, fmt.Sprintf("the lock file %s allows it on %s, but not on %s", s.LockPath, others, Platform), true}
	case entry.SHA256 != exe.SHA256:
		return &Refusal{Changed, fmt.Sprintf("it has changed since it was locked: its sha256 is %s…, but %s has %s…", exe.SHA256[:12], s.LockPath, entry.SHA256[:12]), true}
	}
	return nil
}

// Lock returns the current content of the lock file. The caller may change it.
func (s *Store) Lock() (Lock, error) {
	text, err := readLock(s.LockPath)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock != nil && bytes.Equal(text, s.text) {
		return s.lock.clone(), nil
	}
	lock, warnings, err := parseLock(s.LockPath, text)
	if err != nil {
		return nil, err
	}
	s.text, s.lock, s.warnings = text, lock, warnings
	return lock.clone(), nil
}

// Warnings returns a warning for each part of the lock file that is ignored.
func (s *Store) Warnings() []string {
	_, _ = s.Lock() // callers that need the content report the error
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.warnings)
}

// errSwapped says that an executable changed after it was verified.
var errSwapped = errors.New("the file changed between its verification and its start: find out what writes to it, then try again")
