package proxy

import (
	"context"
	"slices"
	"sync"
)

// attemptContext is the context of an attempt. It ends with the caller's, once it follows
// that, or when end is called. It is a part of the attempt, so it needs less memory than one
// of [context.WithCancelCause].
//
// To follow a context takes longer than most other steps of a short attempt, so it does that
// only when its end is waited for, or when the attempt takes longer (see attempts).
type attemptContext struct {
	context.Context             // the caller's
	unfollow        func() bool // stops following; nil if it does not

	mu    sync.Mutex
	cause error         // why it has ended; nil: it has not
	done  chan struct{} // nil: Done was not called
	calls []*func()     // at the end
	room  [1]*func()    // for calls: there is rarely more than one
}

// follow ends the context with the caller's, which may have ended.
func (c *attemptContext) follow() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.followLocked()
}

func (c *attemptContext) followLocked() {
	if c.unfollow == nil && c.cause == nil {
		caller := c.Context
		c.unfollow = context.AfterFunc(caller, func() { c.end(context.Cause(caller)) })
	}
}

// end ends the context, unless it has ended.
func (c *attemptContext) end(cause error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unfollow != nil {
		c.unfollow()
	}
	if c.cause != nil {
		return
	}
	c.cause = cause
	if c.done != nil {
		close(c.done)
	}
	for _, f := range c.calls {
		go (*f)()
	}
	c.calls = nil
}

// reason returns why the context has ended; nil: it has not.
func (c *attemptContext) reason() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.cause
}

// Err is for [context.Context].
func (c *attemptContext) Err() error {
	if c.reason() != nil || c.Context.Err() != nil {
		return context.Canceled
	}
	return nil
}

// Done is for [context.Context].
func (c *attemptContext) Done() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done == nil {
		c.done = make(chan struct{})
		c.followLocked()
		if c.cause != nil {
			close(c.done)
		}
	}
	return c.done
}

// AfterFunc has f called at the end, unless it is stopped, as [context.AfterFunc] does.
func (c *attemptContext) AfterFunc(f func()) (stop func() bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cause != nil {
		go f()
		return func() bool { return false }
	}
	if c.calls == nil {
		c.calls = c.room[:0]
	}
	c.calls = append(c.calls, &f)
	return func() bool { return c.drop(&f) }
}

func (c *attemptContext) drop(f *func()) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	i := slices.Index(c.calls, f)
	if i < 0 {
		return false
	}
	c.calls = slices.Delete(c.calls, i, i+1)
	return true
}
