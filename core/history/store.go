package history

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/event"
)

// Settings say what is kept.
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

// Store is the history of a running program. It is safe for concurrent use.
type Store struct {
	options  Options
	path     string
	settings atomic.Pointer[Settings]

	mu       sync.Mutex // guards the queue; held for moments only
	queue    []item
	room     int    // how many rows more the queue takes until the writer makes room
	overflow deltas // sums of rows that found no room
	dropped  uint64 // those rows

	wake   chan struct{} // holds a token when a transaction's worth of rows waits
	ask    chan func()   // done by the writer
	ended  chan struct{}
	cancel context.CancelFunc

	abandoned atomic.Bool            // what is left is not written
	trouble   atomic.Pointer[string] // why the file cannot be written at present; nil: it can

	file   atomic.Pointer[file] // open; nil: none
	writer writer
}

// How much is written at a time, and how much may wait.
const (
	queueSize   = 8192
	perCommit   = 500
	commitEvery = time.Second

	// maxRate is how many rows a second are kept for long: a row costs 15 to 20 µs of
	// CPU time, so that this many take a fiftieth of a core. More of them at once, up to
	// the size of the queue, are kept, too.
	maxRate = 1000
)

// Start returns a store that keeps nothing until it is told to by
// [Store.Configure].
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

// Configure says what is to be kept from now on.
func (s *Store) Configure(to Settings) {
	if to.Zone == nil {
		to.Zone = time.Local
	}
	s.settings.Store(&to)
	s.nudge()
}

// Add takes the record of a request that ended. It never waits for the file, and
// the record must not be changed any more. A row for which there is no room costs
// no more than its part of the sums.
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

// Flush returns when all that was added before is written, or says why that cannot be.
// When ctx ends before, it is still being written.
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
		return nil // it reports what is lost
	case <-ctx.Done():
		return nil
	}
}

// do has the writer do something, and returns when it is done or ctx is.
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

// Close writes what is left and closes the file. What cannot be written, or not before
// ctx ends, is lost and reported.
func (s *Store) Close(ctx context.Context) {
	s.cancel()
	select {
	case <-s.ended:
	case <-ctx.Done():
		s.abandoned.Store(true)
	}
}
