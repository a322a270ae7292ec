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
		LastReload: s.lastReload.Load(), Channels: admin.Summarize(s.Channels()), TokenFile: (*Daemon)(s).adminTokenFile(),
	}
	if s.life.Err() != nil {
		out.Status = "stopping"
	}
	if w := g.warnings(); w != nil {
		out.Warnings = w.Lines()
	}
	return out
}

// Ready is for [admin.Source].
func (s *source) Ready() error {
	if s.life.Err() != nil {
		return errors.New("aitunnel is stopping")
	}
	if !slices.ContainsFunc(s.Channels(), admin.Channel.Available) {
		return errors.New("no channel is available")
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

func showRoute(r *route.Route) admin.Route {
	p := r.Plan()
	out := admin.Route{
		Path: r.Config.Pattern, Models: r.Config.Models, Strategy: r.Config.Strategy.Ref,
		Plan: p.Seq, PlannedAt: p.Made, Reason: p.Reason, Makeshift: p.Fallback, Where: where(r.Config.Strategy),
		Router: showRouter(p.Router), Shadows: showShadows(r),
		Written: r.Config.Range.Filename != "",
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
