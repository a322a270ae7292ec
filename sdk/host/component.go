package host

import (
	"context"
	"errors"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// Component is one configured instance in the plugin. It has the methods of every kind;
// those that its own kind does not have fail with [sdk.ErrUnsupported].
type Component struct {
	conn     *Conn
	id       string
	instance string
}

// Configure creates an instance of the component with this id (see
// [sdk.ComponentDescription]). The name must be unique on the connection. Errors in the
// configuration are returned as [*sdk.ConfigError], joined if there are several.
func (c *Conn) Configure(ctx context.Context, id, name string, cfg sdk.Config) (*Component, error) {
	component := &Component{conn: c, id: id, instance: name}
	if err := component.call(ctx, wire.MethodConfigure, cfg, nil); err != nil {
		return nil, err
	}
	return component, nil
}

// Plan is for a strategy.
func (c *Component) Plan(ctx context.Context, req sdk.PlanRequest) (plan sdk.Plan, err error) {
	err = c.call(ctx, wire.MethodPlan, req, &plan)
	return plan, err
}

// Route is for a strategy that is an [sdk.RequestRouter].
func (c *Component) Route(ctx context.Context, req sdk.RouteRequest) (reply sdk.RouteReply, err error) {
	err = c.call(ctx, wire.MethodRoute, req, &reply)
	return reply, err
}

// Observe is for a strategy that is an [sdk.Observer].
func (c *Component) Observe(ctx context.Context, results []sdk.RequestResult) error {
	return c.call(ctx, wire.MethodObserve, results, nil)
}

// PlanKeys is for a key selector.
func (c *Component) PlanKeys(ctx context.Context, req sdk.KeyPlanRequest) (plan sdk.Plan, err error) {
	err = c.call(ctx, wire.MethodPlanKeys, req, &plan)
	return plan, err
}

// Check is for a health checker. It may probe through host until Check returns.
func (c *Component) Check(ctx context.Context, req sdk.CheckRequest, host sdk.Host) (res sdk.CheckResult, err error) {
	call := c.envelope(wire.MethodCheck)
	call.ID = c.conn.endpoint.Client.NextID()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	c.conn.mu.Lock()
	c.conn.checks[call.ID] = boundHost{host, ctx}
	c.conn.mu.Unlock()
	defer func() {
		c.conn.mu.Lock()
		delete(c.conn.checks, call.ID)
		c.conn.mu.Unlock()
	}()
	err = c.conn.call(ctx, call, req, &res)
	return res, err
}

// Close ends the instance.
func (c *Component) Close(ctx context.Context) error {
	return c.call(ctx, wire.MethodClose, nil, nil)
}

func (c *Component) envelope(method string) wire.Call {
	return wire.Call{Component: c.id, Instance: c.instance, Method: method}
}

func (c *Component) call(ctx context.Context, method string, req, res any) error {
	return c.conn.call(ctx, c.envelope(method), req, res)
}

// boundHost ends its probes with the check that they belong to.
type boundHost struct {
	sdk.Host
	check context.Context
}

func (h boundHost) Probe(ctx context.Context, req sdk.ProbeRequest) (sdk.ProbeResult, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.check, cancel)()
	return h.Host.Probe(ctx, req)
}

// failure returns the error of a reply as the component would have returned it in this
// process.
func failure(reply wire.Reply, err error) error {
	if len(reply.Diags) == 0 {
		return err
	}
	errs := make([]error, len(reply.Diags))
	for i, d := range reply.Diags {
		errs[i] = &sdk.ConfigError{Path: d.Path, Message: d.Message, Hint: d.Hint}
	}
	if len(errs) == 1 {
		return errs[0]
	}
	return errors.Join(errs...)
}
