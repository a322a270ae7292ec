package channel

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
)

// egresses has the cooldowns of egresses to a channel's site, by name. An egress whose
// address the site refuses, or through which it cannot be reached, is used after the others
// for a while.
type egresses map[string]*cooldown

const (
	firstUnreachable = 5 * time.Second
	topUnreachable   = 2 * time.Minute
)

// EgressView is the state of an egress to a channel's site.
type EgressView struct {
	Name   string
	Reason string
	Until  time.Time // zero: it is not cooling down
}

// FailEgress records that the site could not be reached through an egress, or, if blocked,
// that it refuses the address of the egress. wait is the time that the site gave, 0 if none.
func (s *State) FailEgress(now time.Time, name string, blocked bool, wait time.Duration, reason string) {
	first, top := firstUnreachable, topUnreachable
	if blocked {
		first, top = firstBlock, topBlock
	}
	s.mu.Lock()
	if s.egresses == nil {
		s.egresses = egresses{}
	}
	c := s.egresses[name]
	if c == nil {
		c = &cooldown{}
		s.egresses[name] = c
	}
	began := c.start(now, wait, first, top, reason)
	left := c.remaining(now)
	s.mu.Unlock()
	s.egressFailed.Store(true)
	if began {
		s.announce(ChangeEgressDown, fmt.Sprintf("egress %s is not used for %s: %s", name, wording.Duration(left), reason))
	}
}

// RecordEgressSuccess records that the site can be reached through an egress.
func (s *State) RecordEgressSuccess(now time.Time, name string) {
	if !s.egressFailed.Load() {
		return
	}
	s.mu.Lock()
	c := s.egresses[name]
	was := c != nil
	delete(s.egresses, name)
	s.egressFailed.Store(len(s.egresses) > 0)
	if s.unreachable.set() {
		s.unreachable = cooldown{}
		s.update()
	}
	s.mu.Unlock()
	if was {
		s.announce(ChangeEgressUp, fmt.Sprintf("egress %s reaches the site again", name))
	}
}

// EgressUntil returns until when an egress is used after the others; zero if it is not
// cooling down.
func (s *State) EgressUntil(now time.Time, name string) time.Time {
	if !s.egressFailed.Load() {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if c := s.egresses[name]; c != nil && c.active(now) {
		return c.until
	}
	return time.Time{}
}

// Egresses returns the egresses that are cooling down, by name.
func (s *State) Egresses(now time.Time) (all []EgressView) {
	if !s.egressFailed.Load() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.egresses)) {
		if c := s.egresses[name]; c.active(now) {
			all = append(all, EgressView{Name: name, Reason: c.reason, Until: c.until})
		}
	}
	return all
}

// FailEgresses ends the attempt: the channel cannot be reached through any
// egress, which says nothing about the site. The channel is not used for a
// moment.
func (l *Lease) FailEgresses(now time.Time, reason string) {
	s := l.state
	s.mu.Lock()
	began := s.unreachable.start(now, 0, firstUnreachable, topUnreachable, reason)
	left := s.unreachable.remaining(now)
	if began {
		s.outAt = now
	}
	s.update()
	s.mu.Unlock()
	if began {
		s.announce(ChangeEgressDown, fmt.Sprintf("no egress works, not used for %s: %s", wording.Duration(left), reason))
	}
	l.FailWithoutBreaker(now, reason)
}
