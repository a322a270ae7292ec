package route

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/attribute"
)

// How often plans are requested.
const (
	planDeadline    = 2 * time.Second
	firstDeadline   = time.Second            // for the first plan: the program does not serve before
	replaceDeadline = 6 * time.Second        // for the first plan of a component that replaces another
	minRefresh      = 250 * time.Millisecond // between two plans: bounds the rate of calls
	maxRefresh      = 30 * time.Second       // between two tries when they fail
)

// candidate is a channel or a key, as a planner sees it.
type candidate interface {
	id() string
	snapshot(now time.Time) sdk.Snapshot
	counters() channel.Counters
	settings() settings
}

// askFunc asks a component for a plan.
type askFunc func(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error)

// subject is what a planner plans.
type subject struct {
	purpose    Purpose
	name       string        // for people
	component  sdk.Component // nil for a plan without one
	ask        askFunc
	candidates []candidate
	own        func(index int) channel.Counters // of the attempts for this route only; nil if they are not counted
	onFailure  config.OnFailure
	router     *router           // nil unless the component routes each request
	observer   *observer         // nil unless the component is an observer
	block      *config.Component // nil for a plan without a component
	shadow     *tally            // nil unless the plan is only counted
}

// planner has the current plan, which a component renews in the background. No pick waits
// for that.
type planner struct {
	subject
	known     []settings // of the candidates
	ids       []string
	registry  *channel.Registry
	notice    func(string)
	recovered func(string) // called with what works again
	turns     *turns
	current   atomic.Pointer[plan]
	ctx       context.Context
	cancel    context.CancelFunc
	running   sync.WaitGroup

	mu        sync.Mutex
	phase     phase
	failures  int             // in a row
	failure   error           // why there is no new plan; nil if the last call gave one
	notBefore time.Time       // when the component may be called again
	before    counted         // at the last plan
	timer     *time.Timer     // asks for the plan after an exact one
	warned    map[string]bool // warnings that were reported

	users    atomic.Int32 // tables
	replaces bool         // it replaces a component whose plans are good
	resume   SavedPlanner // the state of a previous planner, for the first plan
}

// start gets the first plan, or a core plan if the component gives none. That is an error
// if the component replaces another one whose plans are good. A planner that is taken over
// from the previous table already has a plan.
func (p *planner) start() error {
	if p.current.Load() != nil {
		return nil
	}
	if p.observer != nil {
		p.running.Go(func() { p.observer.run(p.ctx) })
	}
	defer p.renewOnTime()
	deadline := firstDeadline
	if p.replaces {
		deadline = replaceDeadline
	}
	err := p.refresh(deadline)
	switch {
	case err != nil && p.replaces && p.shadow == nil:
		return fmt.Errorf("%s returned no plan: %w", p.name, err)
	case err != nil:
		p.mu.Lock()
		p.failure = err
		p.mu.Unlock()
		p.installCorePlan(nil, err)
	}
	return nil
}

// close stops the planner unless another table uses it.
func (p *planner) close() {
	if p.users.Add(-1) > 0 {
		return
	}
	p.handle(planClosed, nil)
	p.stopTimer()
	p.cancel()
	p.running.Wait()
}

// plan returns the plan to apply now.
func (p *planner) plan(now time.Time) *plan {
	by := p.current.Load()
	if !p.obsolete(by, now) {
		return by
	}
	p.refreshSoon(now)
	if by.tooOld(now) && p.onFailure != config.OnFailureLastPlan && p.isFailing() {
		p.installCorePlan(by, errors.New("the last plan is too old"))
		by = p.current.Load()
	}
	return by
}

// pick applies the plan. It returns no group if no candidate is available.
func (p *planner) pick(now time.Time, v view) (index int, by *plan, g *group) {
	by = p.plan(now)
	index, g = by.choose(p.turns, v)
	return index, by, g
}

func (by *plan) tooOld(now time.Time) bool {
	return !by.stale.IsZero() && now.After(by.stale) && !by.core
}

func (p *planner) obsolete(by *plan, now time.Time) bool {
	if now.After(by.expires) {
		return true
	}
	if !by.onHealth && !by.onLimits {
		return false
	}
	health, limits := p.registry.Epochs()
	return by.onHealth && health != by.health || by.onLimits && limits != by.limits
}

func (p *planner) isFailing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.phase.failing()
}

// refreshSoon requests a new plan in the background, unless a request is running or just
// ended.
func (p *planner) refreshSoon(now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Before(p.notBefore) || p.ctx.Err() != nil {
		return
	}
	next, action := p.phase.next(planObsolete)
	p.phase = next
	if action != planAsk {
		return
	}
	p.running.Go(func() {
		if err := p.refresh(planDeadline); err != nil {
			p.handle(planFailed, err)
		} else {
			p.handle(planReceived, nil)
		}
		p.renewOnTime()
	})
}

// renewOnTime requests the next plan when an exact one expires, and after a failure when
// the backoff is over, even if there are no requests.
func (p *planner) renewOnTime() {
	by := p.current.Load()
	p.mu.Lock()
	defer p.mu.Unlock()
	if by == nil || !by.exact && !p.phase.failing() || p.phase == phaseClosed {
		return
	}
	if p.timer != nil {
		p.timer.Stop()
	}
	now := p.registry.Now()
	at := p.notBefore
	if !p.phase.failing() {
		at = later(by.expires, at)
	}
	p.timer = time.AfterFunc(at.Sub(now)+time.Millisecond, func() { p.refreshSoon(p.registry.Now()) })
}

func (p *planner) stopTimer() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
}

// handle moves the planner to its next phase, and reports what the user should know.
func (p *planner) handle(e planEvent, err error) {
	p.mu.Lock()
	var action planAction
	p.phase, action = p.phase.next(e)
	pause := minRefresh
	switch e {
	case planFailed:
		p.failures++
		p.failure = err
		pause = min(minRefresh<<min(p.failures, 7), maxRefresh)
	case planReceived:
		p.failures, p.failure = 0, nil
	}
	p.notBefore = p.registry.Now().Add(jitter(pause))
	p.mu.Unlock()
	switch action {
	case planReportFailure:
		p.notice(fmt.Sprintf("%s: no new plan, the last one stays in use: %v", p.name, err))
	case planReportRecovery:
		p.recovered(fmt.Sprintf("%s: plans are up to date again", p.name))
	}
}

// jitter prevents planners from requesting plans all at once.
func jitter(d time.Duration) time.Duration {
	return time.Duration(float64(d) * (0.9 + 0.2*rand.Float64()))
}

// refresh requests a plan from the component and installs it. Only one refresh runs at a
// time: the first before any pick, later ones because of the phase.
func (p *planner) refresh(deadline time.Duration) error {
	now := p.registry.Now()
	health, limits := p.registry.Epochs()
	last := p.current.Load()
	snapshots, counters := p.observe(now)
	req := sdk.PlanRequest{Channels: snapshots, State: p.stateAfter(last)}
	req.Outcomes, req.RouteOutcomes = p.outcomes(counters)
	ctx, cancel := context.WithTimeout(p.ctx, deadline)
	defer cancel()
	answer, err := p.ask(ctx, req)
	if err != nil {
		return err
	}
	none := answer.None != nil
	if answer, err = p.expandNone(answer, snapshots); err != nil {
		return err
	}
	next, err := compile(answer, p.ids)
	if err != nil {
		return fmt.Errorf("the plan is refused: %w", err)
	}
	next.fallbacks = none && next.none == nil
	if p.router != nil || p.observer != nil {
		visible, withheld := Visible(next.attributes, p.block.Expose)
		next.attributes, next.warnings = visible, slices.Concat(next.warnings, withheld)
	}
	p.warn(next.warnings)
	now = p.registry.Now()
	ttl := clampTTL(answer.TTL)
	if !next.exact {
		ttl = jitter(ttl)
	}
	next.made, next.expires = now, now.Add(ttl)
	if answer.MaxStale > 0 {
		next.stale = now.Add(answer.MaxStale)
	}
	next.health, next.limits = health, limits
	p.mu.Lock()
	p.before = counters
	p.mu.Unlock()
	for !p.install(last, next) {
		last = p.current.Load()
	}
	return nil
}

// expandNone returns, for a plan that says that no channel may serve but allows fallback
// channels, a plan with only those.
func (p *planner) expandNone(answer sdk.Plan, candidates []sdk.Snapshot) (sdk.Plan, error) {
	none := answer.None
	switch {
	case none == nil:
		return answer, nil
	case p.purpose.Kind == ForKeys:
		return answer, errors.New("the plan is refused: only a strategy can say that no channel may serve")
	case !none.Fallbacks || len(answer.Groups) > 0:
		return answer, nil
	}
	var fallbacks []sdk.Member
	for _, c := range candidates {
		if c.Fallback {
			fallbacks = append(fallbacks, sdk.Member{ID: c.ID, Weight: c.Weight})
		}
	}
	if len(fallbacks) > 0 {
		answer.None = nil
		answer.Groups = []sdk.Group{{Members: fallbacks, Rule: sdk.Rule{Kind: sdk.RuleOrder}}}
		answer.Reason = cmp.Or(answer.Reason, none.Reason)
	}
	return answer, nil
}

// warn reports what a component warns about, each warning once.
func (p *planner) warn(warnings []sdk.Warning) {
	for _, w := range warnings {
		text := p.warningText(p.block, w)
		p.mu.Lock()
		known := p.warned[text]
		if p.warned == nil {
			p.warned = map[string]bool{}
		}
		p.warned[text] = true
		p.mu.Unlock()
		if !known {
			p.notice(text)
		}
	}
}

// warningText returns a warning with its place in the block of the component.
func (p *planner) warningText(block *config.Component, w sdk.Warning) string {
	text := fmt.Sprintf("%s: %s", p.name, attribute.Cut(w.Message, maxWarning))
	if block == nil {
		return text
	}
	if at := block.At(w.Path); at.Filename != "" {
		text = fmt.Sprintf("%s:%d: %s", at.Filename, at.Start.Line, text)
	}
	return text
}

// stateAfter returns the component's state as of the last plan.
func (p *planner) stateAfter(last *plan) []byte {
	if last == nil {
		return p.resume.State
	}
	return last.state
}

// install replaces last by next, unless another plan was installed meanwhile.
func (p *planner) install(last, next *plan) bool {
	next.seq = p.resume.seq + 1
	if last != nil {
		next.seq = last.seq + 1
	}
	return p.current.CompareAndSwap(last, next)
}

// installCorePlan replaces last by a core plan, unless that was done
// already. It expires at once, so that the next pick has the component asked
// again.
func (p *planner) installCorePlan(last *plan, cause error) {
	snapshots, _ := p.observe(p.registry.Now())
	next, err := compile(corePlan(snapshots, p.onFailure, "core plan, "+corePlanName(p.onFailure)+": "+cause.Error()), p.ids)
	if err != nil {
		panic("route: the core plan is refused: " + err.Error())
	}
	next.core, next.made = true, p.registry.Now()
	next.state = p.stateAfter(last)
	if p.install(last, next) {
		p.notice(fmt.Sprintf("%s: the core plan is in use: %v", p.name, cause))
	}
}
