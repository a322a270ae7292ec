package daemon

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// firstPlanTime is the time limit for a first plan.
const firstPlanTime = 6 * time.Second

// CheckFit returns why a configuration cannot be used with the plugin that h runs under a
// name: its settings are wrong for the plugin, or one of its components gives no first
// plan. It also returns the places of the blocks that use the plugin.
func CheckFit(ctx context.Context, o config.Options, h *pluginhost.Host, name string) (usedAt []string, err error) {
	o.Catalog = h
	report, err := eachUse(ctx, o, h, name, func(c *config.Component, _ error) { usedAt = append(usedAt, placeOf(c)) })
	if err == nil && report.HasErrors() {
		err = &reload.ConfigError{Report: report}
	}
	return usedAt, err
}

func placeOf(c *config.Component) string {
	return fmt.Sprintf("%s:%d", c.Range.Filename, c.Range.Start.Line)
}

// eachUse tests every block of a configuration that uses a plugin, and calls tested
// with each result. The report contains the errors, with their places.
func eachUse(ctx context.Context, o config.Options, h *pluginhost.Host, name string, tested func(*config.Component, error)) (config.Report, error) {
	cfg, report := config.Load(ctx, o)
	if report.HasErrors() {
		return report, &reload.ConfigError{Report: report}
	}
	for _, c := range cfg.Components() {
		if c.Plugin != name {
			continue
		}
		err := tryFirstPlan(ctx, cfg, h, c)
		if err != nil {
			report = report.AddComponentError(c, err)
		}
		tested(c, err)
	}
	return report, nil
}

// ExamineBlocks tests a plugin with every block of a configuration that uses it.
// Blocks of other plugins are not checked, since those need not be installed.
func ExamineBlocks(ctx context.Context, o config.Options, h *pluginhost.Host, name string) (out []Finding, err error) {
	o.Catalog = lenient{h, name}
	_, err = eachUse(ctx, o, h, name, func(c *config.Component, err error) {
		f := Finding{Kind: string(c.Kind), Name: c.Name, OK: err == nil}
		at := placeOf(c)
		switch {
		case err != nil:
			f.Message = fmt.Sprintf("it does not work with the block at %s: %s", at, withHints(err))
		case c.Kind == sdk.KindHealthChecker:
			f.Message = "accepts the block at " + at
		default:
			f.Message = "gives a first plan for the block at " + at
		}
		out = append(out, f)
	})
	return out, err
}

// lenient is a catalog for testing one plugin: others may be missing or faulty.
type lenient struct {
	*pluginhost.Host
	plugin string
}

func (l lenient) Component(ctx context.Context, kind sdk.Kind, ref string, declared *config.Plugin) (config.ComponentInfo, error) {
	info, err := l.Host.Component(ctx, kind, ref, declared)
	if name, _, _ := strings.Cut(ref, "/"); err != nil && name != l.plugin {
		err = fmt.Errorf("%w: %w", config.ErrNotReady, err)
	}
	return info, err
}

// tryFirstPlan opens a component as the program would, and requests a plan.
func tryFirstPlan(ctx context.Context, cfg *config.Config, h *pluginhost.Host, c *config.Component) error {
	i, err := h.OpenFor(ctx, c, cfg.Plugin(c.Plugin), sdk.Config{Instance: "check", Members: cfg.Members(c)}, nil)
	if err != nil {
		return err
	}
	defer func() { _ = i.Close() }() // its process may have ended
	if c.Kind == sdk.KindHealthChecker {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, firstPlanTime)
	defer cancel()
	name, candidates := candidatesOf(cfg, c)
	_, err = firstPlan(ctx, i, c.Kind, name, candidates)
	return err
}

// firstPlan requests a plan from a strategy or key selector, as the program does when
// it starts. name is the pattern of the route or the name of the channel.
func firstPlan(ctx context.Context, i *pluginhost.Instance, kind sdk.Kind, name string, candidates []sdk.Snapshot) (plan sdk.Plan, err error) {
	if kind == sdk.KindKeySelector {
		plan, err = i.PlanKeys(ctx, sdk.KeyPlanRequest{Channel: name, Keys: candidates})
	} else {
		plan, err = i.Plan(ctx, sdk.PlanRequest{Route: name, Channels: candidates})
	}
	if err != nil {
		return plan, fmt.Errorf("it gives no first plan: %w", err)
	}
	var ids []string
	for _, candidate := range candidates {
		ids = append(ids, candidate.ID)
	}
	if err := route.CheckPlan(plan, ids); err != nil {
		return plan, fmt.Errorf("its first plan is refused: %w", err)
	}
	return plan, nil
}

// candidatesOf returns the candidates of a component, and the name of their route or
// channel.
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
