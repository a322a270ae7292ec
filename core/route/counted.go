package route

import (
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

// counted are counters of all candidates.
type counted struct {
	all []channel.Counters
	own []channel.Counters // of the attempts for the route alone; nil if there is no such thing
}

// count reads the counters of all candidates.
func (p *planner) count() (out counted) {
	for i, c := range p.candidates {
		out.all = append(out.all, c.counters())
		if p.own != nil {
			out.own = append(out.own, p.own(i))
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

// outcomes returns what happened since the last plan: in all, and for the route alone.
func (p *planner) outcomes(now counted) (all, own []sdk.Outcome) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.since(p.before.all, now.all), p.since(p.before.own, now.own)
}

func (p *planner) since(before, now []channel.Counters) (out []sdk.Outcome) {
	for i, c := range now {
		last := before[i]
		if c.Requests == last.Requests {
			continue
		}
		o := sdk.Outcome{ID: p.ids[i], Successes: c.Successes - last.Successes, Failures: c.Failures - last.Failures}
		if n := c.TTFBCount - last.TTFBCount; n > 0 {
			o.TTFB = (c.TTFBSum - last.TTFBSum) / time.Duration(n)
		}
		out = append(out, o)
	}
	return out
}
