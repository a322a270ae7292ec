package daemon

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/health"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/sdk"
)

// generation is a configuration made runnable.
type generation struct {
	number    uint64
	config    *config.Config
	report    config.Report
	table     *route.Table
	checkers  map[*config.Channel]sdk.HealthChecker
	instances map[instanceKey]any // what was opened
	drained   <-chan struct{}     // closed when its last request has ended
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

// build loads the configuration and opens all that is new in it; what is the
// same in old goes on. After an error nothing of it is left. texts are contents
// to be taken in the place of those of files.
func (d *Daemon) build(ctx context.Context, old *generation, texts map[string][]byte) (*generation, error) {
	plugins := d.plugins.Inputs(nil)
	cfg, report := d.load(ctx, texts)
	d.read(cfg, report, plugins)
	if report.HasErrors() {
		return nil, &ConfigError{Report: report}
	}
	d.extra.put(cfg)
	g := &generation{number: 1, config: cfg, report: report, checkers: map[*config.Channel]sdk.HealthChecker{}, instances: map[instanceKey]any{}}
	options := route.Options{Registry: d.registry, Notice: d.notice, Memory: d.memory}
	if old != nil {
		g.number, options.Previous = old.number+1, old.table
	}
	// All of the configuration's mistakes are told at once, those that the
	// plugins find too.
	wrong := report
	options.Open = func(ctx context.Context, c *config.Component, purpose route.Purpose) (sdk.Component, error) {
		opened, err := d.plugins.Open(ctx, c, cfg.Plugin(c.Plugin), purpose.Instance(), nil)
		if err != nil {
			wrong = wrong.Complain(c, err)
			return nil, err
		}
		g.instances[instanceKey{c.Kind, c.Ref, purpose}] = opened
		return opened.Component(), nil
	}
	var err error
	for _, ch := range cfg.Channels {
		if hc := ch.HealthCheck; hc != nil {
			opened, failed := options.Open(ctx, hc.Checker, route.Purpose{Kind: route.ForCheck, Name: ch.Name, Target: ch.Target.String()})
			if failed == nil {
				g.checkers[ch] = opened.(sdk.HealthChecker)
			}
			err = errors.Join(err, failed)
		}
	}
	table, failed := route.Build(ctx, cfg, options)
	g.table = table
	if err = errors.Join(err, failed); err == nil {
		return g, nil
	}
	g.close()
	if wrong.HasErrors() {
		return nil, &ConfigError{Report: wrong}
	}
	return nil, err
}

// load reads the configuration.
func (d *Daemon) load(ctx context.Context, texts map[string][]byte) (*config.Config, config.Report) {
	return config.Load(ctx, config.Options{Path: d.options.ConfigPath, Vars: d.options.Vars, Catalog: d.plugins, Texts: texts})
}

// checks are the health checks, which take the checkers over.
func (g *generation) checks(d *Daemon) (all []health.Check) {
	for _, ch := range g.table.Channels {
		hc := ch.Config.HealthCheck
		if hc == nil {
			continue
		}
		all = append(all, health.Check{
			State: ch.State, Channel: ch.Config, Models: ch.Config.Models, Checker: g.checkers[ch.Config], Host: d.proxy.Prober(ch),
			Interval: hc.Interval, Timeout: hc.Timeout, Fall: hc.Fall, Rise: hc.Rise,
		})
	}
	g.checkers = nil
	return all
}

func (g *generation) close() {
	for _, c := range g.checkers {
		_ = c.Close() // its process may be gone
	}
	if g.table != nil {
		g.table.Close()
	}
}

// warnings are what the configuration was warned of, nil if there was nothing.
func (g *generation) warnings() *ConfigError {
	if g.report.Empty() {
		return nil
	}
	return &ConfigError{Report: g.report}
}

func (g *generation) diagnostics() []config.Diagnostic {
	return append([]config.Diagnostic{}, g.report.Diagnostics()...)
}

func absolute(path string) string {
	if full, err := filepath.Abs(path); err == nil {
		return full
	}
	return path
}
