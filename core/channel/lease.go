package channel

import (
	"time"
)

// Lease is a place at a channel, held for one attempt.
type Lease struct {
	state *State
	start time.Time
	probe bool // it found the breaker half-open, or was forced past it
}

// Answered says that the channel gave a good answer's first byte. A breaker
// that this attempt was to try closes now: a stream may go on for long.
func (l *Lease) Answered(now time.Time) {
	s := l.state
	s.mu.Lock()
	s.counters.ttfb(now.Sub(l.start))
	s.mu.Unlock()
	l.alive("a request was answered")
}

// Alive says that the channel answered, though not in the way that was asked
// for: a limited key, say. It closes a breaker that this attempt was to try.
func (l *Lease) Alive() { l.alive("it answers") }

func (l *Lease) alive(how string) {
	s := l.state
	if !l.probe {
		return
	}
	l.probe = false
	s.mu.Lock()
	was := s.breaker.open
	s.breaker.close()
	s.settle()
	s.mu.Unlock()
	if was {
		s.registry.changed(Change{Kind: ChangeInService, Channel: s.name, Message: "back in service: " + how})
	}
}

// Succeed ends the attempt: its answer came to a good end.
func (l *Lease) Succeed(now time.Time) {
	s := l.state
	s.mu.Lock()
	s.breaker.inRow = 0
	s.breaker.recent.add(now, true)
	s.recent.add(now, true)
	s.counters.success(now, now.Sub(l.start))
	s.mu.Unlock()
	l.release()
}

// Fail ends the attempt with a failure of the channel.
func (l *Lease) Fail(now time.Time, reason string) {
	s := l.state
	s.mu.Lock()
	opened := s.breaker.fail(now, s.limits, reason)
	s.settle()
	s.recent.add(now, false)
	s.counters.failure(now, reason)
	s.mu.Unlock()
	if opened {
		s.registry.changed(Change{Kind: ChangeOutOfService, Channel: s.name, Message: "out of service: " + reason})
	}
	l.release()
}

// Block ends the attempt and opens the breaker at once: the site refuses this
// address, whatever the key.
func (l *Lease) Block(now time.Time, reason string) {
	l.state.Trip(reason)
	l.FailKey(now, reason)
}

// FailKey ends the attempt with a failure that is not the channel's; it is
// counted and moves no breaker.
func (l *Lease) FailKey(now time.Time, reason string) {
	s := l.state
	s.mu.Lock()
	s.recent.add(now, false)
	s.counters.failure(now, reason)
	s.mu.Unlock()
	l.release()
}

// Cancel ends the attempt without a result: the caller went away, or the
// request itself was wrong.
func (l *Lease) Cancel() { l.release() }

func (l *Lease) release() {
	s := l.state
	if s == nil {
		return
	}
	l.state = nil
	if l.probe {
		s.mu.Lock()
		s.breaker.probing = false
		s.mu.Unlock()
	}
	s.inFlight.Add(-1)
}
