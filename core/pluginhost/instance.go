package pluginhost

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync/atomic"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/host"
)

// Instance is one configured component. It outlives its processes: while there is none,
// calls fail at once with [sdk.ErrUnavailable]. It has the methods of all kinds; those that
// the component does not have fail with [sdk.ErrUnsupported].
type Instance struct {
	supervisor *supervisor
	component  string // id
	purpose    string
	config     sdk.Config
	probe      sdk.Host
	router     bool
	observer   bool
	remote     atomic.Pointer[remote]
	users      int  // guarded by supervisor.mu
	closed     bool // guarded by supervisor.mu
}

// remote is an instance in one process.
type remote struct {
	*host.Component
	process *process
}

// Open returns an instance of a component: an open one with the same purpose and
// configuration, or else a new one, which it configures. It must be closed as often as it
// was opened. instance is its purpose, such as "route /v1/**". probe serves checks without
// their own host; it is nil unless the component is a health checker. Errors of the plugin
// about the block are [*sdk.ConfigError]s, joined.
func (h *Host) Open(ctx context.Context, c *config.Component, plugin *config.Plugin, instance string, probe sdk.Host) (*Instance, error) {
	return h.OpenFor(ctx, c, plugin, sdk.Config{Instance: instance}, probe)
}

// OpenFor is [Host.Open] with the whole [sdk.Config], whose body is that of c.
func (h *Host) OpenFor(ctx context.Context, c *config.Component, plugin *config.Plugin, cfg sdk.Config, probe sdk.Host) (*Instance, error) {
	s, err := h.spec(c.Plugin, plugin)
	if err != nil {
		return nil, err
	}
	cfg.Body = c.Body
	return h.open(ctx, s, sdk.ComponentDescription{Kind: c.Kind, Name: c.Name}.ID(), cfg, probe)
}

func (h *Host) open(ctx context.Context, s spec, component string, cfg sdk.Config, probe sdk.Host) (*Instance, error) {
	if cause := h.absenceCause(s); cause != nil {
		return h.absentInstance(s, cfg.Instance, cause), nil
	}
	for {
		v, err := h.supervisor(ctx, s)
		if err != nil {
			return nil, err
		}
		i := &Instance{
			supervisor: v,
			component:  component,
			purpose:    cfg.Instance,
			config:     cfg,
			probe:      probe,
			users:      1,
		}
		if shared := v.share(i); shared != nil {
			return shared, nil
		}
		limited, cancel := h.limit(ctx, s)
		err = i.open(limited)
		cancel()
		switch {
		case err == nil:
			return i, nil
		case v.ctx.Err() == nil || h.ctx.Err() != nil || ctx.Err() != nil:
			if ctx.Err() == nil {
				h.recordStartError(s.name, err)
			}
			return nil, err
		}
		// The process was unused and has just been stopped: start another one.
	}
}

// open configures the instance in the current process, or in the next one if that process
// ends meanwhile.
func (i *Instance) open(ctx context.Context) error {
	v := i.supervisor
	v.retryNow()
	for {
		p, err := v.ready(ctx)
		if err != nil {
			return err
		}
		r, err := i.newRemote(ctx, p)
		if err != nil && p.alive() {
			return err
		}
		v.mu.Lock()
		current := v.process == p && err == nil
		if current {
			v.instances[i] = struct{}{}
			i.remote.Store(r)
			for _, c := range p.description.Components {
				if c.ID() == i.component {
					i.router, i.observer = c.Router, c.Observer
				}
			}
		}
		changed := v.changed
		v.mu.Unlock()
		if current {
			return nil
		}
		if v.hasProcess(p) {
			select { // the process has ended; wait until the supervisor has noticed
			case <-changed:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// share returns an open instance that is equal to i, nil if there is none.
func (v *supervisor) share(i *Instance) *Instance {
	v.mu.Lock()
	defer v.mu.Unlock()
	for other := range v.instances {
		if other.component == i.component && other.purpose == i.purpose && bytes.Equal(other.config.Body, i.config.Body) && slices.Equal(other.config.Members, i.config.Members) && other.probe == i.probe {
			other.users++
			return other
		}
	}
	return nil
}

// configure configures the instance in a new process.
func (i *Instance) configure(ctx context.Context, p *process) error {
	r, err := i.newRemote(ctx, p)
	if err != nil {
		return err
	}
	v := i.supervisor
	v.mu.Lock()
	closed := i.closed
	if !closed {
		i.remote.Store(r)
	}
	v.mu.Unlock()
	if closed {
		return r.Close(ctx)
	}
	return nil
}

func (i *Instance) newRemote(ctx context.Context, p *process) (*remote, error) {
	ctx, cancel := context.WithTimeout(ctx, p.timing.Configure)
	defer cancel()
	name := strconv.FormatUint(i.supervisor.host.serial.Add(1), 10)
	c, err := p.conn.Configure(ctx, i.component, name, i.config)
	if err != nil {
		return nil, err
	}
	return &remote{c, p}, nil
}

// Plan calls a strategy.
func (i *Instance) Plan(ctx context.Context, req sdk.PlanRequest) (sdk.Plan, error) {
	return call(i, func(r *remote) (sdk.Plan, error) {
		return countingTimeouts(r, func() (sdk.Plan, error) { return r.Plan(ctx, req) })
	})
}

// PlanKeys calls a key selector.
func (i *Instance) PlanKeys(ctx context.Context, req sdk.KeyPlanRequest) (sdk.Plan, error) {
	return call(i, func(r *remote) (sdk.Plan, error) {
		return countingTimeouts(r, func() (sdk.Plan, error) { return r.PlanKeys(ctx, req) })
	})
}

// Check calls a health checker. If h is nil, the probe passed to Open serves it.
func (i *Instance) Check(ctx context.Context, req sdk.CheckRequest, h sdk.Host) (sdk.CheckResult, error) {
	if h == nil {
		h = i.probe
	}
	return call(i, func(r *remote) (sdk.CheckResult, error) { return r.Check(ctx, req, h) })
}

// Component returns the instance as a value that implements [sdk.RequestRouter] or
// [sdk.Observer] only if the component does.
func (i *Instance) Component() sdk.Component {
	switch {
	case i.router && i.observer:
		return routingObserving{routing{i}, observing{i}, i}
	case i.router:
		return routing{i}
	case i.observer:
		return observing{i}
	}
	return i
}

// observing is the instance of a strategy that receives the results of requests.
type observing struct{ *Instance }

func (o observing) Observe(ctx context.Context, results []sdk.RequestResult) error {
	_, err := call(o.Instance, func(r *remote) (struct{}, error) { return struct{}{}, r.Observe(ctx, results) })
	return err
}

type routingObserving struct {
	sdk.RequestRouter
	sdk.Observer
	*Instance
}

// routing is the instance of a strategy that is asked about each request.
type routing struct{ *Instance }

func (r routing) Route(ctx context.Context, req sdk.RouteRequest) (sdk.RouteReply, error) {
	return call(r.Instance, func(r *remote) (sdk.RouteReply, error) { return r.Route(ctx, req) })
}

// Configure changes the configuration of the instance. After an error the old one stays in
// use.
func (i *Instance) Configure(ctx context.Context, cfg sdk.Config) error {
	other := &Instance{supervisor: i.supervisor, component: i.component, purpose: i.purpose, config: cfg}
	if err := other.open(ctx); err != nil {
		return err
	}
	v := i.supervisor
	v.mu.Lock()
	old := i.remote.Swap(other.remote.Load())
	i.config = cfg
	other.closed = true
	delete(v.instances, other)
	v.mu.Unlock()
	return old.close(v.launch.timing)
}

// Close closes the instance once it was closed as often as it was opened.
func (i *Instance) Close() error {
	v := i.supervisor
	v.mu.Lock()
	if i.users--; i.users > 0 {
		v.mu.Unlock()
		return nil
	}
	i.closed = true
	delete(v.instances, i)
	r := i.remote.Swap(nil)
	v.mu.Unlock()
	err := r.close(v.launch.timing)
	v.stopWhenUnused()
	return err
}

// close closes the component in its process. It does nothing for nil.
func (r *remote) close(t Timing) error {
	if r == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), t.Configure)
	defer cancel()
	if err := r.Close(ctx); err != nil && !errors.Is(err, sdk.ErrUnavailable) {
		return fmt.Errorf("closing a component: %w", err)
	}
	return nil
}

func call[T any](i *Instance, f func(*remote) (T, error)) (T, error) {
	r := i.remote.Load()
	if r == nil {
		var none T
		return none, i.supervisor.unavailable()
	}
	i.supervisor.host.calls.Add(1)
	return f(r)
}

func countingTimeouts(r *remote, f func() (sdk.Plan, error)) (sdk.Plan, error) {
	plan, err := f()
	r.process.countTimeouts(err)
	return plan, err
}
