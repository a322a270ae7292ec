package channel

import (
	"cmp"
	"slices"
	"time"
)

// Saved is the state saved across restarts. It contains fingerprints of keys,
// never their values. Future times are saved as the remaining time, so that setting the clock
// has no effect.
type Saved struct {
	At       time.Time      `json:"at"`
	Channels []SavedChannel `json:"channels"`
	Objects  []SavedObjects `json:"objects,omitempty"`
}

// SavedChannel is one channel of [Saved].
type SavedChannel struct {
	Name      string                `json:"name"`
	Target    string                `json:"target"`
	Paused    bool                  `json:"paused,omitempty"`
	Disabled  bool                  `json:"disabled,omitempty"` // by the configuration
	Preferred bool                  `json:"first,omitempty"`
	Blocked   SavedCooldown         `json:"blocked,omitzero"`
	Models    map[string]SavedModel `json:"models,omitempty"`
	Endpoints map[string]SavedModel `json:"endpoints,omitempty"`
	Answered  []string              `json:"answered,omitempty"` // operations that got a good answer
	Counters  Counters              `json:"counters"`
	Keys      []SavedKey            `json:"keys,omitempty"`

	Egresses    map[string]SavedCooldown `json:"egresses,omitempty"`
	Unreachable SavedCooldown            `json:"unreachable,omitzero"` // no egress works
}

// SavedModel is a restriction of a channel for a model or an endpoint.
type SavedModel struct {
	SavedCooldown
	Skip Skip      `json:"skip,omitempty"`
	Mark SavedMark `json:"mark,omitzero"`
}

// SavedKey is one key of [SavedChannel].
type SavedKey struct {
	Fingerprint string                   `json:"print"`
	RateLimited SavedCooldown            `json:"limited,omitzero"`
	Invalid     SavedCooldown            `json:"invalid,omitzero"`
	InvalidFor  []string                 `json:"invalid_for,omitempty"` // operations; none: all
	QuotaSpent  SavedCooldown            `json:"exhausted,omitzero"`
	Models      map[string]SavedCooldown `json:"models,omitempty"` // rate limits of single models
	NoAccess    map[string]SavedCooldown `json:"no_access,omitempty"`
	Mark        SavedMark                `json:"mark,omitzero"`
	Marks       map[string]SavedMark     `json:"marks,omitempty"` // of single models
	Good        map[string]time.Time     `json:"good,omitempty"`  // the last good answer, by model
	Counters    Counters                 `json:"counters"`
}

// SavedCooldown is a time during which something is not used.
type SavedCooldown struct {
	Left   time.Duration `json:"left_ns,omitempty"`
	Step   time.Duration `json:"step_ns,omitempty"`
	Reason string        `json:"reason,omitempty"`
}

// SavedMark is a mark of a suspect channel or key.
type SavedMark struct {
	Count int           `json:"count,omitempty"`
	Left  time.Duration `json:"left_ns,omitempty"`
}

// SavedObjects are objects that a site stores, with the channel and key that created them.
type SavedObjects struct {
	Channel string   `json:"channel"`
	Target  string   `json:"target"`
	Key     string   `json:"key,omitempty"` // fingerprint
	IDs     []string `json:"ids"`           // the last used one comes last
}

// Save returns the state to be saved across restarts.
func (r *Registry) Save() Saved {
	now := r.now()
	out := Saved{At: now, Channels: []SavedChannel{}, Objects: r.objects.save()}
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
	out := SavedChannel{
		Name: s.name, Target: s.target, Paused: s.paused, Disabled: s.disabled, Preferred: s.preferred.Load(),
		Blocked: s.blocked.save(now), Unreachable: s.unreachable.save(now), Answered: slices.Clone(s.answered), Counters: s.counters,
	}
	for name, c := range s.egresses {
		if c.active(now) { // an egress may have been removed from the configuration
			put(&out.Egresses, name, c.save(now))
		}
	}
	for name, m := range s.models {
		if m.cooldown.set() || m.mark.count > 0 {
			put(&out.Models, name, SavedModel{m.cooldown.save(now), m.skip, m.mark.save(now)})
		}
	}
	for name, e := range s.endpoints {
		if e.cooldown.set() {
			put(&out.Endpoints, name, SavedModel{SavedCooldown: e.cooldown.save(now)})
		}
	}
	for _, k := range s.keys {
		out.Keys = append(out.Keys, k.save(now))
	}
	slices.SortFunc(out.Keys, func(a, b SavedKey) int { return cmp.Compare(a.Fingerprint, b.Fingerprint) })
	return out
}

func (k *Key) save(now time.Time) SavedKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	out := SavedKey{
		Fingerprint: k.fingerprint, RateLimited: k.rateLimited.save(now), Invalid: k.invalid.save(now), QuotaSpent: k.quotaSpent.save(now),
		InvalidFor: slices.Clone(k.invalidFor), Mark: k.mark.save(now), Counters: k.counters,
	}
	for model, m := range k.models {
		if m.rateLimited.set() {
			put(&out.Models, model, m.rateLimited.save(now))
		}
		if m.noAccess.set() {
			put(&out.NoAccess, model, m.noAccess.save(now))
		}
		if m.mark.count > 0 {
			put(&out.Marks, model, m.mark.save(now))
		}
		if !m.lastGood.IsZero() {
			put(&out.Good, model, m.lastGood.Truncate(time.Second))
		}
	}
	return out
}

func put[T any](to *map[string]T, name string, value T) {
	if *to == nil {
		*to = map[string]T{}
	}
	(*to)[name] = value
}

func (c *cooldown) save(now time.Time) SavedCooldown {
	if c.until.IsZero() {
		return SavedCooldown{}
	}
	return SavedCooldown{Left: max(c.until.Sub(now), 0), Step: c.step, Reason: c.reason}
}

func (m *mark) save(now time.Time) SavedMark {
	if m.count == 0 {
		return SavedMark{}
	}
	return SavedMark{Count: m.count, Left: max(m.until.Sub(now), 0)}
}

func (m *objects) save() (all []SavedObjects) {
	m.mu.Lock()
	defer m.mu.Unlock()
	byMaker := map[owner]int{}
	for e := m.recent.Back(); e != nil; e = e.Prev() {
		o := e.Value.(object)
		i, ok := byMaker[o.owner]
		if !ok {
			i = len(all)
			byMaker[o.owner] = i
			all = append(all, SavedObjects{Channel: o.channel, Target: o.target, Key: o.key})
		}
		all[i].IDs = append(all[i].IDs, o.id)
	}
	return all
}
