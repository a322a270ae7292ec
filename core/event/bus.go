package event

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Bus keeps the most recent events, and lets readers follow new ones. It is safe for concurrent
// use.
type Bus struct {
	mu     sync.Mutex
	ring   []slot
	next   uint64 // id of the next event; the first is 1
	tap    func(Event)
	fresh  chan struct{} // holds a token when readers must be woken
	waking bool          // a goroutine wakes the readers
	all    map[*Reader]struct{}
}

// slot is an event, with its JSON once a reader has needed it.
type slot struct {
	Event
	data []byte
}

// NewBus returns a bus that keeps the last size events. tap, if not nil, is called with each
// event by the goroutine that publishes it, so it must be quick.
func NewBus(size int, tap func(Event)) *Bus {
	return &Bus{ring: make([]slot, size), next: 1, all: map[*Reader]struct{}{}, tap: tap, fresh: make(chan struct{}, 1)}
}

// Publish sets the id of e, and the time if it has none, and publishes it. The
// cost does not depend on the number of readers.
func (b *Bus) Publish(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	b.mu.Lock()
	e.ID = b.next
	b.next++
	b.ring[e.ID%uint64(len(b.ring))] = slot{Event: e}
	b.mu.Unlock()
	select {
	case b.fresh <- struct{}{}:
	default:
	}
	if b.tap != nil {
		b.tap(e)
	}
}

// Recent returns the last n events, oldest first.
func (b *Bus) Recent(n int) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	from := b.oldest()
	if uint64(n) < b.next-from {
		from = b.next - uint64(n)
	}
	var events []Event
	for id := from; id < b.next; id++ {
		events = append(events, b.at(id).Event)
	}
	return events
}

// Last returns the id of the newest event, 0 if there is none.
func (b *Bus) Last() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next - 1
}

// oldest returns the id of the oldest event in the ring. The caller holds mu.
func (b *Bus) oldest() uint64 {
	if size := uint64(len(b.ring)); b.next > size {
		return b.next - size
	}
	return 1
}

func (b *Bus) at(id uint64) *slot { return &b.ring[id%uint64(len(b.ring))] }

// Follow returns a reader of the events with the id from or a higher one. It must be closed.
func (b *Bus) Follow(from uint64) *Reader {
	r := &Reader{bus: b, next: max(from, 1), wake: make(chan struct{}, 1)}
	r.wake <- struct{}{}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.all[r] = struct{}{}
	if !b.waking {
		b.waking = true
		go b.wakeReaders()
	}
	return r
}

// Readers are woken in groups with a pause in between, not for each event: waking a thousand at
// once would delay everything else. A few readers get an
// event within some milliseconds, a thousand within half a second.
const (
	group      = 16
	groupPause = 7 * time.Millisecond
	sweepPause = 10 * time.Millisecond
)

// wakeReaders wakes the readers until none is left.
func (b *Bus) wakeReaders() {
	for {
		<-b.fresh
		b.mu.Lock()
		if len(b.all) == 0 {
			b.waking = false
			b.mu.Unlock()
			return
		}
		readers := slices.Collect(maps.Keys(b.all))
		b.mu.Unlock()
		for some := range slices.Chunk(readers, group) {
			if !b.wake(some) {
				break
			}
			if len(readers) > group {
				time.Sleep(groupPause)
			}
		}
		time.Sleep(sweepPause)
	}
}

// wake wakes some readers, and reports whether any are left.
func (b *Bus) wake(some []*Reader) bool {
	for _, r := range some {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.all) > 0
}

// Reader reads the events at its own pace. The bus does not wait for it: it misses events that
// it does not take in time.
type Reader struct {
	bus  *Bus
	next uint64
	wake chan struct{}
}

// Wake has a token when there may be events to take.
func (r *Reader) Wake() <-chan struct{} { return r.wake }

// Frame is an event as it is sent to clients.
type Frame struct {
	ID      uint64
	Type    Type
	Channel string
	Data    []byte // JSON; must not be changed
}

// maxFrames is the maximum number of frames that Take returns.
const maxFrames = 64

// Take returns the next events, none if there are none yet. missed says that
// events before them are lost.
func (r *Reader) Take() (frames []Frame, missed bool) {
	b := r.bus
	b.mu.Lock()
	if oldest := b.oldest(); r.next < oldest {
		r.next, missed = oldest, true
	}
	var fresh []Event
	for ; r.next < b.next && len(frames) < maxFrames; r.next++ {
		s := b.at(r.next)
		frames = append(frames, Frame{s.ID, s.Type, s.Channel, s.data})
		if s.data == nil {
			fresh = append(fresh, s.Event)
		}
	}
	b.mu.Unlock()
	r.encode(frames, fresh)
	return frames, missed
}

// TakeAll returns all events up to now.
func (r *Reader) TakeAll() (all []Frame, missed bool) {
	for {
		frames, some := r.Take()
		missed = missed || some
		all = append(all, frames...)
		if len(frames) < maxFrames {
			return all, missed
		}
	}
}

// encode makes the JSON of events once for all readers, without holding the lock that
// publishing needs.
func (r *Reader) encode(frames []Frame, fresh []Event) {
	if len(fresh) == 0 {
		return
	}
	made := map[uint64][]byte{}
	for _, e := range fresh {
		data, err := json.Marshal(e)
		if err != nil {
			panic("event: an event has no JSON: " + err.Error())
		}
		made[e.ID] = data
	}
	for i, f := range frames {
		if f.Data == nil {
			frames[i].Data = made[f.ID]
		}
	}
	r.bus.mu.Lock()
	defer r.bus.mu.Unlock()
	for id, data := range made {
		if s := r.bus.at(id); s.ID == id {
			s.data = data
		}
	}
}

// Close ends the reader.
func (r *Reader) Close() {
	b := r.bus
	b.mu.Lock()
	delete(b.all, r)
	b.mu.Unlock()
	select { // so that the goroutine ends with the last reader
	case b.fresh <- struct{}{}:
	default:
	}
}

func appendMillis(dst []byte, d time.Duration) []byte {
	return strconv.AppendFloat(dst, float64(d.Microseconds())/1000, 'f', -1, 64)
}
