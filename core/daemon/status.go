package daemon

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// source shows the daemon to the admin API.
type source Daemon

// Status is for [admin.Source].
func (s *source) Status() admin.Status {
	g := s.generation.Load()
	out := admin.Status{
		Status: "running", Version: s.options.Version, PID: os.Getpid(),
		Uptime: time.Since(s.started).Seconds(), StartedAt: s.started,
		Generation: g.number, Config: absolute(g.config.Path), Listen: s.entry.addr(), AdminListen: s.panel.addr(), Active: s.proxy.Active(),
		Plugins: ShowPlugins(s.plugins, g.config), Tunnels: []any{}, Warnings: []string{}, Routes: []admin.Route{},
		LastReload: s.lastReload.Load(),
	}
	if s.life.Err() != nil {
		out.Status = "stopping"
	}
	for _, ch := range s.Channels() {
		out.Channels.Total++
		if ch.Out == "" && (ch.Keys.Total == 0 || ch.Keys.Alive > 0) {
			out.Channels.Healthy++
		}
	}
	for _, r := range g.table.Routes {
		out.Routes = append(out.Routes, showRoute(r))
	}
	if w := g.warnings(); w != nil {
		out.Warnings = w.Lines()
	}
	return out
}

// Reload is for [admin.Source].
func (s *source) Reload(ctx context.Context, cause string, generation uint64) admin.Reload {
	return (*Daemon)(s).Reload(ctx, cause, generation)
}

// Plan is for [admin.Source].
func (s *source) Plan(ctx context.Context) admin.Reload { return (*Daemon)(s).Plan(ctx) }

func showRoute(r *route.Route) admin.Route {
	p := r.Plan()
	out := admin.Route{
		Path: r.Config.Pattern, Models: r.Config.Models, Strategy: r.Config.Strategy.Ref,
		Plan: p.Seq, PlannedAt: p.Made, Reason: p.Reason, Makeshift: p.Makeshift, Where: where(r.Config.Strategy),
	}
	for _, ch := range r.Channels {
		out.Channels = append(out.Channels, ch.Config.Name)
	}
	return out
}

// where is the file and line of a component's block, "" if nobody wrote one.
func where(c *config.Component) string {
	if c.Range.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", c.Range.Filename, c.Range.Start.Line)
}

// ShowPlugins shows the plugins of h, and where cfg uses them; cfg may be nil.
func ShowPlugins(h *pluginhost.Host, cfg *config.Config) admin.Plugins {
	used := map[[3]string][]string{}
	for _, c := range components(cfg) {
		id := [3]string{c.Plugin, string(c.Kind), c.Name}
		at := where(c)
		if at == "" {
			at = "by default"
		}
		if !slices.Contains(used[id], at) {
			used[id] = append(used[id], at)
		}
	}
	out := admin.Plugins{Calls: h.Calls(), Processes: []admin.Process{}}
	for _, p := range h.List() {
		shown := admin.Process{
			Plugin: p.Name, Version: p.Version, Source: p.Source, State: string(p.State), PID: p.PID,
			Restarts: p.Restarts, Protocol: p.Protocol, LastError: p.LastError, Components: []admin.Component{},
		}
		if shown.Plugin == "" {
			shown.Plugin = "built-in"
		}
		for _, c := range p.Components {
			shown.Components = append(shown.Components, admin.Component{
				Kind: string(c.Kind), Name: c.Name, Doc: c.Doc, UsedAt: used[[3]string{p.Name, string(c.Kind), c.Name}],
			})
		}
		out.Processes = append(out.Processes, shown)
	}
	return out
}

// components are all that the configuration names.
func components(cfg *config.Config) (all []*config.Component) {
	if cfg == nil {
		return nil
	}
	for _, ch := range cfg.Channels {
		if len(ch.Keys) > 0 {
			all = append(all, ch.KeySelector)
		}
		if ch.HealthCheck != nil {
			all = append(all, ch.HealthCheck.Checker)
		}
	}
	for _, r := range cfg.Routes {
		all = append(all, r.Strategy)
	}
	return all
}

// Channels is for [admin.Source].
func (s *source) Channels() []admin.Channel {
	now := s.registry.Now()
	out := []admin.Channel{}
	for _, ch := range s.generation.Load().table.Channels {
		out = append(out, showChannel(ch, now))
	}
	return out
}

func showChannel(ch *route.Channel, now time.Time) admin.Channel {
	v := ch.State.View(now)
	out := admin.Channel{
		Name: ch.Config.Name, Target: ch.Config.Target.String(), Weight: ch.Config.Weight, Fallback: ch.Config.Fallback,
		Enabled: !v.Paused, Health: string(v.Health), Out: string(v.Skip), OutReason: v.Reason,
		OutSince: at(v.Since), OutUntil: at(v.Until), Latency: millis(v.Counters.TTFB), InFlight: v.InFlight,
		ErrorRate: v.ErrorRate, Stats: stats(v.Counters), Keys: admin.Keys{Total: len(ch.Keys), List: []admin.Key{}},
	}
	if v.Health == "" {
		out.Health = string(sdk.HealthUnknown)
	}
	if ch.Config.KeySelector != nil {
		out.KeyStrategy = ch.Config.KeySelector.Ref
	}
	for _, k := range ch.Keys {
		kv := k.State.View(now)
		shown := admin.Key{
			ID: k.State.ID(), Masked: k.Config.Value.String(), Weight: k.Config.Weight,
			State: string(kv.Skip), Reason: kv.Reason, Until: at(kv.Until), Stats: stats(kv.Counters),
		}
		if kv.Skip == "" {
			shown.State = "ready"
			out.Keys.Alive++
		}
		out.Keys.List = append(out.Keys.List, shown)
	}
	return out
}

func stats(c channel.Counters) admin.Stats {
	out := admin.Stats{TotalRequests: c.Requests, SuccessCount: c.Successes, FailCount: c.Failures, LastRequestAt: at(c.LastAt)}
	if c.LastError != "" {
		out.LastError = &c.LastError
	}
	return out
}

func at(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
