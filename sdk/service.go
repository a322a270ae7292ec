package sdk

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/rpc"
	"slices"
	"sync"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk/wire"
)

// service is a plugin as one connection sees it.
type service struct {
	description Description
	factories   map[string]Factory // by component id
	broker      *plugin.MuxBroker
	events      events
	ctx         context.Context
	stop        context.CancelFunc
	hostGone    chan struct{} // closed when the attached host is

	mu        sync.Mutex
	host      *wire.Client // nil until attached
	instances map[string]*instance
	closing   sync.Once
}

// events are called when something happens to a service.
type events struct {
	attached func()
	lost     func() // the attached host is gone, all instances are closed or out of time
}

// instance is one configured component. Its context ends when it is closed.
type instance struct {
	Component
	id    string // of its component
	ctx   context.Context
	stop  context.CancelFunc
	calls sync.WaitGroup
}

func newService(p Plugin, d Description, b *plugin.MuxBroker, e events) *service {
	s := &service{
		description: d, broker: b, events: e,
		factories: make(map[string]Factory), instances: make(map[string]*instance), hostGone: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	for i, f := range p.Components {
		s.factories[d.Components[i].ID()] = f
	}
	return s
}

// handle answers one call of the host.
func (s *service) handle(ctx context.Context, call wire.Call) wire.Reply {
	switch call.Method {
	case wire.MethodAttach:
		return answer(call, func(req wire.Attach) (struct{}, error) { return struct{}{}, s.attach(req) })
	case wire.MethodDescribe:
		return wire.Answer(s.description, nil)
	case wire.MethodConfigure:
		return answer(call, func(cfg Config) (struct{}, error) { return struct{}{}, s.configure(ctx, call, cfg) })
	case wire.MethodClose:
		return wire.Answer(struct{}{}, s.close(call.Instance))
	}
	inst, err := s.acquire(call)
	if err != nil {
		return wire.Fail(err)
	}
	defer inst.calls.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(inst.ctx, cancel)()
	return s.dispatch(ctx, inst.Component, call)
}

func (s *service) dispatch(ctx context.Context, c Component, call wire.Call) wire.Reply {
	switch call.Method {
	case wire.MethodPlan:
		if c, ok := c.(Strategy); ok {
			return answer(call, func(req PlanRequest) (Plan, error) { return c.Plan(ctx, req) })
		}
	case wire.MethodRoute:
		if c, ok := c.(RequestRouter); ok {
			return answer(call, func(req RouteRequest) (RouteReply, error) { return c.Route(ctx, req) })
		}
	case wire.MethodObserve:
		if c, ok := c.(Observer); ok {
			return answer(call, func(results []RequestResult) (struct{}, error) { return struct{}{}, c.Observe(ctx, results) })
		}
	case wire.MethodPlanKeys:
		if c, ok := c.(KeySelector); ok {
			return answer(call, func(req KeyPlanRequest) (Plan, error) { return c.PlanKeys(ctx, req) })
		}
	case wire.MethodCheck:
		if c, ok := c.(HealthChecker); ok {
			host := &remoteHost{client: s.attached(), check: call.ID}
			return answer(call, func(req CheckRequest) (CheckResult, error) { return c.Check(ctx, req, host) })
		}
	}
	return wire.Fail(fmt.Errorf("%w: %s has no method %q", ErrUnsupported, call.Component, call.Method))
}

func (s *service) attach(req wire.Attach) error {
	conn, err := s.broker.Dial(req.Broker)
	if err != nil {
		return fmt.Errorf("%w: calling the host back: %s", ErrUnavailable, err)
	}
	host := wire.NewClient(rpc.NewClient(conn))
	s.mu.Lock()
	again := s.host != nil
	if !again {
		s.host = host
	}
	s.mu.Unlock()
	if again {
		_ = host.Close()
		return fmt.Errorf("%w: a host is attached already", ErrUnsupported)
	}
	s.events.attached()
	go func() {
		// The host never answers: that this returns means that it is gone.
		_, _ = host.Do(context.Background(), wire.Call{Method: wire.MethodLifeline})
		close(s.hostGone)
		s.shutdown()
		s.events.lost()
	}()
	return nil
}

func (s *service) attached() *wire.Client {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.host
}

func (s *service) configure(ctx context.Context, call wire.Call, cfg Config) error {
	f, ok := s.factories[call.Component]
	if !ok {
		return fmt.Errorf("%w: there is no component %q", ErrNotFound, call.Component)
	}
	cfg.defaults = f.Settings
	c := f.New()
	if err := c.Configure(ctx, cfg); err != nil {
		return err
	}
	if err := s.add(ctx, call, c); err != nil {
		return errors.Join(err, c.Close())
	}
	return nil
}

func (s *service) add(ctx context.Context, call wire.Call, c Component) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return err // the host has given up: it would never close the instance
	}
	if s.instances[call.Instance] != nil {
		return fmt.Errorf("%w: the instance %q is configured already", ErrInternal, call.Instance)
	}
	inst := &instance{Component: c, id: call.Component}
	inst.ctx, inst.stop = context.WithCancel(s.ctx)
	s.instances[call.Instance] = inst
	return nil
}

// acquire finds the instance of a call and keeps it from being closed until
// the call is done.
func (s *service) acquire(call wire.Call) (*instance, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inst := s.instances[call.Instance]
	if inst == nil || inst.id != call.Component {
		return nil, fmt.Errorf("%w: there is no instance %q of %q", ErrNotFound, call.Instance, call.Component)
	}
	inst.calls.Add(1)
	return inst, nil
}

func (s *service) close(name string) error {
	s.mu.Lock()
	inst := s.instances[name]
	delete(s.instances, name)
	s.mu.Unlock()
	if inst == nil {
		return nil
	}
	inst.stop()
	inst.calls.Wait()
	return inst.Close()
}

// shutdown closes what the host has left open, as far as that can be done
// within closeTime.
func (s *service) shutdown() {
	s.closing.Do(func() {
		s.stop()
		s.mu.Lock()
		names := slices.Collect(maps.Keys(s.instances))
		s.mu.Unlock()
		within(closeTime, func() {
			for _, name := range names {
				_ = s.close(name)
			}
		})
	})
}

// answer decodes the body of a call, calls f and encodes what it returns.
func answer[Req, Res any](call wire.Call, f func(Req) (Res, error)) wire.Reply {
	var req Req
	if err := wire.Decode(call.Body, &req); err != nil {
		return wire.Fail(err)
	}
	res, err := f(req)
	if err != nil {
		return fail(err)
	}
	return wire.Answer(res, nil)
}

// fail is wire.Fail with the complaints about a configuration.
func fail(err error) wire.Reply {
	reply := wire.Fail(err)
	for _, c := range configErrors(err) {
		reply.Diags = append(reply.Diags, wire.Diag{Path: c.Path, Message: c.Message, Hint: c.Hint})
	}
	return reply
}

// configErrors finds every ConfigError in a tree of wrapped and joined errors.
func configErrors(err error) []*ConfigError {
	switch err := err.(type) { //nolint:errorlint // it unwraps by itself
	case *ConfigError:
		return []*ConfigError{err}
	case interface{ Unwrap() error }:
		return configErrors(err.Unwrap())
	case interface{ Unwrap() []error }:
		var all []*ConfigError
		for _, e := range err.Unwrap() {
			all = append(all, configErrors(e)...)
		}
		return all
	}
	return nil
}
