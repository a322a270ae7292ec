package channel

import (
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// State is what is known of one channel.
type State struct {
	registry *Registry
	name     string
	target   string

	inFlight atomic.Int64
	out      atomic.Bool // paused, down or breaker not closed: the slow path must look
	first    atomic.Bool // the user made it the first choice of its routes

	mu       sync.Mutex
	limits   BreakerLimits
	paused   bool
	disabled bool // what the configuration says of that
	health   sdk.Health
	reason   string // why it is down
	since    time.Time
	checked  time.Time // when its last check ended
	breaker  breaker
	counters Counters
	recent   window // the last minute's attempts
	keys     map[string]*Key
	gone     absence
}

func newState(r *Registry, name, target string) *State {
	return &State{
		registry: r, name: name, target: target,
		limits:  DefaultBreaker,
		health:  sdk.HealthUnknown,
		breaker: breaker{recent: window{span: DefaultBreaker.Window}},
		recent:  window{span: time.Minute},
		keys:    map[string]*Key{},
	}
}

// Name is the channel's name.
func (s *State) Name() string { return s.name }

// Configure takes over the limits of the breaker, which keeps its state, and
// whether the channel starts paused: that holds when it is said for the first
// time or said anew, so that it undoes no later word of the user.
func (s *State) Configure(l BreakerLimits, disabled bool) {
	s.mu.Lock()
	s.limits = l
	s.breaker.recent.span = l.Window
	said := disabled != s.disabled
	s.disabled = disabled
	s.mu.Unlock()
	if said {
		s.SetPaused(disabled)
	}
}

// Key returns the state of one of the channel's keys, new if there was none.
func (s *State) Key(secret string) *Key {
	print := s.registry.fingerprint(s.target, secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[print]
	if k == nil {
		k = s.newKey(print)
		s.keys[print] = k
	}
	return k
}

func (s *State) newKey(print string) *Key {
	return &Key{channel: s, print: print, recent: window{span: time.Minute}}
}

// Ready says whether the channel may be sent a request, by its pause, health
// and breaker.
func (s *State) Ready(now time.Time) Skip {
	if !s.out.Load() {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ready(now)
}

func (s *State) ready(now time.Time) Skip {
	switch {
	case s.paused:
		return SkipPaused
	case s.health == sdk.HealthDown:
		return SkipCheckFailed
	default:
		return s.breaker.ready(now)
	}
}

// OutSince is when the channel went out of service by its breaker or its
// check; zero if it is in service or paused.
func (s *State) OutSince() time.Time {
	if !s.out.Load() {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.paused:
		return time.Time{}
	case s.breaker.open:
		return s.breaker.since
	case s.health == sdk.HealthDown:
		return s.since
	}
	return time.Time{}
}

// BreakerOpenSince is when the breaker opened; zero if it is closed.
func (s *State) BreakerOpenSince() time.Time {
	if !s.out.Load() {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.breaker.open {
		return time.Time{}
	}
	return s.breaker.since
}

// Acquire takes a place for one attempt. force passes over breaker and health,
// never over a pause or limit; limit is how many attempts may be under way at
// once, 0 any number. Every lease must be ended.
func (s *State) Acquire(now time.Time, limit int, force bool) (Lease, Skip) {
	if n := s.inFlight.Add(1); limit > 0 && n > int64(limit) {
		s.inFlight.Add(-1)
		return Lease{}, SkipFull
	}
	l := Lease{state: s, start: now}
	if !s.out.Load() {
		return l, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	skip := s.ready(now)
	if skip != "" && (!force || skip == SkipPaused) {
		s.inFlight.Add(-1)
		return Lease{}, skip
	}
	if s.breaker.open {
		l.probe = true
		s.breaker.probing = true
	}
	return l, ""
}

// SetPaused pauses or resumes the channel. Who resumes it wants it tried: its
// keys' rests end.
func (s *State) SetPaused(paused bool) {
	s.mu.Lock()
	if s.paused == paused {
		s.mu.Unlock()
		return
	}
	s.paused = paused
	s.settle()
	var revived []*Key
	if !paused {
		revived = slices.AppendSeq(revived, maps.Values(s.keys))
	}
	s.mu.Unlock()
	for _, k := range revived {
		k.Revive()
	}
	change := Change{Kind: ChangeResumed, Channel: s.name, Message: "resumed"}
	if paused {
		change.Kind, change.Message = ChangePaused, "paused"
	}
	s.registry.changed(change)
}

// SetFirst makes the channel the first choice of its routes, or ends that.
func (s *State) SetFirst(first bool) {
	if s.first.Swap(first) == first {
		return
	}
	change := Change{Kind: ChangeNotPreferred, Channel: s.name, Message: "no longer preferred"}
	if first {
		change.Kind, change.Message = ChangePreferred, "preferred"
	}
	s.registry.changed(change)
}

// First says whether the channel is the first choice of its routes.
func (s *State) First() bool { return s.first.Load() }

// Checked notes that a health check of the channel ended.
func (s *State) Checked() {
	s.mu.Lock()
	s.checked = s.registry.now()
	s.mu.Unlock()
}

// SetHealth records what the channel's check found. Up also closes the
// breaker; [sdk.HealthUnknown] is for a channel that has no check any more.
func (s *State) SetHealth(h sdk.Health, reason string) {
	s.mu.Lock()
	before := s.ready(s.registry.now())
	old := s.health
	if h != old {
		s.health, s.since = h, s.registry.now()
	}
	s.reason = reason
	if h == sdk.HealthUp {
		s.breaker.close()
		s.reason = ""
	}
	s.settle()
	after := s.ready(s.registry.now())
	s.mu.Unlock()
	switch {
	case h == sdk.HealthDown && old != sdk.HealthDown:
		s.registry.changed(Change{Kind: ChangeOutOfService, Channel: s.name, Message: "health check fails: " + reason})
	case before != "" && after == "":
		how := "health check passed"
		if h == sdk.HealthUnknown {
			how = "it has no health check any more"
		}
		s.registry.changed(Change{Kind: ChangeInService, Channel: s.name, Message: "back in service: " + how})
	}
}

// settle keeps out in step; the caller holds mu.
func (s *State) settle() {
	s.out.Store(s.paused || s.health == sdk.HealthDown || s.breaker.open)
}

// InFlight is the number of attempts under way.
func (s *State) InFlight() int { return int(s.inFlight.Load()) }

// Trip opens the breaker at once, whatever it has counted.
func (s *State) Trip(reason string) {
	now := s.registry.now()
	s.mu.Lock()
	was := s.breaker.open
	s.breaker.trip(now, s.limits, reason)
	s.settle()
	pause := s.breaker.until.Sub(now)
	s.mu.Unlock()
	if !was {
		s.registry.changed(Change{Kind: ChangeOutOfService, Channel: s.name, Message: fmt.Sprintf("left alone for %s: %s", pause.Round(time.Millisecond), reason)})
	}
}

// Paused says whether the user paused the channel.
func (s *State) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused
}
