package tunnel

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

func stepError(step sshclient.Step, format string, args ...any) *sshclient.Error {
	return &sshclient.Error{Step: step, Text: fmt.Sprintf(format, args...)}
}

// errNewLogin ends a connection on which the host opens no forward, since the host decides
// at the login what may be opened.
var errNewLogin = errors.New("logging in again")

// serve uses a connection until it is lost, ctx ends, or a new login is needed.
func (t *tunnel) serve(ctx context.Context, c *sshclient.Client) error {
	defer c.Close()
	loggedIn := time.Now()
	t.client.Store(c)
	defer t.client.Store(nil)
	t.current.Connects++
	defer func() { t.current.Notes = nil }() // they are about this connection
	o := newOpener(ctx, c, t.env.sessions, t.config, t.report)
	o.holder = func(hostKey string, f *config.Forward) string { return t.env.holder(t.config.Name, hostKey, f) }
	identified := o.identity.ready
	if o.waitForIdentity(ctx, commandTime) { // on most hosts it takes less, and answers then come without delay
		identified, t.current.Notes = nil, o.limitations()
	}
	if t.env.free != nil {
		t.env.free(ctx, t.config.Name)
	}
	for {
		next := t.openForwards(ctx, o)
		if ctx.Err() == nil && c.Err() == nil { // otherwise they were not opened for that reason
			t.reportForwards(next)
		}
		timer := time.NewTimer(time.Until(next))
		if next.IsZero() {
			timer.Stop()
		}
		select {
		case <-c.Done():
			t.dropForwards()
			return c.Err()
		case <-ctx.Done():
			t.shutDown(o)
			return nil
		case t.wanted = <-t.orders:
		case s := <-t.exposures:
			t.markExposed(s)
		case <-identified:
			identified = nil
			t.current.Notes = o.limitations()
			t.publish()
		case <-t.retry:
			if t.nothingOpen() {
				return t.newLogin(o)
			}
			for _, f := range t.forwards {
				f.due = time.Time{}
			}
		case <-timer.C:
			if t.nothingOpen() && time.Since(loggedIn) > t.env.loginAge {
				return t.newLogin(o)
			}
		}
		timer.Stop()
	}
}

// nothingOpen reports whether there are forwards but none of them answers.
func (t *tunnel) nothingOpen() bool {
	return len(t.forwards) > 0 && !slices.ContainsFunc(t.forwards, func(f *forward) bool { return f.state == ForwardOpen })
}

// newLogin ends a connection, so that the tunnel logs in again.
func (t *tunnel) newLogin(o *opener) error {
	o.forgetOwn()
	t.dropForwards()
	return errNewLogin
}

// reportForwards derives the tunnel's state from those of its forwards. next is when
// forwards that are not open are tried again.
func (t *tunnel) reportForwards(next time.Time) {
	var failures []string
	for _, f := range t.forwards {
		if f.state != ForwardOpen {
			failures = append(failures, f.err)
		}
	}
	if len(failures) == 0 {
		t.setState(Up, nil, time.Time{})
		return
	}
	t.setState(Degraded, errors.New(strings.Join(failures, "; ")), next)
}

// dropForwards ends the requests of a lost connection, and resets its forwards.
func (t *tunnel) dropForwards() {
	for _, f := range t.forwards {
		if f.serving != nil {
			f.serving.abort()
		}
		f.reset()
	}
	t.publish()
}

// shutDown closes the addresses, waits for requests in flight, then closes the
// connection.
func (t *tunnel) shutDown(o *opener) {
	grace := t.env.ctx
	select {
	case grace = <-t.grace:
	default:
	}
	var open []*serving
	for _, f := range t.forwards {
		if f.serving != nil {
			open = append(open, f.serving)
		}
	}
	limit := time.AfterFunc(o.stepTimeout, o.client.Close)
	each(open, (*serving).release)
	o.removeSockets(t.forwards)
	if limit.Stop() {
		o.forgetOwn()
		t.release()
	}
	each(open, func(s *serving) { s.finish(grace) })
	context.AfterFunc(grace, o.client.Close)
	t.draining.Wait()
	t.dropForwards()
}

func each(all []*serving, do func(*serving)) {
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() { do(s) })
	}
	wg.Wait()
}
