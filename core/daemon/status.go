package daemon

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/route"
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
		Plugins: s.Plugins(), Tunnels: s.Tunnels(), Warnings: []string{}, Routes: s.Routes(),
		LastReload: s.lastReload.Load(),
	}
	if s.life.Err() != nil {
		out.Status = "stopping"
	}
	for _, ch := range s.Channels() {
		out.Channels.Total++
		if toBeHad(ch) {
			out.Channels.Healthy++
		}
	}
	if w := g.warnings(); w != nil {
		out.Warnings = w.Lines()
	}
	return out
}

// toBeHad says that the channel would be sent a request now.
func toBeHad(ch admin.Channel) bool {
	return ch.Out == "" && (ch.Keys.Total == 0 || ch.Keys.Alive > 0)
}

// Ready is for [admin.Source].
func (s *source) Ready() error {
	if s.life.Err() != nil {
		return errors.New("aitunnel is stopping")
	}
	if !slices.ContainsFunc(s.Channels(), toBeHad) {
		return errors.New("no channel is to be had now")
	}
	return nil
}

// Routes is for [admin.Source].
func (s *source) Routes() []admin.Route {
	out := []admin.Route{}
	for _, r := range s.generation.Load().table.Routes {
		out = append(out, showRoute(r))
	}
	return out
}

// Plugins is for [admin.Source].
func (s *source) Plugins() admin.Plugins { return ShowPlugins(s.plugins, s.generation.Load().config) }

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
func where(c *config.Component) string { return place(c.Range) }

func place(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line)
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
