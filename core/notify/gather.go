package notify

import (
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// Timing of messages.
type Timing struct {
	Gather   time.Duration // from a problem to its message, so that others join it
	RetryMin time.Duration // the first pause after a message that could not be sent
	RetryMax time.Duration
	Send     time.Duration // for one message
}

// DefaultTiming is that of the program.
var DefaultTiming = Timing{Gather: 20 * time.Second, RetryMin: 10 * time.Second, RetryMax: 10 * time.Minute, Send: 30 * time.Second}

// gatherKeys is how much longer problems of keys are gathered: they come in rows.
const gatherKeys = 3

// maxProblems bounds what is remembered for one service.
const maxProblems = 500

// problem is something that needs the owner, or has.
type problem struct {
	note
	since time.Time
	due   time.Time // when there is something to be told of it; zero: nothing
	told  bool
	going bool      // a message about it is being sent
	ended time.Time // zero: it lasts
}

// gatherer decides what is told when. It has no clock of its own.
type gatherer struct {
	config   *config.Notify
	timing   Timing
	in       *time.Location
	problems []*problem
	last     map[string]time.Time // when a subject was told of
	dropped  int                  // problems that there was no room for
}

func newGatherer(c *config.Notify, in *time.Location, t Timing) *gatherer {
	return &gatherer{config: c, timing: t, in: in, last: map[string]time.Time{}}
}

// ends are the events by which the end of a problem is told; where there is
// none, it always is.
var ends = map[string]string{config.NotifyChannelDown: config.NotifyChannelUp, config.NotifyTunnelDown: config.NotifyTunnelUp}

func (g *gatherer) wantsEnd(kind string) bool {
	if end, ok := ends[kind]; ok {
		return g.config.Wants(end)
	}
	return g.config.Wants(kind)
}

// add takes what happened.
func (g *gatherer) add(now time.Time, n note) {
	i := slices.IndexFunc(g.problems, func(p *problem) bool { return p.kind == n.kind && p.subject == n.subject })
	switch {
	case n.over && i >= 0:
		g.end(now, i, n)
	case n.over:
	case i >= 0:
		p := g.problems[i]
		if p.what = n.what; !p.ended.IsZero() {
			if p.ended = (time.Time{}); p.told {
				p.due = time.Time{} // it was told that it is so, and it still is
			}
		}
	case !g.config.Wants(n.kind) && (ends[n.kind] == "" || !g.wantsEnd(n.kind)):
	case len(g.problems) >= maxProblems:
		g.dropped++
	default:
		p := &problem{note: n, since: now, told: !g.config.Wants(n.kind)}
		if !p.told {
			p.due = g.due(n, p.since.Add(g.gather(n.kind)))
		}
		g.problems = append(g.problems, p)
	}
}

func (g *gatherer) end(now time.Time, i int, n note) {
	p := g.problems[i]
	if !p.told && !p.going || !g.wantsEnd(p.kind) {
		g.problems = slices.Delete(g.problems, i, i+1)
		return
	}
	if p.ended.IsZero() {
		p.ended, p.what = now, n.what
		p.due = now.Add(g.timing.Gather)
	}
}

func (g *gatherer) gather(kind string) time.Duration {
	if kind == config.NotifyKeyInvalid || kind == config.NotifyKeyExhausted {
		return gatherKeys * g.timing.Gather
	}
	return g.timing.Gather
}

// due is at, or later if the subject was told of just before.
func (g *gatherer) due(n note, at time.Time) time.Time {
	if last, ok := g.last[n.kind+" "+n.subject]; ok {
		if next := last.Add(g.config.Every); next.After(at) {
			return next
		}
	}
	return at
}

// next returns when there is something to be told; zero if nothing is.
func (g *gatherer) next(now time.Time) (at time.Time) {
	for _, p := range g.problems {
		if !p.due.IsZero() && (at.IsZero() || p.due.Before(at)) {
			at = p.due
		}
	}
	if at.IsZero() {
		return at
	}
	if at.Before(now) {
		at = now
	}
	if end := g.config.QuietUntil(at, g.in); !end.IsZero() {
		return end
	}
	return at
}

// collect returns what is to be told now: with what is due goes all that waits, but
// for what was told of just before.
func (g *gatherer) collect(now time.Time) (batch []problem) {
	at := g.next(now)
	if at.IsZero() || at.After(now) {
		return nil
	}
	for _, p := range g.problems {
		if !p.due.IsZero() && (!p.ended.IsZero() || !g.due(p.note, now).After(now)) {
			p.going = true
			batch = append(batch, *p)
		}
	}
	return batch
}

// failed records that a batch could not be sent. What has ended by then is forgotten.
func (g *gatherer) failed() {
	g.problems = slices.DeleteFunc(g.problems, func(p *problem) bool {
		p.going = false
		return !p.told && !p.ended.IsZero()
	})
}

// sent records that a batch was told.
func (g *gatherer) sent(now time.Time, batch []problem) {
	for _, b := range batch {
		i := slices.IndexFunc(g.problems, func(p *problem) bool { return p.kind == b.kind && p.subject == b.subject })
		if i < 0 {
			continue // it ended while the message was on its way
		}
		p := g.problems[i]
		p.going = false
		if b.ended.IsZero() {
			g.last[p.kind+" "+p.subject] = now
			p.told, p.due = true, time.Time{}
			if !p.ended.IsZero() {
				p.due = now.Add(g.timing.Gather)
			}
		}
		if p.once || !b.ended.IsZero() && !p.ended.IsZero() {
			g.problems = slices.Delete(g.problems, i, i+1)
		}
	}
	for key, at := range g.last {
		if now.Sub(at) > g.config.Every {
			delete(g.last, key)
		}
	}
}
