// Package unknown stores answers that no rule recognizes, so that their owner can
// write a rule for them or report them.
//
// Each shape of an answer is stored once: anonymized, as a file of the corpus, and as
// the full text, for the owner only. Nothing waits for the disk.
package unknown

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// MaxEntries is the maximum number of entries. Beyond it, the one that was not seen
// for longest is removed.
const MaxEntries = 200

// Entry is one shape of an unknown answer.
type Entry struct {
	Key      string         `json:"key"`
	Status   int            `json:"status"`
	Means    verdict.Means  `json:"means"`
	Rule     string         `json:"rule"` // the default that decided, such as "status 403"
	Endpoint string         `json:"endpoint"`
	Count    int            `json:"count"`
	Channels map[string]int `json:"channels"`
	First    time.Time      `json:"first"`
	Last     time.Time      `json:"last"`
}

// Answer is an unknown answer to be stored.
type Answer struct {
	Channel string
	Answer  verdict.Answer
	Verdict verdict.Verdict
}

// Store is the directory of unknown answers.
type Store struct {
	dir     string
	failed  func(error)
	queue   chan Answer
	stop    chan struct{}
	done    chan struct{}
	closing sync.Once

	mu      sync.Mutex
	entries map[string]*Entry
	dirty   bool
}

// Open reads the directory, which need not exist, and starts to accept answers. failed
// is called when one could not be written.
func Open(dir string, failed func(error)) (*Store, error) {
	entries, err := read(dir)
	if err != nil {
		return nil, err
	}
	const waiting = 16
	s := &Store{dir: dir, failed: failed, queue: make(chan Answer, waiting), stop: make(chan struct{}), done: make(chan struct{}), entries: entries}
	go s.work()
	return s, nil
}

// Keep stores an answer. It never waits: while the disk is slow, and after Close,
// answers are dropped. The answer must not be changed afterwards.
func (s *Store) Keep(a Answer) {
	if !a.Verdict.Unknown() {
		return
	}
	select {
	case s.queue <- a:
	default:
	}
}

// Close writes pending answers.
func (s *Store) Close() error {
	s.closing.Do(func() { close(s.stop) })
	<-s.done
	return s.save()
}

// saveEvery is the maximum age of the counts on the disk.
const saveEvery = time.Minute

func (s *Store) work() {
	defer close(s.done)
	tick := time.NewTicker(saveEvery)
	defer tick.Stop()
	for {
		select {
		case a := <-s.queue:
			s.report(s.add(a))
		case <-tick.C:
			s.report(s.save())
		case <-s.stop:
			s.drain()
			return
		}
	}
}

// drain processes the answers that are still queued.
func (s *Store) drain() {
	for {
		select {
		case a := <-s.queue:
			s.report(s.add(a))
		default:
			return
		}
	}
}

func (s *Store) report(err error) {
	if err != nil && s.failed != nil {
		s.failed(err)
	}
}

// add counts an answer. A new shape is written to the disk before it is listed.
func (s *Store) add(a Answer) error {
	shape, key := verdict.Shape(a.Answer, a.Verdict)
	if s.has(key) {
		s.count(key, a, false)
		return nil
	}
	err := errors.Join(s.write(key+shapeEnding, shape), s.write(key+fullEnding, fullText(a)))
	s.count(key, a, true)
	return errors.Join(err, s.evict(), s.save())
}

func (s *Store) has(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.entries[key] != nil && isStored(s.dir, key)
}

func (s *Store) count(key string, a Answer, isNew bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil || isNew {
		endpoint := a.Answer.Endpoint
		if endpoint == "" {
			endpoint = dialect.Generate
		}
		e = &Entry{Key: key, Status: a.Answer.Status, Means: a.Verdict.Means, Rule: a.Verdict.Rule, Endpoint: string(endpoint), Channels: map[string]int{}, First: a.Answer.Now}
		s.entries[key] = e
	}
	e.Count++
	e.Channels[a.Channel]++
	e.Last = a.Answer.Now
	s.dirty = true
}

// evict removes the entries that were not seen for longest, until at most MaxEntries
// are left.
func (s *Store) evict() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var failed error
	for len(s.entries) > MaxEntries {
		oldest := sorted(s.entries)[len(s.entries)-1].Key
		delete(s.entries, oldest)
		failed = errors.Join(failed, remove(s.dir, oldest))
	}
	return failed
}

// List returns the entries, the one seen last first.
func (s *Store) List() []Entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	return sorted(s.entries)
}

// Remove removes an entry: its owner has written a rule for it, or does not need it.
func (s *Store) Remove(key string) error {
	s.mu.Lock()
	_, known := s.entries[key]
	delete(s.entries, key)
	s.dirty = s.dirty || known
	s.mu.Unlock()
	if !known {
		return fmt.Errorf("there is no unknown answer %q: %w", key, fs.ErrNotExist)
	}
	return errors.Join(remove(s.dir, key), s.save())
}

// Export reads an entry's anonymized file, and the full text next to it.
func (s *Store) Export(key string) (shape, full string, err error) { return Export(s.dir, key) }

const (
	shapeEnding = ".txtar"
	fullEnding  = ".full.txt"
	indexName   = "index.json"
)

// save writes the counts.
func (s *Store) save() error {
	s.mu.Lock()
	dirty := s.dirty
	s.dirty = false
	if dirty {
		maps.DeleteFunc(s.entries, func(key string, _ *Entry) bool { return !isStored(s.dir, key) })
	}
	list := sorted(s.entries)
	s.mu.Unlock()
	if !dirty {
		return nil
	}
	text, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		return err
	}
	return s.write(indexName, string(text)+"\n")
}

// write replaces a file atomically.
func (s *Store) write(name, text string) error {
	path := filepath.Join(s.dir, name)
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func remove(dir, key string) error {
	var failed error
	for _, ending := range []string{shapeEnding, fullEnding} {
		if err := os.Remove(filepath.Join(dir, key+ending)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			failed = errors.Join(failed, err)
		}
	}
	return failed
}

func sorted(entries map[string]*Entry) []Entry {
	list := make([]Entry, 0, len(entries))
	for _, e := range entries {
		c := *e
		c.Channels = make(map[string]int, len(e.Channels))
		for name, n := range e.Channels {
			c.Channels[name] = n
		}
		list = append(list, c)
	}
	slices.SortFunc(list, func(a, b Entry) int {
		if c := b.Last.Compare(a.Last); c != 0 {
			return c
		}
		return strings.Compare(a.Key, b.Key)
	})
	return list
}

// fullText returns the unchanged answer, for its owner.
func fullText(a Answer) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s, model %q, channel %q, %s\n", a.Answer.Method, a.Answer.Path, a.Answer.Model, a.Channel, a.Answer.Now.UTC().Format(time.RFC3339))
	fmt.Fprintf(&b, "judged: %s\n\nHTTP/1.1 %d\n", a.Verdict.Reason, a.Answer.Status)
	for _, name := range slices.Sorted(headerNames(a.Answer)) {
		fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(a.Answer.Header.Values(name), ", "))
	}
	b.WriteString("\n")
	b.Write(a.Answer.Body[:min(len(a.Answer.Body), verdict.MaxBody)])
	b.WriteString("\n")
	return b.String()
}

// headerNames leaves out cookies, which are of no use to a rule.
func headerNames(a verdict.Answer) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for name := range a.Header {
			if name != "Set-Cookie" && !yield(name) {
				return
			}
		}
	}
}
