package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// Outcome is the result of an attempt without a good answer.
type Outcome struct {
	verdict.Verdict
	RetryAt  time.Time // when the same channel may be tried again; zero: not by this request
	Silent   bool      // no answer came, though the whole request was delivered
	NoEgress bool      // no way to the site is left: nothing is known about it
	Missing  bool      // the object that the request names is not there: nobody is blamed
}

// Answered records the first content of a good answer, ttfb after the attempt
// began. The caller must still end the lease and release the key.
func (w *Walk) Answered(p *Pick, now time.Time, ttfb time.Duration) {
	w.now = now
	p.Lease.Answered(now, w.request.Model, w.request.Endpoint)
	p.answered(ttfb)
	proves := w.proves()
	if p.Key != nil {
		if proves {
			p.Key.State.Succeed(now, w.request.Model, ttfb)
		} else {
			p.Key.State.CountSuccess(now, ttfb)
		}
	}
	if proves {
		w.conclude(p)
	}
}

// proves says whether a good answer of the endpoint shows that a key works:
// lists of models and the like are often given to any key.
func (w *Walk) proves() bool {
	switch verdict.Endpoint(w.request.Endpoint) {
	case verdict.Models, verdict.Account, verdict.Count, verdict.Other:
		return false
	}
	return true
}

// Settle ends the pick's attempt: it updates the state of what the outcome is
// about, and of nothing else, and releases lease and key. [Walk.Next] then
// returns the next candidate, or none if the answer should be passed on.
func (w *Walk) Settle(p *Pick, now time.Time, o Outcome) {
	w.now = now
	if o.Silent {
		w.silent++
		w.over = w.over || w.silent > 1
	}
	if o.Missing {
		w.settleElsewhere(p, o)
		p.ReleaseKey()
		return
	}
	if o.NoEgress {
		p.Lease.FailEgresses(now, o.Reason)
		w.FailChannel(*p, time.Time{})
		p.ReleaseKey()
		return
	}
	switch o.Means {
	case verdict.Overloaded, verdict.Broken:
		w.settleFailure(p, o)
	case verdict.Blocked:
		p.Lease.Block(now, w.fingerprint(), o.AtOnce, o.For, o.Reason)
		w.countFailure(p, o)
		w.FailChannel(*p, time.Time{})
	case verdict.RateLimited, verdict.QuotaSpent, verdict.InvalidKey, verdict.NoAccess:
		w.settleKey(p, o)
	case verdict.NoModel, verdict.NoEndpoint:
		w.settleMissing(p, o)
	case verdict.TooLarge, verdict.Declined:
		w.blameless(p, o)
		w.FailChannel(*p, time.Time{})
		if o.Means == verdict.Declined {
			w.declined++
			w.over = w.over || w.declined > 1
		}
	case verdict.Suspect:
		w.blameless(p, o)
		w.refused(p)
	case verdict.Refused:
		w.settleRefused(p, o)
	default: // good: the channel did its part
		p.Lease.Alive()
		p.Lease.Succeed(now)
		w.over = true
	}
	p.ReleaseKey()
}

// settleElsewhere is for an object that another key or channel may have.
func (w *Walk) settleElsewhere(p *Pick, o Outcome) {
	w.blameless(p, o)
	if p.Key == nil {
		w.FailChannel(*p, time.Time{})
		return
	}
	w.failKey(*p, true)
}

// settleRefused is for a request at fault. It ends the walk, unless the
// configuration lists the status as one to try again.
func (w *Walk) settleRefused(p *Pick, o Outcome) {
	p.Lease.Alive()
	p.Lease.Succeed(w.now)
	if !o.Failover {
		w.over = true
		return
	}
	w.FailChannel(*p, o.RetryAt)
}

// blameless ends an attempt that says nothing about channel or key.
func (w *Walk) blameless(p *Pick, o Outcome) {
	p.Lease.Alive()
	p.Lease.FailWithoutBreaker(w.now, o.Reason)
	w.countFailure(p, o)
}

func (w *Walk) countFailure(p *Pick, o Outcome) {
	if p.Key != nil {
		p.Key.State.Fail(w.now, o.Reason)
	}
}

// settleFailure is for a channel that is overloaded or broken, or as far as the
// scope is narrower for its key or model.
func (w *Walk) settleFailure(p *Pick, o Outcome) {
	switch o.Scope {
	case verdict.ScopeKey, verdict.ScopeKeyModel, verdict.ScopeChannelModel:
		o.Means = verdict.RateLimited
		w.settleKey(p, o)
	case verdict.ScopeRequest, verdict.ScopeNone:
		w.blameless(p, o)
		w.FailChannel(*p, o.RetryAt)
	default:
		p.Lease.Fail(w.now, o.Reason)
		w.countFailure(p, o)
		w.FailChannel(*p, o.RetryAt)
	}
}

// settleKey is for what concerns the key, unless the scope says otherwise.
func (w *Walk) settleKey(p *Pick, o Outcome) {
	model := w.request.Model
	if o.Scope == verdict.ScopeChannel || o.Scope == verdict.ScopeChannelModel {
		if o.Scope == verdict.ScopeChannel {
			model = ""
		}
		w.blameless(p, o)
		p.Channel.State.DenyModel(w.now, model, channel.Skip(o.Means), o.For, o.Reason)
		w.FailChannel(*p, time.Time{})
		return
	}
	p.Lease.Alive()
	p.Lease.FailWithoutBreaker(w.now, o.Reason)
	if p.Key != nil {
		k := p.Key.State
		switch o.Means {
		case verdict.InvalidKey:
			k.Invalidate(w.now, o.For, o.Reason)
		case verdict.QuotaSpent:
			k.Exhaust(w.now, o.For, o.Reason)
		case verdict.NoAccess:
			k.DenyModel(w.now, model, o.For, o.Reason)
		default:
			if o.Scope != verdict.ScopeKeyModel {
				model = ""
			}
			w.limitKey(p, model, o)
		}
	}
	w.FailKey(*p)
	w.secondKey(p, o)
}

// limitKey is for a key that the site limits. Where we find out how many requests
// it takes at once, fewer of them may be the remedy; else it cools down.
func (w *Walk) limitKey(p *Pick, model string, o Outcome) {
	if p.refused() && o.For == 0 {
		p.Key.State.Fail(w.now, o.Reason)
		return
	}
	p.Key.State.Limit(w.now, model, o.For, o.Reason)
}

// secondKey lets a second key of the channel with the same outcome change what
// it means: two that may not use a model say that the site does not have it.
func (w *Walk) secondKey(p *Pick, o Outcome) {
	if o.SecondKey != verdict.NoModel {
		return
	}
	for _, ch := range w.denied {
		if ch == p.Channel {
			p.Channel.State.DenyModel(w.now, w.request.Model, channel.SkipNoModel, 0, o.Reason)
			w.FailChannel(*p, time.Time{})
			return
		}
	}
	w.denied = append(w.denied, p.Channel)
}

// settleMissing is for a site that does not have the model or the endpoint.
func (w *Walk) settleMissing(p *Pick, o Outcome) {
	w.blameless(p, o)
	switch {
	case o.Scope == verdict.ScopeKey || o.Scope == verdict.ScopeKeyModel:
		if p.Key != nil {
			p.Key.State.DenyModel(w.now, w.request.Model, o.For, o.Reason)
		}
		w.FailKey(*p)
		return
	case o.Means == verdict.NoModel:
		p.Channel.State.DenyModel(w.now, w.request.Model, channel.SkipNoModel, o.For, o.Reason)
	default:
		p.Channel.State.DenyEndpoint(w.now, w.request.Endpoint, o.AtOnce, o.For, o.Reason)
	}
	w.FailChannel(*p, time.Time{})
}
