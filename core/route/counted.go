package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

// counted has the counters of all candidates.
type counted struct {
	all []attempts
	own []attempts // of the attempts for this route only; nil if they are not counted
}

// attempts has the counters that outcomes are made of. It is small, since every key has
// one.
type attempts struct {
	requests, successes, failures, timed uint64
	ttfb                                 time.Duration // of the timed ones
}

func attemptsOf(c channel.Counters) attempts {
	return attempts{requests: c.Requests, successes: c.Successes, failures: c.Failures, timed: c.TTFBCount, ttfb: c.TTFBSum}
}

// count reads the counters of all candidates.
func (p *planner) count() (out counted) {
	out.all = make([]attempts, len(p.candidates))
	if p.own != nil {
		out.own = make([]attempts, len(p.candidates))
	}
	for i, c := range p.candidates {
		out.all[i] = attemptsOf(c.counters())
		if p.own != nil {
			out.own[i] = attemptsOf(p.own(i))
		}
	}
	return out
}

func (p *planner) observe(now time.Time) ([]sdk.Snapshot, counted) {
	snapshots := make([]sdk.Snapshot, len(p.candidates))
	for i, c := range p.candidates {
		snapshots[i] = c.snapshot(now)
	}
	return snapshots, p.count()
}

// outcomes returns what happened since the last plan: in all, and for this route only.
func (p *planner) outcomes(now counted) (all, own []sdk.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.since(p.before.all, now.all), p.since(p.before.own, now.own)
}

func (p *planner) since(before, now []attempts) (out []sdk.Outcome) {
	for i, c := range now {
		last := before[i]
		if c.requests == last.requests {
			continue
		}
		o := sdk.Outcome{ID: p.ids[i], Successes: c.successes - last.successes, Failures: c.failures - last.failures}
		if n := c.timed - last.timed; n > 0 {
			o.TTFB = (c.ttfb - last.ttfb) / time.Duration(n)
		}
		out = append(out, o)
	}
	return out
}
