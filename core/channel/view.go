package channel

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// View is a channel's state at one moment.
type View struct {
	Paused    bool
	Preferred bool
	Health    sdk.Health
	Checked   time.Time // its last health check; zero: none

	CheckError string // why its last health check could not be made; "" if it was

	Skip      Skip      // why it is skipped now; "" if it is not
	Reason    string    // the cause, in words
	Since     time.Time // of being out of service
	Until     time.Time // when it is tried again
	InFlight  int
	ErrorRate float64
	Counters  Counters
}

// Restriction is why a channel or key is not used, or used last, for a model or
// an endpoint.
type Restriction struct {
	Model    string // "": see Endpoint; if that is empty too, all models
	Endpoint string
	State    string // a [Skip], or [KeySuspect]
	Reason   string
	Until    time.Time
}

// Restrictions returns the current restrictions of the channel, in order of models and
// endpoints.
func (s *State) Restrictions(now time.Time) (all []Restriction) {
	if !s.slot.has(flagRestricted) {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(s.models)) {
		m := s.models[name]
		if m.cooldown.active(now) {
			all = append(all, Restriction{Model: name, State: string(m.skip), Reason: m.cooldown.reason, Until: m.cooldown.until})
		} else if m.mark.deferred(now) {
			all = append(all, Restriction{Model: name, State: KeySuspect, Until: m.mark.until})
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.endpoints)) {
		if c := s.endpoints[name].cooldown; c.active(now) {
			all = append(all, Restriction{Endpoint: name, State: string(SkipNoEndpoint), Reason: c.reason, Until: c.until})
		}
	}
	return all
}

// Restrictions returns the current restrictions of the key for single models, in order of
// models.
func (k *Key) Restrictions(now time.Time) (all []Restriction) {
	if !k.restricted.Load() {
		return nil
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(k.models)) {
		switch m := k.models[name]; {
		case m.noAccess.active(now):
			all = append(all, Restriction{Model: name, State: string(SkipNoAccess), Reason: m.noAccess.reason, Until: m.noAccess.until})
		case m.rateLimited.active(now):
			all = append(all, Restriction{Model: name, State: string(SkipRateLimited), Reason: m.rateLimited.reason, Until: m.rateLimited.until})
		case m.mark.deferred(now):
			all = append(all, Restriction{Model: name, State: KeySuspect, Until: m.mark.until})
		}
	}
	return all
}

// View returns the channel's state.
func (s *State) View(now time.Time) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := View{
		Paused: s.paused, Preferred: s.preferred.Load(), Health: s.health, Checked: s.checked, CheckError: s.checkError, Skip: s.skip(now),
		InFlight: s.InFlight(), ErrorRate: s.recent.errorRate(now), Counters: s.counters,
	}
	v.Reason = s.cause(now)
	switch {
	case s.breaker.open:
		v.Since, v.Until = s.breaker.since, s.breaker.until
	case s.health == sdk.HealthDown:
		v.Since = s.since
	case s.blocked.active(now):
		v.Since = s.outAt
	case s.unreachable.active(now):
		v.Since, v.Until = s.outAt, s.unreachable.until
	}
	if s.blocked.active(now) {
		v.Until = later(v.Until, s.blocked.until)
	}
	return v
}

// Cause returns in words why the channel is out of service; "" if it is not, or if the cause
// is unknown.
func (s *State) Cause(now time.Time) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.cause(now)
}

// cause is Cause; the caller holds mu.
func (s *State) cause(now time.Time) string {
	switch {
	case s.breaker.open:
		return s.breaker.reason
	case s.health == sdk.HealthDown:
		return s.reason
	case s.blocked.active(now):
		return s.blocked.reason
	case s.unreachable.active(now):
		return s.unreachable.reason
	}
	return ""
}

// KeyView is a key's state at one moment.
type KeyView struct {
	Skip       Skip     // for requests for any model; "" if it is usable
	InvalidFor []string // the operations for which it is an invalid key; none: all
	Suspect    bool
	Reason     string
	Until      time.Time // when the cooldown or mark ends
	InFlight   int
	ErrorRate  float64
	Counters   Counters
}

// View returns the key's state.
func (k *Key) View(now time.Time) KeyView {
	k.mu.Lock()
	defer k.mu.Unlock()
	v := KeyView{InFlight: int(k.inFlight.Load()), Counters: k.counters}
	if k.recent != nil {
		v.ErrorRate = k.recent.errorRate(now)
	}
	v.Skip, v.Until = k.skip(now, "", "")
	v.Reason = k.cause(now, v.Skip, "")
	switch {
	case v.Skip == SkipInvalidKey:
		v.InvalidFor = slices.Clone(k.invalidFor)
		if len(v.InvalidFor) > 0 {
			v.Reason += " (rejected by " + strings.Join(v.InvalidFor, ", ") + " only; other requests use it last)"
		}
	case v.Skip != "":
	case k.mark.deferred(now):
		v.Suspect, v.Until, v.Reason = true, k.mark.until, k.counters.LastError
	case k.suspect:
		v.Suspect, v.Reason = true, k.counters.LastError
	}
	return v
}

// Cause returns in words why the key is not used for the model and the operation; "" if it
// is, or if the cause is unknown.
func (k *Key) Cause(now time.Time, model, operation string) string {
	k.mu.Lock()
	defer k.mu.Unlock()
	skip, _ := k.skip(now, model, operation)
	return k.cause(now, skip, model)
}

// cause returns the reason of a [Skip] of the key in words; the caller holds mu.
func (k *Key) cause(now time.Time, skip Skip, model string) string {
	switch m := k.models[model]; {
	case skip == SkipInvalidKey:
		return k.invalid.reason
	case skip == SkipQuotaSpent:
		return k.quotaSpent.reason
	case skip == SkipNoAccess && m != nil:
		return m.noAccess.reason
	case skip == SkipRateLimited && m != nil && !k.rateLimited.active(now):
		return m.rateLimited.reason
	case skip == SkipRateLimited || skip == SkipCooldown:
		return k.rateLimited.reason
	}
	return ""
}

// Snapshot returns the channel's state for strategies, without settings of the
// configuration.
func (s *State) Snapshot(now time.Time) sdk.Snapshot {
	v := s.View(now)
	return sdk.Snapshot{
		ID: s.name, Available: v.Skip == "", Health: v.Health, TTFB: v.Counters.TTFB,
		InFlight: v.InFlight, ErrorRate: v.ErrorRate, Requests: v.Counters.Requests, LastUsed: v.Counters.LastAt,
	}
}

// Snapshot returns the key's state for key selectors.
func (k *Key) Snapshot(now time.Time) sdk.Snapshot {
	v := k.View(now)
	return sdk.Snapshot{
		ID: k.ID(), Available: v.Skip == "" || len(v.InvalidFor) > 0, TTFB: v.Counters.TTFB,
		InFlight: v.InFlight, ErrorRate: v.ErrorRate, Requests: v.Counters.Requests, LastUsed: v.Counters.LastAt,
	}
}

// ResetCounts sets the counters of attempts of the channel and its keys to zero. The average
// latency and the last error stay.
func (s *State) ResetCounts() {
	s.mu.Lock()
	s.counters.reset()
	keys := slices.Collect(maps.Values(s.keys))
	s.mu.Unlock()
	for _, k := range keys {
		k.mu.Lock()
		k.counters.reset()
		k.mu.Unlock()
	}
}

// Counters returns the channel's counters.
func (s *State) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

// RouteCounters returns the counters of the attempts for one route, which leases count in;
// see [Lease.CountIn]. They are read by [State.Read].
func (s *State) RouteCounters(route string) *Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.routes[route]
	if c == nil {
		if s.routes == nil {
			s.routes = map[string]*Counters{}
		}
		c = &Counters{}
		s.routes[route] = c
	}
	return c
}

// Read returns the current values of the counters of a route.
func (s *State) Read(c *Counters) Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return *c
}

// Counters returns the key's counters.
func (k *Key) Counters() Counters {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.counters
}
