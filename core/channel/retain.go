package channel

import (
	"slices"
	"time"
)

// removedTTL is how long the state of channels and keys is kept after they were removed from
// the configuration.
const removedTTL = 24 * time.Hour

// Retain sets which channels and keys are in the configuration. The state of
// all others is kept for a day, in case they are added again.
func (r *Registry) Retain(used map[*State][]*Key) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.channels {
		keys, configured := used[s]
		if s.retain(configured, keys, now) {
			if s.preferred.Swap(false) {
				r.preferred.Add(-1)
			}
			s.setFlag(flagForgotten, true)
			delete(r.channels, id)
		}
	}
}

// retain reports whether the channel was removed so long ago that it can be
// forgotten.
func (s *State) retain(configured bool, keys []*Key, now time.Time) (forget bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for fingerprint, k := range s.keys {
		if k.removed.expired(slices.Contains(keys, k), now) && k.inFlight.Load() == 0 {
			if k.restricted.Swap(false) {
				s.restrictKey(false)
			}
			delete(s.keys, fingerprint)
		}
	}
	return s.removed.expired(configured, now) && s.slot.inFlight.Load() == 0
}

// removal records when something was removed from the configuration.
type removal struct {
	since      time.Time
	configured bool // it was in a configuration
}

// expired updates whether it is configured, and reports whether it was removed longer ago
// than removedTTL.
func (a *removal) expired(configured bool, now time.Time) bool {
	switch {
	case configured:
		a.since, a.configured = time.Time{}, true
	case a.since.IsZero():
		a.since = now
	}
	return !configured && now.Sub(a.since) > removedTTL
}

func (a *removal) removed() bool { return a.configured && !a.since.IsZero() }

// Removed reports whether the channel was removed from the configuration; if it
// is added again, it gets its state back.
func (s *State) Removed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.removed.removed()
}

// Removed reports whether the key was removed from the configuration.
func (k *Key) Removed() bool {
	k.channel.mu.Lock()
	defer k.channel.mu.Unlock()
	return k.removed.removed()
}
