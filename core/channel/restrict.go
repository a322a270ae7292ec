package channel

import (
	"fmt"
	"time"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/sdk"
)

// modelState has the restrictions of a channel for one model; the model "" represents all of
// them.
type modelState struct {
	cooldown cooldown
	skip     Skip // why, while the cooldown is active
	mark     mark
	refused  evidence // requests that this channel refused and another one answered
}

// endpointState has the restrictions of a channel for one endpoint.
type endpointState struct {
	cooldown cooldown
	misses   int // requests in a row that found no endpoint
	last     time.Time
}

// SkipFor returns why the channel must not be used for the model or endpoint, ""
// if it may be. until is when that ends. It does not repeat what Skip says.
func (s *State) SkipFor(now time.Time, model, endpoint string) (skip Skip, until time.Time) {
	if !s.slot.has(flagRestricted) {
		return "", time.Time{}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range [2]string{model, ""} {
		if m := s.models[name]; m != nil && m.cooldown.active(now) {
			return m.skip, m.cooldown.until
		}
	}
	if e := s.endpoints[endpoint]; e != nil && e.cooldown.active(now) {
		return SkipNoEndpoint, e.cooldown.until
	}
	return "", time.Time{}
}

// Deferred reports whether a mark puts the channel behind others for the model,
// and until when.
func (s *State) Deferred(now time.Time, model string) (until time.Time, deferred bool) {
	if !s.slot.has(flagRestricted) {
		return time.Time{}, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.models[model]; m != nil && m.mark.deferred(now) {
		return m.mark.until, true
	}
	return time.Time{}, false
}

// TestModel starts the test of a mark of the model, if one is due, and reports
// whether it did. The test ends with the lease.
func (l *Lease) TestModel(now time.Time, model string) {
	s := l.state
	if !s.slot.has(flagRestricted) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if m := s.models[model]; m != nil && m.mark.test(now) {
		l.tests = m
	}
}

// DenyModel records why the channel must not be used for the model: usually [SkipNoModel].
// The model "" represents all of them. wait is the time that the site gave, 0 if none.
func (s *State) DenyModel(now time.Time, model string, skip Skip, wait time.Duration, reason string) {
	length := modelCooldown
	if skip == SkipRateLimited {
		length = firstRateLimit
	}
	s.mu.Lock()
	m := s.model(now, model)
	m.skip = skip
	began := m.cooldown.start(now, wait, length, modelCooldown, reason)
	left := m.cooldown.remaining(now)
	s.update()
	s.mu.Unlock()
	if began {
		s.announce(ChangeNoModel, fmt.Sprintf("%s (%s), not used for this model for %s: %s", skip.Text(), model, wording.Duration(left), reason))
	}
}

// DenyEndpoint records that the channel does not have the endpoint. If
// certain is false, it takes two requests in a row.
func (s *State) DenyEndpoint(now time.Time, endpoint string, certain bool, wait time.Duration, reason string) {
	s.mu.Lock()
	e := s.endpoint(endpoint)
	if now.Sub(e.last) > evidenceTimeout {
		e.misses = 0
	}
	e.misses++
	e.last = now
	began := false
	if certain || e.misses >= 2 {
		began = e.cooldown.start(now, wait, endpointPause, endpointPause, reason)
	}
	left := e.cooldown.remaining(now)
	s.update()
	s.mu.Unlock()
	if began {
		s.announce(ChangeNoEndpoint, fmt.Sprintf("has no %s endpoint, not used for this endpoint for %s: %s", endpoint, wording.Duration(left), reason))
	}
}

// CountModelRefusal records that the channel refused, for an unknown reason, a request
// that another channel answered. The second such request without a good answer
// in between marks the channel for the model.
func (s *State) CountModelRefusal(now time.Time, model string, request uint64) {
	s.mu.Lock()
	m := s.model(now, model)
	marked := false
	if m.refused.add(now, request) >= 2 {
		marked = m.mark.add(now)
		m.refused = evidence{}
	}
	until := m.mark.until
	s.update()
	s.mu.Unlock()
	if marked {
		s.announce(ChangeModelSuspect, fmt.Sprintf("refused requests for %s that other channels answer: used last for this model for %s", model, wording.Duration(until.Sub(now).Round(time.Second))))
	}
}

// clearRestrictions removes the restrictions that a good answer with any key disproves, and the result
// of the last health check. Restrictions that began later than the attempt stay. It reports
// whether the channel was blocked or down until now, also if that was to end by itself; the caller
// holds mu.
func (s *State) clearRestrictions(began, now time.Time, model, endpoint string) (back bool) {
	if s.health == sdk.HealthDown && !began.Before(s.since) {
		s.health, s.since, s.reason = sdk.HealthUnknown, now, ""
		back = true
	}
	if !s.blocked.active(now) || !began.Before(s.outAt) {
		back = back || s.blocked.set()
		s.blocked, s.blockedBy = cooldown{}, evidence{}
	}
	s.unreachable = cooldown{}
	if model != "" {
		delete(s.models, model)
	}
	delete(s.endpoints, endpoint)
	if all := s.models[""]; all != nil && !all.cooldown.active(now) {
		delete(s.models, "")
	}
	s.update()
	return back
}

func (s *State) announce(kind ChangeKind, message string) {
	s.registry.changed(Change{Kind: kind, Channel: s.name, Message: message})
}

// model returns the state of the model, which it creates if necessary; the caller holds mu.
func (s *State) model(now time.Time, model string) *modelState {
	m := s.models[model]
	if m != nil {
		return m
	}
	if s.models == nil {
		s.models = map[string]*modelState{}
	}
	if len(s.models) >= maxModels {
		s.forgetModel(now)
	}
	m = &modelState{}
	s.models[model] = m
	return m
}

// forgetModel removes a model without a mark, the one whose cooldown ends first, to make
// room.
func (s *State) forgetModel(now time.Time) {
	worst := ""
	var first time.Time
	for name, m := range s.models {
		ends := later(m.cooldown.until, m.mark.until)
		if m.mark.count > 0 && !ends.After(now) {
			ends = now
		}
		if worst == "" || ends.Before(first) {
			worst, first = name, ends
		}
	}
	delete(s.models, worst)
}

// endpoint is like model, but removes all when there are too many.
func (s *State) endpoint(endpoint string) *endpointState {
	e := s.endpoints[endpoint]
	if e == nil {
		if s.endpoints == nil || len(s.endpoints) >= maxModels {
			s.endpoints = map[string]*endpointState{}
		}
		e = &endpointState{}
		s.endpoints[endpoint] = e
	}
	return e
}
