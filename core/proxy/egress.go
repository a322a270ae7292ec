package proxy

import (
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// egress is one of the egresses of a channel, with the connections by it.
type egress struct {
	name      string // "" for the direct one of a channel that names none
	transport transport
}

// egresses returns the egresses of a channel, in the order in which they are tried.
func (h *Handler) egresses(c *config.Channel) []egress {
	var out []egress
	for _, e := range Egresses(c) {
		name := e.Name
		if c.Egress == nil && name == config.EgressDirect {
			name = ""
		}
		out = append(out, egress{name, h.upstreams.of(c, e)})
	}
	return out
}

// NextEgress returns the egress that the channel's next request uses.
func NextEgress(ch *route.Channel, now time.Time) *config.Egress {
	all := Egresses(ch.Config)
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

// Egresses returns the egresses of a channel, in the order in which they are tried:
// those that it names, or else the proxy of the environment, or else the direct one.
func Egresses(c *config.Channel) []*config.Egress {
	if c.Egress != nil {
		return c.Egress
	}
	if e := upstream.FromEnvironment(c.Target); !e.IsDirect() {
		return []*config.Egress{{Name: config.EgressEnvironment}}
	}
	return []*config.Egress{{Name: config.EgressDirect}}
}

// tried are the egresses of one channel by which a request failed.
type tried struct {
	channel  *route.Channel
	egresses uint64 // a bit for each, by its index
	site     bool   // one of the failures may have been the site's
}

func (t *tried) has(i int) bool { return t.egresses&(1<<i) != 0 }

// chooseEgress picks the egress for the next attempt: the first that is not cooling
// down, or else the one whose cooldown ends first.
func (x *exchange) chooseEgress() egress {
	ch := x.pick.Channel
	all := x.site().egresses
	if len(all) == 1 {
		return all[0]
	}
	if x.tried.channel != ch {
		x.tried = tried{channel: ch}
	}
	now := x.now()
	best, soonest := 0, time.Time{}
	for i, w := range all {
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
	return all[best]
}

// failEgress records a failure that the egress may have caused, and reports whether
// another egress of the same channel should be tried with the same key.
func (x *exchange) failEgress(o *outcome) (another bool) {
	a, ch := x.attempt, x.pick.Channel
	all := x.site().egresses
	blocked := o.verdict.Means == verdict.Blocked
	if o.gone || !blocked && !o.unreached {
		return false
	}
	if x.tried.channel != ch {
		x.tried = tried{channel: ch}
	}
	x.tried.site = x.tried.site || !o.ofEgress
	o.noEgress = !x.tried.site
	if len(all) == 1 {
		return false
	}
	now := x.now()
	reason := strings.TrimSuffix(o.verdict.Reason, a.place(o.ofEgress)) // it is shown beside the name
	ch.State.FailEgress(now, a.egress.name, blocked, o.verdict.For, reason)
	for i, w := range all {
		if w.name == a.egress.name {
			x.tried.egresses |= 1 << i
		}
	}
	if !x.body.replayable() || x.in.Context().Err() != nil || len(x.record.Attempts)+1 >= maxAttempts || blocked && x.setup.config.Retry.MaxRetries == 0 {
		return false
	}
	for i, w := range all {
		if !x.tried.has(i) && ch.State.EgressUntil(now, w.name).IsZero() {
			return true
		}
	}
	return false
}

// egressWorks records that the site was reached by the attempt's egress.
func (a *attempt) egressWorks(ch *route.Channel, now time.Time) {
	if a.egress.name != "" {
		ch.State.RecordEgressSuccess(now, a.egress.name)
	}
}

// foundSite is a channel's site that was looked up.
type foundSite struct {
	channel *route.Channel
	site    *site
}

// site returns the site of the picked channel.
func (x *exchange) site() *site {
	if ch := x.pick.Channel; x.found.channel != ch {
		x.found = foundSite{ch, x.setup.sites[ch]}
	}
	return x.found.site
}

// newSite returns the address of a channel and its egresses.
func (h *Handler) newSite(c *config.Channel) *site {
	return &site{
		egresses: h.egresses(c),
		escaped:  strings.TrimSuffix(c.Target.EscapedPath(), "/"),
	}
}
