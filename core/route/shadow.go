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

// tally counts what a shadow chose.
type tally struct {
	since   time.Time
	picks   atomic.Uint64
	agreed  atomic.Uint64   // with the channel that was used
	choices []atomic.Uint64 // by channel
}

// shadow is a strategy whose choices are only counted.
type shadow struct {
	ref     string
	planner *planner
}

// shadowPicks are what the shadows choose for a request.
type shadowPicks struct {
	planned []int // by their plans; -1: nothing
	asked   []shadowQuestion
}

// ShadowInfo is what is shown of a shadow.
type ShadowInfo struct {
	Ref     string
	Plan    PlanInfo
	Since   time.Time // when the counting began
	Picks   uint64    // requests for which it chose a channel
	Agreed  uint64    // of those, the ones that were sent to it
	Choices map[string]uint64
}

func (t *Table) shadows(ctx context.Context, r *Route, candidates []candidate, o Options) error {
	for _, c := range r.Config.Shadows {
		purpose := Purpose{Kind: ForShadow, Name: r.Config.Pattern, Models: strings.Join(r.Config.Models, " "), Component: c.Ref}
		strategy, err := open[sdk.Strategy](ctx, t, o, c, purpose)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("shadow %q of route %q", c.Ref, r.Config.Pattern)
		r.shadows = append(r.shadows, &shadow{c.Ref, t.plan(subject{
			purpose:    purpose,
			name:       name,
			block:      c,
			router:     newRouter(strategy, r.Config.Pattern, name, o.Notice),
			observer:   newObserver(strategy, name, o.Notice),
			component:  strategy,
			ask:        askOf(strategy, r),
			candidates: candidates,
			own:        r.own,
			shadow:     &tally{since: o.Registry.Now(), choices: make([]atomic.Uint64, len(candidates))},
		}, o)})
	}
	return nil
}

// pickShadows records what each shadow chooses for a request before the route
// does. -1: nothing.
func (w *Walk) pickShadows() {
	w.shadows.planned = w.shadows.planned[:0]
	for _, s := range w.route.shadows {
		if w.asksShadow(s) {
			w.shadows.planned = append(w.shadows.planned, -1) // its answer is counted instead
			continue
		}
		i, _, g := s.planner.pick(w.now, w)
		if g == nil {
			i = -1
		}
		w.shadows.planned = append(w.shadows.planned, i)
	}
}

// shadowQuestion is a call of a shadow about one request. No request waits for the answer.
type shadowQuestion struct {
	shadow *shadow
	chosen chan *Channel // gets the channel that is used
}

// askShadows asks the shadows that route each request, within the bounds of a router.
func (w *Walk) askShadows(ctx context.Context, now time.Time) {
	w.shadows.asked = nil
	for _, s := range w.route.shadows {
		r := s.planner.router
		if r == nil {
			continue
		}
		by := s.planner.plan(now)
		if by.isFinal() || !r.enter(now) {
			continue
		}
		q := shadowQuestion{s, make(chan *Channel, 1)}
		w.shadows.asked = append(w.shadows.asked, q)
		question, channels := w.routeRequest(r, by, now), w.route.Channels
		go q.ask(ctx, r, question, channels, now)
	}
}

// ask counts the first available channel of the answer, once the channel that is used is
// known too.
func (q shadowQuestion) ask(ctx context.Context, r *router, question sdk.RouteRequest, channels []*Channel, now time.Time) {
	start := time.Now()
	reply, err := r.ask(context.WithoutCancel(ctx), question)
	r.leave(now.Add(time.Since(start)), err)
	if err != nil {
		return
	}
	for _, i := range r.order(nil, reply, channels) {
		if !question.Channels[i].Available {
			continue
		}
		select {
		case chosen := <-q.chosen:
			q.shadow.planner.shadow.count(i, channels[i] == chosen)
		case <-ctx.Done():
		}
		return
	}
}

func (w *Walk) asksShadow(s *shadow) bool {
	return slices.ContainsFunc(w.shadows.asked, func(q shadowQuestion) bool { return q.shadow == s })
}

func (t *tally) count(index int, agreed bool) {
	t.picks.Add(1)
	t.choices[index].Add(1)
	if agreed {
		t.agreed.Add(1)
	}
}

// countShadows counts what the shadows chose, now that the channel is known.
func (w *Walk) countShadows(chosen *Channel) {
	for _, q := range w.shadows.asked {
		q.chosen <- chosen
	}
	w.shadows.asked = nil
	for n, i := range w.shadows.planned {
		if i < 0 {
			continue
		}
		w.route.shadows[n].planner.shadow.count(i, w.route.Channels[i] == chosen)
	}
	w.shadows.planned = w.shadows.planned[:0]
}

// Shadows describes the shadow strategies of the route.
func (r *Route) Shadows() []ShadowInfo {
	out := []ShadowInfo{}
	for i, s := range r.shadows {
		t := s.planner.shadow
		info := ShadowInfo{Ref: s.ref, Plan: s.planner.info(r.Config.Shadows[i]), Since: t.since, Picks: t.picks.Load(), Agreed: t.agreed.Load(), Choices: map[string]uint64{}}
		for i, id := range s.planner.ids {
			info.Choices[id] = t.choices[i].Load()
		}
		out = append(out, info)
	}
	return out
}

// ExplainShadows says which channel each shadow would choose first for a
// request, in the order of [Route.Shadows]; the channel is nil if it has none.
func (r *Route) ExplainShadows(ctx context.Context, now time.Time, request Request) []Choice {
	out := []Choice{}
	w := r.dryWalk(now, request)
	for _, s := range r.shadows {
		if choice, ok := w.askDry(ctx, s.planner); ok {
			out = append(out, choice)
			continue
		}
		i, by, g := w.pick(s.planner, w)
		choice := Choice{Reason: by.reason}
		if g != nil {
			choice.Channel, choice.Reason = r.Channels[i], w.reason(r.Channels[i], by, g)
		}
		out = append(out, choice)
	}
	return out
}
