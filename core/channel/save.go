package channel

import (
	"cmp"
	"slices"
	"time"
)

// Saved is what outlives the program: pauses, what keys rest for, counters and
// latency. It holds fingerprints of keys, never their values. Times to come are
// kept as what is left of them, so that a clock that was set does no harm.
type Saved struct {
	At       time.Time      `json:"at"`
	Channels []SavedChannel `json:"channels"`
}

// SavedChannel is one channel of [Saved].
type SavedChannel struct {
	Name     string     `json:"name"`
	Target   string     `json:"target"`
	Paused   bool       `json:"paused,omitempty"`
	Disabled bool       `json:"disabled,omitempty"` // what the configuration said of that
	First    bool       `json:"first,omitempty"`
	Counters Counters   `json:"counters"`
	Keys     []SavedKey `json:"keys,omitempty"`
}

// SavedKey is one key of [SavedChannel].
type SavedKey struct {
	Print     string               `json:"print"`
	Limited   SavedRest            `json:"limited,omitzero"`
	Invalid   SavedRest            `json:"invalid,omitzero"`
	Exhausted SavedRest            `json:"exhausted,omitzero"`
	Models    map[string]SavedRest `json:"models,omitempty"`
	Counters  Counters             `json:"counters"`
}

// SavedRest is a time for which a key is left alone.
type SavedRest struct {
	Left   time.Duration `json:"left_ns,omitempty"`
	Step   time.Duration `json:"step_ns,omitempty"`
	Reason string        `json:"reason,omitempty"`
}

// Save returns what is to outlive the program.
func (r *Registry) Save() Saved {
	now := r.now()
	out := Saved{At: now, Channels: []SavedChannel{}}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range r.channels {
		out.Channels = append(out.Channels, s.save(now))
	}
	slices.SortFunc(out.Channels, func(a, b SavedChannel) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Target, b.Target))
	})
	return out
}

func (s *State) save(now time.Time) SavedChannel {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := SavedChannel{Name: s.name, Target: s.target, Paused: s.paused, Disabled: s.disabled, First: s.first.Load(), Counters: s.counters}
	for _, k := range s.keys {
		out.Keys = append(out.Keys, k.save(now))
	}
	slices.SortFunc(out.Keys, func(a, b SavedKey) int { return cmp.Compare(a.Print, b.Print) })
	return out
}

func (k *Key) save(now time.Time) SavedKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := SavedKey{Print: k.print, Limited: k.limited.save(now), Invalid: k.invalid.save(now), Exhausted: k.exhausted.save(now), Counters: k.counters}
	for model, r := range k.models {
		if out.Models == nil {
			out.Models = map[string]SavedRest{}
		}
		out.Models[model] = r.save(now)
	}
	return out
}

func (r *rest) save(now time.Time) SavedRest {
	if r.until.IsZero() {
		return SavedRest{}
	}
	return SavedRest{Left: max(r.until.Sub(now), 0), Step: r.step, Reason: r.reason}
}

// Restore takes up what a former run saved. It comes before anything else is
// asked of the registry.
func (r *Registry) Restore(saved Saved) {
	now := r.now()
	passed := max(now.Round(0).Sub(saved.At.Round(0)), 0) // by the wall clock: the other one ended with that run
	for _, c := range saved.Channels {
		s := r.Channel(c.Name, c.Target)
		s.mu.Lock()
		s.paused, s.disabled, s.counters = c.Paused, c.Disabled, c.Counters
		s.gone.known = true
		for _, k := range c.Keys {
			s.keys[k.Print] = s.restoreKey(k, now, passed)
		}
		s.first.Store(c.First)
		s.settle()
		s.mu.Unlock()
	}
}

func (s *State) restoreKey(saved SavedKey, now time.Time, passed time.Duration) *Key {
	k := s.newKey(saved.Print)
	k.gone.known = true
	k.limited, k.invalid, k.exhausted = saved.Limited.restore(now, passed), saved.Invalid.restore(now, passed), saved.Exhausted.restore(now, passed)
	for model, r := range saved.Models {
		*k.model(now, model) = r.restore(now, passed)
	}
	k.counters = saved.Counters
	k.mark()
	return k
}

func (r SavedRest) restore(now time.Time, passed time.Duration) rest {
	if r == (SavedRest{}) {
		return rest{}
	}
	return rest{until: now.Add(min(r.Left, maxCooldown) - passed), step: r.Step, reason: r.Reason}
}

// memory is how long the state of what left the configuration is kept.
const memory = 24 * time.Hour

// Retain says which channels and keys the configuration has. The state of all
// others is kept for a day, in case they come back.
func (r *Registry) Retain(used map[*State][]*Key) {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, s := range r.channels {
		keys, there := used[s]
		if s.retain(there, keys, now) {
			delete(r.channels, id)
		}
	}
}

// retain says that the channel has been gone for so long that it is forgotten.
func (s *State) retain(there bool, keys []*Key, now time.Time) (forget bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for print, k := range s.keys {
		if k.gone.left(slices.Contains(keys, k), now) && k.inFlight.Load() == 0 {
			delete(s.keys, print)
		}
	}
	return s.gone.left(there, now) && s.inFlight.Load() == 0
}

// absence is since when something is not in the configuration.
type absence struct {
	since time.Time
	known bool // it was in one
}

// left says that it has been away for longer than memory.
func (a *absence) left(there bool, now time.Time) bool {
	switch {
	case there:
		a.since, a.known = time.Time{}, true
	case a.since.IsZero():
		a.since = now
	}
	return !there && now.Sub(a.since) > memory
}

func (a *absence) away() bool { return a.known && !a.since.IsZero() }

// Away says that the channel was in the configuration, and is not now: it
// would come back with its state.
func (s *State) Away() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gone.away()
}

// Away says that the key was in the configuration, and is not now.
func (k *Key) Away() bool {
	k.channel.mu.Lock()
	defer k.channel.mu.Unlock()
	return k.gone.away()
}
