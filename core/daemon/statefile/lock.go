package statefile

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

// Holder is the daemon that owns a state directory.
type Holder struct {
	PID     int       `json:"pid"`
	Config  string    `json:"config"`
	Version string    `json:"version"`
	Since   time.Time `json:"since"`
}

// RunningError says that another daemon owns the state directory.
type RunningError struct {
	Dir    string
	Holder Holder // zero if unknown
}

func (e *RunningError) Error() string {
	who := "another aitunnel"
	if h := e.Holder; h.PID > 0 {
		who = fmt.Sprintf("aitunnel %s, pid %d, with %s since %s", h.Version, h.PID, h.Config, h.Since.Local().Format("2006-01-02 15:04:05"))
	}
	return fmt.Sprintf("already running: %s (state directory %s); see 'aitunnel status', or choose another directory with --state-dir", who, e.Dir)
}

// Lock reserves a state directory for one daemon. The system releases it when the
// process ends, in whatever way; the file that names the holder may be outdated.
type Lock struct {
	file   *flock.Flock
	holder string // the file that names the holder, a separate one since a locked file cannot be read on Windows
}

// lookTime is longer than checking the lock takes.
const lookTime = 200 * time.Millisecond

// Acquire locks a state directory, or returns who holds the lock.
func Acquire(dir string, h Holder) (*Lock, error) {
	l := &Lock{file: flock.New(filepath.Join(dir, "daemon.lock"), flock.SetPermissions(0o600)), holder: holderFile(dir)}
	// A process that only checks the lock also holds it for a moment.
	ctx, cancel := context.WithTimeout(context.Background(), lookTime)
	defer cancel()
	ok, err := l.file.TryLockContext(ctx, lookTime/10)
	if err != nil && ctx.Err() == nil {
		return nil, fmt.Errorf("the state directory cannot be locked: %w; choose another with --state-dir", err)
	}
	if !ok {
		return nil, &RunningError{Dir: dir, Holder: readHolder(dir)}
	}
	b, err := json.Marshal(h)
	if err == nil {
		err = os.WriteFile(l.holder, b, 0o600)
	}
	if err != nil {
		_ = l.file.Unlock()
		return nil, fmt.Errorf("the state directory cannot be written: %w; choose another with --state-dir", err)
	}
	return l, nil
}

// probeSize is more than the small files of the directory need.
const probeSize = 64 << 10

// Probe reports why files of a state directory cannot be written.
func Probe(dir string) error {
	f, err := os.CreateTemp(dir, ".probe-")
	if err == nil {
		_, err = f.Write(make([]byte, probeSize))
		err = errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	if err != nil {
		return fmt.Errorf("the state directory cannot be written: %w", err)
	}
	return nil
}

// Release releases the lock. Its file stays: if it were removed, two daemons could
// lock two files of that name.
func (l *Lock) Release() error {
	_ = os.Remove(l.holder) // a leftover does no harm: the lock decides
	return l.file.Unlock()
}

// HolderOf returns who holds the state directory, nil if no process does.
func HolderOf(dir string) *Holder {
	path := filepath.Join(dir, "daemon.lock")
	if _, err := os.Stat(path); err != nil {
		return nil
	}
	probe := flock.New(path, flock.SetFlag(os.O_RDONLY))
	if ok, err := probe.TryRLock(); ok || err != nil {
		_ = probe.Unlock()
		return nil
	}
	h := readHolder(dir)
	return &h
}

func holderFile(dir string) string { return filepath.Join(dir, "daemon.json") }

func readHolder(dir string) (h Holder) {
	if b, err := os.ReadFile(holderFile(dir)); err == nil {
		_ = json.Unmarshal(b, &h) // unknown while the holder is still writing it
	}
	return h
}
