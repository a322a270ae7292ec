package daemon

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/health"
	"github.com/aitunnel/aitunnel/core/proxy"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// generation is a configuration made runnable.
type generation struct {
	number   uint64
	config   *config.Config
	warnings *ConfigError // nil if there were none
	table    *route.Table
	checkers map[*config.Channel]sdk.HealthChecker
	monitor  atomic.Pointer[health.Monitor]
}

// build loads the configuration and opens all that is new in it. After an
// error nothing of it is left.
func (d *Daemon) build(ctx context.Context) (*generation, error) {
	cfg, report := config.Load(ctx, config.Options{Path: d.options.ConfigPath, Vars: d.options.Vars, Catalog: d.plugins})
	if report.HasErrors() {
		return nil, &ConfigError{Report: report}
	}
	g := &generation{number: 1, config: cfg, checkers: map[*config.Channel]sdk.HealthChecker{}}
	if last := d.generation.Load(); last != nil {
		g.number = last.number + 1
	}
	if !report.Empty() {
		g.warnings = &ConfigError{Report: report}
	}
	// All of the configuration's mistakes are told at once, those that the
	// plugins find too.
	var mistakes []error
	open := func(ctx context.Context, c *config.Component, instance string) (sdk.Component, error) {
		opened, err := d.plugins.Open(ctx, c, cfg.Plugin(c.Plugin), instance, nil)
		if err != nil {
			mistakes = append(mistakes, err)
			report = report.Complain(c, err)
			return nil, err
		}
		return opened, nil
	}
	for _, ch := range cfg.Channels {
		if hc := ch.HealthCheck; hc != nil {
			if opened, err := open(ctx, hc.Checker, "channel "+ch.Name); err == nil {
				g.checkers[ch] = opened.(sdk.HealthChecker)
			}
		}
	}
	table, err := route.Build(ctx, cfg, route.Options{Registry: d.registry, Open: open, Notice: d.notice})
	g.table = table
	switch {
	case len(mistakes) > 0:
		err = &ConfigError{Report: report}
		fallthrough
	case err != nil:
		g.close()
		return nil, err
	}
	return g, nil
}

// watch begins the health checks.
func (g *generation) watch(p *proxy.Handler, notice func(string)) {
	var checks []health.Check
	for _, ch := range g.table.Channels {
		hc := ch.Config.HealthCheck
		if hc == nil {
			continue
		}
		checks = append(checks, health.Check{
			State: ch.State, Models: ch.Config.Models, Checker: g.checkers[ch.Config], Host: p.Prober(ch),
			Interval: hc.Interval, Timeout: hc.Timeout, Fall: hc.Fall, Rise: hc.Rise,
		})
	}
	g.monitor.Store(health.Start(checks, notice))
}

func (g *generation) close() {
	if m := g.monitor.Load(); m != nil {
		m.Close()
	} else {
		for _, c := range g.checkers {
			_ = c.Close() // its process may be gone
		}
	}
	if g.table != nil {
		g.table.Close()
	}
}

func configDir(path string) string {
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return path
	}
	return filepath.Dir(path)
}
