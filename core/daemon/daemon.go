// Package daemon is the running program as a value: it applies a configuration,
// serves, and shuts down. The command line starts one, and so do end-to-end tests.
package daemon

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/go-hclog"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/adminapi"
	"github.com/aitunnel/aitunnel/core/daemon/bind"
	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/handover"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/daemon/statefile"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/health"
	"github.com/aitunnel/aitunnel/core/history"
	"github.com/aitunnel/aitunnel/core/limit"
	"github.com/aitunnel/aitunnel/core/logsink"
	"github.com/aitunnel/aitunnel/core/notify"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/proxy"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/stats"
	"github.com/aitunnel/aitunnel/core/tunnel"
	"github.com/aitunnel/aitunnel/core/upstream"
	"github.com/aitunnel/aitunnel/core/verdict/unknown"
)

// Options of [New].
type Options struct {
	ConfigPath string            // file or directory
	Vars       map[string]string // as given by --var
	StateDir   string
	Dir        string   // see reload.Options
	RuntimeDir string   // of a service: contains the control socket, for its group
	Builtin    []string // command line that serves the built-in components
	Version    string
	LogOutput  io.Writer // where the log goes unless the configuration names a file

	// Reloading is called when a requested reload begins; the function that it returns
	// is called at its end. It may be nil.
	Reloading func() (done func())

	// Predecessor is the connection to the process that this one replaces, nil if
	// there is none. That process serves until this one is ready.
	Predecessor *handover.Conn

	// BeforeRestart is called before a restart that was requested over the control
	// socket. An error prevents the restart. It may be nil.
	BeforeRestart func(context.Context) error

	// StopAndStart names the commands that stop the program and start it again, for
	// messages.
	StopAndStart string

	// For tests.
	Now          func() time.Time
	Roots        *x509.CertPool // trusted certificate authorities for sites
	PluginTiming pluginhost.Timing
	NotifyTiming notify.Timing
	Home         string        // the directory with the user's SSH files
	SaveEvery    time.Duration // between two saves of the state; default 5 s
	HandOver     time.Duration // see reload.Options
}

// Daemon is a running aitunnel.
type Daemon struct {
	parts    reload.Services
	options  Options
	started  time.Time
	log      hclog.Logger
	sink     *logsink.Sink
	refused  refusedTokens
	stats    *stats.Collector
	clients  *limit.Clients
	history  *history.Store
	reloader *reload.Reloader
	entry    *bind.Port
	panel    *bind.Port
	unknown  *unknown.Store // answers that no rule recognizes; nil if they cannot be stored

	adminToken adminToken // for configurations without one

	lock    *statefile.Lock
	control *control.Socket
	stop    *stopping
	failed  chan error // gets the error of a port that stops serving by itself

	phases
	replacing
}

// phases are the phases of the program.
type phases struct {
	life     context.Context // ends when the stop begins
	end      context.CancelFunc
	saving   context.Context // ends when requests have been drained
	endSave  context.CancelFunc
	keeping  sync.WaitGroup // for the goroutine that saves
	save     *persistence   // nil until prepare
	shutdown sync.Once
}

// Start runs the configuration at o.ConfigPath. It returns when the ports serve. If
// the configuration is at fault, the error is a [*reload.ConfigError]; after any error
// nothing is left running.
func Start(ctx context.Context, o Options) (*Daemon, error) {
	d := &Daemon{options: o, started: time.Now(), failed: make(chan error, 4), stop: newStopping()}
	d.life, d.end = context.WithCancel(context.Background())
	d.saving, d.endSave = context.WithCancel(context.Background())
	starting, cancel := d.stop.during(ctx)
	defer cancel()
	if err := d.start(starting); err != nil {
		if d.options.Predecessor != nil {
			_ = d.options.Predecessor.Send(handover.Message{Kind: handover.Failed, Error: err.Error()}) // it notices the end of this process too
		}
		ended, cancel := context.WithCancel(ctx)
		cancel() // nothing is in flight yet
		return nil, errors.Join(err, d.Shutdown(ended))
	}
	return d, nil
}

func (d *Daemon) start(ctx context.Context) error {
	seed, err := statefile.Seed(d.options.StateDir)
	if err == nil && d.options.Predecessor == nil {
		err = d.claim()
	}
	if err == nil {
		err = d.adminToken.read(d.options.StateDir)
	}
	if err != nil {
		return err
	}
	planners, persisted, err := d.prepare(seed)
	if err != nil {
		return err
	}
	for _, p := range StateDirProblems(d.options.StateDir) {
		d.log.Warn(p.Text())
	}
	d.save = persisted
	d.reloader = reload.New(reload.Options{
		Services: d.parts, Path: d.options.ConfigPath, Dir: d.options.Dir, StateDir: d.options.StateDir, Vars: d.options.Vars, Planners: planners, Life: d.life, Asked: d.reloadAsked, HandOver: d.options.HandOver,
	})
	api := d.api(seed)
	d.panel.Handler = api
	serving := make(chan struct{})
	answer := func() {
		d.control.Serve(control.Handler(d.options.Version, after(serving, d.life, api.Local()), d.check, d.ask, d.RestartError), d.log)
	}
	var takeOver func() error
	if d.predecessor == nil {
		answer()
	} else {
		takeOver = func() error {
			err := d.takeOver(persisted)
			if err == nil {
				answer()
			}
			return err
		}
	}
	if err := d.reloader.Start(ctx, takeOver); err != nil {
		return err
	}
	if err := d.makeAdminToken(); err != nil && d.predecessor == nil { // otherwise it is too late to fail
		return err
	}
	d.removeUnusedAdminToken()
	close(serving)
	d.keeping.Go(func() { d.save.keep(d.saving, d.reloader.Running) })
	if d.predecessor != nil {
		_ = d.predecessor.ask(ctx, handover.Message{Kind: handover.Serving}) // without an answer, that process has ended
	}
	d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelInfo, Message: fmt.Sprintf("aitunnel %s started, process %d", d.options.Version, os.Getpid())})
	return nil
}

// claim locks the state directory and opens its control socket.
func (d *Daemon) claim() (err error) {
	path, err := filepath.Abs(d.options.ConfigPath)
	if err != nil {
		path = d.options.ConfigPath
	}
	holder := statefile.Holder{PID: os.Getpid(), Config: path, Version: d.options.Version, Since: d.started}
	if d.lock, err = statefile.Acquire(d.options.StateDir, holder); err != nil {
		return err
	}
	d.control, err = control.Listen(d.options.StateDir, d.options.RuntimeDir)
	return err
}

// prepare creates the services, which do not belong to a configuration.
func (d *Daemon) prepare(seed []byte) (planners route.SavedPlanners, persisted *persistence, err error) {
	o := d.options
	d.sink = logsink.New(o.LogOutput, d.logDropped)
	d.log = d.sink.Logger()
	d.parts.OpenLog = d.useLog
	d.stats = stats.New(d.clock())
	d.history = history.Start(history.Options{Dir: o.StateDir, Report: d.historyReport, Now: o.Now})
	d.parts.KeepHistory = d.keepHistory
	d.parts.Notifier = notify.New(notify.Options{Serving: d.serving, Log: d.notifierLog, Dial: d.dialBy, Timing: o.NotifyTiming})
	d.parts.Bus = event.NewBus(recentEvents, d.tap)
	d.parts.Registry = channel.NewRegistry(channel.Options{Now: o.Now, Seed: seed, OnChange: d.channelChanged})
	d.clients = &limit.Clients{}
	persisted = newPersistence(o, d.parts.Bus, d.parts.Registry, d.stats, d.clients)
	if o.Predecessor == nil {
		planners = persisted.load()
	} else { // the rest is read once the predecessor no longer changes it
		planners = persisted.loadPlanners()
		d.predecessor = newPredecessor(o.Predecessor)
		go d.listen(d.predecessor)
	}
	d.parts.Plugins, err = pluginhost.New(pluginhost.Options{
		Logger:     d.log.Named("plugin"),
		Builtin:    o.Builtin,
		SocketDir:  filepath.Join(o.StateDir, "run"),
		ConfigPath: o.ConfigPath,
		CacheDir:   filepath.Join(o.StateDir, "plugins"),
		OnEvent:    d.pluginEvent,
		OnLog:      d.pluginLogged,
		Timing:     o.PluginTiming,
	})
	if err != nil {
		return planners, persisted, err
	}
	d.parts.Proxy = proxy.New(proxy.Options{
		Registry: d.parts.Registry, Bus: d.parts.Bus, Clients: d.clients, Roots: o.Roots, Unknown: d.keepUnknown(), DialTunnel: d.dialTunnel,
	})
	d.parts.Monitor = health.Start(nil, d.notice)
	d.parts.Tunnels = d.newTunnels()
	d.entry = &bind.Port{Setting: "proxy.listen", Address: func(c *config.Config) string { return c.Proxy.Listen }, Handler: d.parts.Proxy}
	d.panel = &bind.Port{Setting: "admin.listen", Address: func(c *config.Config) string { return c.Admin.Listen }}
	d.parts.Ports = bind.New(bind.Options{Log: d.log, Failed: d.failed, Cause: proxy.ErrShutdown}, d.entry, d.panel)
	return planners, persisted, nil
}

// keepUnknown opens the directory of answers that no rule recognizes. The program also
// works without it.
func (d *Daemon) keepUnknown() func(unknown.Answer) {
	failed := func(err error) { d.log.Warn("An unknown answer could not be kept", "error", err) }
	store, err := unknown.Open(unknown.Dir(d.options.StateDir), failed)
	if err != nil {
		failed(err)
		return nil
	}
	d.unknown = store
	return func(a unknown.Answer) {
		if d.successor.Load() == nil { // otherwise the successor owns the directory
			store.Keep(a)
		}
	}
}

// dialTunnel connects from the host of a tunnel, for an egress.
func (d *Daemon) dialTunnel(ctx context.Context, name, address string) (net.Conn, error) {
	return d.parts.Tunnels.Dial(ctx, name, address)
}

// dialBy connects through an egress of the configuration.
func (d *Daemon) dialBy(ctx context.Context, e *config.Egress, address string) (net.Conn, error) {
	if e.Tunnel != "" {
		return d.dialTunnel(ctx, e.Tunnel, address)
	}
	return upstream.Egress{Proxy: e.ProxyURL(), Bind: e.Bind}.Connect(ctx, address)
}

// newTunnels returns the tunnels. Their handler is kept across reloads, so a reload
// does not affect their requests.
func (d *Daemon) newTunnels() *tunnel.Tunnels {
	return tunnel.New(tunnel.Options{
		Handler: func(name string, f *config.Forward) http.Handler {
			if f.Channel != nil {
				return proxy.ThroughTunnel(name, d.parts.Proxy.ForChannel(f.Channel.Name))
			}
			return proxy.ThroughTunnel(name, d.parts.Proxy)
		},
		Server:        func(h http.Handler) tunnel.Server { return bind.NewServer(h, d.log) },
		OnChange:      d.tunnelChanged,
		RequiresToken: func() bool { return d.reloader.Running().Config.RequiresToken() },
		Sessions:      filepath.Join(d.options.StateDir, "sessions.json"),
		Grace:         bind.Grace,
		WaitUntilFree: d.tunnelFree,
		Home:          d.options.Home,
	})
}

// api returns the admin API of this daemon.
func (d *Daemon) api(seed []byte) *admin.Handler {
	source := adminapi.New(adminapi.Program{
		Services: d.parts, Version: d.options.Version, Started: d.started, Life: d.life, Stats: d.stats, Clients: d.clients, History: d.history,
		Reloader: d.reloader, Entry: d.entry, Admin: d.panel, Seed: seed, TokenFile: d.adminTokenFile, Unsaved: d.unsaved, Problems: d.problems, Unknown: d.unknown,
	})
	return admin.New(admin.Options{
		Source: source, Bus: d.parts.Bus, Now: d.now, Done: d.life.Done(), Addr: d.AdminAddr,
		Access: d.adminAccess, SessionFile: filepath.Join(d.options.StateDir, "admin-sessions.json"),
	})
}

// after answers with h once the program serves, and makes requests wait until then.
func after(serving <-chan struct{}, life context.Context, h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case <-serving:
		case <-life.Done():
		case <-r.Context().Done():
		}
		select {
		case <-serving:
			h.ServeHTTP(w, r)
		default:
			http.Error(w, reload.ErrStopping.Error(), http.StatusServiceUnavailable)
		}
	})
}

// recentEvents is how many events are kept in memory.
const recentEvents = 1000

func (d *Daemon) clock() func() time.Time {
	if d.options.Now != nil {
		return d.options.Now
	}
	return time.Now
}

// now returns the time in the configuration's time zone.
func (d *Daemon) now() time.Time {
	now := d.clock()()
	if g := d.reloader.Running(); g != nil {
		return now.In(g.Config.Location())
	}
	return now
}

// ProxyAddr returns the address of the unified entry.
func (d *Daemon) ProxyAddr() string { return d.entry.Addr() }

// AdminAddr returns the address of the admin port, "" if it is off.
func (d *Daemon) AdminAddr() string { return d.panel.Addr() }

// Warnings returns the warnings about the running configuration.
func (d *Daemon) Warnings() *reload.ConfigError { return d.reloader.Running().Warnings() }

// reloadAsked is called when a requested reload begins.
func (d *Daemon) reloadAsked() (done func()) {
	d.sink.Reopen()
	if d.options.Reloading == nil {
		return func() {}
	}
	return d.options.Reloading()
}

// Reload applies the configuration from its files. The outcome is reported as an event.
func (d *Daemon) Reload(ctx context.Context, cause admin.CauseCode) (reload.Result, error) {
	return d.reloader.Apply(ctx, reload.Request{Cause: reload.Cause{Code: cause}, Asked: true})
}
