package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/limit"
)

// configureLimits sets the limits of the channel and its keys. Leases limit the
// requests in flight of a channel; with "auto" each key finds its own limit.
func (ch *Channel) configureLimits(now time.Time) {
	rates := ratesOf(ch.Config.Limit)
	rates.Concurrent, rates.Auto = 0, rates.Auto && len(ch.Keys) == 0
	ch.State.Limiter().Configure(now, rates)
	for _, k := range ch.Keys {
		rates := ratesOf(k.Config.Limit)
		if ch.Config.Limit.Concurrent.Auto && rates.Concurrent == 0 {
			rates.Auto = true
		}
		k.State.Limiter().Configure(now, rates)
	}
}

func ratesOf(l config.Limit) limit.Rates {
	return limit.Rates{Requests: l.RequestsPerMinute, Tokens: l.TokensPerMinute, Burst: l.Burst, Concurrent: l.Concurrent.Max, Auto: l.Concurrent.Auto}
}

// isLimited reports whether the channel, or one of its keys, has a limit.
func (ch *Channel) isLimited() bool {
	if ch.Config.InFlightLimit() > 0 || ch.Config.Limit != (config.Limit{}) {
		return true
	}
	for _, k := range ch.Keys {
		if k.Config.Limit != (config.Limit{}) {
			return true
		}
	}
	return false
}

// AtLimit returns why a configured limit currently prevents requests: full or at_limit,
// or "" if none does. until is when there will be room; zero if unknown. A channel is at its limit if all of its keys that are usable are.
func (ch *Channel) AtLimit(now time.Time) (skip channel.Skip, until time.Time) {
	if skip, until = ch.atLimit(now, 0); skip != "" {
		return skip, until
	}
	for _, k := range ch.Keys {
		if out, _ := k.State.Skip(now, "", ""); out != "" {
			continue
		}
		why, room := k.AtLimit(now)
		if why == "" {
			return "", time.Time{}
		}
		if skip == "" || room.Before(until) {
			skip, until = why, room
		}
	}
	return skip, until
}

// atLimit is AtLimit for a request with so many tokens, without looking at the keys.
func (ch *Channel) atLimit(now time.Time, tokens int) (skip channel.Skip, until time.Time) {
	if most := ch.Config.InFlightLimit(); most > 0 && ch.State.InFlight() >= most {
		return channel.SkipFull, time.Time{}
	}
	return limitSkip(ch.State.Limiter(), now, tokens)
}

// AtLimit is [Channel.AtLimit] for a key.
func (k *Key) AtLimit(now time.Time) (channel.Skip, time.Time) {
	return limitSkip(k.State.Limiter(), now, 0)
}

func limitSkip(l *limit.Limiter, now time.Time, tokens int) (channel.Skip, time.Time) {
	switch d, why := l.Wait(now, tokens); {
	case d == 0:
		return "", time.Time{}
	case why == limit.Concurrent:
		return channel.SkipAtLimit, time.Time{}
	default:
		return channel.SkipAtLimit, now.Add(d)
	}
}

// limitUsed returns how much of the limits is used, from 0 to 1: the larger of that of the
// channel and that of its least used key.
func (ch *Channel) limitUsed(now time.Time) float64 {
	used := ch.State.Limiter().Usage(now).Share()
	if most := ch.Config.InFlightLimit(); most > 0 {
		used = max(used, min(1, float64(ch.State.InFlight())/float64(most)))
	}
	least, usable := 1.0, false
	for _, k := range ch.Keys {
		if out, _ := k.State.Skip(now, "", ""); out == "" {
			least, usable = min(least, k.State.Limiter().Usage(now).Share()), true
		}
	}
	if usable {
		used = max(used, least)
	}
	return used
}

// wait returns how long the request must wait for the limiter; 0 if it need not.
func (w *Walk) wait(l *limit.Limiter) time.Duration {
	d, _ := l.Wait(w.now, w.request.Tokens)
	return d
}

// takePermits takes the pick's permits for the limits of its channel and key, all or
// none.
func (w *Walk) takePermits(p *Pick) bool {
	var ok bool
	if p.permits[0], ok = p.Channel.State.Limiter().Take(w.now, w.request.Tokens); !ok {
		return false
	}
	if p.Key == nil {
		return true
	}
	if p.permits[1], ok = p.Key.State.Limiter().Take(w.now, w.request.Tokens); !ok {
		p.permits[0].Undo(w.now)
		return false
	}
	return true
}

// Correct replaces the tokens that were charged for the pick by those that were used.
// It may be called long after the attempt has ended.
func (p *Pick) Correct(now time.Time, tokens int) {
	for i := range p.permits {
		p.permits[i].Correct(now, tokens)
	}
}

// answered records at the limits that a good answer began.
func (p *Pick) answered(ttfb time.Duration) {
	for i := range p.permits {
		p.permits[i].Answered(ttfb)
	}
}

// refused records at the limits that the site refused the request because of a rate
// limit, and reports whether fewer requests in flight are enough.
func (p *Pick) refused() (lower bool) {
	for i := range p.permits {
		lower = p.permits[i].Refused() || lower
	}
	return lower
}

// AtLimit reports whether the request could be sent to some channel if that
// channel or its keys were not at a configured limit.
func (w *Walk) AtLimit(now time.Time) bool {
	w.now, w.secondRound = now, true
	if w.over {
		return false
	}
	for _, ch := range w.route.Channels {
		switch w.skip(ch) {
		case channel.SkipFull, channel.SkipAtLimit:
			return true
		}
	}
	return false
}
