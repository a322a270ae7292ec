// Package daemon is the program as a value: it makes a configuration run,
// swaps it for another without dropping a request, and shuts down. The command
// line starts one, and so do end-to-end tests.
package daemon

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/proxy"
)

// Options of [New].
type Options struct {
	ConfigPath string            // file or directory
	Vars       map[string]string // as given by --var
	StateDir   string
	Builtin    []string // command line that serves the built-in components
	Version    string
	LogOutput  io.Writer // where the log goes unless the configuration names a file

	// For tests.
	Now          func() time.Time
	Roots        *x509.CertPool // whom to trust for sites
	PluginTiming pluginhost.Timing
}

// Daemon is a running aitunnel.
type Daemon struct {
	options  Options
	started  time.Time
	log      hclog.Logger
	sink     *logSink
	bus      *event.Bus
	registry *channel.Registry
	plugins  *pluginhost.Host
	proxy    *proxy.Handler
	admin    *admin.Handler
	entry    *listener
	panel    *listener // nil if the port is off

	generation atomic.Pointer[generation]
	draining   sync.WaitGroup
	failed     chan error // a server that ended by itself
}

// Start makes the configuration at o.ConfigPath run. It returns when the ports
// answer. An error that lies in the configuration is a [*ConfigError]; after
// any error nothing is left running.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{options: o, started: time.Now(), failed: make(chan error, 2)}
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.Shutdown(ctx))
	}
	return d, nil
}

func (d *Daemon) start(ctx context.Context) error {
	seed, err := loadSeed(d.options.StateDir)
	if err != nil {
		return err
	}
	d.sink = &logSink{fallback: d.options.LogOutput}
	d.log = newLog(d.sink)
	d.bus = event.NewBus(recentEvents, d.logEvent)
	d.registry = channel.NewRegistry(channel.Options{Now: d.options.Now, Seed: seed, OnChange: d.channelChanged})
	d.plugins, err = pluginhost.New(pluginhost.Options{
		Logger:    d.log.Named("plugin"),
		Builtin:   d.options.Builtin,
		SocketDir: filepath.Join(d.options.StateDir, "run"),
		ConfigDir: configDir(d.options.ConfigPath),
		OnEvent:   d.pluginEvent,
		Timing:    d.options.PluginTiming,
	})
	if err != nil {
		return err
	}
	d.proxy = proxy.New(proxy.Options{Registry: d.registry, Bus: d.bus, Roots: d.options.Roots})
	g, err := d.build(ctx)
	if err != nil {
		return err
	}
	if err := d.sink.open(g.config.Log); err != nil {
		g.close()
		return err
	}
	if err := d.listen(g.config); err != nil {
		g.close()
		return err
	}
	d.use(g)
	return nil
}

// recentEvents is how many events are remembered.
const recentEvents = 1000

func (d *Daemon) listen(cfg *config.Config) (err error) {
	if d.entry, err = listen("proxy.listen", cfg.Proxy.Listen); err != nil {
		return err
	}
	if cfg.Admin.Listen == "" {
		return nil
	}
	d.panel, err = listen("admin.listen", cfg.Admin.Listen)
	return err
}

// serve answers on the ports.
func (d *Daemon) serve() {
	d.entry.serve(d.proxy, d.log, d.failed)
	if d.panel != nil {
		d.panel.serve(d.admin, d.log, d.failed)
	}
}

// use puts a generation in the place of the current one, which goes when its
// last request has ended.
func (d *Daemon) use(g *generation) {
	g.table.Activate(g.config)
	drained := d.proxy.Use(g.config, g.table)
	old := d.generation.Swap(g)
	d.draining.Go(func() {
		<-drained
		g.close()
	})
	g.watch(d.proxy, d.notice)
	if old == nil {
		d.admin = admin.New(admin.Options{Source: (*source)(d), Bus: d.bus, Config: func() config.Admin { return d.generation.Load().config.Admin }})
		d.serve()
	}
}

// ProxyAddr is the address of the unified entry.
func (d *Daemon) ProxyAddr() string { return d.entry.addr() }

// AdminAddr is the address of the admin port, "" if it is off.
func (d *Daemon) AdminAddr() string {
	if d.panel == nil {
		return ""
	}
	return d.panel.addr()
}

// Warnings are what the running configuration was warned of.
func (d *Daemon) Warnings() *ConfigError { return d.generation.Load().warnings }

// Wait returns when ctx ends, or a port stops answering.
func (d *Daemon) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-d.failed:
		return err
	}
}

// Shutdown lets the requests under way come to their end until ctx ends, then
// breaks them off, and stops everything.
func (d *Daemon) Shutdown(ctx context.Context) error {
	var errs []error
	for _, l := range []*listener{d.entry, d.panel} {
		if l != nil {
			errs = append(errs, l.shutdown(ctx))
		}
	}
	if d.proxy != nil {
		d.proxy.Retire()
	}
	d.draining.Wait()
	if d.plugins != nil {
		errs = append(errs, d.plugins.Close(context.WithoutCancel(ctx)))
	}
	if d.sink != nil {
		errs = append(errs, d.sink.close())
	}
	return errors.Join(errs...)
}

// Only is the handler of a forward that leads to the named channel.
func (d *Daemon) Only(channel string) http.Handler { return d.proxy.Only(channel) }

func (d *Daemon) notice(message string) {
	d.bus.Publish(event.Event{Type: event.TypePlugin, Level: "warn", Message: message})
}

func (d *Daemon) pluginEvent(e pluginhost.Event) {
	level := "info"
	switch e.Type {
	case pluginhost.EventStarted, pluginhost.EventRestarted, pluginhost.EventStopped:
	default:
		level = "warn"
	}
	name := e.Plugin
	if name == "" {
		name = "built-in"
	}
	d.bus.Publish(event.Event{Type: event.TypePlugin, Level: level, Plugin: name, Message: e.Message})
}

func (d *Daemon) channelChanged(c channel.Change) {
	e := event.Event{Type: event.TypeHealth, Level: "warn", Channel: c.Channel, Key: c.Key, Message: c.Message}
	switch c.Kind {
	case channel.ChangeKey:
		e.Type = event.TypeKey
	case channel.ChangeToggle:
		e.Type = event.TypeChannelToggle
	}
	if c.Good || c.Kind == channel.ChangeToggle {
		e.Level = "info"
	}
	d.bus.Publish(e)
}

// ConfigError is what is wrong with a configuration, or worth a warning.
type ConfigError struct {
	config.Report
}

func (e *ConfigError) Error() string {
	return fmt.Sprintf("the configuration is not valid: %s", e.Summary())
}
