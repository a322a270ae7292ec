package daemon

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// Check loads a configuration and makes every plugin check its blocks, without running
// anything. It also requests a first plan from third-party plugins: their warnings,
// and what would go wrong with the plan, are reported as warnings, since the program
// would start.
func Check(ctx context.Context, o config.Options, h *pluginhost.Host) (*config.Config, config.Report) {
	o.Catalog = h
	cfg, report := config.Load(ctx, o)
	if report.HasErrors() {
		return nil, report
	}
	for _, c := range cfg.Components() {
		instance, err := h.OpenFor(ctx, c, cfg.Plugin(c.Plugin), sdk.Config{Instance: "check", Members: cfg.Members(c)}, nil)
		if err != nil {
			report = report.AddComponentError(c, err)
			continue
		}
		if c.Plugin != "" {
			report = report.AddComponentWarnings(c, warningsAbout(ctx, cfg, instance, c))
		}
		_ = instance.Close() // its process may have ended
	}
	return cfg, report
}

// checkPlanTime is the time limit for the first plan, and the first answer of a
// router, in a check.
const checkPlanTime = 3 * time.Second

// warningsAbout returns the warnings of an open component's first plan, and what would
// not work.
func warningsAbout(ctx context.Context, cfg *config.Config, i *pluginhost.Instance, c *config.Component) []sdk.Warning {
	if c.Kind == sdk.KindHealthChecker {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, checkPlanTime)
	defer cancel()
	name, candidates := candidatesOf(cfg, c)
	plan, err := firstPlan(ctx, i, c.Kind, name, candidates)
	if err != nil {
		return []sdk.Warning{{Message: err.Error()}}
	}
	warnings := plan.Warnings
	router, routes := i.Component().(sdk.RequestRouter)
	if _, observes := i.Component().(sdk.Observer); routes || observes {
		_, withheld := route.Visible(plan.Attributes, c.Expose)
		warnings = slices.Concat(warnings, withheld)
	}
	if routes {
		if err := routeFailure(ctx, router, name, candidates); err != nil {
			warnings = append(warnings, sdk.Warning{Message: err.Error()})
		}
	}
	return warnings
}

// routeFailure returns what is wrong with a router's answer about a request that has
// none of the attributes its plan asks for; nil if nothing is.
func routeFailure(ctx context.Context, r sdk.RequestRouter, pattern string, candidates []sdk.Snapshot) error {
	reply, err := r.Route(ctx, sdk.RouteRequest{Route: pattern, Channels: candidates})
	if err != nil {
		return fmt.Errorf("it does not answer about a request without the parts that its plan asks for: %w", err)
	}
	var errs []error
	for _, name := range reply.Order {
		if !slices.ContainsFunc(candidates, func(s sdk.Snapshot) bool { return s.ID == name }) {
			errs = append(errs, fmt.Errorf("it sends requests to %q, which is not a channel of the route", name))
		}
	}
	return errors.Join(errs...)
}
