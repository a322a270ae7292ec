package notify

import (
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// Timing of messages.
type Timing struct {
	Gather   time.Duration // from a problem to its message, to combine it with others
	RetryMin time.Duration // the first pause after a message that could not be sent
	RetryMax time.Duration
	Send     time.Duration // limit for sending one message
}

// DefaultTiming is the timing of the program.
var DefaultTiming = Timing{Gather: 20 * time.Second, RetryMin: 10 * time.Second, RetryMax: 10 * time.Minute, Send: 30 * time.Second}

// gatherKeys is how much longer problems of keys are gathered, since often several keys fail
// one after the other.
const gatherKeys = 3

// maxProblems is the maximum number of problems that are kept for one service.
const maxProblems = 500

// problem is a problem that needs the user, or that is over.
type problem struct {
	note
	since time.Time
	due   time.Time // when to report it, or its end; zero: nothing to report
	told  bool
	going bool      // a message about it is being sent
	ended time.Time // zero: it is not over
}

// gatherer decides what to report when. It has no clock of its own.
type gatherer struct {
	config   *config.Notify
	timing   Timing
	in       *time.Location
	problems []*problem
	last     map[string]time.Time // when a subject was last reported
	dropped  int                  // problems beyond maxProblems
}

func newGatherer(c *config.Notify, in *time.Location, t Timing) *gatherer {
	return &gatherer{config: c, timing: t, in: in, last: map[string]time.Time{}}
}

// ends are the events that report the end of a problem. For other problems, the end is always
// reported.
var ends = map[string]string{config.NotifyChannelDown: config.NotifyChannelUp, config.NotifyTunnelDown: config.NotifyTunnelUp}

func (g *gatherer) wantsEnd(kind string) bool {
	if end, ok := ends[kind]; ok {
		return g.config.Wants(end)
	}
	return g.config.Wants(kind)
}

// add adds the beginning or end of a problem.
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
				p.due = time.Time{} // it has been reported, and is not over
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

// due returns at, or a later time if the subject was reported recently.
func (g *gatherer) due(n note, at time.Time) time.Time {
	if last, ok := g.last[n.kind+" "+n.subject]; ok {
		if next := last.Add(g.config.Every); next.After(at) {
			return next
		}
	}
	return at
}

// next returns when the next report is due; zero if there is none.
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

// collect returns what to report now: if anything is due, also everything that waits, except
// subjects that were reported recently.
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

// failed records that a batch could not be sent. Problems that are over by then are dropped.
func (g *gatherer) failed() {
	g.problems = slices.DeleteFunc(g.problems, func(p *problem) bool {
		p.going = false
		return !p.told && !p.ended.IsZero()
	})
}

// sent records that a batch was sent.
func (g *gatherer) sent(now time.Time, batch []problem) {
	for _, b := range batch {
		i := slices.IndexFunc(g.problems, func(p *problem) bool { return p.kind == b.kind && p.subject == b.subject })
		if i < 0 {
			continue // it ended while the message was being sent
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
