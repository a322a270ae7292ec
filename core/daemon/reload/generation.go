package reload

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/health"
	"github.com/aitunnel/aitunnel/core/proxy"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// Generation is a configuration that can run.
type Generation struct {
	Number uint64
	Config *config.Config
	Report config.Report

	table     *route.Table
	checkers  map[*config.Channel]sdk.HealthChecker
	instances map[instanceKey]any // the components that it uses
	drained   <-chan struct{}     // closed when its last request has ended
}

// Table returns the table that routes requests.
func (g *Generation) Table() *route.Table { return g.table }

// Warnings returns the warnings about the configuration, nil if there are none.
func (g *Generation) Warnings() *ConfigError {
	if g.Report.Empty() {
		return nil
	}
	return &ConfigError{Report: g.Report}
}

// instanceKey identifies a configured component.
type instanceKey struct {
	kind    sdk.Kind
	ref     string
	purpose route.Purpose
}

func (k instanceKey) String() string {
	return fmt.Sprintf("%s %q for %s", k.kind, k.ref, k.purpose.Instance())
}

func (k instanceKey) subject() Subject {
	s := purposeSubject(k.purpose)
	s.Component = k.ref
	return s
}

// load reads a configuration. It also returns the files from which it was read, with
// their sums.
func (r *Reloader) load(ctx context.Context, s source) (*Generation, map[string]string, error) {
	plugins := r.options.Plugins.Inputs(nil)
	cfg, report := config.Load(ctx, config.Options{Path: r.options.Path, Vars: r.options.Vars, Catalog: r.options.Plugins, Texts: s.texts})
	g := &Generation{
		Number: 1, Config: cfg, Report: report,
		checkers: map[*config.Channel]sdk.HealthChecker{}, instances: map[instanceKey]any{},
	}
	read := maps.Clone(report.Inputs())
	maps.Copy(read, r.pluginFiles(cfg, plugins))
	if report.HasErrors() {
		return nil, read, &ConfigError{Report: report}
	}
	s.extra.Add(cfg)
	return g, read, nil
}

// open starts and configures what is new in the generation; what it has in common with
// old keeps running. After an error nothing new is left.
func (r *Reloader) open(ctx context.Context, g, old *Generation) error {
	options := route.Options{Registry: r.options.Registry, Notice: r.notice, Recovered: r.recovered, Saved: r.options.Planners}
	if old != nil {
		g.Number, options.Previous = old.Number+1, old.table
	}
	// Errors that plugins find are reported together with all others.
	report := g.Report
	options.Open = func(ctx context.Context, c *config.Component, purpose route.Purpose) (sdk.Component, error) {
		opened, err := r.options.Plugins.OpenFor(ctx, c, g.Config.Plugin(c.Plugin), sdk.Config{Instance: purpose.Instance(), Members: g.Config.Members(c)}, nil)
		if err != nil {
			report = report.AddComponentError(c, err)
			return nil, err
		}
		g.instances[instanceKey{c.Kind, c.Ref, purpose}] = opened
		return opened.Component(), nil
	}
	var errs []error
	for _, ch := range g.Config.Channels {
		if ch.HealthCheck == nil {
			continue
		}
		opened, err := options.Open(ctx, ch.HealthCheck.Checker, route.Purpose{Kind: route.ForCheck, Name: ch.Name, Target: ch.Target.String()})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		g.checkers[ch] = opened.(sdk.HealthChecker)
	}
	table, err := route.Build(ctx, g.Config, options)
	g.table = table
	if err = errors.Join(append(errs, err)...); err == nil {
		return nil
	}
	g.close()
	if report.HasErrors() {
		return &ConfigError{Report: report}
	}
	return err
}

func (r *Reloader) notice(message string) {
	r.options.Bus.Publish(event.Event{Type: event.TypePlugin, Level: event.LevelWarn, Message: message})
}

// recovered publishes that something works again.
func (r *Reloader) recovered(message string) {
	r.options.Bus.Publish(event.Event{Type: event.TypePlugin, Level: event.LevelInfo, Message: message})
}

// checks returns the health checks, which own the checkers from now on.
func (g *Generation) checks(p *proxy.Handler) (all []health.Check) {
	for _, ch := range g.table.Channels {
		hc := ch.Config.HealthCheck
		if hc == nil {
			continue
		}
		var keys []health.Key
		for _, k := range ch.Keys {
			keys = append(keys, health.Key{ID: k.ID(), Label: k.Config.Label, State: k.State})
		}
		all = append(all, health.Check{
			State: ch.State, Channel: ch.Config, Models: ch.Config.Models, Keys: keys, Checker: g.checkers[ch.Config], Host: p.Prober(ch),
			Interval: hc.Interval, Timeout: hc.Timeout, Fall: hc.Fall, Rise: hc.Rise,
		})
	}
	g.checkers = nil
	return all
}

// close closes what the generation opened.
func (g *Generation) close() {
	for _, c := range g.checkers {
		_ = c.Close() // its process may have ended
	}
	if g.table != nil {
		g.table.Close()
	}
}
