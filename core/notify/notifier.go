package notify

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
	"github.com/aitunnel/aitunnel/core/event"
)

// Options of [New].
type Options struct {
	Serving func() []string // names of the channels that are in use
	Log     func(event.Level, string)
	Dial    Dial // nil: there are no egresses
	Timing  Timing
}

// Dial connects to host:port through an egress.
type Dial func(ctx context.Context, by *config.Egress, address string) (net.Conn, error)

// Notifier sends notifications to the services of the running configuration. It outlives
// configurations.
type Notifier struct {
	options Options
	life    context.Context
	end     context.CancelFunc
	running sync.WaitGroup

	mu      sync.Mutex
	targets []*target
}

// New returns a notifier without services.
func New(o Options) *Notifier {
	if o.Timing == (Timing{}) {
		o.Timing = DefaultTiming
	}
	n := &Notifier{options: o}
	n.life, n.end = context.WithCancel(context.Background())
	return n
}

// Use sends notifications to the services of a configuration from now on. Services that have
// not changed keep the problems that they have gathered.
func (n *Notifier) Use(cfg *config.Config) {
	n.mu.Lock()
	defer n.mu.Unlock()
	services.use(n, cfg.Notify, n.options.Dial)
	before := n.targets
	n.targets = nil
	in := cfg.Location()
	for _, c := range cfg.Notify {
		var t *target
		for i, old := range before {
			if old != nil && old.gatherer.config.Same(c) && old.gatherer.in.String() == in.String() {
				t, before[i] = old, nil
			}
		}
		if t == nil {
			t = n.start(c, in)
		}
		n.targets = append(n.targets, t)
	}
	for _, old := range before {
		if old != nil {
			old.end()
		}
	}
}

// Close stops sending; problems that were not sent are lost.
func (n *Notifier) Close() {
	n.end()
	n.running.Wait()
	services.use(n, nil, nil)
}

// Publish processes an event. It does not block.
func (n *Notifier) Publish(e event.Event) {
	notes := notesOf(e)
	if len(notes) == 0 {
		return
	}
	n.mu.Lock()
	targets := n.targets
	n.mu.Unlock()
	for _, t := range targets {
		t.add(notes)
	}
}

// Status is the state of one service.
type Status struct {
	Name    string
	Service string // such as telegram
	Events  []string
	Sent    time.Time // the last message; zero: none yet
	Error   string    // why the last one could not be sent; "" if it was
	Retry   time.Time // when it is tried again
	Pending int       // problems that were not reported yet
}

// Status returns the state of the services.
func (n *Notifier) Status() (all []Status) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, t := range n.targets {
		all = append(all, t.status())
	}
	return all
}

// Test sends a message now; ok is false if there is no such service.
func (n *Notifier) Test(ctx context.Context, name string) (ok bool, err error) {
	n.mu.Lock()
	var found *target
	for _, t := range n.targets {
		if t.gatherer.config.Name == name {
			found = t
		}
	}
	n.mu.Unlock()
	if found == nil {
		return false, nil
	}
	ctx, cancel := context.WithTimeout(ctx, n.options.Timing.Send)
	defer cancel()
	return true, send(ctx, found.gatherer.config.URL, message{"aitunnel: a test message", fmt.Sprintf("This is a test of notify %q. Notifications will arrive here.", name)})
}

// target is one service, with the problems to report to it.
type target struct {
	notifier *Notifier
	end      context.CancelFunc
	wake     chan struct{}

	mu       sync.Mutex
	gatherer *gatherer
	sent     time.Time
	failure  string
	retry    time.Time
	pause    time.Duration
}

func (n *Notifier) start(c *config.Notify, in *time.Location) *target {
	life, end := context.WithCancel(n.life)
	t := &target{notifier: n, end: end, wake: make(chan struct{}, 1), gatherer: newGatherer(c, in, n.options.Timing)}
	n.running.Go(func() { t.run(life) })
	return t
}

func (t *target) add(notes []note) {
	t.mu.Lock()
	for _, one := range notes {
		t.gatherer.add(time.Now(), one)
	}
	t.mu.Unlock()
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// run sends what is due until ctx ends.
func (t *target) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		t.mu.Lock()
		now := time.Now()
		at := t.gatherer.next(now)
		if !at.IsZero() && at.Before(t.retry) {
			at = t.retry
		}
		t.mu.Unlock()
		pause := time.Hour
		if !at.IsZero() {
			pause = time.Until(at)
		}
		if pause <= 0 {
			t.send(ctx)
			if ctx.Err() != nil {
				return
			}
			continue
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-t.wake:
		case <-ctx.Done():
			return
		}
	}
}

// send sends what is due now.
func (t *target) send(ctx context.Context) {
	t.mu.Lock()
	batch, dropped := t.gatherer.collect(time.Now()), t.gatherer.dropped
	t.mu.Unlock()
	if len(batch) == 0 {
		return
	}
	o := &t.notifier.options
	sending, cancel := context.WithTimeout(ctx, o.Timing.Send)
	err := send(sending, t.gatherer.config.URL, compose(batch, dropped, o.Serving(), t.gatherer.in))
	cancel()
	if ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	was := t.failure
	if err == nil {
		t.gatherer.sent(time.Now(), batch)
		t.gatherer.dropped -= dropped
		t.sent, t.failure, t.retry, t.pause = time.Now(), "", time.Time{}, 0
	} else {
		t.gatherer.failed()
		t.pause = min(max(2*t.pause, o.Timing.RetryMin), o.Timing.RetryMax)
		t.failure, t.retry = err.Error(), time.Now().Add(t.pause)
	}
	t.mu.Unlock()
	switch name := t.gatherer.config.Name; {
	case err != nil && was == "":
		o.Log(event.LevelWarn, fmt.Sprintf("notify %q: a message could not be sent and will be retried: %s", name, err))
	case err == nil && was != "":
		o.Log(event.LevelInfo, fmt.Sprintf("notify %q: messages can be sent again", name))
	}
}

func (t *target) status() Status {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.gatherer.config
	s := Status{Name: c.Name, Events: c.Events, Sent: t.sent, Error: t.failure, Retry: t.retry}
	if u, err := url.Parse(c.URL.Plaintext()); err == nil {
		s.Service = u.Scheme
	}
	if len(s.Events) == 0 {
		s.Events = config.NotifyEvents
	}
	for _, p := range t.gatherer.problems {
		if !p.due.IsZero() {
			s.Pending++
		}
	}
	return s
}
