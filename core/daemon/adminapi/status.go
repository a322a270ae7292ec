package adminapi

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hashicorp/hcl/v2"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/route"
)

// Status is for [admin.Source].
func (s *Source) Status() admin.Status {
	p, g := s.program, s.running()
	out := admin.Status{
		Status: "running", Version: p.Version, PID: os.Getpid(),
		Uptime: time.Since(p.Started).Seconds(), StartedAt: clock(p.Started),
		Generation: g.Number, Config: absolute(g.Config.Path), Listen: p.Entry.Addr(), ListenOther: admin.NetworkAddress(p.Entry.Addr()), AdminListen: p.Admin.Addr(), Active: p.Proxy.Active(),
		Plugins: s.Plugins(), Tunnels: s.Tunnels(), Clients: s.Clients(), Warnings: []string{}, Routes: s.Routes(),
		Channels: admin.Summarize(s.Channels()), TokenFile: p.TokenFile(), Unedited: g.Config.OnlyPlaceholders(), TimeZone: g.Config.Location().String(),
		LogFile: g.Config.Log.File, Unsaved: p.Unsaved(), Problems: p.Problems(),
	}
	if last := p.Reloader.Last(); last != nil {
		shown := show(last.Result, last.Err)
		out.LastReload = &shown
	}
	if p.Life.Err() != nil {
		out.Status = "stopping"
	}
	if w := g.Warnings(); w != nil {
		out.Warnings = w.Lines()
	}
	return out
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}

// Ready is for [admin.Source].
func (s *Source) Ready() error {
	if s.program.Life.Err() != nil {
		return reload.ErrStopping
	}
	if !slices.ContainsFunc(s.Channels(), admin.Channel.Available) {
		return errors.New("no channel is available")
	}
	return nil
}

// Routes is for [admin.Source].
func (s *Source) Routes() []admin.Route {
	out := []admin.Route{}
	for _, r := range s.table().Routes {
		out = append(out, showRoute(r))
	}
	return out
}

func showRoute(r *route.Route) admin.Route {
	p := r.Plan()
	out := admin.Route{
		Path: r.Config.Pattern, Models: withoutKeys(r.Config.Models), Strategy: r.Config.Strategy.Ref,
		Plan: p.Seq, PlannedAt: clock(p.PlannedAt), Reason: p.Reason, CorePlan: p.Core, Makeshift: p.Core, Where: where(r.Config.Strategy),
		Router: showRouter(p.Router), Shadows: showShadows(r),
		Written: r.Config.Range.Filename != "",
	}
	for _, ch := range r.Channels {
		out.Channels = append(out.Channels, ch.Config.Name)
	}
	return out
}

// where returns the file and line of a component's block, "" if it is a default.
func where(c *config.Component) string { return place(c.Range) }

func place(r hcl.Range) string {
	if r.Filename == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", r.Filename, r.Start.Line)
}
