package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/dialect"
	"github.com/aitunnel/aitunnel/core/verdict"
)

// Outcome is the result of an attempt without a good answer.
type Outcome struct {
	verdict.Verdict
	RetryAt  time.Time // when the same channel may be tried again; zero if not by this request
	Silent   bool      // the whole request was sent, but no answer came
	NoEgress bool      // no egress to the site is left, so nothing is known about the site
	Missing  bool      // the site does not have the object that the request names
}

// Answered records the first content of a good answer, ttfb after the attempt
// began. The caller must still end the lease and release the key.
func (w *Walk) Answered(p *Pick, now time.Time, ttfb time.Duration) {
	w.now = now
	p.Lease.Answered(now, w.request.Model, w.request.Operation)
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
		w.markRefusals(p)
	}
}

// proves reports whether a good answer of the endpoint shows that a key works: lists
// of models and the like are often given to any key.
func (w *Walk) proves() bool {
	switch dialect.Endpoint(w.request.Endpoint) {
	case dialect.Models, dialect.Account, dialect.Count, dialect.Other:
		return false
	}
	return true
}

// Failed ends the pick's attempt: it updates the state of what the outcome is
// about, and of nothing else, and releases lease and key. [Walk.Next] then
// returns the next candidate, or none if the answer should be passed on.
func (w *Walk) Failed(p *Pick, now time.Time, o Outcome) {
	w.now = now
	if o.Silent {
		w.tried.silent++
		w.over = w.over || w.tried.silent > 1
	}
	if o.Missing {
		w.failObject(p, o)
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
		w.failSite(p, o)
	case verdict.Blocked:
		p.Lease.Block(now, w.fingerprint(), o.AtOnce, o.For, o.Reason)
		w.countFailure(p, o)
		w.FailChannel(*p, time.Time{})
	case verdict.RateLimited, verdict.QuotaSpent, verdict.InvalidKey, verdict.NoAccess:
		w.penalizeKey(p, o)
	case verdict.NoModel, verdict.NoEndpoint:
		w.denyUse(p, o)
	case verdict.TooLarge, verdict.Declined:
		w.failWithoutBlame(p, o)
		w.FailChannel(*p, time.Time{})
		if o.Means == verdict.Declined {
			w.tried.declined++
			w.over = w.over || w.tried.declined > 1
		}
	case verdict.Suspect:
		w.failWithoutBlame(p, o)
		w.refused(p)
	case verdict.Refused:
		w.failRequest(p, o)
	default: // good
		p.Lease.Alive()
		p.Lease.Succeed(now)
		w.over = true
	}
	p.ReleaseKey()
}

// failObject handles a missing object that another key or channel may have.
func (w *Walk) failObject(p *Pick, o Outcome) {
	w.failWithoutBlame(p, o)
	if p.Key == nil {
		w.FailChannel(*p, time.Time{})
		return
	}
	w.failKey(*p, true)
}

// failRequest handles a request that is at fault. It ends the walk, unless the
// configuration lists the status as one to retry.
func (w *Walk) failRequest(p *Pick, o Outcome) {
	p.Lease.Alive()
	p.Lease.Succeed(w.now)
	if !o.Failover {
		w.over = true
		return
	}
	w.FailChannel(*p, o.RetryAt)
}

// failWithoutBlame ends an attempt that says nothing about channel or key.
func (w *Walk) failWithoutBlame(p *Pick, o Outcome) {
	p.Lease.Alive()
	p.Lease.FailWithoutBreaker(w.now, o.Reason)
	w.countFailure(p, o)
}

func (w *Walk) countFailure(p *Pick, o Outcome) {
	if p.Key != nil {
		p.Key.State.Fail(w.now, o.Reason)
	}
}

// failSite handles an overloaded or broken channel, or one of its keys or models if the
// scope is narrower.
func (w *Walk) failSite(p *Pick, o Outcome) {
	switch o.Scope {
	case verdict.ScopeKey, verdict.ScopeKeyModel, verdict.ScopeChannelModel:
		o.Means = verdict.RateLimited
		w.penalizeKey(p, o)
	case verdict.ScopeRequest, verdict.ScopeNone:
		w.failWithoutBlame(p, o)
		w.FailChannel(*p, o.RetryAt)
	default:
		p.Lease.Fail(w.now, o.Reason)
		w.countFailure(p, o)
		w.FailChannel(*p, o.RetryAt)
	}
}

// penalizeKey handles verdicts about the key, unless the scope says otherwise.
func (w *Walk) penalizeKey(p *Pick, o Outcome) {
	model := w.request.Model
	if o.Scope == verdict.ScopeChannel || o.Scope == verdict.ScopeChannelModel {
		if o.Scope == verdict.ScopeChannel {
			model = ""
		}
		w.failWithoutBlame(p, o)
		p.Channel.State.DenyModel(w.now, model, channel.Skip(o.Means), o.For, o.Reason)
		w.FailChannel(*p, time.Time{})
		return
	}
	if w.rejectsHere(p, o) {
		w.failWithoutBlame(p, o)
		p.Channel.State.RecordKeyRejection(w.now, w.request.Operation, o.For, o.Reason)
		w.FailKey(*p)
		return
	}
	p.Lease.Alive()
	p.Lease.FailWithoutBreaker(w.now, o.Reason)
	if p.Key != nil {
		k := p.Key.State
		switch o.Means {
		case verdict.InvalidKey:
			k.Invalidate(w.now, w.request.Operation, o.For, o.Reason)
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

// rejectsHere reports whether the site probably rejects the key because it does not serve
// the operation: the key works for others, and no key ever worked for this one.
func (w *Walk) rejectsHere(p *Pick, o Outcome) bool {
	switch {
	case p.Key == nil:
		return false
	case o.Means == verdict.InvalidKey:
		return p.Key.State.WorksElsewhere("", w.request.Operation)
	case o.Means == verdict.NoAccess:
		return p.Key.State.WorksElsewhere(w.request.Model, w.request.Operation)
	}
	return false
}

// limitKey handles a rate limit of the key. With concurrent = "auto" fewer requests at
// once may be enough; otherwise the key cools down.
func (w *Walk) limitKey(p *Pick, model string, o Outcome) {
	if p.refused() && o.For == 0 {
		p.Key.State.Fail(w.now, o.Reason)
		return
	}
	p.Key.State.Limit(w.now, model, o.For, o.Reason)
}

// secondKey handles a second key of the channel with the same outcome, if that changes
// its meaning: if two keys may not use a model, the site does not have it.
func (w *Walk) secondKey(p *Pick, o Outcome) {
	if o.SecondKey != verdict.NoModel {
		return
	}
	for _, ch := range w.tried.noAccess {
		if ch == p.Channel {
			p.Channel.State.DenyModel(w.now, w.request.Model, channel.SkipNoModel, 0, o.Reason)
			w.FailChannel(*p, time.Time{})
			return
		}
	}
	w.tried.noAccess = append(w.tried.noAccess, p.Channel)
}

// denyUse handles a site that does not have the model or the endpoint.
func (w *Walk) denyUse(p *Pick, o Outcome) {
	w.failWithoutBlame(p, o)
	switch {
	case o.Scope == verdict.ScopeKey || o.Scope == verdict.ScopeKeyModel:
		if p.Key != nil {
			p.Key.State.DenyModel(w.now, w.request.Model, o.For, o.Reason)
		}
		w.FailKey(*p)
		return
	case o.Means == verdict.NoModel && p.Key != nil && p.Key.State.WorksElsewhere(w.request.Model, w.request.Operation):
		// The site has the model, but may not serve this operation at all.
	case o.Means == verdict.NoModel:
		p.Channel.State.DenyModel(w.now, w.request.Model, channel.SkipNoModel, o.For, o.Reason)
	default:
		p.Channel.State.DenyEndpoint(w.now, w.request.Operation, o.AtOnce, o.For, o.Reason)
	}
	w.FailChannel(*p, time.Time{})
}
