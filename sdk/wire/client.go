package wire

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"sync/atomic"
	"time"
)

// maxUnanswered bounds the calls of one client that have no reply yet,
// including those that were given up.
const maxUnanswered = 256

// Client makes calls. It is safe for use by many goroutines.
type Client struct {
	rpc   *rpc.Client
	last  atomic.Uint64
	slots chan struct{}
}

// NewClient returns a client on c.
func NewClient(c *rpc.Client) *Client {
	return &Client{rpc: c, slots: make(chan struct{}, maxUnanswered)}
}

// NextID reserves the identity of a call.
func (c *Client) NextID() uint64 { return c.last.Add(1) }

// Close ends the connection; calls without a reply fail.
func (c *Client) Close() error { return c.rpc.Close() }

// Do makes one call and waits for its reply, but no longer than ctx allows: it
// then tells the other side to stop and forgets the call. It sets call.ID,
// unless that is already set, and call.TimeoutMS. The error is about transport
// and time only; a failure of the other side is in the reply.
func (c *Client) Do(ctx context.Context, call Call) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, gaveUp(call, err)
	}
	if call.ID == 0 {
		call.ID = c.NextID()
	}
	call.TimeoutMS = patience(ctx)
	select {
	case c.slots <- struct{}{}:
	default:
		return Reply{}, fmt.Errorf("%w: %s: %d calls are still unanswered", CodeUnavailable, call.Method, maxUnanswered)
	}

	done := make(chan result, 1)
	// Even the sending can block, when the other side has stopped reading.
	go func() {
		var r result
		r.err = c.rpc.Call("Plugin.Do", call, &r.reply)
		<-c.slots
		done <- r
	}()
	select {
	case r := <-done:
		return r.reply, transport(call, r.err)
	case <-ctx.Done():
		go c.cancel(call.ID)
		return Reply{}, gaveUp(call, ctx.Err())
	}
}

type result struct {
	reply Reply
	err   error
}

func (c *Client) cancel(id uint64) {
	var known bool
	_ = c.rpc.Call("Plugin.Cancel", id, &known) // a lost connection cancels as well
}

func patience(ctx context.Context) int64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(1, time.Until(deadline).Milliseconds())
}

func gaveUp(call Call, err error) error {
	return fmt.Errorf("%s: no answer: %w", call.Method, err)
}

func transport(call Call, err error) error {
	if err == nil {
		return nil
	}
	var remote rpc.ServerError
	if errors.As(err, &remote) {
		return fmt.Errorf("%w: %s: %s", CodeInternal, call.Method, clip(string(remote)))
	}
	return fmt.Errorf("%w: %s: the connection is gone: %s", CodeUnavailable, call.Method, err)
}
