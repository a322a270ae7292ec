package route

import (
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/sdk"
)

// Choice is a channel that a request would be sent to, with its key.
type Choice struct {
	Channel *Channel
	Key     *Key // nil if the channel has none
	Reason  string
}

// Passed is a channel, or one of its keys, that a request would not get.
type Passed struct {
	Channel *Channel
	Key     *Key // nil: the whole channel
	Why     channel.Skip
}

// Explain says which channels a request would be sent to, each if those before
// it failed, and why not to the others. It takes no turn and no place: the next
// request is served as if nobody had asked.
func (r *Route) Explain(now time.Time, model string, a Attributes) (choices []Choice, passed []Passed) {
	var w Walk
	w.Begin(r, model, a)
	w.now = now
	choose := func(ch *Channel, reason string) {
		choices = append(choices, Choice{ch, ch.keyFor(&w), reason})
		w.failed = append(w.failed, failure{channel: ch})
	}
	for _, ch := range r.Channels {
		if ch.State.First() && w.skip(ch) == "" {
			choose(ch, reasonFirst)
		}
	}
	by, turns := r.planner.current.Load(), r.planner.turns.clone()
	for i := range by.groups {
		for at, ok := turns.choose(&by.groups[i], &w); ok; at, ok = turns.choose(&by.groups[i], &w) {
			choose(r.Channels[at], by.groups[i].because(by.reason))
		}
	}
	if len(choices) == 0 {
		if ch := w.longestOut(); ch != nil {
			choose(ch, reasonLastTry)
		}
	}
	return choices, w.passed(choices, by)
}

// because is the reason of a plan, with a word where chance has a say.
func (g *group) because(reason string) string {
	if g.rule.Kind == sdk.RuleWeightedRandom || g.rule.Kind == sdk.RuleP2C {
		return reason + " (drawn anew for each request)"
	}
	return reason
}

// keyFor is the key that the channel's plan would give, nil if it has none.
func (c *Channel) keyFor(w *Walk) *Key {
	if c.planner == nil {
		return nil
	}
	by, turns := c.planner.current.Load(), c.planner.turns.clone()
	for i := range by.groups {
		if at, ok := turns.choose(&by.groups[i], &keyView{walk: w, channel: c}); ok {
			return c.Keys[at]
		}
	}
	return nil
}

// passed are those that are not among the choices, and the keys that rest.
func (w *Walk) passed(choices []Choice, by *plan) (all []Passed) {
	planned := map[int]bool{}
	for _, g := range by.groups {
		for _, m := range g.members {
			planned[m.index] = true
		}
	}
	w.failed = w.failed[:0]
	for i, ch := range w.route.Channels {
		chosen := slices.ContainsFunc(choices, func(c Choice) bool { return c.Channel == ch })
		if why := w.skip(ch); !chosen && why != "" {
			all = append(all, Passed{ch, nil, why})
		} else if !chosen && !planned[i] {
			all = append(all, Passed{ch, nil, channel.SkipNotPlanned})
		} else if !chosen {
			all = append(all, Passed{ch, nil, channel.SkipFull})
		}
		for _, k := range ch.Keys {
			if why := w.keySkip(k); why != "" {
				all = append(all, Passed{ch, k, why})
			}
		}
	}
	return all
}

func (t *turns) clone() *turns {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &turns{clock: t.clock, picked: slices.Clone(t.picked), credit: slices.Clone(t.credit)}
}
