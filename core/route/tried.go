package route

import "time"

// tried is what a request has tried without success.
type tried struct {
	channels  []channelFailure
	keys      []keyFailure
	busy      []*Channel // used up by other requests between choosing and acquiring
	nextKeyOf *Channel   // the channel whose next key is tried first

	noAccess []*Channel // a key of them may not use the model
	silent   int        // attempts that delivered the request and got no answer
	declined int        // answers by which the site declined the request
}

// channelFailure is a channel that failed this request.
type channelFailure struct {
	channel *Channel
	until   time.Time // when it may be tried again; zero if not by this request
}

// keyFailure is a key that failed this request.
type keyFailure struct {
	key     *Key
	channel *Channel
	final   bool // it is not tried again by this request
}

// reset empties t and keeps its memory.
func (t *tried) reset() {
	clear(t.channels)
	clear(t.keys)
	clear(t.busy)
	*t = tried{channels: t.channels[:0], keys: t.keys[:0], busy: t.busy[:0]}
}

// failure returns the failure of the channel, nil if it did not fail.
func (t *tried) failure(ch *Channel) *channelFailure {
	for i := range t.channels {
		if t.channels[i].channel == ch {
			return &t.channels[i]
		}
	}
	return nil
}

// keysOf returns how many keys of the channel failed.
func (t *tried) keysOf(ch *Channel) (n int) {
	for i := range t.keys {
		if t.keys[i].channel == ch {
			n++
		}
	}
	return n
}

// none reports whether nothing failed and nothing was busy.
func (t *tried) none() bool { return len(t.channels)+len(t.busy) == 0 }

// FailChannel records that the pick's channel failed. It may be tried again after
// until if no other is left; not by this request if until is zero.
func (w *Walk) FailChannel(p Pick, until time.Time) {
	if f := w.tried.failure(p.Channel); f != nil {
		f.until = until
		return
	}
	w.tried.channels = append(w.tried.channels, channelFailure{p.Channel, until})
}

// FailKey records that the pick's key failed; the reason is in the key's state.
// The channel's other keys are tried next. A channel without keys fails as a
// whole.
func (w *Walk) FailKey(p Pick) {
	if p.Key == nil {
		w.FailChannel(p, time.Time{})
		return
	}
	w.failKey(p, false)
}

func (w *Walk) failKey(p Pick, final bool) {
	w.tried.keys = append(w.tried.keys, keyFailure{p.Key, p.Channel, final})
	w.tried.nextKeyOf = p.Channel
}

// alreadyTried reports whether the channel was tried, and may not be tried now.
func (w *Walk) alreadyTried(ch *Channel) bool {
	for _, b := range w.tried.busy {
		if b == ch {
			return true
		}
	}
	f := w.tried.failure(ch)
	return f != nil && (!w.secondRound || f.until.IsZero() || w.now.Before(f.until))
}
