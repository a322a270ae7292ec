package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
)

// NextAvailable returns when the first candidate that is unavailable becomes available; ok
// is false if none does by itself. It ignores candidates that are available.
func (w *Walk) NextAvailable(now time.Time) (at time.Time, ok bool) {
	w.now, w.secondRound = now, true
	if w.over {
		return time.Time{}, false
	}
	for _, ch := range w.route.Channels {
		t, will := w.readyAt(ch)
		if will && (!ok || t.Before(at)) {
			at, ok = t, true
		}
	}
	return at, ok
}

func (w *Walk) readyAt(ch *Channel) (time.Time, bool) {
	t := w.now
	if f := w.tried.failure(ch); f != nil {
		if f.until.IsZero() {
			return t, false
		}
		t = later(t, f.until)
	}
	v := ch.State.View(w.now)
	switch v.Skip {
	case channel.SkipPaused, channel.SkipCheckFailed:
		return t, false
	case channel.SkipBlocked, channel.SkipNoEgress:
		t = later(t, v.Until)
	case channel.SkipBreakerOpen:
		if !w.keepInUse(ch) {
			t = later(t, v.Until)
		}
	}
	if !serves(ch.Config.Models, w.request.Model) || w.overBudget(ch) != "" {
		return t, false
	}
	skip, until := ch.State.SkipFor(w.now, w.request.Model, w.request.Operation)
	if skip == channel.SkipQuotaSpent {
		return t, false
	}
	t = later(later(t, until), w.now.Add(w.wait(ch.State.Limiter())))
	if most := ch.Config.InFlightLimit(); most > 0 && ch.State.InFlight() >= most {
		t = later(t, w.now.Add(time.Second)) // when one ends is not known
	}
	if len(ch.Keys) == 0 {
		return t, true
	}
	key, found := w.keyReadyAt(ch)
	return later(t, key), found
}

// keyReadyAt returns when the first cooldown of the channel's keys ends, of those that are
// worth waiting for.
func (w *Walk) keyReadyAt(ch *Channel) (at time.Time, found bool) {
	for _, k := range ch.Keys {
		skip, until := k.State.Skip(w.now, w.request.Model, w.request.Operation)
		if skip != "" && skip != channel.SkipRateLimited && skip != channel.SkipCooldown {
			continue
		}
		if d := w.wait(k.State.Limiter()); d > 0 {
			until = later(until, w.now.Add(d))
		}
		if !found || until.Before(at) {
			at, found = until, true
		}
	}
	return at, found
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
