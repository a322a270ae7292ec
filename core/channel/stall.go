package channel

import (
	"fmt"
	"time"
)

// A channel that accepts requests and answers none counts as failing before the first of
// them times out.
const (
	stallRequests = 512 // waiting for the head of an answer
	stallTime     = 30 * time.Second
)

// wait counts the attempt among those that wait for an answer; waited ends that.
func (l *Lease) wait(now time.Time) {
	l.waits = true
	if n := l.state.waiting.Add(1); n > stallRequests {
		l.state.watch(now, n == stallRequests+1)
	}
}

func (l *Lease) waited() {
	if l.waits {
		l.waits = false
		l.state.waiting.Add(-1)
	}
}

// watch opens the breaker if more than stallRequests have waited for stallTime without a
// good answer. first says that their number just exceeded stallRequests.
func (s *State) watch(now time.Time, first bool) {
	s.mu.Lock()
	if first || s.stalledSince.IsZero() {
		s.stalledSince = now
	}
	stalled := now.Sub(s.stalledSince) >= stallTime && !s.breaker.open
	reason := fmt.Sprintf("over %d requests are waiting, and none was answered for %s", stallRequests, stallTime)
	if stalled {
		s.breaker.trip(now, s.limits, reason)
		s.update()
	}
	s.mu.Unlock()
	if stalled {
		s.failed(now)
		s.announce(ChangeOutOfService, "out of service: "+reason)
	}
}
