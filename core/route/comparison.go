package route

import "time"

// A refusal that no rule recognizes penalizes nothing by itself: the key, the channel
// or the request may be at fault. Which one is decided by which other keys and
// channels answer the same request.

// provenAge is how recent a key's last good answer must be for its refusal to count
// against the request or the channel instead of the key.
const provenAge = 10 * time.Minute

// maxClearedChannels is the number of channels that must refuse a request, through no
// fault of their keys, before the request itself is considered at fault.
const maxClearedChannels = 2

// comparison finds out who is at fault for refusals for unknown reasons.
type comparison struct {
	refusals []refusal
	last     *Channel // the channel that just refused for an unknown reason
	cleared  int      // channels whose keys were found not to be at fault
}

// refusal is a candidate that refused the request for an unknown reason.
type refusal struct {
	channel *Channel
	key     *Key // nil if the channel has none
}

// refused records a refusal for an unknown reason. Next then picks a key or channel to
// compare with.
func (w *Walk) refused(p *Pick) {
	w.comparison.refusals = append(w.comparison.refusals, refusal{p.Channel, p.Key})
	w.comparison.last = p.Channel
	if p.Key == nil {
		return
	}
	w.tried.keys = append(w.tried.keys, keyFailure{p.Key, p.Channel, true})
	if w.onlyKey(p) {
		p.Key.State.CountRefusal(w.now, w.fingerprint())
	}
}

// onlyKey reports whether the channel has no other key to compare the pick's with.
func (w *Walk) onlyKey(p *Pick) bool {
	for _, k := range p.Channel.Keys {
		if skip, _ := k.State.Skip(w.now, w.request.Model, w.request.Operation); k != p.Key && skip == "" {
			return false
		}
	}
	return true
}

// compare picks another key of the channel that just refused, until enough of its keys
// have refused; then it picks another channel. It ends the walk when enough channels have
// refused.
func (w *Walk) compare() (Pick, bool) {
	ch := w.comparison.last
	w.comparison.last = nil
	cleared := w.keysCleared(ch)
	if !cleared && ch.planner != nil && w.skip(ch) == "" {
		if p, ok := w.takeFree(ch, anyKey, reasonCompareKey); ok {
			return p, true
		}
	}
	w.FailChannel(Pick{Channel: ch}, time.Time{})
	if cleared {
		w.comparison.cleared++
		w.over = w.comparison.cleared >= maxClearedChannels
	}
	return Pick{}, false
}

// keysCleared reports whether so many keys of the channel refused the request that
// they are not at fault.
func (w *Walk) keysCleared(ch *Channel) bool {
	keys, witness := 0, false
	for _, r := range w.comparison.refusals {
		if r.channel != ch || r.key == nil {
			continue
		}
		keys++
		good := r.key.State.LastGood(w.request.Model)
		witness = witness || !good.IsZero() && w.now.Sub(good) <= provenAge
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

// provenKey returns the available key of the channel with the latest good answer for
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

// provenChannel returns, after a refusal for an unknown reason, the available channel
// with the latest good answer for the model, from the first group of the plan that
// has an available channel; nil if none had one.
func (w *Walk) provenChannel() (best *Channel) {
	if len(w.comparison.refusals) == 0 {
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

// markRefusals marks the other keys of the channel, and the other channels, that
// refused the request that the pick answered.
func (w *Walk) markRefusals(p *Pick) {
	for i, r := range w.comparison.refusals {
		switch {
		case r.channel != p.Channel:
			if !w.refusedBefore(i) {
				r.channel.State.CountModelRefusal(w.now, w.request.Model, w.fingerprint())
			}
		case r.key != nil && r.key != p.Key:
			r.key.State.Mark(w.now, w.request.Model)
		}
	}
	w.comparison.refusals, w.comparison.last = w.comparison.refusals[:0], nil
}

// refusedBefore reports whether the channel of refusal i also refused earlier.
func (w *Walk) refusedBefore(i int) bool {
	for _, r := range w.comparison.refusals[:i] {
		if r.channel == w.comparison.refusals[i].channel {
			return true
		}
	}
	return false
}
