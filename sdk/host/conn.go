package host

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/hashicorp/go-plugin"

	"github.com/aitunnel/aitunnel/sdk"
	"github.com/aitunnel/aitunnel/sdk/wire"
)

// DefaultTimeout bounds a call whose context has no deadline.
const DefaultTimeout = 30 * time.Second

// Plugins returns the protocol versions that a go-plugin client of a plugin offers.
func Plugins() map[int]plugin.PluginSet { return new(wire.Plugin).Plugins() }

// Conn is a connection to a plugin. It is safe for use by many goroutines.
type Conn struct {
	endpoint *wire.Endpoint
	ctx      context.Context // ends with Close
	stop     context.CancelFunc

	mu     sync.Mutex
	checks map[uint64]sdk.Host // by the ID of the call that may probe through it
}

// Dispense opens the connection on a protocol client of go-plugin. It can hang if the
// plugin's process does, so the caller must supervise it.
func Dispense(client plugin.ClientProtocol) (*Conn, error) {
	raw, err := client.Dispense(wire.Name)
	if err != nil {
		return nil, fmt.Errorf("%w: %s", sdk.ErrUnavailable, err)
	}
	c := &Conn{endpoint: raw.(*wire.Endpoint), checks: make(map[uint64]sdk.Host)}
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// Dial opens a connection to what [sdk.ServeConn] serves at the other end of
// conn, and attaches to it. Closing conn ends it.
func Dial(ctx context.Context, conn io.ReadWriteCloser) (*Conn, error) {
	client, err := plugin.NewRPCClient(conn, Plugins()[wire.Protocol])
	if err != nil {
		return nil, err
	}
	if err := client.SyncStreams(io.Discard, io.Discard); err != nil {
		return nil, err
	}
	c, err := Dispense(client)
	if err != nil {
		return nil, err
	}
	return c, c.Attach(ctx)
}

// Close ends every call.
func (c *Conn) Close() error {
	c.stop()
	return c.endpoint.Client.Close()
}

// Overdue returns the method of the call that has been open for longest after its
// caller gave up, and for how long; 0 if there is none.
func (c *Conn) Overdue() (method string, overdue time.Duration) { return c.endpoint.Client.Overdue() }

// OpenCalls returns the number of calls without a reply.
func (c *Conn) OpenCalls() int { return c.endpoint.Client.Open() }

// Attach opens the connection from the plugin back to the host, for probes and so that the
// plugin notices the end of the host. It must be the first call.
func (c *Conn) Attach(ctx context.Context) error {
	id := c.endpoint.Broker.NextId()
	accepted := make(chan error, 1)
	go func() {
		conn, err := c.endpoint.Broker.Accept(id)
		accepted <- err
		if err == nil {
			c.serve(conn)
		}
	}()
	if err := c.call(ctx, wire.Call{Method: wire.MethodAttach}, wire.Attach{Broker: id}, nil); err != nil {
		return err
	}
	select {
	case err := <-accepted:
		if err != nil {
			return fmt.Errorf("%w: the plugin did not call back: %s", sdk.ErrUnsupported, err)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the plugin did not call back: %w", ctx.Err())
	}
}

func (c *Conn) serve(conn net.Conn) {
	stop := context.AfterFunc(c.ctx, func() { _ = conn.Close() })
	defer stop()
	wire.ServeConn(c.ctx, conn, c.handle)
}

// handle answers the plugin's calls.
func (c *Conn) handle(ctx context.Context, call wire.Call) wire.Reply {
	switch call.Method {
	case wire.MethodLifeline:
		<-ctx.Done()
		return wire.Fail(ctx.Err())
	case wire.MethodProbe:
		return wire.Answer(c.probe(ctx, call.Body))
	}
	return wire.Fail(fmt.Errorf("%w: the host has no method %q", sdk.ErrUnsupported, call.Method))
}

func (c *Conn) probe(ctx context.Context, body []byte) (sdk.ProbeResult, error) {
	var probe wire.Probe
	var req sdk.ProbeRequest
	if err := wire.Decode(body, &probe); err != nil {
		return sdk.ProbeResult{}, err
	}
	if err := wire.Decode(probe.Request, &req); err != nil {
		return sdk.ProbeResult{}, err
	}
	c.mu.Lock()
	host := c.checks[probe.Call]
	c.mu.Unlock()
	if host == nil {
		return sdk.ProbeResult{}, fmt.Errorf("%w: a probe is possible during a check only", sdk.ErrUnavailable)
	}
	return host.Probe(ctx, req)
}

// Describe asks the plugin what it is.
func (c *Conn) Describe(ctx context.Context) (sdk.Description, error) {
	var d sdk.Description
	err := c.call(ctx, wire.Call{Method: wire.MethodDescribe}, nil, &d)
	for i := range d.Components {
		if d.Components[i].Schema == nil {
			d.Components[i].Schema = &sdk.Schema{}
		}
	}
	return d, err
}

// call makes one call: req and res are bodies, nil for none.
func (c *Conn) call(ctx context.Context, call wire.Call, req, res any) error {
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, DefaultTimeout)
		defer cancel()
	}
	if req != nil {
		body, err := wire.Encode(req)
		if err != nil {
			return err
		}
		call.Body = body
	}
	reply, err := c.endpoint.Client.Do(ctx, call)
	if err != nil {
		return err
	}
	if err := reply.Err(); err != nil {
		return failure(reply, err)
	}
	if res == nil {
		return nil
	}
	return wire.Decode(reply.Body, res)
}
