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
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/health"
	"github.com/aitunnel/aitunnel/core/logsink"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/proxy"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/stats"
	"github.com/aitunnel/aitunnel/core/tunnel"
	"github.com/aitunnel/aitunnel/core/watch"
)

// Options of [New].
type Options struct {
	ConfigPath string            // file or directory
	Vars       map[string]string // as given by --var
	StateDir   string
	Builtin    []string // command line that serves the built-in components
	Version    string
	LogOutput  io.Writer // where the log goes unless the configuration names a file

	// Reloading is called when a reload begins that somebody asked for, and what
	// it returns at the end of that reload. nil: nobody wants to know.
	Reloading func() (done func())

	// For tests.
	Now          func() time.Time
	Roots        *x509.CertPool // whom to trust for sites
	PluginTiming pluginhost.Timing
	Home         string // where the user's SSH files are
}

// Daemon is a running aitunnel.
type Daemon struct {
	options Options
	started time.Time
	log     hclog.Logger
	sink    *logsink.Sink
	bus     *event.Bus
	seed    []byte

	adminToken config.Secret // for configurations without one
	registry   *channel.Registry
	stats      *stats.Collector
	store      *store
	plugins    *pluginhost.Host
	proxy      *proxy.Handler
	admin      *admin.Handler
	entry      port
	panel      port
	leaving    leaving
	monitor    *health.Monitor
	tunnels    *tunnel.Tunnels
	failed     chan error // a server that ended by itself
	lock       *lock
	control    *control
	asked      chan Ending
	hurry      chan struct{} // closed when requests under way are to be broken off
	hurryOnce  sync.Once
	life       context.Context
	end        context.CancelFunc
	keeping    sync.WaitGroup

	applying    sync.Mutex // one change of generation at a time; guards those down to memory
	watcher     *watch.Watcher
	inputs      map[string]string                 // what was read last
	executables atomic.Pointer[map[string]string] // those of the inputs that are plugins' files
	good        map[string]string                 // by the last configuration that was good
	memory      route.Memory                      // of the former run
	extra       extraKeys
	draining    []*generation // the oldest first
	generation  atomic.Pointer[generation]
	lastReload  atomic.Pointer[admin.Reload]
	drained     sync.WaitGroup
}

// Start makes the configuration at o.ConfigPath run. It returns when the ports
// answer. An error that lies in the configuration is a [*ConfigError]; after
// any error nothing is left running.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{options: o, started: time.Now(), failed: make(chan error, 4), asked: make(chan Ending, 1), hurry: make(chan struct{}), extra: extraKeys{}}
	d.life, d.end = context.WithCancel(context.Background())
	if err := d.start(ctx); err != nil {
		return nil, errors.Join(err, d.Shutdown(ctx))
	}
	return d, nil
}

func (d *Daemon) start(ctx context.Context) error {
	d.applying.Lock()
	defer d.applying.Unlock()
	if err := d.prepare(); err != nil {
		return err
	}
	g, err := d.build(ctx, nil, nil)
	if err != nil {
		return err
	}
	if err := d.useLog(g.config.Log); err != nil {
		g.close()
		return d.denied(g, err)
	}
	moved, err := d.rebind(nil, g.config)
	if err != nil {
		g.close()
		return d.denied(g, err)
	}
	d.use(g)
	moved.commit(d)
	d.keeping.Go(func() { d.keepState(d.life) })
	d.keeping.Go(func() { d.keepStats(d.life) })
	d.control.serve(d.controls(), d.log)
	return nil
}

// prepare makes what belongs to no configuration.
func (d *Daemon) prepare() error {
	seed, err := loadSeed(d.options.StateDir)
	if err != nil {
		return err
	}
	if d.lock, err = acquire(d.options.StateDir, Holder{PID: os.Getpid(), Config: absolute(d.options.ConfigPath), Version: d.options.Version, Since: d.started}); err != nil {
		return err
	}
	if d.control, err = listenControl(d.options.StateDir); err != nil {
		return err
	}
	if d.adminToken, err = loadAdminToken(d.options.StateDir); err != nil {
		return err
	}
	d.sink = logsink.New(d.options.LogOutput, d.logDropped)
	d.log = d.sink.Logger()
	d.stats = stats.New(d.clock())
	d.bus = event.NewBus(recentEvents, d.tap)
	d.seed = seed
	d.registry = channel.NewRegistry(channel.Options{Now: d.options.Now, Seed: seed, OnChange: d.channelChanged})
	d.store = newStore(d.options.StateDir)
	saved, err := d.store.load()
	if err != nil {
		d.bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelWarn, Message: err.Error()})
	}
	d.registry.Restore(saved.State)
	d.memory = saved.Planners
	d.loadStats()
	d.plugins, err = pluginhost.New(pluginhost.Options{
		Logger:     d.log.Named("plugin"),
		Builtin:    d.options.Builtin,
		SocketDir:  filepath.Join(d.options.StateDir, "run"),
		ConfigPath: d.options.ConfigPath,
		CacheDir:   filepath.Join(d.options.StateDir, "plugins"),
		OnEvent:    d.pluginEvent,
		Timing:     d.options.PluginTiming,
	})
	if err != nil {
		return err
	}
	d.proxy = proxy.New(proxy.Options{Registry: d.registry, Bus: d.bus, Roots: d.options.Roots})
	d.admin = admin.New(admin.Options{Source: (*source)(d), Bus: d.bus, Access: d.adminAccess, Addr: d.AdminAddr, Now: d.clock(), Done: d.life.Done(), SessionFile: filepath.Join(d.options.StateDir, "sessions.json")})
	d.monitor = health.Start(nil, d.notice)
	d.tunnels = d.newTunnels()
	d.entry = port{setting: "proxy.listen", address: func(c *config.Config) string { return c.Proxy.Listen }, handler: d.proxy}
	d.panel = port{setting: "admin.listen", address: func(c *config.Config) string { return c.Admin.Listen }, handler: d.admin}
	return nil
}

// denied makes an error about a setting one of the configuration, with its
// line.
func (d *Daemon) denied(g *generation, err error) error {
	var e *settingError
	if !errors.As(err, &e) {
		return err
	}
	return &ConfigError{Report: g.report.Deny(g.config, e.setting, e.err), Valid: true}
}

// recentEvents is how many events are remembered.
const recentEvents = 1000

// maxDraining is how many generations may keep what they opened while their
// last requests come to their end.
const maxDraining = 8

// use puts a generation in the place of the current one, which goes when its
// last request has ended. Of too many that wait for that the oldest lose their
// plugins; their requests go on by the plans they have.
func (d *Daemon) use(g *generation) {
	g.table.Activate(g.config, d.registry)
	drained := d.proxy.Use(g.config, g.table)
	d.monitor.Set(g.checks(d))
	old := d.generation.Swap(g)
	d.tunnels.Apply(g.config.Tunnels)
	d.plugins.Promote()
	d.follow(g.config.HotReload)
	g.drained = drained
	d.drained.Go(func() {
		<-drained
		g.close()
	})
	if old == nil {
		return
	}
	d.draining = slices.DeleteFunc(append(d.draining, old), func(g *generation) bool { return d.proxy.Uses(g.table) == 0 })
	for len(d.draining) > maxDraining {
		oldest := d.draining[0]
		d.draining = d.draining[1:]
		d.bus.Publish(event.Event{Type: event.TypeReload, Level: event.LevelWarn, Message: fmt.Sprintf("generation %d still has %d requests after %d others: its plugins are let go, the requests go on by the last plans", oldest.number, d.proxy.Uses(oldest.table), maxDraining)})
		oldest.close()
	}
}

// ProxyAddr is the address of the unified entry.
func (d *Daemon) ProxyAddr() string { return d.entry.addr() }

// AdminAddr is the address of the admin port, "" if it is off.
func (d *Daemon) AdminAddr() string { return d.panel.addr() }

// Warnings are what the running configuration was warned of.
func (d *Daemon) Warnings() *ConfigError { return d.generation.Load().warnings() }

// Wait returns when ctx ends, somebody asks for the end over the control
// socket, or a port stops answering.
func (d *Daemon) Wait(ctx context.Context) (Ending, error) {
	select {
	case <-ctx.Done():
		return Ending{}, nil
	case e := <-d.asked:
		return e, nil
	case err := <-d.failed:
		return Ending{}, err
	}
}

// Shutdown lets the requests under way come to their end until ctx ends, then
// breaks them off, and stops everything.
func (d *Daemon) Shutdown(ctx context.Context) error {
	ctx, cancel := d.hurried(ctx)
	defer cancel()
	d.applying.Lock()
	watcher := d.watcher
	d.follow(false)
	d.applying.Unlock()
	d.end()
	if watcher != nil {
		<-watcher.Done()
	}
	var errs []error
	var ending sync.WaitGroup
	for _, p := range d.ports() {
		if l := p.now.Load(); l != nil {
			ending.Go(func() { _ = l.shutdown(ctx) }) // what is left is broken off
		}
	}
	if d.tunnels != nil {
		ending.Go(func() { d.tunnels.Shutdown(ctx) })
	}
	d.leaving.shutdown(ctx)
	ending.Wait()
	d.keeping.Wait()
	if d.proxy != nil {
		d.proxy.Retire()
	}
	d.drained.Wait()
	if d.monitor != nil {
		d.monitor.Close()
	}
	if d.plugins != nil {
		errs = append(errs, d.plugins.Close(context.WithoutCancel(ctx)))
	}
	if d.sink != nil {
		d.sink.Close()
	}
	if d.control != nil {
		d.control.close()
	}
	if d.lock != nil {
		errs = append(errs, d.lock.release())
	}
	return errors.Join(errs...)
}

// Only is the handler of a forward that leads to the named channel.
func (d *Daemon) Only(channel string) http.Handler { return d.proxy.Only(channel) }

func (d *Daemon) notice(message string) {
	d.bus.Publish(event.Event{Type: event.TypePlugin, Level: event.LevelWarn, Message: message})
}

func (d *Daemon) pluginEvent(e pluginhost.Event) {
	level := event.LevelInfo
	switch e.Type {
	case pluginhost.EventStarted, pluginhost.EventRestarted, pluginhost.EventStopped:
	default:
		level = event.LevelWarn
	}
	name := e.Plugin
	if name == "" {
		name = "built-in"
	}
	d.bus.Publish(event.Event{Type: event.TypePlugin, Level: level, Plugin: name, Message: e.Message})
}

func (d *Daemon) channelChanged(c channel.Change) {
	e := event.Event{Type: event.TypeHealth, Level: event.LevelInfo, Code: string(c.Kind), Channel: c.Channel, Key: c.Key, Message: c.Message}
	switch c.Kind {
	case channel.ChangePaused, channel.ChangeResumed:
		enabled := c.Kind == channel.ChangeResumed
		e.Type, e.Enabled = event.TypeChannelToggle, &enabled
	case channel.ChangePreferred, channel.ChangeNotPreferred:
		e.Type = event.TypeChannelToggle
	default:
		if c.Kind.OfKey() {
			e.Type = event.TypeKey
		}
	}
	if c.Kind.Bad() {
		e.Level = event.LevelWarn
	}
	d.bus.Publish(e)
}

// ConfigError is what is wrong with a configuration, or worth a warning.
type ConfigError struct {
	config.Report
	Valid bool // the configuration is in order, but cannot be had on this machine now: a port is taken
}

func (e *ConfigError) Error() string {
	if e.Valid {
		return "the configuration cannot be applied: " + e.Summary()
	}
	return fmt.Sprintf("the configuration is not valid: %s", e.Summary())
}
