// Package watch reports when the content of files has changed, however it was
// saved: written in place, replaced by renaming, or switched by a symbolic link. Events
// of the file system make it quick; comparing contents makes it reliable.
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
	// Sum returns a checksum of the content of a file or directory, [Gone] if it is
	// missing or empty.
	Sum func(path string) string

	// Changed is called when contents differ from those passed to [Watcher.Set] and have
	// stopped changing. It must call Set with the sums of what it read. Calls do not
	// overlap.
	Changed func()

	// Notice is called if there are no events, so that only comparing finds changes.
	Notice func(message string)

	Settle  time.Duration // contents must be unchanged for this long; default 250 ms
	MaxWait time.Duration // the limit of that wait; default 2 s
	Poll    time.Duration // between two comparisons without an event; default 2 s
}

// Gone is the sum of a missing or empty file, usually one that is being saved.
const Gone = ""

// Watcher watches files until it is closed.
type Watcher struct {
	options  Options
	events   *fsnotify.Watcher // nil if the system reports none
	end      chan struct{}
	stopOnce sync.Once
	done     chan struct{}

	mu    sync.Mutex
	known map[string]string
}

// New returns a watcher without files; see [Watcher.Set].
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
		o.Notice("the system does not report changes of files (" + err.Error() + "): their contents are compared every " + o.Poll.String())
	} else {
		w.events = events
	}
	go w.run()
	return w
}

// Set sets the paths to watch, each with the sum of what was read last.
func (w *Watcher) Set(known map[string]string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.known = maps.Clone(known)
	w.updateDirectories()
}

// Close stops watching, and waits for a call of Changed in progress.
func (w *Watcher) Close() {
	w.Stop()
	<-w.done
}

// Stop stops watching. A call of Changed may still be in progress.
func (w *Watcher) Stop() { w.stopOnce.Do(func() { close(w.end) }) }

// Done returns a channel that is closed when watching has ended.
func (w *Watcher) Done() <-chan struct{} { return w.done }

func (w *Watcher) run() {
	defer close(w.done)
	if w.events != nil {
		defer func() { _ = w.events.Close() }() // nothing can be done about an error
	}
	poll := time.NewTicker(w.options.Poll)
	defer poll.Stop()
	for {
		select {
		case <-w.end:
			return
		case <-poll.C:
		case <-w.fileEvents():
		case <-w.errors(): //nolint:errcheck // any error is a reason to compare
		}
		if w.differs(w.sums()) && w.waitUntilStable() {
			w.options.Changed()
		}
		w.mu.Lock()
		w.updateDirectories() // a link may have another target now
		w.mu.Unlock()
	}
}

func (w *Watcher) fileEvents() <-chan fsnotify.Event {
	if w.events == nil {
		return nil
	}
	return w.events.Events
}

// errors returns errors of the event source, such as an overflow. Each is a reason to
// compare the files, as an event is.
func (w *Watcher) errors() <-chan error {
	if w.events == nil {
		return nil
	}
	return w.events.Errors
}

// waitUntilStable waits until two comparisons agree, for MaxWait at most, and reports
// whether the contents differ from those that are known.
func (w *Watcher) waitUntilStable() bool {
	deadline := time.Now().Add(w.options.MaxWait)
	for last := w.sums(); ; {
		if !w.pause() {
			return false
		}
		now := w.sums()
		stable := maps.Equal(last, now) && !w.isMissing(now)
		if stable || time.Now().After(deadline) {
			return w.differs(now)
		}
		last = now
	}
}

// isMissing reports whether a file has disappeared, which may be about to reappear. Files
// that were missing when they were last read do not count.
func (w *Watcher) isMissing(now map[string]string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for path, sum := range now {
		if sum == Gone && w.known[path] != Gone {
			return true
		}
	}
	return false
}

// pause waits for the settle time and drops events meanwhile. It returns false when the
// watcher is closed.
func (w *Watcher) pause() bool {
	timer := time.NewTimer(w.options.Settle)
	defer timer.Stop()
	for {
		select {
		case <-w.end:
			return false
		case <-timer.C:
			return true
		case <-w.fileEvents():
		case <-w.errors(): //nolint:errcheck // any error is a reason to compare
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

// updateDirectories watches the directories of the files, and no others. The caller holds
// mu.
func (w *Watcher) updateDirectories() {
	if w.events == nil {
		return
	}
	want := map[string]bool{}
	for path := range w.known {
		for _, dir := range directories(path) {
			want[dir] = true
		}
	}
	for _, dir := range w.events.WatchList() {
		if !want[filepath.Clean(dir)] {
			_ = w.events.Remove(dir) // it may have been removed
		}
		delete(want, filepath.Clean(dir))
	}
	for dir := range want {
		if err := w.events.Add(dir); err != nil {
			w.options.Notice("the system does not report changes in " + dir + ", so that they are noticed later: " + err.Error())
		}
	}
}
