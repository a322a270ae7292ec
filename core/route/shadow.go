package route

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/sdk"
)

// tally counts what a shadow would have chosen.
type tally struct {
	since   time.Time
	picks   atomic.Uint64
	agreed  atomic.Uint64   // with what was chosen
	choices []atomic.Uint64 // by channel
}

// shadow is a strategy that plans beside a route's own. Nothing depends on it.
type shadow struct {
	ref     string
	planner *planner
}

// ShadowInfo is what there is to show of a shadow.
type ShadowInfo struct {
	Ref     string
	Plan    PlanInfo
	Since   time.Time // when the counting began
	Picks   uint64    // requests for which it would have chosen a channel
	Agreed  uint64    // of those, the ones for which the same was chosen
	Choices map[string]uint64
}

func (t *Table) shadows(ctx context.Context, r *Route, candidates []candidate, o Options) error {
	for _, c := range r.Config.Shadows {
		purpose := Purpose{Kind: ForShadow, Name: r.Config.Pattern, Models: strings.Join(r.Config.Models, " "), Component: c.Ref}
		strategy, err := open[sdk.Strategy](ctx, t, o, c, purpose)
		if err != nil {
			return err
		}
		r.shadows = append(r.shadows, &shadow{c.Ref, t.plan(subject{
			purpose:    purpose,
			name:       fmt.Sprintf("shadow %q of route %q", c.Ref, r.Config.Pattern),
			component:  strategy,
			ask:        askOf(strategy, r),
			candidates: candidates,
			shadow:     &tally{since: o.Registry.Now(), choices: make([]atomic.Uint64, len(candidates))},
		}, o)})
	}
	return nil
}

// foresee notes what each shadow would choose for a request that is about to
// get its first pick. -1: nothing.
func (w *Walk) foresee() {
	w.would = w.would[:0]
	for _, s := range w.route.shadows {
		i, _, ok := s.planner.pick(w.now, w)
		if !ok {
			i = -1
		}
		w.would = append(w.would, i)
	}
}

// compare counts what the shadows would have chosen beside what was chosen.
func (w *Walk) compare(chosen *Channel) {
	for n, i := range w.would {
		if i < 0 {
			continue
		}
		t := w.route.shadows[n].planner.shadow
		t.picks.Add(1)
		t.choices[i].Add(1)
		if w.route.Channels[i] == chosen {
			t.agreed.Add(1)
		}
	}
	w.would = w.would[:0]
}

// Shadows tells of the strategies that plan beside the route's own.
func (r *Route) Shadows() []ShadowInfo {
	out := []ShadowInfo{}
	for _, s := range r.shadows {
		t := s.planner.shadow
		info := ShadowInfo{Ref: s.ref, Plan: s.planner.info(), Since: t.since, Picks: t.picks.Load(), Agreed: t.agreed.Load(), Choices: map[string]uint64{}}
		for i, id := range s.planner.ids {
			info.Choices[id] = t.choices[i].Load()
		}
		out = append(out, info)
	}
	return out
}

// ExplainShadows says which channel each shadow would choose first for a
// request, in the order of [Route.Shadows]; without one where there is none.
func (r *Route) ExplainShadows(now time.Time, model string, a Attributes) []Choice {
	out := []Choice{}
	var w Walk
	w.Begin(r, model, a)
	w.now = now
	for _, s := range r.shadows {
		by, turns := s.planner.current.Load(), s.planner.turns.clone()
		choice := Choice{Reason: by.reason}
		for i := range by.groups {
			if at, ok := turns.choose(&by.groups[i], &w); ok {
				choice.Channel, choice.Reason = r.Channels[at], by.groups[i].because(by.reason)
				break
			}
		}
		out = append(out, choice)
	}
	return slices.Clip(out)
}
