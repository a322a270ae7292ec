package route

import (
	"time"
)

// suspect picks, of the plan's channels that are available only in spite of marks, the
// one whose mark ends first.
func (w *Walk) suspect() (Pick, bool) {
	var best *Channel
	var soonest time.Time
	for _, g := range w.route.planner.current.Load().groups {
		for _, m := range g.members {
			ch := w.route.Channels[m.index]
			skip, deferred := w.skipOrDefer(ch)
			if skip != "" || !deferred {
				continue
			}
			if until := w.deferredUntil(ch); best == nil || until.Before(soonest) {
				best, soonest = ch, until
			}
		}
	}
	if best == nil {
		return Pick{}, false
	}
	return w.take(best, anyKey, reasonSuspect)
}

// lastResort picks the channel that has been out of service for longest, for one
// request at a time: trying it is better than refusing the request.
func (w *Walk) lastResort() (Pick, bool) {
	best := w.longestOut()
	if best == nil {
		return Pick{}, false
	}
	reason := reasonLastResort
	if w.attempts > 0 {
		reason = reasonOutOfService
	}
	if w.dry != nil {
		return w.take(best, anyKey, reason)
	}
	leave, ok := w.route.gate.enter()
	if !ok {
		w.probe.running = true
		return Pick{}, false
	}
	p, ok := w.acquire(best, anyKey, acquireForced, reason)
	if !ok {
		leave()
		return Pick{}, false
	}
	p.Lease.OnEnd(leave)
	return p, true
}

// longestOut returns the channel that has been out of service for longest and could
// otherwise serve the request.
func (w *Walk) longestOut() (best *Channel) {
	var oldest time.Time
	for _, ch := range w.route.Channels {
		since := ch.State.OutSince()
		if since.IsZero() || w.alreadyTried(ch) {
			continue
		}
		if skip, _ := w.skipInService(ch); skip != "" {
			continue
		}
		if best == nil || since.Before(oldest) {
			best, oldest = ch, since
		}
	}
	return best
}
