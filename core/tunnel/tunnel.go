package tunnel

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"math"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// failedPause is the time between two tries of a tunnel whose login or host key
// is refused. Trying more often gets an address banned.
const failedPause = 5 * time.Minute

// decideTime is how long somebody may think about a key.
const decideTime = 5 * time.Minute

// settledTime is how long a connection has to last to be a good one: after it
// the pauses begin at the shortest again.
const settledTime = 5 * time.Second

// lookEvery is the time between two looks at the files of a failed login.
const lookEvery = 2 * time.Second

// tunnel keeps one connection up.
type tunnel struct {
	config *config.Tunnel // of the connection; the forwards may be newer
	env    *environment
	nonce  string
	meter  meter

	retry     chan struct{} // a try is wanted now
	changed   chan struct{} // other forwards are wanted
	released  chan struct{} // closed when the far side has closed all addresses
	done      chan struct{}
	leave     context.CancelFunc
	cancelled sync.WaitGroup  // forwards that are wanted no more, and carry requests still
	grace     context.Context // set before leave: how long requests may go on

	way      *way   // nil: to be found; of the tunnel's goroutine
	wayStamp string // of the files of ssh_config
	outdated atomic.Bool

	mu       sync.Mutex
	wanted   []*config.Forward
	forwards []*forward // in the order of the configuration
	status   Status     // without forwards
	told     string
}

func newTunnel(c *config.Tunnel, e *environment) *tunnel {
	return &tunnel{
		config: c, env: e, nonce: rand.Text(), wanted: c.Forwards,
		retry: make(chan struct{}, 1), changed: make(chan struct{}, 1), released: make(chan struct{}), done: make(chan struct{}),
		status: Status{Name: c.Name, Host: c.Host, User: c.User, State: Connecting, Since: time.Now()},
	}
}

// start begins when after is closed: then the addresses are free.
func (t *tunnel) start(after <-chan struct{}) {
	ctx, cancel := context.WithCancel(context.Background())
	t.leave = cancel
	t.arrange()
	go func() {
		defer close(t.done)
		defer cancel()
		select {
		case <-after:
			t.run(ctx)
		case <-ctx.Done():
		}
		t.closeReleased()
		t.cancelled.Wait()
	}()
}

// stop ends the tunnel. Requests under way may go on until ctx ends.
func (t *tunnel) stop(ctx context.Context) {
	t.mu.Lock()
	t.grace = ctx
	t.mu.Unlock()
	t.leave()
	<-t.done
}

func (t *tunnel) closeReleased() {
	select {
	case <-t.released:
	default:
		close(t.released)
	}
}

// set makes other forwards be wanted.
func (t *tunnel) set(forwards []*config.Forward) {
	t.mu.Lock()
	t.wanted = forwards
	t.mu.Unlock()
	poke(t.changed)
}

func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default: // it is known already
	}
}

// run connects again and again until ctx ends.
func (t *tunnel) run(ctx context.Context) {
	for tries := 0; ctx.Err() == nil; tries++ {
		t.enter(Connecting, nil, time.Time{})
		l, err := t.connect(ctx)
		if err == nil {
			begun := time.Now()
			if err = t.serve(ctx, l); time.Since(begun) > settledTime {
				tries = 0
			}
		}
		if ctx.Err() == nil {
			t.rest(ctx, err, tries)
		}
	}
}

// connect makes one attempt. It is broken off when the network changes: the
// next has better prospects than one that waits for lost packets.
func (t *tunnel) connect(ctx context.Context) (*link, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	watching, end := context.WithCancel(ctx)
	defer end()
	go func() {
		if stirred(watching) {
			poke(t.retry)
			cancel(errStirred)
		}
	}()
	way, err := t.findWay(ctx)
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	t.status.User = way.last().user
	t.mu.Unlock()
	l, err := newDialer(way, t.config).dial(ctx)
	if err != nil && errors.Is(context.Cause(ctx), errStirred) {
		err = failedAt(StepConnect, "%s", errStirred)
	}
	return l, err
}

// errStirred ends an attempt.
var errStirred = errors.New("the network of this machine has changed")

func newDialer(w *way, c *config.Tunnel) *dialer {
	return &dialer{way: w.targets, patience: max(c.Keepalive.Timeout, minPatience), silence: c.Keepalive.Interval + c.Keepalive.Timeout}
}

// rest waits until another try makes sense.
func (t *tunnel) rest(ctx context.Context, err error, tries int) {
	pause, state := t.pause(tries), Waiting
	if isLasting(err) {
		pause, state = failedPause, Failed
	}
	t.enter(state, err, time.Now().Add(pause))
	ctx, cancel := context.WithTimeout(ctx, pause)
	defer cancel()
	go func() {
		if state == Waiting && stirred(ctx) || state == Failed && t.filesChange(ctx) {
			cancel()
		}
	}()
	select {
	case <-ctx.Done():
	case <-t.retry:
	}
}

// pause is between the shortest and the longest time, with full jitter below a
// bound that doubles.
func (t *tunnel) pause(tries int) time.Duration {
	least, most := t.config.Reconnect.Min, t.config.Reconnect.Max
	bound := most
	if grown := float64(least) * math.Pow(2, float64(tries)); grown < float64(most) {
		bound = time.Duration(grown)
	}
	return least + time.Duration(mathrand.Int64N(int64(bound-least)+1))
}

// filesChange returns true when one of the files that decide about a login
// changes, and false when ctx ends.
func (t *tunnel) filesChange(ctx context.Context) bool {
	look := func() string {
		files := t.configFiles()
		if t.way != nil {
			for _, w := range t.way.targets {
				files = append(append(files, w.hostKeys.files...), w.creds.watched()...)
			}
		}
		return stamp(files)
	}
	before := look()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
		if look() != before {
			return true
		}
	}
}

// findWay returns the way to the host. ssh_config is read again after a reload
// or a change of its files only, as reading it may run commands.
func (t *tunnel) findWay(ctx context.Context) (*way, error) {
	if t.way != nil && !t.outdated.Swap(false) && stamp(t.configFiles()) == t.wayStamp {
		return t.way, nil
	}
	w, err := t.env.here.route(ctx, t.config)
	t.way = w
	if err == nil {
		t.wayStamp = stamp(t.configFiles())
	}
	return w, err
}

// configFiles are those of ssh_config.
func (t *tunnel) configFiles() []string {
	if t.way != nil {
		return slices.Clone(t.way.files)
	}
	return []string{filepath.Join(t.env.here.home, ".ssh", "config"), filepath.Join(systemSSH, "ssh_config")}
}

// stamp changes when one of the files does.
func stamp(files []string) string {
	var all strings.Builder
	for _, f := range files {
		if info, err := os.Stat(f); err == nil {
			_, _ = fmt.Fprintln(&all, f, info.Size(), info.ModTime().UnixNano(), info.Mode()) // never fails
		}
	}
	return all.String()
}

// enter notes a state and tells it, if it says something new: a tunnel that
// tries again and again with the same outcome does not.
func (t *tunnel) enter(s State, err error, next time.Time) {
	t.mu.Lock()
	if s != t.status.State {
		t.status.State, t.status.Since = s, time.Now()
	}
	t.status.NextTry = next
	switch s {
	case Up:
		t.status.LastError = ""
	default:
		if err != nil {
			t.status.LastError = err.Error()
		}
	}
	c := Change{Tunnel: t.config.Name, State: s, Bad: s != Up && s != Connecting, Message: t.describe(s, err, next)}
	news := string(s) + t.status.LastError
	if s == Up {
		news = c.Message
	}
	if s == Connecting && t.told != "" || news == t.told {
		t.mu.Unlock()
		return
	}
	t.told = news
	t.mu.Unlock()
	t.env.tell(c)
}

func (t *tunnel) describe(s State, err error, next time.Time) string {
	switch s {
	case Up:
		var open []string
		for _, f := range t.forwards {
			text := f.remote
			if f.probe > 0 {
				text += fmt.Sprintf(" (answers in %s)", f.probe.Round(100*time.Microsecond))
			}
			open = append(open, text)
		}
		return fmt.Sprintf("up: %s on %s", strings.Join(open, ", "), t.config.Host)
	case Degraded:
		return "up in part: " + err.Error()
	case Waiting:
		return fmt.Sprintf("down: %s; the next try is in %s", err, time.Until(next).Round(100*time.Millisecond))
	case Failed:
		return fmt.Sprintf("failed: %s; it is tried again after a reload, a change of the files, or %s", err, failedPause)
	}
	return "connecting to " + t.config.Host
}

// now is the tunnel as it is.
func (t *tunnel) now() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := t.status
	out.Notes = append([]string(nil), t.status.Notes...)
	out.Accepted, out.Active = t.meter.accepted.Load(), t.meter.active.Load()
	out.In, out.Out = t.meter.in.Load(), t.meter.out.Load()
	for _, f := range t.forwards {
		shown := Forward{Remote: cmp.Or(f.remote, f.config.Address), State: f.state, Error: f.err, Probe: f.probe}
		if f.config.Channel != nil {
			shown.Channel = f.config.Channel.Name
		}
		out.Forwards = append(out.Forwards, shown)
		out.Probe = max(out.Probe, f.probe)
	}
	return out
}
