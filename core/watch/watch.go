// Package watch reports when the content of files has changed, however it was
// saved: written in place, renamed over, or swapped by a symbolic link. Events
// of the file system make it quick; comparing contents makes it certain.
package watch

import (
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/fsnotify/fsnotify"
)

// Options of [New].
type Options struct {
	// Sum is of a file's or directory's content. It is the same for the same
	// content, and Gone for what is missing or empty.
	Sum func(path string) string

	// Changed is called when contents differ from those given to Set, and no
	// longer change. It must call Set with what it read. Calls do not overlap.
	Changed func()

	// Notice is called if there are no events, so that changes are noticed by
	// comparing alone.
	Notice func(message string)

	Settle  time.Duration // contents must be unchanged for this long; default 250 ms
	MaxWait time.Duration // the longest wait for that; default 2 s
	Poll    time.Duration // between two comparisons without an event; default 2 s
}

// Gone is the sum of what is missing or empty: more often the moment between two
// steps of saving a file than what somebody wants.
const Gone = ""

// Watcher watches until it is closed.
type Watcher struct {
	options Options
	events  *fsnotify.Watcher // nil if there are none
	end     chan struct{}
	ending  sync.Once
	done    chan struct{}

	mu    sync.Mutex
	known map[string]string
}

// New returns a watcher of nothing; see [Watcher.Set].
func New(o Options) *Watcher {
	orDefault := func(d *time.Duration, value time.Duration) {
		if *d == 0 {
			*d = value
		}
	}
	orDefault(&o.Settle, 250*time.Millisecond)
	orDefault(&o.MaxWait, 2*time.Second)
	orDefault(&o.Poll, 2*time.Second)
	w := &Watcher{options: o, end: make(chan struct{}), done: make(chan struct{})}
	events, err := fsnotify.NewWatcher()
	if err != nil {
		o.Notice("the system does not report changes of files (" + err.Error() + "): they are compared every " + o.Poll.String())
	} else {
		w.events = events
	}
	go w.run()
	return w
}

// Set says what was read last: the sum of each path to watch.
func (w *Watcher) Set(known map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = maps.Clone(known)
	w.follow()
}

// Close ends the watching, and waits for a call of Changed in progress.
func (w *Watcher) Close() {
	w.Stop()
	<-w.done
}

// Stop ends the watching; a call of Changed may still be in progress.
func (w *Watcher) Stop() { w.ending.Do(func() { close(w.end) }) }

// Done is closed when the watching has ended.
func (w *Watcher) Done() <-chan struct{} { return w.done }

func (w *Watcher) run() {
	defer close(w.done)
	if w.events != nil {
		defer func() { _ = w.events.Close() }() // there is nothing left to do
	}
	poll := time.NewTicker(w.options.Poll)
	defer poll.Stop()
	for {
		select {
		case <-w.end:
			return
		case <-poll.C:
		case <-w.changes():
		case <-w.failures(): //nolint:errcheck // whatever it is, a reason to look
		}
		if w.differs(w.sums()) && w.settle() {
			w.options.Changed()
		}
		w.mu.Lock()
		w.follow() // a link may lead elsewhere now
		w.mu.Unlock()
	}
}

func (w *Watcher) changes() <-chan fsnotify.Event {
	if w.events == nil {
		return nil
	}
	return w.events.Events
}

// failures are errors of the event source, such as an overflow: a reason to look
// at the files, as any event is.
func (w *Watcher) failures() <-chan error {
	if w.events == nil {
		return nil
	}
	return w.events.Errors
}

// settle waits until two looks see the same, and says whether that differs from
// what is known.
func (w *Watcher) settle() bool {
	deadline := time.Now().Add(w.options.MaxWait)
	for last := w.sums(); ; {
		if !w.pause() {
			return false
		}
		now := w.sums()
		calm := maps.Equal(last, now) && !w.lost(now)
		if calm || time.Now().After(deadline) {
			return w.differs(now)
		}
		last = now
	}
}

// lost reports whether something is gone that was there: it may be about to come
// back. What was gone when it was read may stay so.
func (w *Watcher) lost(now map[string]string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for path, sum := range now {
		if sum == Gone && w.known[path] != Gone {
			return true
		}
	}
	return false
}

// pause waits, and drops the events of that time; it is false when the watcher
// is closed.
func (w *Watcher) pause() bool {
	timer := time.NewTimer(w.options.Settle)
	defer timer.Stop()
	for {
		select {
		case <-w.end:
			return false
		case <-timer.C:
			return true
		case <-w.changes():
		case <-w.failures(): //nolint:errcheck // whatever it is, a reason to look
		}
	}
}

func (w *Watcher) sums() map[string]string {
	w.mu.Lock()
	paths := slices.Collect(maps.Keys(w.known))
	w.mu.Unlock()
	out := map[string]string{}
	for _, p := range paths {
		out[p] = w.options.Sum(p)
	}
	return out
}

func (w *Watcher) differs(now map[string]string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !maps.Equal(w.known, now)
}

// follow watches the directories that lead to the files. The caller holds mu.
func (w *Watcher) follow() {
	if w.events == nil {
		return
	}
	want := map[string]bool{}
	for path := range w.known {
		for _, dir := range hops(path) {
			want[dir] = true
		}
	}
	for _, dir := range w.events.WatchList() {
		if !want[filepath.Clean(dir)] {
			_ = w.events.Remove(dir) // it may be gone
		}
		delete(want, filepath.Clean(dir))
	}
	for dir := range want {
		if err := w.events.Add(dir); err != nil {
			w.options.Notice("changes in " + dir + " are noticed by comparing only: " + err.Error())
		}
	}
}
