package route

import "time"

// A refusal that no rule knows blames nobody by itself: it may be the key's, the
// channel's or the request's fault. Who answers the same request well settles
// it.

// witnessAge is how old the last good answer of a key may be for its refusal to
// speak against the request or the channel, and not against the key.
const witnessAge = 10 * time.Minute

// maxSettled is after how many channels' settled refusals a request is believed
// to be at fault itself.
const maxSettled = 2

// refusal is a candidate that refused the request for an unknown reason.
type refusal struct {
	channel *Channel
	key     *Key // nil if the channel has none
}

// refused records a refusal for an unknown reason. Next then picks who can
// settle it.
func (w *Walk) refused(p *Pick) {
	w.refusals = append(w.refusals, refusal{p.Channel, p.Key})
	w.compared = p.Channel
	if p.Key == nil {
		return
	}
	w.keys = append(w.keys, keyFailure{p.Key, p.Channel, true})
	if w.onlyKey(p) {
		p.Key.State.CountRefusal(w.now, w.fingerprint())
	}
}

// onlyKey says that the channel has no other key to compare the pick's with.
func (w *Walk) onlyKey(p *Pick) bool {
	for _, k := range p.Channel.Keys {
		if skip, _ := k.State.Skip(w.now, w.request.Model); k != p.Key && skip == "" {
			return false
		}
	}
	return true
}

// compare asks another key of the channel that refused just now, until its
// refusal is settled; then comes the next channel. It ends the walk when enough
// channels are settled.
func (w *Walk) compare() (Pick, bool) {
	ch := w.compared
	w.compared = nil
	settled := w.isSettled(ch)
	if !settled && ch.planner != nil && w.skip(ch) == "" {
		if p, ok := w.takeFree(ch, anyKey, reasonCompareKey); ok {
			return p, true
		}
	}
	w.FailChannel(Pick{Channel: ch}, time.Time{})
	if settled {
		w.settled++
		w.over = w.settled >= maxSettled
	}
	return Pick{}, false
}

// isSettled says whether enough keys of the channel refused the request to
// believe that it is not their fault.
func (w *Walk) isSettled(ch *Channel) bool {
	keys, witness := 0, false
	for _, r := range w.refusals {
		if r.channel != ch || r.key == nil {
			continue
		}
		keys++
		good := r.key.State.LastGood(w.request.Model)
		witness = witness || !good.IsZero() && w.now.Sub(good) <= witnessAge
	}
	other := w.otherLeft(ch)
	switch {
	case witness:
		return other || keys >= 2
	case other:
		return keys >= 2
	}
	return keys >= 3
}

// provenKey is the available key of the channel with the latest good answer for
// the model; anyKey if none had one.
func (w *Walk) provenKey(ch *Channel) int {
	best := anyKey
	var latest time.Time
	view := keyView{walk: w, channel: ch}
	for i, k := range ch.Keys {
		if !view.available(i) {
			continue
		}
		if good := k.State.LastGood(w.request.Model); good.After(latest) {
			best, latest = i, good
		}
	}
	return best
}

// provenChannel is, after a refusal for an unknown reason, the available channel
// with the latest good answer for the model, in the first group of the plan that
// has an available channel; nil if none there had one.
func (w *Walk) provenChannel() (best *Channel) {
	if len(w.refusals) == 0 {
		return nil
	}
	var latest time.Time
	for _, g := range w.route.planner.current.Load().groups {
		found := false
		for _, m := range g.members {
			if !w.available(m.index) {
				continue
			}
			found = true
			ch := w.route.Channels[m.index]
			if key := w.provenKey(ch); key != anyKey {
				if good := ch.Keys[key].State.LastGood(w.request.Model); good.After(latest) {
					best, latest = ch, good
				}
			}
		}
		if found {
			break
		}
	}
	return best
}

// conclude blames those who refused the request that the pick answers well: the
// other keys of its channel, and the other channels.
func (w *Walk) conclude(p *Pick) {
	for i, r := range w.refusals {
		switch {
		case r.channel != p.Channel:
			if !w.refusedBefore(i) {
				r.channel.State.CountModelRefusal(w.now, w.request.Model, w.fingerprint())
			}
		case r.key != nil && r.key != p.Key:
			r.key.State.Mark(w.now, w.request.Model)
		}
	}
	w.refusals, w.compared = w.refusals[:0], nil
}

// refusedBefore says that an earlier refusal is of the same channel.
func (w *Walk) refusedBefore(i int) bool {
	for _, r := range w.refusals[:i] {
		if r.channel == w.refusals[i].channel {
			return true
		}
	}
	return false
}
