package channel

import (
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// Lease is a slot at a channel, held for one attempt.
type Lease struct {
	state *State
	start time.Time
	probe bool        // it found the breaker half-open, or was forced past it
	tests *modelState // the one whose mark it tests
	waits bool        // no answer came yet
	onEnd func()
	also  *Counters // of a route; nil: none
}

// CountIn makes the attempt count in the counters of a route too, if c is not nil.
func (l *Lease) CountIn(c *Counters) { l.also = c }

// count applies f to all counters of the attempt. The caller holds the lock of the state.
func (l *Lease) count(f func(*Counters)) {
	f(&l.state.counters)
	if l.also != nil {
		f(l.also)
	}
}

// OnEnd registers f to be called once, when the outcome of the attempt is
// known.
func (l *Lease) OnEnd(f func()) { l.onEnd = f }

// Answered records the first byte of a good answer to a request for the model
// at the endpoint. A breaker that this attempt tests closes now, since a stream may
// last long.
func (l *Lease) Answered(now time.Time, model, endpoint string) {
	s := l.state
	s.mu.Lock()
	l.count(func(c *Counters) { c.ttfb(now.Sub(l.start)) })
	s.stalledSince = now
	s.addAnswered(endpoint)
	back := false
	if s.slot.has(flagRestricted | flagOutage) {
		back = s.clearRestrictions(l.start, now, model, endpoint)
	}
	s.mu.Unlock()
	if !l.alive("a request was answered") && back {
		s.announce(ChangeInService, "back in service: a request was answered")
	}
}

// Alive records that the channel answered, although not successfully, for
// example with a rate limit. It closes a breaker that this attempt tests.
func (l *Lease) Alive() { l.alive("it answers") }

func (l *Lease) alive(how string) (closed bool) {
	defer l.ended()
	l.waited()
	s := l.state
	if !l.probe {
		return false
	}
	l.probe = false
	s.mu.Lock()
	closed = s.breaker.open
	s.breaker.close()
	s.update()
	s.mu.Unlock()
	if closed {
		s.announce(ChangeInService, "back in service: "+how)
	}
	return closed
}

// Succeed ends the attempt: its answer was complete.
func (l *Lease) Succeed(now time.Time) {
	s := l.state
	s.mu.Lock()
	s.breaker.inRow = 0
	s.breaker.recent.add(now, true)
	s.recent.add(now, true)
	l.count(func(c *Counters) { c.success(now, now.Sub(l.start)) })
	s.mu.Unlock()
	l.release()
}

// Fail ends the attempt with a failure of the channel.
func (l *Lease) Fail(now time.Time, reason string) {
	s := l.state
	s.failed(now)
	s.mu.Lock()
	opened := s.breaker.fail(now, s.limits, reason)
	s.update()
	s.recent.add(now, false)
	l.count(func(c *Counters) { c.failure(now, reason) })
	s.mu.Unlock()
	if opened {
		s.announce(ChangeOutOfService, "out of service: "+reason)
	}
	l.release()
}

// Block ends the attempt: the site refuses this machine's address, with any
// key. If certain is false, it takes two different requests to block the
// channel. wait is the time that the site gave, 0 if none.
func (l *Lease) Block(now time.Time, request uint64, certain bool, wait time.Duration, reason string) {
	s := l.state
	s.mu.Lock()
	if s.blockedBy.add(now, request) >= 2 {
		certain = true
	}
	began := false
	if certain {
		if began = s.blocked.start(now, wait, firstBlock, topBlock, reason); began {
			s.outAt = now
		}
	}
	left := s.blocked.remaining(now)
	s.update()
	s.mu.Unlock()
	if began {
		s.announce(ChangeBlocked, fmt.Sprintf("the site refuses this address, not used for %s: %s", wording.Duration(left), reason))
	}
	l.FailWithoutBreaker(now, reason)
}

// FailWithoutBreaker ends the attempt with a failure that the channel did not cause. It is
// counted, but the breaker ignores it.
func (l *Lease) FailWithoutBreaker(now time.Time, reason string) {
	s := l.state
	s.mu.Lock()
	s.recent.add(now, false)
	l.count(func(c *Counters) { c.failure(now, reason) })
	s.mu.Unlock()
	l.release()
}

// Cancel ends the attempt without a result, for example because the caller
// disconnected.
func (l *Lease) Cancel() { l.release() }

func (l *Lease) ended() {
	if f := l.onEnd; f != nil {
		l.onEnd = nil
		f()
	}
}

func (l *Lease) release() {
	s := l.state
	if s == nil {
		return
	}
	l.waited()
	l.state = nil
	if l.probe || l.tests != nil {
		s.mu.Lock()
		if l.probe {
			s.breaker.probing = false
		}
		if l.tests != nil {
			l.tests.mark.tested = time.Time{}
		}
		s.mu.Unlock()
	}
	s.slot.inFlight.Add(-1)
	l.ended()
}
