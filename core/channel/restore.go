package channel

import "time"

// Restore loads the state that a previous run saved, also into channels and keys that exist
// already. It must be called before the first request.
func (r *Registry) Restore(saved Saved) {
	now := r.now()
	// By the wall clock, since the monotonic clock of that run ended with it.
	since := elapsed{at: saved.At, now: now, passed: max(now.Round(0).Sub(saved.At.Round(0)), 0)}
	for _, c := range saved.Channels {
		s := r.Channel(c.Name, c.Target)
		if s.Preferred() != c.Preferred {
			s.preferred.Store(c.Preferred)
			r.preferred.Add(1)
		}
		s.restore(c, since)
	}
	for _, o := range saved.Objects {
		for _, id := range o.IDs {
			r.objects.put(object{id, owner{o.Channel, o.Target, o.Key}})
		}
	}
}

func (s *State) restore(c SavedChannel, since elapsed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.paused, s.disabled, s.counters = c.Paused, c.Disabled, c.Counters
	s.answered = c.Answered
	s.removed.configured = true
	s.blocked, s.unreachable = since.cooldown(c.Blocked), since.cooldown(c.Unreachable)
	if s.blocked.set() || s.unreachable.set() {
		s.outAt = since.now
	}
	for name, saved := range c.Egresses {
		egress := since.cooldown(saved)
		put((*map[string]*cooldown)(&s.egresses), name, &egress)
	}
	s.egressFailed.Store(len(s.egresses) > 0)
	for name, m := range c.Models {
		*s.model(since.now, name) = modelState{cooldown: since.cooldown(m.SavedCooldown), skip: m.Skip, mark: since.mark(m.Mark)}
	}
	for name, e := range c.Endpoints {
		s.endpoint(name).cooldown = since.cooldown(e.SavedCooldown)
	}
	for _, k := range c.Keys {
		s.restoreKey(k, since)
	}
	s.update()
}

// restoreKey restores one of the keys; the caller holds mu.
func (s *State) restoreKey(saved SavedKey, since elapsed) {
	k := s.keys[saved.Fingerprint]
	if k == nil {
		k = s.newKey(saved.Fingerprint)
		s.keys[saved.Fingerprint] = k
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.removed.configured = true
	k.rateLimited, k.invalid, k.quotaSpent = since.cooldown(saved.RateLimited), since.cooldown(saved.Invalid), since.cooldown(saved.QuotaSpent)
	k.invalidFor, k.mark, k.counters = saved.InvalidFor, since.mark(saved.Mark), saved.Counters
	for model, good := range saved.Good {
		k.model(since.now, model).lastGood = since.now.Add(min(good.Sub(since.at), 0) - since.passed)
	}
	for model, c := range saved.Models {
		k.model(since.now, model).rateLimited = since.cooldown(c)
	}
	for model, c := range saved.NoAccess {
		k.model(since.now, model).noAccess = since.cooldown(c)
	}
	for model, m := range saved.Marks {
		k.model(since.now, model).mark = since.mark(m)
	}
	k.update()
}

// elapsed is the time since the state was saved.
type elapsed struct {
	at     time.Time // of saving
	now    time.Time
	passed time.Duration
}

func (e elapsed) cooldown(c SavedCooldown) cooldown {
	if c == (SavedCooldown{}) {
		return cooldown{}
	}
	return cooldown{until: e.now.Add(min(c.Left, maxCooldown) - e.passed), step: c.Step, reason: c.Reason}
}

func (e elapsed) mark(m SavedMark) mark {
	if m.Count <= 0 {
		return mark{}
	}
	return mark{count: m.Count, until: e.now.Add(min(m.Left, markLengths[len(markLengths)-1]) - e.passed)}
}
