package limit

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Queues hold the requests for which every channel is full: one queue for each kind of
// request, as those of one kind need the same channels. In a queue the clients take turns,
// and the requests of each client keep their order, so that one client's waiting requests
// do not delay another's.
type Queues struct {
	waiting atomic.Int64

	mu  sync.Mutex
	all map[any]*queue
}

// queue has the waiting requests of one kind, by client, in the order of their turns.
type queue struct{ clients []*clientQueue }

type clientQueue struct {
	client  string
	waiting []*waiter
}

// Waiting returns the number of requests that wait.
func (q *Queues) Waiting() int { return int(q.waiting.Load()) }

// Busy reports whether requests of the kind wait, so that a new one has to join them.
func (q *Queues) Busy(kind any) bool {
	if q.waiting.Load() == 0 {
		return false
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all[kind] != nil
}

// Freed makes the first request of each queue try again: a channel may have room.
func (q *Queues) Freed() {
	if q.waiting.Load() == 0 {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, one := range q.all {
		one.first().signal()
	}
}

// How often a request that has its turn tries again by itself.
const (
	leastPause = 5 * time.Millisecond
	mostPause  = time.Second
)

// Wait waits in the queue of the kind, for at most wait, until try succeeds. try is called
// when the client has its turn, and returns when to try again. The result is false if it
// did not succeed in time.
func (q *Queues) Wait(ctx context.Context, kind any, client string, wait time.Duration, try func() (done bool, again time.Duration)) (bool, error) {
	w := newWaiter(0)
	q.join(kind, client, w)
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-w.wake:
		case <-deadline.C:
			done := q.hasTurn(kind, w)
			if done {
				done, _ = try()
			}
			q.leave(kind, client, w)
			return done, nil
		case <-ctx.Done():
			q.leave(kind, client, w)
			return false, context.Cause(ctx)
		}
		if !q.hasTurn(kind, w) {
			continue
		}
		done, pause := try()
		if done {
			q.leave(kind, client, w)
			return true, nil
		}
		again.Reset(min(max(pause, leastPause), mostPause))
	}
}

func (q *Queues) join(kind any, client string, w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.all == nil {
		q.all = map[any]*queue{}
	}
	one := q.all[kind]
	if one == nil {
		one = &queue{}
		q.all[kind] = one
	}
	own := one.of(client)
	own.waiting = append(own.waiting, w)
	q.waiting.Add(1)
}

// leave removes w from its queue. If it was w's turn, it is the next client's.
func (q *Queues) leave(kind any, client string, w *waiter) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.waiting.Add(-1)
	one := q.all[kind]
	turn := one.first() == w
	own := one.of(client)
	own.waiting = slices.DeleteFunc(own.waiting, func(other *waiter) bool { return other == w })
	if turn {
		one.clients = append(one.clients[1:], own)
	}
	one.clients = slices.DeleteFunc(one.clients, func(c *clientQueue) bool { return len(c.waiting) == 0 })
	if len(one.clients) == 0 {
		delete(q.all, kind)
		return
	}
	one.first().signal()
}

func (q *Queues) hasTurn(kind any, w *waiter) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.all[kind].first() == w
}

// first returns the request that has its turn.
func (q *queue) first() *waiter { return q.clients[0].waiting[0] }

func (q *queue) of(client string) *clientQueue {
	for _, c := range q.clients {
		if c.client == client {
			return c
		}
	}
	c := &clientQueue{client: client}
	q.clients = append(q.clients, c)
	return c
}
