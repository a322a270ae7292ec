package route

import (
	"slices"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

// maxPassedOver is how many channels PassedOver returns at most.
const maxPassedOver = 8

// PassedOver returns the unavailable channels that would have come before the
// first pick, or might have been picked instead. It is called after the first
// pick, before anything failed.
func (w *Walk) PassedOver(p Pick) (all []Skipped) {
	defer func(n int) { w.attempts = n }(w.attempts)
	w.attempts = 0 // the limits of attempts did not apply to the first pick
	add := func(i int, beside bool) {
		if why := w.passedOver(i, p, beside); why != "" && len(all) < maxPassedOver {
			all = append(all, w.skipped(w.route.Channels[i], why))
		}
	}
	if w.route.registry.AnyPreferred() {
		for i, ch := range w.route.Channels {
			if ch.State.Preferred() {
				add(i, false)
			}
		}
		if p.Channel.State.Preferred() || len(all) > 0 {
			return all
		}
	}
	for _, i := range w.routed.order {
		if w.route.Channels[i] == p.Channel {
			return all
		}
		add(i, false)
	}
	groups := w.route.planner.current.Load().groups
	for i := range groups {
		g := &groups[i]
		picked, ordered := w.pickedFrom(g, p), g.rule.Kind == sdk.RuleOrder
		if picked && !ordered && w.route.unrestricted() {
			break
		}
		for _, m := range g.members {
			if len(all) == maxPassedOver || picked && ordered && w.route.Channels[m.index] == p.Channel {
				break
			}
			add(m.index, picked && !ordered)
		}
		if picked {
			break
		}
	}
	return all
}

// pickedFrom reports whether the group has the picked channel.
func (w *Walk) pickedFrom(g *group, p Pick) bool {
	return g == p.group || slices.ContainsFunc(g.members, func(m member) bool { return w.route.Channels[m.index] == p.Channel })
}

// unrestricted reports whether no limit and no channel's state prevents requests, without
// looking at each channel.
func (r *Route) unrestricted() bool { return !r.limited && !r.registry.AnyRestricted() }

// passedOver returns why a channel was not picked, or "". beside says that it is in the
// group of the pick, where available channels are not picked either.
func (w *Walk) passedOver(i int, p Pick, beside bool) channel.Skip {
	ch := w.route.Channels[i]
	if ch == p.Channel || beside && w.route.gauges[i].unrestricted() {
		return ""
	}
	skip, deferred := w.skipOrDefer(ch)
	switch {
	case skip == channel.SkipAlreadyTried: // its slot was taken in the meantime
		return channel.SkipFull
	case beside && skip == channel.SkipModelNotServed:
		return ""
	case skip != "":
		return skip
	case deferred:
		return channel.SkipSuspect
	case beside:
		return ""
	}
	return channel.SkipFull // for the group
}
