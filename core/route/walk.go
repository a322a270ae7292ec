package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
)

// Attributes are what a request carries for [sdk.RuleHash], by names such as
// "header.x-session-id" and "body.user".
type Attributes interface {
	Attribute(name string) (string, bool)
}

// Walk leads one request from candidate to candidate. It is for one goroutine
// and may be used again after [Walk.Begin].
type Walk struct {
	route      *Route
	model      string
	attributes Attributes
	now        time.Time
	again      bool // candidates that were tried may be tried once more
	failed     []failure
	keys       []*Key     // that failed, each for a reason of its own
	busy       []*Channel // lost to others between choosing and taking
	stay       *Channel   // the channel whose next key is to be tried first
	keysOf     keyView

	order       []int // of the channels, as the strategy answered for this request
	orderReason string
	begun       bool  // the first pick was made, or tried
	would       []int // what the shadows would have chosen
}

// failure is a channel that failed this request.
type failure struct {
	channel *Channel
	until   time.Time // when it may be tried again; zero: never by this request
}

// Pick is one choice. Its lease must be ended, and its key released.
type Pick struct {
	Channel *Channel
	Key     *Key // nil if the channel has none
	Lease   channel.Lease
	Plan    uint64 // sequence number of the plan that chose the channel
	Reason  string
}

// The reasons that are not a plan's.
const (
	reasonNextKey = "next key of the same channel"
	reasonFirst   = "made the first choice by the user"
	reasonLastTry = "all channels are out of service; this one for the longest time"
)

// Begin prepares w for a request.
func (w *Walk) Begin(r *Route, model string, a Attributes) {
	clear(w.failed)
	clear(w.keys)
	*w = Walk{route: r, model: model, attributes: a, failed: w.failed[:0], keys: w.keys[:0], busy: w.busy[:0], order: w.order[:0], would: w.would[:0]}
}

// Next picks a candidate: another key of the channel whose key just failed,
// else the user's first choice, else what the strategy answered about this
// request or planned among channels not tried yet, else one whose pause has
// passed, else, if all are out of service, the one that has been so for the
// longest time.
func (w *Walk) Next(now time.Time) (Pick, bool) {
	w.now, w.again = now, false
	w.busy = w.busy[:0]
	if first := !w.begun; first && len(w.route.shadows) > 0 {
		w.foresee()
	}
	w.begun = true
	p, ok := w.next()
	if ok && len(w.would) > 0 {
		w.compare(p.Channel)
	}
	return p, ok
}

func (w *Walk) next() (Pick, bool) {
	if ch := w.stay; ch != nil {
		w.stay = nil
		if w.skip(ch) == "" {
			if p, ok := w.take(ch, false); ok {
				p.Reason = reasonNextKey
				return p, true
			}
		}
	}
	if p, ok := w.preferred(); ok {
		return p, true
	}
	if p, ok := w.planned(); ok {
		return p, true
	}
	w.again = true
	if p, ok := w.planned(); ok {
		return p, true
	}
	return w.lastResort()
}

// preferred is the channel that the user made the first choice.
func (w *Walk) preferred() (Pick, bool) {
	for _, ch := range w.route.Channels {
		if !ch.State.First() || w.skip(ch) != "" {
			continue
		}
		if p, ok := w.take(ch, false); ok {
			p.Reason = reasonFirst
			return p, true
		}
	}
	return Pick{}, false
}

func (w *Walk) planned() (Pick, bool) {
	for _, i := range w.order {
		ch := w.route.Channels[i]
		if w.skip(ch) != "" {
			continue
		}
		if p, ok := w.take(ch, false); ok {
			p.Plan, p.Reason = w.route.planner.current.Load().seq, w.orderReason
			return p, true
		}
		w.busy = append(w.busy, ch)
	}
	for range len(w.route.Channels) {
		i, by, ok := w.route.planner.pick(w.now, w)
		if !ok {
			break
		}
		ch := w.route.Channels[i]
		if p, ok := w.take(ch, false); ok {
			p.Plan, p.Reason = by.seq, by.reason
			return p, true
		}
		w.busy = append(w.busy, ch)
	}
	return Pick{}, false
}

// lastResort prefers a try to a sure refusal.
func (w *Walk) lastResort() (Pick, bool) {
	best := w.longestOut()
	if best == nil {
		return Pick{}, false
	}
	p, ok := w.take(best, true)
	p.Reason = reasonLastTry
	return p, ok
}

// longestOut is the channel that has been out of service for the longest time
// and could take the request otherwise.
func (w *Walk) longestOut() (best *Channel) {
	var oldest time.Time
	for _, ch := range w.route.Channels {
		since := ch.State.OutSince()
		if since.IsZero() || w.tried(ch) || w.refuses(ch) != "" {
			continue
		}
		if best == nil || since.Before(oldest) {
			best, oldest = ch, since
		}
	}
	return best
}

// take gets a place at the channel, and a key.
func (w *Walk) take(ch *Channel, force bool) (Pick, bool) {
	force = force || w.mustServe(ch)
	lease, skip := ch.State.Acquire(w.now, ch.Config.MaxInFlight, force)
	if skip != "" {
		return Pick{}, false
	}
	p := Pick{Channel: ch, Lease: lease}
	if ch.planner == nil {
		return p, true
	}
	w.keysOf = keyView{walk: w, channel: ch}
	i, _, ok := ch.planner.pick(w.now, &w.keysOf)
	if !ok {
		lease.Cancel()
		return Pick{}, false
	}
	p.Key = ch.Keys[i]
	p.Key.State.Acquire()
	return p, true
}

// FailChannel notes that the pick's channel failed; it may be tried again from
// until on, if no other is left. A zero until means not by this request.
func (w *Walk) FailChannel(p Pick, until time.Time) {
	for i := range w.failed {
		if w.failed[i].channel == p.Channel {
			w.failed[i].until = until
			return
		}
	}
	w.failed = append(w.failed, failure{p.Channel, until})
}

// FailKey notes that the pick's key failed, for a reason that its state knows.
// The channel's other keys come next. A channel without keys fails as a whole.
func (w *Walk) FailKey(p Pick) {
	if p.Key == nil {
		w.FailChannel(p, time.Time{})
		return
	}
	w.keys = append(w.keys, p.Key)
	w.stay = p.Channel
}

// Soonest is when a candidate that is not to be had now will be; ok is false
// if none will by itself. It says nothing about candidates that are to be had.
func (w *Walk) Soonest(now time.Time) (at time.Time, ok bool) {
	w.now, w.again = now, true
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
	if f := w.failure(ch); f != nil {
		if f.until.IsZero() {
			return t, false
		}
		t = later(t, f.until)
	}
	v := ch.State.View(w.now)
	switch v.Skip {
	case channel.SkipPaused, channel.SkipCheckFailed:
		return t, false
	case channel.SkipBreakerOpen:
		if !w.mustServe(ch) {
			t = later(t, v.Until)
		}
	}
	if !serves(ch.Config.Models, w.model) {
		return t, false
	}
	if len(ch.Keys) == 0 {
		return t, true
	}
	var key time.Time
	found := false
	for _, k := range ch.Keys {
		skip, until := k.State.Ready(w.now, w.model)
		if skip == channel.SkipInvalidKey || skip == channel.SkipQuotaSpent {
			continue
		}
		if !found || until.Before(key) {
			key, found = until, true
		}
	}
	return later(t, key), found
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// The view of a route's rule: indices are of its channels.

func (w *Walk) ready(i int) bool { return w.skip(w.route.Channels[i]) == "" }
func (w *Walk) load(i int) int   { return w.route.Channels[i].State.InFlight() }

func (w *Walk) hash(attributes []string) (uint64, bool) {
	for _, name := range attributes {
		if v, ok := w.attributes.Attribute(name); ok {
			return hashString(v), true
		}
	}
	return 0, false
}

// keyView is the view of a channel's key rule.
type keyView struct {
	walk    *Walk
	channel *Channel
}

func (v *keyView) ready(i int) bool { return v.walk.keySkip(v.channel.Keys[i]) == "" }
func (v *keyView) load(i int) int   { return v.channel.Keys[i].State.InFlight() }
func (v *keyView) hash(attributes []string) (uint64, bool) {
	return v.walk.hash(attributes)
}
