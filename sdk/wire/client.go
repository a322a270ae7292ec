package wire

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"sync"
	"sync/atomic"
	"time"
)

// maxUnanswered bounds the open calls of one client, including those whose callers
// have given up.
const maxUnanswered = 256

// Client makes calls. It is safe for use by many goroutines.
type Client struct {
	rpc   *rpc.Client
	last  atomic.Uint64
	slots chan struct{} // one for each open call

	mu        sync.Mutex
	abandoned map[uint64]abandonedCall // open calls whose callers have given up
}

type abandonedCall struct {
	method string
	at     time.Time
}

// NewClient returns a client on c.
func NewClient(c *rpc.Client) *Client {
	return &Client{rpc: c, slots: make(chan struct{}, maxUnanswered), abandoned: map[uint64]abandonedCall{}}
}

// NextID reserves the identity of a call.
func (c *Client) NextID() uint64 { return c.last.Add(1) }

// Close ends the connection; calls without a reply fail.
func (c *Client) Close() error { return c.rpc.Close() }

// Do makes one call and waits for its reply, but no longer than ctx allows: then
// it tells the other side to stop, and returns. It sets call.ID,
// unless that is already set, and call.TimeoutMS. The error is about transport
// and time only; a failure of the other side is in the reply.
func (c *Client) Do(ctx context.Context, call Call) (Reply, error) {
	if err := ctx.Err(); err != nil {
		return Reply{}, gaveUp(call, err)
	}
	if call.ID == 0 {
		call.ID = c.NextID()
	}
	call.TimeoutMS = timeout(ctx)
	select {
	case c.slots <- struct{}{}:
	default:
		return Reply{}, fmt.Errorf("%w: %s: %d calls are still unanswered", CodeUnavailable, FunctionOf(call.Method), maxUnanswered)
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
		r.reply.nameFunction(call.Method)
		return r.reply, transport(call, r.err)
	case <-ctx.Done():
		c.abandon(call, done)
		return Reply{}, gaveUp(call, ctx.Err())
	}
}

// abandon tells the other side to stop, and remembers the call until its reply
// comes.
func (c *Client) abandon(call Call, done <-chan result) {
	c.mu.Lock()
	c.abandoned[call.ID] = abandonedCall{call.Method, time.Now()}
	c.mu.Unlock()
	go func() {
		<-done
		c.mu.Lock()
		delete(c.abandoned, call.ID)
		c.mu.Unlock()
	}()
	go c.cancel(call.ID)
}

// Overdue returns the method of the open call whose caller gave up first, and how
// long ago that was; 0 if there is none. A plugin that respects deadlines keeps
// none open for long.
func (c *Client) Overdue() (method string, overdue time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, a := range c.abandoned {
		if d := time.Since(a.at); d > overdue {
			method, overdue = a.method, d
		}
	}
	return method, overdue
}

// Open returns the number of calls without a reply.
func (c *Client) Open() int { return len(c.slots) }

type result struct {
	reply Reply
	err   error
}

func (c *Client) cancel(id uint64) {
	var known bool
	_ = c.rpc.Call("Plugin.Cancel", id, &known) // a lost connection cancels as well
}

func timeout(ctx context.Context) int64 {
	deadline, ok := ctx.Deadline()
	if !ok {
		return 0
	}
	return max(1, time.Until(deadline).Milliseconds())
}

func gaveUp(call Call, err error) error {
	if errors.Is(err, context.DeadlineExceeded) && call.TimeoutMS > 0 {
		return fmt.Errorf("%s: no answer within %s: %w", FunctionOf(call.Method), (time.Duration(call.TimeoutMS) * time.Millisecond).Round(100*time.Millisecond), err)
	}
	return fmt.Errorf("%s: no answer: %w", FunctionOf(call.Method), err)
}

func transport(call Call, err error) error {
	if err == nil {
		return nil
	}
	var remote rpc.ServerError
	if errors.As(err, &remote) {
		return fmt.Errorf("%w: %s: %s", CodeInternal, FunctionOf(call.Method), clip(string(remote)))
	}
	return fmt.Errorf("%w: %s: the connection is gone: %s", CodeUnavailable, FunctionOf(call.Method), err)
}
