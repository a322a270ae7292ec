package route

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
)

// anyKey leaves the choice of the key to the channel's plan.
const anyKey = -1

// How a slot at a channel is acquired.
type acquireMode int

const (
	acquireNormal acquireMode = iota
	acquireFree               // not counted as an extra attempt
	acquireForced             // in spite of breaker, health and block
)

func (w *Walk) take(ch *Channel, key int, reason string) (Pick, bool) {
	return w.acquire(ch, key, acquireNormal, reason)
}

func (w *Walk) takeFree(ch *Channel, key int, reason string) (Pick, bool) {
	return w.acquire(ch, key, acquireFree, reason)
}

// acquire gets a slot at the channel, and a key.
func (w *Walk) acquire(ch *Channel, key int, mode acquireMode, reason string) (Pick, bool) {
	p := Pick{Channel: ch, Reason: reason, model: w.request.Model}
	if w.dry != nil {
		return p, w.chooseKey(&p, key)
	}
	lease, skip := w.lease(ch, mode)
	if skip != "" {
		return Pick{}, false
	}
	if !w.chooseKey(&p, key) || !w.takePermits(&p) {
		lease.Cancel()
		return Pick{}, false
	}
	if mode != acquireFree && w.extra(ch) && !w.route.registry.AllowExtra(w.now, w.route.maxExtra, true) {
		for i := range p.permits {
			p.permits[i].Undo(w.now)
		}
		lease.Cancel()
		return Pick{}, false
	}
	lease.CountIn(w.route.counts[ch])
	lease.TestModel(w.now, w.request.Model)
	p.Lease = lease
	if p.Key != nil {
		p.test, p.held = p.Key.State.Acquire(w.now, w.request.Model), true
	}
	return p, true
}

func (w *Walk) lease(ch *Channel, mode acquireMode) (channel.Lease, channel.Skip) {
	if w.request.Trial {
		return ch.State.AcquireTrial(w.now, ch.Config.InFlightLimit())
	}
	return ch.State.Acquire(w.now, ch.Config.InFlightLimit(), mode == acquireForced || w.keepInUse(ch))
}

// chooseKey sets the pick's key: the one at the index, else one to compare refusals with, the
// choice of the plan, or the one whose mark ends first. It reports whether there is one, or
// none is needed.
func (w *Walk) chooseKey(p *Pick, key int) bool {
	ch := p.Channel
	if ch.planner == nil {
		return true
	}
	if key == anyKey && len(w.comparison.refusals) > 0 {
		key = w.provenKey(ch)
	}
	if key == anyKey {
		w.keysOf = keyView{walk: w, channel: ch}
		if i, _, g := w.pick(ch.planner, &w.keysOf); g != nil {
			key = i
		} else {
			key = w.suspectKey(ch)
		}
	}
	if key == anyKey {
		return false
	}
	p.Key = ch.Keys[key]
	return true
}

// suspectKey returns the key of the channel's plan whose mark ends first.
func (w *Walk) suspectKey(ch *Channel) int {
	best := anyKey
	var soonest time.Time
	for _, g := range ch.planner.current.Load().groups {
		for _, m := range g.members {
			k := ch.Keys[m.index]
			if w.keySkip(k) != "" {
				continue
			}
			if until, deferred := k.State.Deferred(w.now, w.request.Model, w.request.Operation); deferred && (best == anyKey || until.Before(soonest)) {
				best, soonest = m.index, until
			}
		}
	}
	return best
}

// soonestKey returns the key of the channel that is available again first.
func (w *Walk) soonestKey(ch *Channel) int {
	best := anyKey
	var soonest time.Time
	for i, k := range ch.Keys {
		if _, until := k.State.Skip(w.now, w.request.Model, w.request.Operation); best == anyKey || until.Before(soonest) {
			best, soonest = i, until
		}
	}
	return best
}

// keyView is the view of a channel's key rule.
type keyView struct {
	walk    *Walk
	channel *Channel
}

func (v *keyView) available(i int) bool {
	k := v.channel.Keys[i]
	if v.walk.keySkip(k) != "" {
		return false
	}
	_, deferred := k.State.Deferred(v.walk.now, v.walk.request.Model, v.walk.request.Operation)
	return !deferred
}

func (v *keyView) load(i int) int { return v.channel.Keys[i].State.InFlight() }

func (v *keyView) hashOf(attributes []string) (uint64, bool) { return v.walk.hashOf(attributes) }

// dryRun has copies of plans and turns, so that a walk changes nothing.
type dryRun struct{ copies map[*planner]dryPlan }

type dryPlan struct {
	plan  *plan
	turns *turns
}

func (r *Route) dryWalk(now time.Time, request Request) *Walk {
	w := &Walk{dry: &dryRun{copies: map[*planner]dryPlan{}}}
	dry := w.dry
	w.Begin(r, request)
	w.dry, w.now = dry, now
	return w
}

// pick applies the planner's plan, or in a dry run a copy of it.
func (w *Walk) pick(p *planner, v view) (index int, by *plan, g *group) {
	if w.dry == nil {
		return p.pick(w.now, v)
	}
	c, ok := w.dry.copies[p]
	if !ok {
		c = dryPlan{p.current.Load().clone(), p.turns.clone()}
		w.dry.copies[p] = c
	}
	index, g = c.plan.choose(c.turns, v)
	return index, c.plan, g
}

// reason returns the reason of the plan, and that of a router that leaves the choice to the
// plan; for a fallback, what happened to the other channels. In a dry run it says that the
// choice is random.
func (w *Walk) reason(ch *Channel, by *plan, g *group) string {
	if ch.Config.Fallback && (w.dry == nil || w.attempts == 0) {
		if reason := w.fallbackReason(ch); reason != "" {
			return reason
		}
	}
	reason := by.reason
	if len(w.routed.order) == 0 && w.routed.reason != "" {
		reason = strings.TrimPrefix(reason+"; "+w.routed.reason, "; ")
	}
	if w.dry != nil && g.random() {
		reason += randomly
	}
	return reason
}

// fallbackReason names the channels that were not available and those that failed; "" if
// there are none, so that the fallback was chosen for another reason.
func (w *Walk) fallbackReason(picked *Channel) string {
	var unavailable, failed []string
	for _, ch := range w.route.Channels {
		hasFailed := w.tried.failure(ch) != nil || slices.ContainsFunc(w.tried.keys, func(k keyFailure) bool { return k.channel == ch })
		skip, deferred := channel.Skip(""), false
		if !hasFailed && !ch.Config.Fallback {
			skip, deferred = w.skipOrDefer(ch)
		}
		switch {
		case ch == picked:
		case hasFailed:
			failed = append(failed, ch.Config.Name)
		case skip != "" || deferred:
			unavailable = append(unavailable, ch.Config.Name)
		}
	}
	list := func(names []string) string {
		if len(names) > maxNamed {
			names = append(names[:maxNamed:maxNamed], "…")
		}
		return strings.Join(names, ", ")
	}
	switch {
	case len(unavailable) > 0 && len(failed) > 0:
		return fmt.Sprintf("a fallback (not available: %s; failed: %s)", list(unavailable), list(failed))
	case len(unavailable) > 0:
		return fmt.Sprintf("a fallback (not available: %s)", list(unavailable))
	case len(failed) > 0:
		return fmt.Sprintf("a fallback (failed: %s)", list(failed))
	}
	return ""
}

// maxNamed is how many channels the reason of a fallback names at most.
const maxNamed = 5

// randomly is added to the reason of a plan in a dry run.
const randomly = " (random for each request)"

var _ view = (*Walk)(nil)

// Skipped is a channel, and why it is skipped.
type Skipped struct {
	Channel string
	Why     channel.Skip // "" if it is available
	Cause   string       // the cause in words; "" if Why says it all
	Keys    []SkippedKey // if no key is usable: the first maxSkippedKeys
}

// maxSkippedKeys is how many keys of a skipped channel are named at most.
const maxSkippedKeys = 8

// SkippedKey is a key of a skipped channel, and why it is not usable.
type SkippedKey struct {
	Key   string // ID
	Why   channel.Skip
	Cause string // the cause in words; "" if Why says it all
}
