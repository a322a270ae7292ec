package channel

import (
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// View is a channel's state at one moment.
type View struct {
	Paused    bool
	First     bool // the user made it the first choice
	Health    sdk.Health
	Checked   time.Time // its last health check; zero: none
	Skip      Skip      // why it is passed over now; "" if it is not
	Reason    string    // more about that, in words
	Since     time.Time // of being out of service
	Until     time.Time // when an open breaker lets a request through again
	InFlight  int
	ErrorRate float64
	Counters  Counters
}

// View returns the channel's state.
func (s *State) View(now time.Time) View {
	s.mu.Lock()
	defer s.mu.Unlock()
	v := View{
		Paused: s.paused, First: s.first.Load(), Health: s.health, Checked: s.checked, Skip: s.ready(now),
		InFlight: s.InFlight(), ErrorRate: s.recent.errorRate(now), Counters: s.counters,
	}
	switch {
	case s.breaker.open:
		v.Reason, v.Since, v.Until = s.breaker.reason, s.breaker.since, s.breaker.until
	case s.health == sdk.HealthDown:
		v.Reason, v.Since = s.reason, s.since
	}
	return v
}

// KeyView is a key's state at one moment.
type KeyView struct {
	Skip      Skip // for requests of any model; "" if it is usable
	Reason    string
	Until     time.Time // when the rest ends
	InFlight  int
	ErrorRate float64
	Counters  Counters
}

// View returns the key's state.
func (k *Key) View(now time.Time) KeyView {
	skip, until := k.Ready(now, "")
	k.mu.Lock()
	defer k.mu.Unlock()
	v := KeyView{Skip: skip, Until: until, InFlight: int(k.inFlight.Load()), ErrorRate: k.recent.errorRate(now), Counters: k.counters}
	switch skip {
	case SkipInvalidKey:
		v.Reason = k.invalid.reason
	case SkipQuotaSpent:
		v.Reason = k.exhausted.reason
	case SkipRateLimited:
		v.Reason = k.limited.reason
	}
	return v
}

// Snapshot is the channel as strategies see it, less what the configuration
// gives.
func (s *State) Snapshot(now time.Time) sdk.Snapshot {
	v := s.View(now)
	return sdk.Snapshot{
		ID: s.name, Available: v.Skip == "", Health: v.Health, TTFB: v.Counters.TTFB,
		InFlight: v.InFlight, ErrorRate: v.ErrorRate, Requests: v.Counters.Requests, LastUsed: v.Counters.LastAt,
	}
}

// Snapshot is the key as key selectors see it.
func (k *Key) Snapshot(now time.Time) sdk.Snapshot {
	v := k.View(now)
	return sdk.Snapshot{
		ID: k.ID(), Available: v.Skip == "", TTFB: v.Counters.TTFB,
		InFlight: v.InFlight, ErrorRate: v.ErrorRate, Requests: v.Counters.Requests, LastUsed: v.Counters.LastAt,
	}
}

// Counters returns the channel's counters.
func (s *State) Counters() Counters {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.counters
}

// Counters returns the key's counters.
func (k *Key) Counters() Counters {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.counters
}
