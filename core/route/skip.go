package route

import (
	"cmp"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
)

// Limits of what one request may cost.
const (
	recentFailure = 10 * time.Second // how long attempts count as extra after a failure
	manyKeys      = 8                // keys of a channel to try, while another channel is left
	maxKeys       = 16               // keys of a channel to try
	attemptsDown  = 2                // attempts after which channels with open breakers are skipped
)

// skip returns why the channel is skipped now; "" if it is not.
func (w *Walk) skip(ch *Channel) channel.Skip {
	skip, _ := w.skipOrDefer(ch)
	return skip
}

// skipOrDefer returns why the channel is skipped now and, if it is not, whether its
// marks make it come after the others.
func (w *Walk) skipOrDefer(ch *Channel) (skip channel.Skip, deferred bool) {
	if w.alreadyTried(ch) {
		return channel.SkipAlreadyTried, false
	}
	if skip := ch.State.Skip(w.now); skip != "" && !w.request.Trial && (!isBreaker(skip) || !w.keepInUse(ch)) {
		return skip, false
	}
	return w.skipInService(ch)
}

// skipInService is skipOrDefer for a channel that is in service: it ignores health,
// blocks and the breaker.
func (w *Walk) skipInService(ch *Channel) (skip channel.Skip, deferred bool) {
	if !serves(ch.Config.Models, w.request.Model) {
		return channel.SkipModelNotServed, false
	}
	if skip, _ := ch.atLimit(w.now, w.request.Tokens); skip != "" {
		return skip, false
	}
	if skip, _ := ch.State.SkipFor(w.now, w.request.Model, w.request.Operation); skip != "" && !w.request.Trial {
		return skip, false
	}
	if skip := w.overBudget(ch); skip != "" {
		return skip, false
	}
	_, deferred = ch.State.Deferred(w.now, w.request.Model)
	if len(ch.Keys) == 0 {
		return "", deferred
	}
	none, skip := channel.SkipNoKey, channel.SkipNoKey
	for _, k := range ch.Keys {
		if why := w.keySkip(k); why == channel.SkipAtLimit {
			none = why
			continue
		} else if why != "" {
			continue
		}
		if _, behind := k.State.Deferred(w.now, w.request.Model, w.request.Operation); !behind {
			return "", deferred
		}
		skip = ""
	}
	if skip != "" {
		skip = none
	}
	return skip, true
}

// skipped describes a skipped channel, with the cause.
func (w *Walk) skipped(ch *Channel, why channel.Skip) Skipped {
	s := Skipped{Channel: ch.Config.Name, Why: why, Cause: w.outage(ch, why)}
	if why != channel.SkipNoKey {
		return s
	}
	for _, k := range ch.Keys[:min(len(ch.Keys), maxSkippedKeys)] {
		why := SkippedKey{k.State.ID(), w.keySkip(k), k.State.Cause(w.now, w.request.Model, w.request.Operation)}
		s.Keys, s.Cause = append(s.Keys, why), cmp.Or(s.Cause, why.Cause)
	}
	return s
}

// outage returns in words why a channel is out of service.
func (w *Walk) outage(ch *Channel, why channel.Skip) string {
	switch why {
	case channel.SkipCheckFailed, channel.SkipBreakerOpen, channel.SkipBreakerProbing, channel.SkipBlocked, channel.SkipNoEgress:
		return ch.State.Cause(w.now)
	}
	return ""
}

// overBudget returns why the request may make no further attempt at the channel; "" if
// it may.
func (w *Walk) overBudget(ch *Channel) channel.Skip {
	if w.attempts == 0 || w.dry != nil {
		return ""
	}
	if w.breakerOpen(ch) && (w.attempts >= attemptsDown || w.tried.failure(ch) != nil) {
		return channel.SkipRetryBudget
	}
	if ch != w.tried.nextKeyOf && w.extra(ch) && !w.route.registry.AllowExtra(w.now, w.route.maxExtra, false) {
		return channel.SkipRetryBudget
	}
	if tried := w.tried.keysOf(ch); tried >= maxKeys || tried >= manyKeys && w.otherLeft(ch) {
		return channel.SkipManyKeysTried
	}
	return ""
}

// breakerOpen reports whether the channel's breaker is open. Such a channel may still
// be kept in use; each request then tries it once.
func (w *Walk) breakerOpen(ch *Channel) bool { return !ch.State.BreakerOpenSince().IsZero() }

// extra reports whether an attempt at the channel would not be the request's first,
// and the channel failed recently.
func (w *Walk) extra(ch *Channel) bool {
	return w.attempts > 0 && ch.State.FailedRecently(w.now, recentFailure)
}

// HasAlternative reports whether another channel than ch, not tried yet, is
// available.
func (w *Walk) HasAlternative(ch *Channel, now time.Time) bool {
	w.now, w.secondRound = now, false
	for _, other := range w.route.Channels {
		if other != ch && w.skip(other) == "" {
			return true
		}
	}
	return false
}

// otherLeft reports whether another channel can still serve the request.
func (w *Walk) otherLeft(ch *Channel) bool {
	for _, other := range w.route.Channels {
		if other == ch || w.tried.failure(other) != nil || w.tried.keysOf(other) >= manyKeys || other.State.Skip(w.now) != "" || !serves(other.Config.Models, w.request.Model) {
			continue
		}
		if skip, _ := other.State.SkipFor(w.now, w.request.Model, w.request.Operation); skip != "" {
			continue
		}
		if len(other.Keys) == 0 || w.anyKeyLeft(other) {
			return true
		}
	}
	return false
}

func (w *Walk) anyKeyLeft(ch *Channel) bool {
	for _, k := range ch.Keys {
		if w.keySkip(k) == "" {
			return true
		}
	}
	return false
}

func (w *Walk) keySkip(k *Key) channel.Skip {
	for i := range w.tried.keys {
		if f := &w.tried.keys[i]; f.key == k && (f.final || !w.secondRound) {
			return channel.SkipAlreadyTried
		}
	}
	skip, _ := k.State.Skip(w.now, w.request.Model, w.request.Operation)
	if skip == "" && w.wait(k.State.Limiter()) > 0 {
		return channel.SkipAtLimit
	}
	return skip
}

// deferredUntil returns when the marks end that make the channel come after others.
func (w *Walk) deferredUntil(ch *Channel) time.Time {
	until, _ := ch.State.Deferred(w.now, w.request.Model)
	var key time.Time
	found := false
	for _, k := range ch.Keys {
		if w.keySkip(k) != "" {
			continue
		}
		if t, _ := k.State.Deferred(w.now, w.request.Model, w.request.Operation); !found || t.Before(key) {
			key, found = t, true
		}
	}
	return later(until, key)
}

func isBreaker(s channel.Skip) bool {
	return s == channel.SkipBreakerOpen || s == channel.SkipBreakerProbing
}

// keepInUse reports whether the channel is used although its breaker is open: at most
// half of a route's channels, rounded up, are out of use because of breakers, and
// never all. Those whose breakers opened first are out of use; if they opened at the
// same time, those listed first.
func (w *Walk) keepInUse(ch *Channel) bool {
	since := ch.State.BreakerOpenSince()
	if since.IsZero() {
		return false
	}
	n, rank := 0, 0
	above := true // of ch in the list
	for _, other := range w.route.Channels {
		if other == ch {
			above = false
		}
		if other.State.Skip(w.now) == channel.SkipPaused || !serves(other.Config.Models, w.request.Model) {
			continue
		}
		n++
		if s := other.State.BreakerOpenSince(); !s.IsZero() && (s.Before(since) || above && s.Equal(since)) {
			rank++
		}
	}
	return rank >= min(n-1, (n+1)/2)
}

// AllOutSince returns since when every channel that serves the request's model
// has been out of service, or zero if one of them is in service.
func (w *Walk) AllOutSince() (since time.Time) {
	for _, ch := range w.route.Channels {
		if !serves(ch.Config.Models, w.request.Model) || ch.State.Skip(w.now) == channel.SkipPaused {
			continue
		}
		out := ch.State.OutSince()
		if out.IsZero() {
			return out
		}
		since = later(since, out)
	}
	return since
}

// Skips returns every channel of the route with the reason why it is skipped.
func (w *Walk) Skips(now time.Time) (all []Skipped) {
	w.now, w.secondRound = now, true
	for _, ch := range w.route.Channels {
		all = append(all, w.skipped(ch, w.skip(ch)))
	}
	return all
}

// NoneServesModel reports whether no channel of the route serves the model.
func (w *Walk) NoneServesModel() bool {
	for _, ch := range w.route.Channels {
		if serves(ch.Config.Models, w.request.Model) {
			return false
		}
	}
	return true
}
