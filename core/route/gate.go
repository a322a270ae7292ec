package route

import (
	"context"
	"sync"
	"time"
)

// While all channels of a route are out of service, one request at a time tests the
// channel that has been out for longest, and the others wait for the outcome.
const (
	probeWait    = 2 * time.Second
	probeWaiters = 100 // per route
)

// probeGate lets one request at a time test a channel.
type probeGate struct {
	mu      sync.Mutex
	ended   chan struct{} // closed when the test that is running ends; nil if there is none
	waiting int
}

// enter begins a test; leave ends it. ok is false while another is running.
func (g *probeGate) enter() (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended != nil {
		return nil, false
	}
	ended := make(chan struct{})
	g.ended = ended
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if g.ended == ended {
			g.ended = nil
			close(ended)
		}
	}, true
}

// wait returns a channel that is closed when the test ends; nil if there are
// enough waiters. done must be called.
func (g *probeGate) wait() (ended <-chan struct{}, done func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.ended == nil {
		now := make(chan struct{})
		close(now)
		return now, func() {}
	}
	if g.waiting >= probeWaiters {
		return nil, func() {}
	}
	g.waiting++
	return g.ended, func() {
		g.mu.Lock()
		g.waiting--
		g.mu.Unlock()
	}
}

// probe is the test by another request of the only channel that is left.
type probe struct {
	running  bool
	deadline time.Time // until when the request waits for its end; zero if it has not waited
}

// AwaitProbe waits for the outcome of the test by another request, if that is
// why [Walk.Next] had no candidate. It reports whether calling Next again may
// help. It waits two seconds at most in total for one request.
func (w *Walk) AwaitProbe(ctx context.Context) bool {
	if !w.probe.running {
		return false
	}
	if w.probe.deadline.IsZero() {
		w.probe.deadline = time.Now().Add(probeWait)
	}
	left := time.Until(w.probe.deadline)
	if left <= 0 {
		return false
	}
	ended, done := w.route.gate.wait()
	defer done()
	if ended == nil {
		return false
	}
	timer := time.NewTimer(left)
	defer timer.Stop()
	select {
	case <-ended:
		return true
	case <-timer.C:
	case <-ctx.Done():
	}
	return false
}
