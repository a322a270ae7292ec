package daemon

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// firstPlanTime bounds a first plan.
const firstPlanTime = 6 * time.Second

// Fits reports why a configuration cannot be used with the plugin that h runs under a
// name: its settings are wrong for it, or one of its components gives no first plan. How
// many blocks use it is returned, too.
func Fits(ctx context.Context, o config.Options, h *pluginhost.Host, name string) (uses int, err error) {
	o.Catalog = h
	cfg, report := config.Load(ctx, o)
	if report.HasErrors() {
		return 0, &reload.ConfigError{Report: report}
	}
	for _, c := range cfg.Components() {
		if c.Plugin != name {
			continue
		}
		uses++
		if err := tryFirstPlan(ctx, cfg, h, c); err != nil {
			report = report.Complain(c, err)
		}
	}
	if report.HasErrors() {
		return uses, &reload.ConfigError{Report: report}
	}
	return uses, nil
}

// tryFirstPlan opens a component as the program would, and asks it for a plan.
func tryFirstPlan(ctx context.Context, cfg *config.Config, h *pluginhost.Host, c *config.Component) error {
	i, err := h.OpenFor(ctx, c, cfg.Plugin(c.Plugin), sdk.Config{Instance: "check", Members: cfg.Members(c)}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = i.Close() }() // its process may be gone
	ctx, cancel := context.WithTimeout(ctx, firstPlanTime)
	defer cancel()
	var plan sdk.Plan
	pattern, candidates := candidatesOf(cfg, c)
	switch c.Kind {
	case sdk.KindStrategy:
		plan, err = i.Plan(ctx, sdk.PlanRequest{Route: pattern, Channels: candidates})
	case sdk.KindKeySelector:
		plan, err = i.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: pattern, Keys: candidates})
	default:
		return nil
	}
	if err != nil {
		return fmt.Errorf("it gives no first plan: %w", err)
	}
	var ids []string
	for _, candidate := range candidates {
		ids = append(ids, candidate.ID)
	}
	if err := route.CheckPlan(plan, ids); err != nil {
		return fmt.Errorf("its first plan is refused: %w", err)
	}
	return nil
}

// candidatesOf are the channels or keys that a component plans, and what for.
func candidatesOf(cfg *config.Config, c *config.Component) (name string, all []sdk.Snapshot) {
	for _, r := range cfg.Routes {
		if r.Strategy != c && !contains(r.Shadows, c) {
			continue
		}
		for _, ch := range r.Channels {
			all = append(all, sdk.Snapshot{ID: ch.Name, Weight: ch.Weight, Fallback: ch.Fallback, Available: true})
		}
		return r.Pattern, all
	}
	for _, ch := range cfg.Channels {
		if ch.KeySelector != c {
			continue
		}
		for n, k := range ch.Keys {
			all = append(all, sdk.Snapshot{ID: "key-" + strconv.Itoa(n+1), Label: k.Label, Weight: k.Weight, Available: true})
		}
		return ch.Name, all
	}
	return "", nil
}

func contains(all []*config.Component, c *config.Component) bool {
	for _, x := range all {
		if x == c {
			return true
		}
	}
	return false
}
