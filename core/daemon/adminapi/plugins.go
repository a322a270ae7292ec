package adminapi

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/trust"
	"github.com/aitunnel/aitunnel/sdk"
)

// Plugins is for [admin.Source].
func (s *Source) Plugins() admin.Plugins {
	g := s.running()
	out := showPlugins(s.program.Plugins, g.Config, tableUses(g.Table()))
	out.Problems = append(out.Problems, failingChecks(g.Table(), s.program.Registry.Now())...)
	return out
}

// failingChecks returns the health checks that could not be made, because of a fault
// of the checker or of the program.
func failingChecks(t *route.Table, now time.Time) (all []string) {
	for _, ch := range t.Channels {
		if why := ch.State.View(now).CheckError; why != "" && ch.Config.HealthCheck != nil {
			c := ch.Config.HealthCheck.Checker
			all = append(all, fmt.Sprintf("%s: the health check %q of channel %q could not be made: %s", where(c), c.Ref, ch.Config.Name, why))
		}
	}
	return all
}

// RestartPlugin is for [admin.Source].
func (s *Source) RestartPlugin(ctx context.Context, name string) (admin.Reload, error) {
	if !s.program.Reloader.HasPlugin(name) {
		return admin.Reload{}, admin.NotFound(fmt.Sprintf("there is no plugin %q", name))
	}
	return outcome(s.program.Reloader.RestartPlugin(ctx, name))
}

// ShowPlugins shows the plugins of h, and where cfg uses them; cfg may be nil.
func ShowPlugins(h *pluginhost.Host, cfg *config.Config) admin.Plugins {
	return showPlugins(h, cfg, configUses(cfg))
}

// use is one use of a component.
type use struct {
	component *config.Component
	shown     admin.ComponentUse
}

func configUses(cfg *config.Config) (all []use) {
	if cfg == nil {
		return nil
	}
	for _, ch := range cfg.Channels {
		if len(ch.Keys) > 0 {
			all = append(all, use{ch.KeySelector, admin.ComponentUse{For: "channel " + ch.Name}})
		}
		if ch.HealthCheck != nil {
			all = append(all, use{ch.HealthCheck.Checker, admin.ComponentUse{For: "channel " + ch.Name}})
		}
	}
	for _, r := range cfg.Routes {
		all = append(all, use{r.Strategy, admin.ComponentUse{For: "route " + r.Pattern}})
		for _, c := range r.Shadows {
			all = append(all, use{c, admin.ComponentUse{For: "shadow of route " + r.Pattern}})
		}
	}
	return all
}

// tableUses returns the uses in a running configuration, with their plans.
func tableUses(t *route.Table) (all []use) {
	for _, ch := range t.Channels {
		if len(ch.Keys) > 0 {
			all = append(all, use{ch.Config.KeySelector, planned("channel "+ch.Config.Name, ch.KeyPlan())})
		}
		if ch.Config.HealthCheck != nil {
			all = append(all, use{ch.Config.HealthCheck.Checker, admin.ComponentUse{For: "channel " + ch.Config.Name}})
		}
	}
	for _, r := range t.Routes {
		all = append(all, use{r.Config.Strategy, planned("route "+r.Config.Pattern, r.Plan())})
		for i, s := range r.Shadows() {
			shown, counted := planned("shadow of route "+r.Config.Pattern, s.Plan), showShadow(s, r.Config.Shadows[i])
			shown.Shadow = &counted
			all = append(all, use{r.Config.Shadows[i], shown})
		}
	}
	return all
}

func planned(what string, p route.PlanInfo) admin.ComponentUse {
	return admin.ComponentUse{For: what, Plan: p.Seq, PlannedAt: at(p.PlannedAt), CorePlan: p.Core, Makeshift: p.Core, Router: showRouter(p.Router), Warnings: p.Warnings}
}

func showRouter(r *route.RouterInfo) *admin.Router {
	if r == nil {
		return nil
	}
	return &admin.Router{Answered: r.Answered, Failed: r.Failed, Skipped: r.Skipped, Paused: r.Paused, Resting: r.Paused}
}

// showShadows returns the shadows in the order of the configuration.
func showShadows(r *route.Route) (all []admin.Shadow) {
	for i, s := range r.Shadows() {
		all = append(all, showShadow(s, r.Config.Shadows[i]))
	}
	return all
}

func showShadow(s route.ShadowInfo, block *config.Component) admin.Shadow {
	return admin.Shadow{
		Strategy: s.Ref, Where: where(block), Plan: s.Plan.Seq, PlannedAt: clock(s.Plan.PlannedAt), Reason: s.Plan.Reason,
		CorePlan: s.Plan.Core, Makeshift: s.Plan.Core, Since: clock(s.Since), Picks: s.Picks, Agreed: s.Agreed, Choices: s.Choices,
	}
}

type componentID struct {
	plugin string
	kind   sdk.Kind
	name   string
}

func showPlugins(h *pluginhost.Host, cfg *config.Config, uses []use) admin.Plugins {
	used := map[componentID][]admin.ComponentUse{}
	for _, u := range uses {
		u.shown.Where = where(u.component)
		id := componentID{u.component.Plugin, u.component.Kind, u.component.Name}
		used[id] = append(used[id], u.shown)
	}
	out := admin.Plugins{Calls: h.Calls(), Processes: []admin.Process{}, Refused: []admin.RefusedPlugin{}}
	runs := map[string]bool{} // paths and hashes
	for _, p := range h.List() {
		out.Processes = append(out.Processes, showProcess(p, used))
		runs[p.Source+" "+p.SHA256] = p.State != pluginhost.StateStopped && p.State != pluginhost.StateDraining
	}
	var declared []*config.Plugin
	if cfg != nil {
		declared = cfg.Plugins
	}
	for _, c := range h.Candidates(declared) {
		if c.Reason != "" && !runs[c.Path+" "+c.SHA256] {
			out.Refused = append(out.Refused, admin.RefusedPlugin{Plugin: c.Name, Path: c.Path, SHA256: c.SHA256, Lock: string(c.Lock), Reason: c.Reason})
		}
	}
	for _, problem := range h.Problems(declared) {
		if !slices.ContainsFunc(out.Refused, func(r admin.RefusedPlugin) bool { return r.Reason == problem }) {
			out.Problems = append(out.Problems, problem)
		}
	}
	return out
}

func showProcess(p pluginhost.ProcessStatus, used map[componentID][]admin.ComponentUse) admin.Process {
	out := admin.Process{
		Plugin: p.Name, Version: p.Version, Source: p.Source, SHA256: p.SHA256, Lock: string(trust.Locked),
		State: string(p.State), PID: p.PID, Since: at(p.Since), Restarts: p.Restarts, Protocol: p.Protocol,
		LastError: p.LastError, Fallback: p.Fallback, Memory: p.Memory, CPU: p.CPU, LogLines: p.LogLines, LogDropped: p.LogDropped, Components: []admin.Component{},
	}
	if p.SHA256 == "" {
		out.Lock = string(trust.Attached)
	}
	if p.Name == "" {
		out.Plugin, out.Lock = reload.BuiltinPlugin, string(trust.BuiltIn)
	}
	for _, c := range p.Components {
		shown := admin.Component{Kind: string(c.Kind), Name: c.Name, Doc: c.Doc, Settings: showSettings(c.Schema)}
		if p.State != pluginhost.StateDraining {
			shown.Uses = used[componentID{p.Name, c.Kind, c.Name}]
		}
		for _, u := range shown.Uses {
			place := u.Where
			if place == "" {
				place = "by default"
			}
			if !slices.Contains(shown.UsedAt, place) {
				shown.UsedAt = append(shown.UsedAt, place)
			}
		}
		out.Components = append(out.Components, shown)
	}
	return out
}

// showSettings returns the settings of a component, without its blocks.
func showSettings(s *sdk.Schema) []admin.Setting {
	if s == nil {
		return nil
	}
	out := []admin.Setting{}
	for _, a := range s.Attributes {
		shown := admin.Setting{Name: a.Name, Required: a.Required, Enum: a.Enum, Sensitive: a.Sensitive, Doc: a.Doc}
		_ = json.Unmarshal(a.Type, &shown.Type) // the host checked it
		if len(a.Default) > 0 && !a.Sensitive {
			_ = json.Unmarshal(a.Default, &shown.Default)
		}
		out = append(out, shown)
	}
	return out
}
