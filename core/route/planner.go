package route

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// How often a component is asked for a plan.
const (
	planDeadline = 2 * time.Second
	tryDeadline  = 6 * time.Second        // for a first plan that has to succeed
	minRefresh   = 250 * time.Millisecond // between two plans: bounds the rate of calls
	maxRefresh   = 30 * time.Second       // between two tries when they fail
)

// candidate is a channel or a key, as a planner sees it.
type candidate interface {
	id() string
	snapshot(now time.Time) sdk.Snapshot
	counters() channel.Counters
	trait() trait
}

// askFunc asks a component for a plan.
type askFunc func(ctx context.Context, candidates []sdk.Snapshot, outcomes []sdk.Outcome, state []byte) (sdk.Plan, error)

// subject is what a planner plans.
type subject struct {
	purpose    Purpose
	name       string        // for people
	component  sdk.Component // that is asked; nil for a plan without one
	ask        askFunc
	candidates []candidate
	onFailure  config.Makeshift
	router     *router // nil unless the component is asked about each request
	shadow     *tally  // nil unless it has no say
}

// planner keeps a plan at hand, and has it renewed in the background by a
// component. No pick ever waits for that.
type planner struct {
	subject
	traits   []trait
	ids      []string
	registry *channel.Registry
	notice   func(string)
	turns    *turns
	current  atomic.Pointer[plan]

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
	ending sync.Mutex // no refresh begins once the context has ended

	planning sync.Mutex // one refresh at a time; guards before

	refreshing atomic.Bool
	notBefore  atomic.Int64 // no refresh before: nanoseconds since born
	born       time.Time
	failures   atomic.Int32       // of refreshes, in a row
	before     []channel.Counters // at the last plan

	users     atomic.Int32 // tables
	replaces  bool         // a component whose plans are good
	inherited bool         // the current plan is another planner's: only its state and number count
}

// start gets the first plan, a makeshift one if the component gives none; but
// that is an error if it is to take the place of another component whose plans
// are good. A planner that goes on has a plan.
func (p *planner) start() error {
	if p.current.Load() != nil && !p.inherited {
		return nil
	}
	p.inherited = false
	deadline := planDeadline
	if p.replaces {
		deadline = tryDeadline
	}
	err := p.refresh(deadline)
	switch {
	case err != nil && p.replaces && p.shadow == nil:
		return fmt.Errorf("%s gives no plan: %w", p.name, err)
	case err != nil:
		p.improvise(p.current.Load(), err)
	}
	return nil
}

// close ends the planning when no other table goes on with it.
func (p *planner) close() {
	if p.users.Add(-1) > 0 {
		return
	}
	p.ending.Lock()
	p.cancel()
	p.ending.Unlock()
	p.wg.Wait()
}

// pick applies the plan. ok is false if no candidate can be used.
func (p *planner) pick(now time.Time, v view) (index int, by *plan, ok bool) {
	by = p.current.Load()
	if p.obsolete(by, now) {
		p.refreshSoon(now)
		if by.tooOld(now) && p.onFailure != config.MakeshiftLastPlan && p.failures.Load() > 0 {
			p.improvise(by, errors.New("the last plan is too old"))
			by = p.current.Load()
		}
	}
	for i := range by.groups {
		if index, ok := p.turns.choose(&by.groups[i], v); ok {
			return index, by, true
		}
	}
	return 0, by, false
}

func (by *plan) tooOld(now time.Time) bool {
	return !by.stale.IsZero() && now.After(by.stale) && !by.makeshift
}

func (p *planner) obsolete(by *plan, now time.Time) bool {
	if now.After(by.expires) {
		return true
	}
	health, limits := p.registry.Epochs()
	return by.onHealth && health != by.health || by.onLimits && limits != by.limits
}

// refreshSoon asks for a new plan in the background, unless that is being done
// or was done just now.
func (p *planner) refreshSoon(now time.Time) {
	if int64(now.Sub(p.born)) < p.notBefore.Load() || !p.refreshing.CompareAndSwap(false, true) {
		return
	}
	p.ending.Lock()
	defer p.ending.Unlock()
	if p.ctx.Err() != nil {
		return // closed; refreshing stays set: nothing begins any more
	}
	p.wg.Go(func() {
		defer p.refreshing.Store(false)
		pause := minRefresh
		if err := p.refresh(planDeadline); err != nil {
			failures := p.failures.Add(1)
			pause = min(minRefresh<<min(failures, 7), maxRefresh)
			if failures == 1 {
				p.notice(fmt.Sprintf("%s: no new plan, the last one serves on: %v", p.name, err))
			}
		} else if p.failures.Swap(0) > 0 {
			p.notice(fmt.Sprintf("%s: plans are fresh again", p.name))
		}
		p.notBefore.Store(int64(p.registry.Now().Sub(p.born) + jitter(pause)))
	})
}

// jitter keeps planners from asking all at once.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

func (p *planner) refresh(deadline time.Duration) error {
	p.planning.Lock()
	defer p.planning.Unlock()
	now := p.registry.Now()
	health, limits := p.registry.Epochs()
	var state []byte
	if last := p.current.Load(); last != nil {
		state = last.state
	}
	snapshots, counters := p.observe(now)
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	answer, err := p.ask(ctx, snapshots, p.outcomes(counters), state)
	if err != nil {
		return err
	}
	next, err := compile(answer, p.ids)
	if err != nil {
		return fmt.Errorf("the plan is refused: %w", err)
	}
	now = p.registry.Now()
	next.made, next.expires = now, now.Add(jitter(clampTTL(answer.TTL)))
	if answer.MaxStale > 0 {
		next.stale = now.Add(answer.MaxStale)
	}
	next.health, next.limits = health, limits
	p.before = counters
	for last := p.current.Load(); !p.replace(last, next); {
		last = p.current.Load()
	}
	return nil
}

// replace puts next in the place of last, unless another plan stands there.
func (p *planner) replace(last, next *plan) bool {
	next.seq = 1
	if last != nil {
		next.seq = last.seq + 1
	}
	return p.current.CompareAndSwap(last, next)
}

// improvise puts a makeshift plan in the place of last, unless that was done
// already. It expires at once, so that the component is asked again by the next
// pick.
func (p *planner) improvise(last *plan, why error) {
	snapshots, _ := p.observe(p.registry.Now())
	next, err := compile(makeshift(snapshots, p.onFailure, "makeshift, "+makeshiftName(p.onFailure)+": "+why.Error()), p.ids)
	if err != nil {
		panic("route: the makeshift plan is refused: " + err.Error())
	}
	next.makeshift, next.made = true, p.registry.Now()
	if last != nil {
		next.state = last.state
	}
	if p.replace(last, next) {
		p.notice(fmt.Sprintf("%s: a makeshift plan serves: %v", p.name, why))
	}
}

func (p *planner) observe(now time.Time) ([]sdk.Snapshot, []channel.Counters) {
	snapshots := make([]sdk.Snapshot, len(p.candidates))
	counters := make([]channel.Counters, len(p.candidates))
	for i, c := range p.candidates {
		snapshots[i], counters[i] = c.snapshot(now), c.counters()
	}
	return snapshots, counters
}

// outcomes are what happened since the last plan.
func (p *planner) outcomes(counters []channel.Counters) []sdk.Outcome {
	var out []sdk.Outcome
	for i, c := range counters {
		last := p.before[i]
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
