package event

import (
	"strconv"
	"sync"
	"time"
)

// Bus keeps the most recent events and hands new ones to subscribers. It is
// safe for concurrent use.
type Bus struct {
	mu   sync.Mutex
	ring []Event
	next uint64 // id of the next event; the first is 1
	subs map[*Subscription]struct{}
	tap  func(Event)
}

// NewBus returns a bus that remembers the last size events. tap, if not nil,
// is called with each event by the goroutine that publishes it, so it has to
// be quick.
func NewBus(size int, tap func(Event)) *Bus {
	return &Bus{ring: make([]Event, size), next: 1, subs: map[*Subscription]struct{}{}, tap: tap}
}

// Publish gives e its id and, where it has none, the time, and hands it on.
// It does not block.
func (b *Bus) Publish(e Event) {
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	b.mu.Lock()
	e.ID = b.next
	b.next++
	b.ring[e.ID%uint64(len(b.ring))] = e
	for s := range b.subs {
		select {
		case s.c <- e:
		default:
			b.drop(s)
		}
	}
	b.mu.Unlock()
	if b.tap != nil {
		b.tap(e)
	}
}

// Recent returns the last n events, oldest first.
func (b *Bus) Recent(n int) []Event {
	b.mu.Lock()
	defer b.mu.Unlock()
	from := uint64(1)
	if uint64(n) < b.next {
		from = b.next - uint64(n)
	}
	events, _ := b.since(from)
	return events
}

// Subscribe returns the remembered events with an id of from or more, and a
// subscription to all later ones. missed says that some from that id on are
// forgotten already. buffer is how many events the reader may fall behind.
func (b *Bus) Subscribe(from uint64, buffer int) (past []Event, missed bool, s *Subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	past, missed = b.since(from)
	s = &Subscription{bus: b, c: make(chan Event, buffer)}
	b.subs[s] = struct{}{}
	return past, missed, s
}

// Last returns the id of the newest event, 0 if there is none.
func (b *Bus) Last() uint64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.next - 1
}

func (b *Bus) since(from uint64) (events []Event, missed bool) {
	oldest := uint64(1)
	if size := uint64(len(b.ring)); b.next > size {
		oldest = b.next - size
	}
	if from < oldest {
		missed = from > 0
		from = oldest
	}
	for id := from; id < b.next; id++ {
		events = append(events, b.ring[id%uint64(len(b.ring))])
	}
	return events, missed
}

func (b *Bus) drop(s *Subscription) {
	if _, ok := b.subs[s]; ok {
		delete(b.subs, s)
		close(s.c)
	}
}

// Subscription is one reader's queue.
type Subscription struct {
	bus *Bus
	c   chan Event
}

// C delivers events. It is closed when the reader fell too far behind, and by
// [Subscription.Close].
func (s *Subscription) C() <-chan Event { return s.c }

// Close ends the subscription.
func (s *Subscription) Close() {
	s.bus.mu.Lock()
	defer s.bus.mu.Unlock()
	s.bus.drop(s)
}

func appendMillis(dst []byte, d time.Duration) []byte {
	return strconv.AppendFloat(dst, float64(d.Microseconds())/1000, 'f', -1, 64)
}
