package channel

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/limit"
	"github.com/aitunnel/aitunnel/sdk"
)

// State is the state of one channel.
type State struct {
	registry *Registry
	name     string
	target   string

	slot         *slot
	limiter      limit.Limiter
	preferred    atomic.Bool
	waiting      atomic.Int32 // attempts without an answer so far
	failedAt     atomic.Int64 // the last failure of the whole channel: nanoseconds since the registry's start, 0: none
	egressFailed atomic.Bool  // an egress is cooling down

	mu           sync.Mutex
	paused       bool
	disabled     bool // by the configuration
	limits       BreakerLimits
	breaker      breaker
	stalledSince time.Time // since when many attempts wait without a good answer
	healthState
	reachability
	capabilities
	keys     map[string]*Key
	counters Counters
	routes   map[string]*Counters // of the attempts for single routes
	recent   window               // the attempts of the last minute
	removed  removal
}

// healthState has the results of health checks.
type healthState struct {
	health     sdk.Health
	reason     string    // why it is down
	since      time.Time // when it went down
	checked    time.Time // when the last check ended
	checkError string    // why the last check could not be made
}

// reachability is whether the site accepts this machine's address, and through which
// egresses it can be reached.
type reachability struct {
	blocked     cooldown
	blockedBy   evidence  // requests that may have been refused because of the address
	unreachable cooldown  // no egress worked
	outAt       time.Time // when it became blocked or unreachable
	egresses    egresses
}

// capabilities is what is known of the models and endpoints of the site.
type capabilities struct {
	models    map[string]*modelState
	endpoints map[string]*endpointState
	answered  []string // operations that got a good answer
}

func newState(r *Registry, name, target string) *State {
	return &State{
		registry: r, name: name, target: target, slot: r.slots.next(),
		limits:      DefaultBreaker,
		healthState: healthState{health: sdk.HealthUnknown},
		breaker:     breaker{recent: window{span: DefaultBreaker.Window}},
		recent:      window{span: time.Minute},
		keys:        map[string]*Key{},
	}
}

// Limiter returns the limiter of the channel.
func (s *State) Limiter() *limit.Limiter { return &s.limiter }

// Name returns the channel's name.
func (s *State) Name() string { return s.name }

// Configure sets the limits of the breaker, which keeps its state, and whether the
// configuration disables the channel. That pauses or resumes it only if the setting is new
// or has changed, so that what the user did later stays.
func (s *State) Configure(l BreakerLimits, disabled bool) {
	s.mu.Lock()
	s.limits = l
	s.breaker.recent.span = l.Window
	changed := disabled != s.disabled
	s.disabled = disabled
	s.mu.Unlock()
	if changed {
		s.SetPaused(disabled)
	}
}

// Key returns the state of one of the channel's keys, which it creates if necessary.
func (s *State) Key(secret string) *Key {
	fingerprint := s.registry.fingerprint(s.target, secret)
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.keys[fingerprint]
	if k == nil {
		k = s.newKey(fingerprint)
		s.keys[fingerprint] = k
	}
	return k
}

func (s *State) newKey(fingerprint string) *Key {
	return &Key{channel: s, fingerprint: fingerprint}
}

// Skip returns why the channel must not be used now for any request: it is
// paused, down, blocked, or its breaker is open. It is "" if none of these
// applies.
func (s *State) Skip(now time.Time) Skip {
	if !s.slot.has(flagOutage) {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.skip(now)
}

func (s *State) skip(now time.Time) Skip {
	switch {
	case s.paused:
		return SkipPaused
	case s.health == sdk.HealthDown:
		return SkipCheckFailed
	case s.blocked.active(now):
		return SkipBlocked
	case s.unreachable.active(now):
		return SkipNoEgress
	default:
		return s.breaker.skip(now)
	}
}

// OutSince returns when the channel went out of service; zero if it is in service
// or paused.
func (s *State) OutSince() time.Time {
	if !s.slot.has(flagOutage) {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outSince(s.registry.now())
}

func (s *State) outSince(now time.Time) time.Time {
	switch {
	case s.paused:
		return time.Time{}
	case s.breaker.open:
		return s.breaker.since
	case s.health == sdk.HealthDown:
		return s.since
	case s.blocked.active(now), s.unreachable.active(now):
		return s.outAt
	}
	return time.Time{}
}

// BreakerOpenSince returns when the breaker opened; zero if it is closed.
func (s *State) BreakerOpenSince() time.Time {
	if !s.slot.has(flagOutage) {
		return time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.breaker.open {
		return time.Time{}
	}
	return s.breaker.since
}

// Acquire takes a slot for one attempt. force ignores health, breaker and
// block, but never a pause or the limit; limit is the maximum number of
// attempts in flight, 0 for no limit. Every lease must be ended.
func (s *State) Acquire(now time.Time, limit int, force bool) (Lease, Skip) {
	return s.acquire(now, limit, force, false)
}

// AcquireTrial is Acquire for an attempt by which the user tests the channel: only the
// limit can refuse it.
func (s *State) AcquireTrial(now time.Time, limit int) (Lease, Skip) {
	return s.acquire(now, limit, true, true)
}

func (s *State) acquire(now time.Time, limit int, force, paused bool) (Lease, Skip) {
	if n := s.slot.inFlight.Add(1); limit > 0 && int(n) > limit {
		s.slot.inFlight.Add(-1)
		return Lease{}, SkipFull
	}
	l := Lease{state: s, start: now}
	if !s.slot.has(flagOutage) {
		l.wait(now)
		return l, ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	skip := s.skip(now)
	if skip != "" && (!force || skip == SkipPaused && !paused) {
		s.slot.inFlight.Add(-1)
		return Lease{}, skip
	}
	if s.breaker.open {
		l.probe = true
		s.breaker.probing = true
	}
	l.waits = true
	s.waiting.Add(1)
	return l, ""
}

// SetPaused pauses or resumes the channel. Resuming also clears its restrictions, since the
// user wants it to be tried.
func (s *State) SetPaused(paused bool) {
	s.mu.Lock()
	before := s.paused
	s.paused = paused
	s.update()
	s.mu.Unlock()
	if paused == before {
		return
	}
	change := Change{Kind: ChangePaused, Channel: s.name, Message: "paused"}
	if !paused {
		s.reset()
		change.Kind, change.Message = ChangeResumed, "resumed"
	}
	s.registry.changed(change)
}

// Resume puts the channel and its keys back in use: it ends a pause, closes the breaker,
// and clears cooldowns and marks.
func (s *State) Resume() {
	out := s.Skip(s.registry.now())
	s.SetPaused(false)
	s.reset()
	if out != "" && out != SkipPaused {
		s.registry.changed(Change{Kind: ChangeInService, Channel: s.name, Message: "back in service: resumed"})
	}
}

// reset clears all restrictions of the channel and its keys.
func (s *State) reset() {
	s.mu.Lock()
	s.blocked, s.blockedBy = cooldown{}, evidence{}
	s.unreachable, s.egresses = cooldown{}, nil
	s.egressFailed.Store(false)
	s.models, s.endpoints = nil, nil
	s.breaker.close()
	if s.health == sdk.HealthDown {
		s.health, s.reason, s.since = sdk.HealthUnknown, "", s.registry.now()
	}
	s.update()
	keys := slices.Collect(maps.Values(s.keys))
	s.mu.Unlock()
	for _, k := range keys {
		k.Reset()
	}
}

// SetPreferred makes routes send requests to the channel before all others, or
// ends that.
func (s *State) SetPreferred(preferred bool) {
	if s.preferred.Swap(preferred) == preferred {
		return
	}
	change := Change{Kind: ChangeNotPreferred, Channel: s.name, Message: "no longer preferred"}
	count := int64(-1)
	if preferred {
		change.Kind, change.Message, count = ChangePreferred, "preferred", 1
	}
	s.registry.preferred.Add(count)
	s.registry.changed(change)
}

// Preferred reports whether the user prefers the channel.
func (s *State) Preferred() bool { return s.preferred.Load() }

// Checked records that a health check of the channel ended.
func (s *State) Checked() {
	s.mu.Lock()
	s.checked = s.registry.now()
	s.mu.Unlock()
}

// SetHealth records the result of the channel's check. Up also closes the
// breaker; [sdk.HealthUnknown] is for a channel that no longer has a check.
func (s *State) SetHealth(h sdk.Health, reason string) {
	s.mu.Lock()
	now := s.registry.now()
	before := s.skip(now)
	old := s.health
	if h != old {
		s.health, s.since = h, now
	}
	s.reason = reason
	if h == sdk.HealthUp {
		s.breaker.close()
		s.reason = ""
	}
	s.update()
	after := s.skip(now)
	s.mu.Unlock()
	switch {
	case h == sdk.HealthDown && old != sdk.HealthDown:
		s.registry.changed(Change{Kind: ChangeOutOfService, Channel: s.name, Message: "the health check failed: " + reason})
	case before != "" && after == "":
		how := "health check passed"
		if h == sdk.HealthUnknown {
			how = "it no longer has a health check"
		}
		s.registry.changed(Change{Kind: ChangeInService, Channel: s.name, Message: "back in service: " + how})
	}
}

// update sets the flags; the caller holds mu.
func (s *State) update() {
	s.setFlag(flagOutage, s.paused || s.health == sdk.HealthDown || s.breaker.open || s.blocked.set() || s.unreachable.set())
	s.setFlag(flagRestricted, len(s.models)+len(s.endpoints)+len(s.blockedBy.requests) > 0)
}

// InFlight returns the number of attempts in flight.
func (s *State) InFlight() int { return int(s.slot.inFlight.Load()) }

// Paused reports whether the user paused the channel.
func (s *State) Paused() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.paused
}

// FailedRecently reports whether the whole channel failed within that time: it was
// overloaded, broken or silent.
func (s *State) FailedRecently(now time.Time, within time.Duration) bool {
	at := s.failedAt.Load()
	return at != 0 && now.Sub(s.registry.start)-time.Duration(at) < within
}

func (s *State) failed(now time.Time) {
	s.failedAt.Store(int64(now.Sub(s.registry.start)) | 1)
}
