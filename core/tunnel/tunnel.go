package tunnel

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/core/sshclient"
)

// tunnel keeps one connection up. One goroutine, its loop, owns all mutable state, and
// publishes what others may read.
type tunnel struct {
	config  *config.Tunnel // of the connection; the forwards may be newer
	env     *environment
	nonce   string // of probes
	traffic sshclient.Traffic

	retry     chan struct{}                    // asks to connect again now
	orders    chan []*config.Forward           // the latest forwards that are wanted
	exposures chan *serving                    // forwards that other machines can reach
	grace     chan context.Context             // ends when requests are cut off; sent before cancel
	cancel    context.CancelFunc               // ends the loop
	released  chan struct{}                    // closed once the host has closed all addresses
	done      chan struct{}                    // closed when the loop has ended
	outdated  atomic.Bool                      // ssh_config has to be read again
	published atomic.Pointer[Status]           // without counters
	client    atomic.Pointer[sshclient.Client] // nil while there is no connection

	// Owned by the loop.

	wanted     []*config.Forward
	forwards   []*forward // in the order of the configuration
	current    Status     // without forwards
	reported   string
	route      *sshclient.Route // nil: not found yet
	routeStamp string           // of the files of ssh_config
	draining   sync.WaitGroup   // closed forwards with requests in flight
}

func newTunnel(c *config.Tunnel, e *environment) *tunnel {
	t := &tunnel{
		config: c, env: e, nonce: rand.Text(), wanted: c.Forwards,
		retry: make(chan struct{}, 1), orders: make(chan []*config.Forward, 1), exposures: make(chan *serving), grace: make(chan context.Context, 1),
		released: make(chan struct{}), done: make(chan struct{}),
		current: Status{Name: c.Name, Host: c.Host, User: c.User, State: Connecting, Since: time.Now()},
	}
	t.reconcile()
	t.publish()
	return t
}

// start starts the loop once after is closed: then the addresses are free.
func (t *tunnel) start(after <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	go func() {
		defer close(t.done)
		defer cancel()
		select {
		case <-after:
			t.run(ctx)
		case <-ctx.Done():
		}
		t.release()
		t.draining.Wait()
	}()
}

// stop ends the tunnel. Requests in flight may continue until ctx ends.
func (t *tunnel) stop(ctx context.Context) {
	select {
	case t.grace <- ctx:
	default: // it is already stopping
	}
	t.cancel()
	<-t.done
}

// release reports that the host has closed all addresses.
func (t *tunnel) release() {
	select {
	case <-t.released:
	default:
		close(t.released)
	}
}

// apply requests other forwards. It must not be called concurrently.
func (t *tunnel) apply(forwards []*config.Forward) {
	t.outdated.Store(true)
	select {
	case <-t.orders: // drop an order that the loop has not read yet
	default:
	}
	t.orders <- forwards
}

func notify(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is already notified
	}
}

// run keeps connecting until ctx ends.
func (t *tunnel) run(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; tries++ {
		t.setState(Connecting, nil, time.Time{})
		c, err := t.connect(ctx)
		for err == nil {
			started := time.Now()
			if err = t.serve(ctx, c); time.Since(started) > stableTime {
				tries = 0
			}
			if !errors.Is(err, errNewLogin) {
				break
			}
			c, err = t.connect(ctx)
		}
		if ctx.Err() == nil {
			t.waitForRetry(ctx, err, tries)
		}
	}
}

// setState sets the state and reports it if it changed: repeated attempts with the same
// outcome are not reported.
func (t *tunnel) setState(s State, err error, next time.Time) {
	if s.condition() != t.current.State.condition() {
		t.current.Since = time.Now()
	}
	t.current.State = s
	t.current.NextTry = next
	switch {
	case s == Up:
		t.current.LastError, t.current.HostKey = "", nil
	case err != nil:
		t.current.LastError, t.current.HostKey = err.Error(), sshclient.Untrusted(err)
	}
	t.publish()
	c := Change{Tunnel: t.config.Name, State: s, Bad: s != Up && s != Connecting, Message: t.describe(s, err, next)}
	key := string(s) + t.current.LastError
	if s == Up {
		key = c.Message
	}
	if s == Connecting && t.reported != "" || key == t.reported {
		return
	}
	t.reported = key
	t.env.report(c)
}

func (t *tunnel) describe(s State, err error, next time.Time) string {
	switch s {
	case Up:
		var open []string
		for _, f := range t.forwards {
			text := f.remote + " (not checked)"
			if f.probe > 0 {
				text = fmt.Sprintf("%s (answers in %s)", f.remote, f.probe.Round(100*time.Microsecond))
			}
			open = append(open, text)
		}
		if len(open) == 0 {
			return "up: connected to " + t.config.Host
		}
		return fmt.Sprintf("up: %s on %s", strings.Join(open, ", "), t.config.Host)
	case Degraded:
		return fmt.Sprintf("degraded: %s; next try in %s", err, time.Until(next).Round(100*time.Millisecond))
	case Waiting:
		return fmt.Sprintf("waiting: %s; next try in %s", err, time.Until(next).Round(100*time.Millisecond))
	case Failed:
		return fmt.Sprintf("failed: %s; it is tried again in %s, after a reload, or when its files change", err, wording.Duration(failedPause))
	}
	return "connecting to " + t.config.Host
}

// publish makes the current state visible.
func (t *tunnel) publish() {
	s := t.current
	s.Notes = slices.Clone(s.Notes)
	for _, f := range t.forwards {
		shown := f.status()
		s.Forwards = append(s.Forwards, shown)
		s.Probe = max(s.Probe, shown.Probe)
		if shown.State == ForwardOpen && shown.Probe == 0 {
			s.Notes = append(s.Notes, fmt.Sprintf("%s is open, but not checked: the account may not connect to it on the host. %s", shown.Remote, f.howToCheck()))
		}
	}
	t.published.Store(&s)
}

// status returns the latest published status, with current counters.
func (t *tunnel) status() Status {
	s := *t.published.Load()
	s.Accepted, s.Active = t.traffic.Accepted.Load(), t.traffic.Active.Load()
	s.In, s.Out = t.traffic.In.Load(), t.traffic.Out.Load()
	return s
}
