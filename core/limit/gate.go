package limit

import (
	"context"
	"sync"
	"time"
)

// Gate admits the requests of one client; those over its limit wait, and are admitted in
// the order in which they arrived. It is safe for concurrent use.
type Gate struct {
	Limiter

	line    sync.Mutex
	waiting []*waiter
}

// waiter is a waiting request; wake makes it try again.
type waiter struct {
	tokens int
	wake   chan struct{}
}

func newWaiter(tokens int) *waiter { return &waiter{tokens: tokens, wake: make(chan struct{}, 1)} }

func (w *waiter) signal() {
	select {
	case w.wake <- struct{}{}:
	default: // it has its signal already
	}
}

// Refusal says why a request is not admitted in time.
type Refusal struct {
	Reason     Reason
	Bound      int // per minute, or in flight
	Burst      int // requests at once, if Reason is their rate
	RetryAfter time.Duration
}

// NewGate returns a gate without bounds.
func NewGate() *Gate {
	g := &Gate{}
	g.freed = g.next
	return g
}

// Enter waits until the request may start, for at most wait. It returns at once if that is
// certainly not enough. An error is the cause of the end of ctx.
func (g *Gate) Enter(ctx context.Context, tokens int, wait time.Duration) (Permit, *Refusal, error) {
	if !g.bounded.Load() {
		return Permit{}, nil, nil
	}
	g.line.Lock()
	now := time.Now()
	if len(g.waiting) == 0 {
		if p, ok := g.Take(now, tokens); ok {
			g.line.Unlock()
			return p, nil, nil
		}
	}
	if r := g.waitsTooLong(now, tokens, wait); r != nil {
		g.line.Unlock()
		return Permit{}, r, nil
	}
	w := newWaiter(tokens)
	g.waiting = append(g.waiting, w)
	g.line.Unlock()
	return g.await(ctx, w, wait)
}

// waitsTooLong reports whether the rate alone makes a new request wait for too long. The
// caller holds line.
func (g *Gate) waitsTooLong(now time.Time, tokens int, wait time.Duration) *Refusal {
	before := tokens
	for _, w := range g.waiting {
		before += w.tokens
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	d, why := g.requests.wait(now, min(float64(len(g.waiting)+1), g.requests.burst)), RequestsPerMinute
	if more := float64(len(g.waiting)+1) - g.requests.burst; more > 0 && g.requests.rate > 0 {
		d += g.requests.span(more)
	}
	if t := g.tokens.wait(now, float64(before)); t > d {
		d, why = t, TokensPerMinute
	}
	if d <= wait && (wait > 0 || d > 0) {
		return nil
	}
	if d == 0 {
		d, why = unknownWait, Concurrent
	}
	return g.refusal(why, d)
}

func (g *Gate) refusal(why Reason, d time.Duration) *Refusal {
	bound := map[Reason]int{RequestsPerMinute: g.rates.Requests, TokensPerMinute: g.rates.Tokens, Concurrent: g.rates.Concurrent}[why]
	return &Refusal{Reason: why, Bound: bound, Burst: int(g.requests.burst), RetryAfter: d}
}

// await waits for the turn of w.
func (g *Gate) await(ctx context.Context, w *waiter, wait time.Duration) (Permit, *Refusal, error) {
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	again := time.NewTimer(0)
	defer again.Stop()
	for {
		select {
		case <-again.C:
		case <-w.wake:
		case <-deadline.C:
			if p, ok, _ := g.try(w); ok {
				return p, nil, nil
			}
			g.leave(w)
			d, why := g.Wait(time.Now(), w.tokens)
			if why == "" {
				d, why = unknownWait, Concurrent
			}
			g.mu.Lock()
			defer g.mu.Unlock()
			return Permit{}, g.refusal(why, d), nil
		case <-ctx.Done():
			g.leave(w)
			return Permit{}, nil, context.Cause(ctx)
		}
		p, ok, next := g.try(w)
		if ok {
			return p, nil, nil
		}
		if next > 0 {
			again.Reset(next)
		}
	}
}

// try takes a permit for w if it is its turn. Otherwise next is how long to wait until the
// next attempt; 0: until the next signal.
func (g *Gate) try(w *waiter) (p Permit, ok bool, next time.Duration) {
	g.line.Lock()
	defer g.line.Unlock()
	if g.waiting[0] != w {
		return Permit{}, false, 0
	}
	now := time.Now()
	if p, ok = g.Take(now, w.tokens); !ok {
		next, _ = g.Wait(now, w.tokens)
		return Permit{}, false, max(next, time.Millisecond)
	}
	g.waiting = g.waiting[1:]
	if len(g.waiting) > 0 {
		g.waiting[0].signal()
	}
	return p, true, 0
}

// leave ends the wait of w.
func (g *Gate) leave(w *waiter) {
	g.line.Lock()
	defer g.line.Unlock()
	for i, other := range g.waiting {
		if other == w {
			g.waiting = append(g.waiting[:i:i], g.waiting[i+1:]...)
			break
		}
	}
	if len(g.waiting) > 0 {
		g.waiting[0].signal()
	}
}

// next signals the first waiter that there may be room.
func (g *Gate) next() {
	g.line.Lock()
	defer g.line.Unlock()
	if len(g.waiting) > 0 {
		g.waiting[0].signal()
	}
}

// Waiting returns the number of waiting requests.
func (g *Gate) Waiting() int {
	g.line.Lock()
	defer g.line.Unlock()
	return len(g.waiting)
}
