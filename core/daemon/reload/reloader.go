package reload

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/admin"
	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/daemon/bind"
	"github.com/aitunnel/aitunnel/core/event"
	"github.com/aitunnel/aitunnel/core/health"
	"github.com/aitunnel/aitunnel/core/notify"
	"github.com/aitunnel/aitunnel/core/pluginhost"
	"github.com/aitunnel/aitunnel/core/proxy"
	"github.com/aitunnel/aitunnel/core/route"
	"github.com/aitunnel/aitunnel/core/tunnel"
	"github.com/aitunnel/aitunnel/core/watch"
)

// Services are the parts of the program that outlive configurations, and that a reload
// adapts to the next one.
type Services struct {
	OpenLog     func(config.Log) error // after an error, the log has not changed
	KeepHistory func(*config.Config)   // nil: there is none
	Bus         *event.Bus
	Registry    *channel.Registry
	Plugins     *pluginhost.Host
	Proxy       *proxy.Handler
	Monitor     *health.Monitor
	Notifier    *notify.Notifier
	Tunnels     *tunnel.Tunnels
	Ports       *bind.Ports
}

// Options of [New].
type Options struct {
	Services
	Path     string              // of the configuration: a file or a directory
	Vars     map[string]string   // as given by --var
	Dir      string              // the working directory as it was given, if that contains a link; "" otherwise
	StateDir string              // for copies of files that an edit overwrites
	Planners route.SavedPlanners // the saved state of planners
	Life     context.Context     // ends when the program stops: then nothing more is applied

	// Asked is called when a requested reload begins; the function that it returns is
	// called at its end. It may be nil.
	Asked func() (done func())

	// HandOver is how long requests of an old generation may still use the replaced
	// process of a plugin. Then they continue with its last plans, and it ends. 0: 5
	// s.
	HandOver time.Duration
}

// Reloader owns the running configuration, and replaces it by others, one at a time.
type Reloader struct {
	options Options
	turn    chan struct{} // contains a value while a change is in progress; guards the fields down to draining
	left    chan struct{} // closed when the last abandoned build has ended
	watcher *watch.Watcher
	inputs  inputs
	extra   ExtraKeys

	draining   draining
	generation atomic.Pointer[Generation]
	loaded     atomic.Pointer[loaded] // the one applied last
	last       atomic.Pointer[Outcome]
	binaries   atomic.Pointer[map[string]string] // the plugin files among the watched inputs
}

// New returns a reloader without a running configuration; see [Reloader.Start].
func New(o Options) *Reloader {
	r := &Reloader{options: o, turn: make(chan struct{}, 1), left: make(chan struct{}), extra: ExtraKeys{}}
	close(r.left)
	r.draining.reloader = r
	return r
}

// ErrStopping is the error of a change that comes while the program stops.
var ErrStopping = errors.New("aitunnel is stopping")

// begin waits for changes in progress, and makes others wait until end is called. The
// context that it returns also ends with the program.
func (r *Reloader) begin(ctx context.Context) (_ context.Context, end func(), err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(r.options.Life, func() { cancel(ErrStopping) })
	release := func() { stop(); cancel(nil) }
	if r.options.Life.Err() != nil {
		release()
		return nil, nil, ErrStopping
	}
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		release()
		return nil, nil, context.Cause(ctx)
	}
	end = func() { release(); <-r.turn }
	select {
	case <-r.left:
	case <-ctx.Done():
		err := context.Cause(ctx)
		end()
		return nil, nil, err
	}
	return ctx, end, nil
}

// Running returns the generation in use, nil before the start.
func (r *Reloader) Running() *Generation { return r.generation.Load() }

// Last returns the outcome of the last reload, nil if there was none.
func (r *Reloader) Last() *Outcome { return r.last.Load() }

// Start builds the first generation and runs it. before, which may be nil, is called
// when everything is ready and can still be undone.
func (r *Reloader) Start(ctx context.Context, before func() error) error {
	ctx, end, err := r.begin(ctx)
	if err != nil {
		return err
	}
	defer end()
	c, err := r.buildFirst(ctx, before == nil)
	if err != nil {
		return final(err)
	}
	c.before = before
	if err := c.commit(); err != nil {
		return err
	}
	for _, problem := range r.options.Plugins.Problems(c.Config.Plugins) {
		r.notice(problem)
	}
	for _, name := range r.options.Plugins.LatePlugins() {
		go r.retryLate(name)
	}
	for _, name := range r.options.Plugins.Absent() {
		go r.retryAbsent(name)
	}
	return nil
}

// retryAbsent retries to start a plugin that the program runs without, at growing
// intervals, until it is ready or no longer absent.
func (r *Reloader) retryAbsent(name string) {
	const most = time.Minute
	for pause := time.Second / 2; r.options.Plugins.IsAbsent(name); pause = min(2*pause, most) {
		if r.retryLocked(name) == nil {
			return
		}
		select {
		case <-time.After(pause):
		case <-r.options.Life.Done():
			return
		}
	}
}

// retryLate tries the version of a plugin that was not ready in time at the start
// again, with the normal time limit: perhaps the machine was slow. If it is ready, it
// replaces the previous version.
func (r *Reloader) retryLate(name string) {
	if err := r.retryLocked(name); err != nil && r.options.Life.Err() == nil {
		r.notice(fmt.Sprintf("%s: it was tried again, and the previous version stays in use: %v", pluginBlock(name), err))
	}
}

// retryLocked starts the locked version of a plugin, and uses it if it is ready within
// the normal time limit.
func (r *Reloader) retryLocked(name string) error {
	plugins := r.options.Plugins
	if err := plugins.TryStart(r.options.Life, name, r.Running().Config.Plugin(name)); err != nil {
		return err
	}
	ctx, end, err := r.begin(r.options.Life)
	if err != nil {
		return err
	}
	defer end()
	undo := plugins.UseLocked(name)
	out := r.result(Cause{Code: admin.CausePluginReady, Plugin: name})
	if err = r.transact(ctx, Request{Cause: out.Cause}, &out); err != nil {
		undo(err)
		return err
	}
	out.Took = time.Since(out.At)
	r.report(Outcome{out, nil})
	return nil
}

// buildFirst builds the first generation. If that fails because of a plugin, its
// previous version is used: a broken upgrade must not prevent the program from
// starting. If there is none, the program starts without a plugin that hangs or
// crashes, unless alone is false: then another process is serving with the plugin.
func (r *Reloader) buildFirst(ctx context.Context, alone bool) (*candidate, error) {
	defer r.options.Plugins.LimitStarts()()
	c, first := r.build(ctx, source{extra: r.extra})
	if first == nil {
		return c, nil
	}
	for ctx.Err() == nil {
		names := r.options.Plugins.FallBack(first)
		if len(names) == 0 {
			break
		}
		c, err := r.build(ctx, source{extra: r.extra})
		if err == nil {
			r.options.Plugins.ReportFallBack(names)
			return c, nil
		}
		r.options.Plugins.UndoFallBack(names)
	}
	if alone {
		return r.buildWithout(ctx, first)
	}
	return nil, first
}

// buildWithout builds the first generation without the plugins that hang or crash, if
// they are why it failed.
func (r *Reloader) buildWithout(ctx context.Context, first error) (*candidate, error) {
	var absent []string
	for ctx.Err() == nil {
		names := r.options.Plugins.MarkAbsent()
		if len(names) == 0 {
			break
		}
		absent = append(absent, names...)
		c, err := r.build(ctx, source{extra: r.extra})
		if err == nil {
			r.options.Plugins.ReportAbsent(absent)
			return c, nil
		}
		first = err
	}
	return nil, first
}

// Stop stops watching. The caller has ended Options.Life; Stop waits for a change in
// progress, which ends soon, or until ctx ends.
func (r *Reloader) Stop(ctx context.Context) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	watcher := r.watcher
	r.follow(false)
	<-r.turn
	if watcher != nil {
		select {
		case <-watcher.Done():
		case <-ctx.Done():
		}
	}
}

// WaitDrained waits until all generations have ended.
func (r *Reloader) WaitDrained(ctx context.Context) {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.draining.all.Wait()
	}()
	select {
	case <-ended:
	case <-ctx.Done():
	}
}

// WaitAbandoned waits for the end of an abandoned build. That may be waiting for a plugin,
// so plugins are stopped first.
func (r *Reloader) WaitAbandoned(ctx context.Context) {
	select {
	case r.turn <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-r.turn }()
	select {
	case <-r.left:
	case <-ctx.Done():
	}
}
