package route

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
)

// PlanInfo is what is shown of a plan.
type PlanInfo struct {
	Seq       uint64
	Reason    string
	PlannedAt time.Time
	Core      bool        // the component gave none
	Router    *RouterInfo // nil unless the component routes each request

	Warnings []string // warnings of the component, and its current problems, with their places
}

// Plan describes the route's plan.
func (r *Route) Plan() PlanInfo { return r.planner.info(r.Config.Strategy) }

// KeyPlan describes the plan for the channel's keys; zero for a channel without keys.
func (c *Channel) KeyPlan() PlanInfo {
	if c.planner == nil {
		return PlanInfo{}
	}
	return c.planner.info(c.Config.KeySelector)
}

// info describes the plan of the component in a block, whose place may have changed since
// the planner was created.
func (p *planner) info(block *config.Component) PlanInfo {
	by := p.current.Load()
	info := PlanInfo{Seq: by.seq, Reason: by.reason, PlannedAt: by.made, Core: by.core}
	if p.router != nil {
		router := p.router.info()
		info.Router = &router
	}
	for _, w := range slices.Concat(by.warnings, p.problems()) {
		info.Warnings = append(info.Warnings, p.warningText(block, w))
	}
	return info
}

// problems returns the current problems of the component, except that its process ended,
// which its state shows.
func (p *planner) problems() (all []sdk.Warning) {
	add := func(format string, args ...any) {
		all = append(all, sdk.Warning{Message: fmt.Sprintf(format, args...)})
	}
	p.mu.Lock()
	failure := p.failure
	p.mu.Unlock()
	switch by := p.current.Load(); {
	case failure == nil || errors.Is(failure, sdk.ErrUnavailable):
	case by.core:
		add("it gives no plan, so a core plan is used: %v", failure)
	default:
		add("it gives no new plan, so the last one stays in use: %v", failure)
	}
	if p.router != nil {
		for _, text := range p.router.problems() {
			add("%s", text)
		}
	}
	if p.observer != nil {
		if err := p.observer.failure(); err != nil && !errors.Is(err, sdk.ErrUnavailable) {
			add("it does not take the results of requests: %v", err)
		}
	}
	return all
}
