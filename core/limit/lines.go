package limit

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Lines are where requests wait for which every channel is full: one line for
// each kind of request, as those of one kind want the same channels. In a line
// the clients take turns, and the requests of each keep their order, so that
// one client's waiting requests delay no other's.
type Lines struct {
	waiting atomic.Int64

	mu  sync.Mutex
	all map[any]*line
}

// line is one line; the clients in it, in the order of their turns.
type line struct{ clients []*queue }

type queue struct {
	client  string
	waiting []*waiter
}

// Waiting returns the number of requests that wait.
func (l *Lines) Waiting() int { return int(l.waiting.Load()) }

// Busy reports whether requests of the kind wait, so that a new one has to join them.
func (l *Lines) Busy(kind any) bool {
	if l.waiting.Load() == 0 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[kind] != nil
}

// Freed says that a channel may have room.
func (l *Lines) Freed() {
	if l.waiting.Load() == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, one := range l.all {
		one.first().signal()
	}
}

// How often a request that has its turn looks again by itself.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// Wait waits in the line of the kind until try succeeds, for as long as wait.
// try says when it may be worth while to try again; it is called when the
// client has its turn. The result is false if it did not succeed in time.
func (l *Lines) Wait(ctx context.Context, kind any, client string, wait time.Duration, try func() (done bool, again time.Duration)) (bool, error) {
	w := newWaiter(0)
	l.join(kind, client, w)
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-w.wake:
		case <-deadline.C:
			done := l.hasTurn(kind, w)
			if done {
				done, _ = try()
			}
			l.leave(kind, client, w)
			return done, nil
		case <-ctx.Done():
			l.leave(kind, client, w)
			return false, context.Cause(ctx)
		}
		if !l.hasTurn(kind, w) {
			continue
		}
		done, pause := try()
		if done {
			l.leave(kind, client, w)
			return true, nil
		}
		again.Reset(min(max(pause, leastPause), mostPause))
	}
}

func (l *Lines) join(kind any, client string, w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[any]*line{}
	}
	one := l.all[kind]
	if one == nil {
		one = &line{}
		l.all[kind] = one
	}
	one.queueOf(client).waiting = append(one.queueOf(client).waiting, w)
	l.waiting.Add(1)
}

// leave takes w out of its line. The next client has its turn if it was w's.
func (l *Lines) leave(kind any, client string, w *waiter) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting.Add(-1)
	one := l.all[kind]
	turn := one.first() == w
	q := one.queueOf(client)
	q.waiting = slices.DeleteFunc(q.waiting, func(other *waiter) bool { return other == w })
	if turn {
		one.clients = append(one.clients[1:], q)
	}
	one.clients = slices.DeleteFunc(one.clients, func(q *queue) bool { return len(q.waiting) == 0 })
	if len(one.clients) == 0 {
		delete(l.all, kind)
		return
	}
	one.first().signal()
}

func (l *Lines) hasTurn(kind any, w *waiter) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all[kind].first() == w
}

// first returns the request that has its turn.
func (l *line) first() *waiter { return l.clients[0].waiting[0] }

func (l *line) queueOf(client string) *queue {
	for _, q := range l.clients {
		if q.client == client {
			return q
		}
	}
	q := &queue{client: client}
	l.clients = append(l.clients, q)
	return q
}
