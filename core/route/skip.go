package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
)

// skip says why the channel is passed over now.
func (w *Walk) skip(ch *Channel) channel.Skip {
	if w.tried(ch) {
		return channel.SkipAlreadyTried
	}
	if skip := ch.State.Ready(w.now); skip != "" && (!isBreaker(skip) || !w.mustServe(ch)) {
		return skip
	}
	return w.refuses(ch)
}

// refuses is skip by what neither health nor breaker has a say in.
func (w *Walk) refuses(ch *Channel) channel.Skip {
	if !serves(ch.Config.Models, w.model) {
		return channel.SkipModelNotServed
	}
	if limit := ch.Config.MaxInFlight; limit > 0 && ch.State.InFlight() >= limit {
		return channel.SkipFull
	}
	if len(ch.Keys) == 0 {
		return ""
	}
	for _, k := range ch.Keys {
		if w.keySkip(k) == "" {
			return ""
		}
	}
	return channel.SkipNoKey
}

func (w *Walk) keySkip(k *Key) channel.Skip {
	if !w.again {
		for _, f := range w.keys {
			if f == k {
				return channel.SkipAlreadyTried
			}
		}
	}
	skip, _ := k.State.Ready(w.now, w.model)
	return skip
}

func (w *Walk) tried(ch *Channel) bool {
	for _, b := range w.busy {
		if b == ch {
			return true
		}
	}
	f := w.failure(ch)
	return f != nil && (!w.again || f.until.IsZero() || w.now.Before(f.until))
}

func (w *Walk) failure(ch *Channel) *failure {
	for i := range w.failed {
		if w.failed[i].channel == ch {
			return &w.failed[i]
		}
	}
	return nil
}

func isBreaker(s channel.Skip) bool {
	return s == channel.SkipBreakerOpen || s == channel.SkipBreakerProbing
}

// mustServe says that the channel is to be used although its breaker is open:
// of a route's n channels at most half, rounded up, are left alone at once, and
// never all. Those whose breakers opened first are; in the same moment, those
// that stand first.
func (w *Walk) mustServe(ch *Channel) bool {
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
		if other.State.Ready(w.now) == channel.SkipPaused || !serves(other.Config.Models, w.model) {
			continue
		}
		n++
		if s := other.State.BreakerOpenSince(); !s.IsZero() && (s.Before(since) || above && s.Equal(since)) {
			rank++
		}
	}
	return rank >= min(n-1, (n+1)/2)
}

// Skipped is a channel that is passed over, and why.
type Skipped struct {
	Channel string
	Why     channel.Skip // "" if it is to be had
}

// Skips says of every channel of the route why it is not to be had.
func (w *Walk) Skips(now time.Time) (all []Skipped) {
	w.now, w.again = now, true
	for _, ch := range w.route.Channels {
		all = append(all, Skipped{ch.Config.Name, w.skip(ch)})
	}
	return all
}

// NoneServesModel says that no channel of the route takes the model.
func (w *Walk) NoneServesModel() bool {
	for _, ch := range w.route.Channels {
		if serves(ch.Config.Models, w.model) {
			return false
		}
	}
	return true
}
