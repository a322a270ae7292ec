package proxy

import (
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// way is one way to a channel's site.
type way struct {
	name      string // of the egress; "" for the direct one of a channel that names none
	transport transport
}

// waysOf are the ways of a channel, in the order in which they are tried.
func (h *Handler) waysOf(c *config.Channel) []way {
	var out []way
	for _, e := range egressesOf(c) {
		name := e.Name
		if c.Egress == nil && name == config.EgressDirect {
			name = ""
		}
		out = append(out, way{name, h.upstreams.of(c, e)})
	}
	return out
}

// Egresses are the ways to a channel's site, in the order in which they are tried.
func Egresses(c *config.Channel) []*config.Egress { return egressesOf(c) }

// NextEgress is the egress that the channel's next request takes.
func NextEgress(ch *route.Channel, now time.Time) *config.Egress {
	all := egressesOf(ch.Config)
	best, soonest := all[0], time.Time{}
	for _, e := range all {
		until := ch.State.EgressUntil(now, e.Name)
		if until.IsZero() {
			return e
		}
		if soonest.IsZero() || until.Before(soonest) {
			best, soonest = e, until
		}
	}
	return best
}

// egressesOf are those that the channel names, or else that of the environment if
// there is one.
func egressesOf(c *config.Channel) []*config.Egress {
	if c.Egress != nil {
		return c.Egress
	}
	if e := upstream.FromEnvironment(c.Target); e.Proxy != nil {
		return []*config.Egress{{Name: config.EgressEnvironment}}
	}
	return []*config.Egress{{Name: config.EgressDirect}}
}

// tried are the ways to one channel by which a request failed.
type tried struct {
	channel *route.Channel
	ways    uint64 // by their numbers
	site    bool   // some failure may be the site's
}

func (t *tried) has(i int) bool { return t.ways&(1<<i) != 0 }

// chooseWay picks the way for the next attempt: the first one that is not left
// out, or else the one that is tried again soonest.
func (x *exchange) chooseWay() way {
	ch := x.pick.Channel
	ways := x.setup.sites[ch].ways
	if len(ways) == 1 {
		return ways[0]
	}
	if x.tried.channel != ch {
		x.tried = tried{channel: ch}
	}
	now := x.now()
	best, soonest := 0, time.Time{}
	for i, w := range ways {
		if x.tried.has(i) {
			continue
		}
		until := ch.State.EgressUntil(now, w.name)
		if until.IsZero() {
			return w
		}
		if soonest.IsZero() || until.Before(soonest) {
			best, soonest = i, until
		}
	}
	return ways[best]
}

// failWay records a failure that may be one of the way, and says whether another
// way to the same channel is to be tried, with the same key.
func (x *exchange) failWay(o *outcome) (another bool) {
	a, ch := x.attempt, x.pick.Channel
	ways := x.setup.sites[ch].ways
	blocked := o.verdict.Means == verdict.Blocked
	if o.gone || !blocked && !o.unreached {
		return false
	}
	if x.tried.channel != ch {
		x.tried = tried{channel: ch}
	}
	x.tried.site = x.tried.site || !o.ofEgress
	o.noEgress = !x.tried.site
	if len(ways) == 1 {
		return false
	}
	now := x.now()
	ch.State.FailEgress(now, a.way.name, blocked, o.verdict.For, o.verdict.Reason)
	for i, w := range ways {
		if w.name == a.way.name {
			x.tried.ways |= 1 << i
		}
	}
	if !x.body.replayable() || x.in.Context().Err() != nil || len(x.record.Attempts)+1 >= maxAttempts || blocked && x.setup.config.Retry.MaxRetries == 0 {
		return false
	}
	for i, w := range ways {
		if !x.tried.has(i) && ch.State.EgressUntil(now, w.name).IsZero() {
			return true
		}
	}
	return false
}

// wayWorks records that the site can be reached by the attempt's way.
func (a *attempt) wayWorks(ch *route.Channel, now time.Time) {
	if a.way.name != "" {
		ch.State.EgressWorks(now, a.way.name)
	}
}
