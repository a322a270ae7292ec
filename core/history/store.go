package history

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// Settings say what is recorded.
type Settings struct {
	Enabled bool
	Keep    time.Duration // of the records of requests
	MaxSize int64         // of the file in bytes
	Zone    *time.Location
}

// Options of [Start].
type Options struct {
	Dir    string // of the file
	Report func(level event.Level, message string)
	Now    func() time.Time // default time.Now

	remote func(dir string) (kind string, remote bool) // default remoteFileSystem
}

// FileName is the name of the file in the state directory.
const FileName = "history.db"

// Store is the history of the running program. It is safe for concurrent use.
type Store struct {
	options  Options
	path     string
	settings atomic.Pointer[Settings]
	keys     atomic.Pointer[[]Key] // of the configuration; nil: not known

	mu       sync.Mutex // guards the queue; only held briefly
	queue    []item
	room     int    // how many more rows the queue accepts until the writer makes room
	overflow deltas // sums of rows for which there was no room
	dropped  uint64 // how many rows that were

	wake   chan struct{} // holds a token when a transaction's worth of rows waits
	ask    chan func()   // to be run by the writer
	ended  chan struct{}
	cancel context.CancelFunc

	abandoned atomic.Bool            // the rest is not written
	trouble   atomic.Pointer[string] // why the file cannot be written now; nil: it can

	file   atomic.Pointer[file] // nil: not open
	writer writer
}

// How much is written at once, and how much may wait.
const (
	queueSize   = 8192
	perCommit   = 500
	commitEvery = time.Second

	// maxRate is how many rows per second are recorded in the long run: a row takes 15
	// to 20 µs of CPU time, so this is a fiftieth of a core. Bursts up to the size of
	// the queue are recorded too.
	maxRate = 1000
)

// Start returns a store that records nothing until [Store.Configure] is called.
func Start(o Options) *Store {
	return startWith(o, maxRate)
}

func startWith(o Options, rate float64) *Store {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.remote == nil {
		o.remote = remoteFileSystem
	}
	ctx, cancel := context.WithCancel(context.Background())
	s := &Store{
		options: o, path: filepath.Join(o.Dir, FileName), queue: make([]item, 0, queueSize), room: queueSize, overflow: deltas{},
		wake: make(chan struct{}, 1), ask: make(chan func()), ended: make(chan struct{}), cancel: cancel,
	}
	s.settings.Store(&Settings{Zone: time.Local})
	s.writer = writer{store: s, spare: make([]item, 0, queueSize), sums: deltas{}, rate: rate, madeRoom: time.Now()}
	go s.writer.run(ctx)
	return s
}

// Configure sets what is recorded from now on.
func (s *Store) Configure(to Settings) {
	if to.Zone == nil {
		to.Zone = time.Local
	}
	s.settings.Store(&to)
	s.nudge()
}

// Add records a request that ended. It never waits for the file, and the record must
// not be changed afterwards. If there is no room for the row, it only counts in the
// sums.
func (s *Store) Add(ended time.Time, r *event.Request) {
	settings := s.settings.Load()
	if !settings.Enabled {
		return
	}
	i := item{ended, r}
	s.mu.Lock()
	fits := s.room > 0
	if fits {
		s.room--
		s.queue = append(s.queue, i)
	} else {
		s.overflow.add(i, settings.Zone, s.overflow.name(r))
		s.dropped++
	}
	n := len(s.queue)
	s.mu.Unlock()
	if fits && n == perCommit {
		s.nudge()
	}
}

func (s *Store) nudge() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Flush returns when everything that was added before is written, or why it cannot be.
// If ctx ends first, writing continues.
func (s *Store) Flush(ctx context.Context) error {
	left := make(chan error, 1)
	s.do(ctx, func() {
		s.writer.flush()
		left <- s.writer.left()
	})
	select {
	case err := <-left:
		return err
	case <-s.ended:
		return nil // the writer reports what is lost
	case <-ctx.Done():
		return nil
	}
}

// do makes the writer run a function, and returns when that is done or ctx ends.
func (s *Store) do(ctx context.Context, work func()) {
	done := make(chan struct{})
	select {
	case s.ask <- func() { defer close(done); work() }:
		select {
		case <-done:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	case <-s.ended:
	}
}

// Close writes the rest and closes the file. What cannot be written before ctx ends is
// lost and reported.
func (s *Store) Close(ctx context.Context) {
	s.cancel()
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.abandoned.Store(true)
	}
}
