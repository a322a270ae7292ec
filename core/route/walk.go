package route

import (
	"cmp"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/limit"
)

// Walk picks one candidate after the other for a request. It is for one goroutine, and
// can be reused after [Walk.Begin].
type Walk struct {
	route   *Route
	request Request
	now     time.Time
	dry     *dryRun // nil: picks take turns and slots

	attempts    int    // picks so far
	begun       bool   // Next was called
	over        bool   // no further candidate may be tried
	secondRound bool   // candidates that failed may be tried once more
	hash        uint64 // of the request; 0 if not computed yet

	tried      tried
	comparison comparison
	routed     routed
	shadows    shadowPicks
	kept       keptAttributes
	probe      probe
	keysOf     keyView // memory for chooseKey
}

// Pick is one choice. Its lease must be ended, and its key released.
type Pick struct {
	Channel *Channel
	Key     *Key // nil if the channel has none
	Lease   channel.Lease
	Plan    uint64 // sequence number of the plan that chose the channel
	Reason  string

	permits [2]limit.Permit // at the limits of channel and key

	group *group // of the plan, that chose the channel; nil: the plan did not
	model string
	test  bool // it tests a key with a mark
	held  bool // the key must be released
}

// ReleaseKey ends the use of the pick's key, and of its permits. It may
// be called more than once.
func (p *Pick) ReleaseKey() {
	for i := range p.permits {
		p.permits[i].Release()
	}
	if p.held {
		p.held = false
		p.Key.State.Release(p.model, p.test)
	}
}

// The reasons of picks that do not come from a plan.
const (
	reasonRouted         = "chosen by the strategy for this request"
	reasonNextKey        = "next key of the same channel"
	reasonPreferred      = "preferred by the user"
	reasonRequestedKey   = "the requested key"
	reasonTrial          = "the channel that is tested"
	reasonObjectOwner    = "created the object that the request names"
	reasonCompareKey     = "another key of the same channel, to see whether it is refused too"
	reasonCompareChannel = "another channel that has served the model, to see whether it refuses too"
	reasonSuspect        = "only channels that are used last (suspect) are available; this one first"
	reasonLastResort     = "all channels are out of service; this one has been out the longest"
	reasonOutOfService   = "out of service: used only if the others fail"
)

// Begin prepares w for a request.
func (w *Walk) Begin(r *Route, request Request) {
	w.tried.reset()
	clear(w.comparison.refusals)
	request.Operation = cmp.Or(request.Operation, request.Endpoint)
	*w = Walk{
		route: r, request: request, tried: w.tried,
		comparison: comparison{refusals: w.comparison.refusals[:0]},
		routed:     routed{order: w.routed.order[:0]},
		shadows:    shadowPicks{planned: w.shadows.planned[:0]},
	}
}

// Next picks a candidate, in this order: the one that created the object that the
// request names; after a refusal for an unknown reason, one to compare with; another
// key of the channel whose key just failed; the channel that the user prefers;
// channels not tried yet, in the order of the router or the plan; a suspect; one that
// failed and may be tried again; if all are out of service, the one that has been so
// the longest.
func (w *Walk) Next(now time.Time) (Pick, bool) {
	w.now, w.secondRound, w.probe.running = now, false, false
	w.tried.busy = w.tried.busy[:0]
	if w.over {
		return Pick{}, false
	}
	if !w.begun && w.dry == nil {
		w.route.registry.CountRequest(now)
		w.pickShadows()
	}
	w.begun = true
	p, ok := w.next()
	if ok {
		w.attempts++
		w.countShadows(p.Channel)
	}
	return p, ok
}

func (w *Walk) next() (Pick, bool) {
	if w.request.Key != "" {
		return w.requestedKey()
	}
	if p, ok := w.trial(); ok {
		return p, true
	}
	if p, ok := w.objectOwner(); ok {
		return p, true
	}
	if w.refusedByPlan() {
		return w.preferred()
	}
	if w.comparison.last != nil {
		if p, ok := w.compare(); ok || w.over {
			return p, ok
		}
	}
	if p, ok := w.nextKey(); ok {
		return p, true
	}
	if p, ok := w.preferred(); ok {
		return p, true
	}
	if p, ok := w.planned(); ok {
		return p, true
	}
	if p, ok := w.suspect(); ok {
		return p, true
	}
	w.secondRound = true
	if p, ok := w.planned(); ok {
		return p, true
	}
	return w.lastResort()
}

// requestedKey picks the only key that the request may use, once, in any state.
func (w *Walk) requestedKey() (Pick, bool) {
	if w.attempts > 0 {
		return Pick{}, false
	}
	for _, ch := range w.route.Channels {
		for i, k := range ch.Keys {
			if k.State.ID() == w.request.Key {
				p, ok := w.acquire(ch, i, acquireForced, reasonRequestedKey)
				w.over = true
				return p, ok
			}
		}
	}
	return Pick{}, false
}

// trial picks the channel that the program's user tries, once in any state. Its keys
// that are available come first.
func (w *Walk) trial() (Pick, bool) {
	if !w.request.Trial || w.attempts > 0 {
		return Pick{}, false
	}
	for _, ch := range w.route.Channels {
		if !serves(ch.Config.Models, w.request.Model) {
			continue
		}
		if p, ok := w.acquire(ch, anyKey, acquireForced, reasonTrial); ok {
			return p, true
		}
		if p, ok := w.acquire(ch, w.soonestKey(ch), acquireForced, reasonTrial); ok {
			return p, true
		}
	}
	return Pick{}, false
}

// refusedByPlan reports whether the plan says that no channel may serve.
func (w *Walk) refusedByPlan() bool { return w.route.planner.plan(w.now).none != nil }

// Refusal returns the plan's reason why no channel may serve; ok is false if
// the plan does not say so.
func (w *Walk) Refusal() (reason string, ok bool) {
	if none := w.route.planner.current.Load().none; none != nil {
		return none.Reason, true
	}
	return "", false
}

// objectOwner picks the channel and key that created the object that the request names.
func (w *Walk) objectOwner() (Pick, bool) {
	if w.attempts > 0 || w.request.Object == "" {
		return Pick{}, false
	}
	state, key, ok := w.route.registry.ObjectOwner(w.request.Object)
	if !ok {
		return Pick{}, false
	}
	for _, ch := range w.route.Channels {
		if ch.State != state || w.skip(ch) != "" {
			continue
		}
		at := anyKey
		for i, k := range ch.Keys {
			if k.State == key && w.keySkip(k) == "" {
				at = i
			}
		}
		return w.take(ch, at, reasonObjectOwner)
	}
	return Pick{}, false
}

func (w *Walk) nextKey() (Pick, bool) {
	ch := w.tried.nextKeyOf
	w.tried.nextKeyOf = nil
	if ch == nil || w.skip(ch) != "" {
		return Pick{}, false
	}
	return w.takeFree(ch, anyKey, reasonNextKey)
}

func (w *Walk) preferred() (Pick, bool) {
	if !w.route.registry.AnyPreferred() {
		return Pick{}, false
	}
	for _, ch := range w.route.Channels {
		if !ch.State.Preferred() || w.skip(ch) != "" {
			continue
		}
		if p, ok := w.take(ch, anyKey, reasonPreferred); ok {
			return p, true
		}
	}
	return Pick{}, false
}

func (w *Walk) planned() (Pick, bool) {
	for _, i := range w.routed.order {
		ch := w.route.Channels[i]
		if !w.available(i) {
			continue
		}
		if p, ok := w.take(ch, anyKey, w.routed.reason); ok {
			p.Plan = w.route.planner.current.Load().seq
			return p, true
		}
		w.tried.busy = append(w.tried.busy, ch)
	}
	if ch := w.provenChannel(); ch != nil {
		if p, ok := w.take(ch, anyKey, reasonCompareChannel); ok {
			return p, true
		}
		w.tried.busy = append(w.tried.busy, ch)
	}
	for range w.route.Channels {
		i, by, g := w.pick(w.route.planner, w)
		if g == nil {
			break
		}
		ch := w.route.Channels[i]
		if p, ok := w.take(ch, anyKey, w.reason(ch, by, g)); ok {
			p.Plan, p.group = by.seq, g
			return p, true
		}
		w.tried.busy = append(w.tried.busy, ch)
	}
	return Pick{}, false
}

// Walk is the view of the rules of a route; indices are those of its channels.

func (w *Walk) available(i int) bool {
	if g := &w.route.gauges[i]; w.attempts == 0 && w.tried.none() && g.anyModel && g.unrestricted() {
		return true
	}
	skip, deferred := w.skipOrDefer(w.route.Channels[i])
	return skip == "" && !deferred
}

func (w *Walk) load(i int) int { return w.route.gauges[i].InFlight() }

func (w *Walk) hashOf(attributes []string) (uint64, bool) {
	for _, name := range attributes {
		if v, ok := w.request.Attribute(name); ok {
			return hashString(v), true
		}
	}
	return 0, false
}

// DropBody releases the request's body, which will not be sent again.
func (w *Walk) DropBody() {
	w.fingerprint() // a late failure may need it
	w.keepAttributes()
	w.request.Body = nil
}

// fingerprint identifies the request's body.
func (w *Walk) fingerprint() uint64 {
	if w.hash == 0 {
		w.hash = w.route.registry.RequestFingerprint(w.request.Body) | 1
	}
	return w.hash
}
