package tunnel

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/config"
)

// serve uses a link until it is lost, or ctx ends.
func (t *tunnel) serve(ctx context.Context, l *link) error {
	defer l.close()
	go l.keepAlive(t.config.Keepalive)
	o, mine := t.meet(ctx, l)
	for {
		next := t.keepOpen(ctx, l, o)
		select {
		case <-l.dead:
		default:
			t.report()
		}
		timer := time.NewTimer(time.Until(next))
		if next.IsZero() {
			timer.Stop()
		}
		select {
		case <-l.dead:
			timer.Stop()
			t.lost()
			return l.why()
		case <-ctx.Done():
			timer.Stop()
			t.depart(l, o, mine)
			return nil
		case <-t.changed:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// meet learns what the account may do, and which process to look for should
// this connection be lost silently.
func (t *tunnel) meet(ctx context.Context, l *link) (*opener, session) {
	o := &opener{
		link: l, meter: &t.meter, patience: max(t.config.Keepalive.Timeout, minPatience),
		stale:  t.env.sessions.of(t.config.Name),
		forget: func(s session) { t.env.sessions.remove(t.config.Name, s) },
		tell: func(text string) {
			t.env.tell(Change{Tunnel: t.config.Name, State: Connecting, Message: text})
		},
	}
	bounded, cancel := context.WithTimeout(ctx, o.patience)
	defer cancel()
	mine, err := l.identify(bounded)
	o.commands = err == nil
	if o.commands && len(l.clients) == 1 {
		l.wire.prompt.Store(true)
	}
	if mine.PID != "" {
		t.env.sessions.add(t.config.Name, mine)
	}
	t.mu.Lock()
	t.status.Connects++
	t.status.Notes = nil
	if err != nil && bounded.Err() == nil {
		t.status.Notes = []string{withoutCommands(l.target, err)}
	}
	t.mu.Unlock()
	return o, mine
}

// withoutCommands says what it costs that no command can run on the host.
func withoutCommands(t target, err error) string {
	slow := ""
	if errors.Is(err, errNoSession) {
		slow = "answers may take up to 40 ms longer, and "
	}
	return fmt.Sprintf("no command can run as %q on %s: %sa port that a lost connection of ours still holds there cannot be taken back; set ClientAliveInterval 15 in its sshd_config, so that sshd lets go of it", t.user, t.host, slow)
}

// arrange brings the list of forwards into line with what is wanted, and
// returns those that are wanted no more.
func (t *tunnel) arrange() (gone []*forward) {
	t.mu.Lock()
	defer t.mu.Unlock()
	old := t.forwards
	t.forwards = nil
	for _, c := range t.wanted {
		i := slices.IndexFunc(old, func(f *forward) bool { return f.config.Address == c.Address })
		var f *forward
		if i >= 0 {
			f = old[i]
			old = slices.Delete(slices.Clone(old), i, i+1)
		} else {
			f = &forward{state: ForwardClosed}
		}
		f.config = c
		handler := t.env.handler(c)
		f.handler.Store(&handler)
		t.forwards = append(t.forwards, f)
	}
	return old
}

// keepOpen opens what is wanted and not open, and closes the rest. It returns
// when it is to be called again, zero if nothing is due.
func (t *tunnel) keepOpen(ctx context.Context, l *link, o *opener) (next time.Time) {
	for _, f := range t.arrange() {
		if f.serving != nil {
			s := f.serving
			t.cancelled.Go(func() { t.cancel(s) })
			o.tell("closes " + f.remote)
		}
	}
	all := true
	for _, f := range t.forwards {
		if ctx.Err() != nil {
			return next
		}
		t.protect(ctx, l, f)
		switch {
		case f.due.After(time.Now()):
		case f.serving == nil:
			t.open(ctx, l, o, f)
			t.protect(ctx, l, f)
		case f.state != ForwardOpen:
			t.probe(ctx, l, f)
		}
		if !f.due.IsZero() && (next.IsZero() || f.due.Before(next)) {
			next = f.due
		}
		all = all && f.state == ForwardOpen
	}
	if all {
		for _, s := range o.stale {
			o.forget(s) // whatever it was, it holds nothing of ours
		}
		o.stale = nil
	}
	return next
}

// cancel closes a forward on a link that stays.
func (t *tunnel) cancel(s *serving) {
	ctx, cancel := context.WithTimeout(t.env.life, t.env.grace)
	defer cancel()
	defer context.AfterFunc(ctx, s.abort)()
	s.release()
	s.finish(ctx)
}

func (t *tunnel) open(ctx context.Context, l *link, o *opener, f *forward) {
	a, err := o.open(ctx, f.config)
	if err != nil {
		t.put(f, ForwardRefused, err)
		return
	}
	kind, address := network(f.config)
	if host, port, err := net.SplitHostPort(address); err == nil && port == "0" && kind == "tcp" {
		address = net.JoinHostPort(host, strconv.Itoa(a.Addr().(*net.TCPAddr).Port))
	}
	t.mu.Lock()
	f.remote = strings.TrimPrefix(kind+":", "tcp:") + address
	t.mu.Unlock()
	f.serving = serve(a, t.env.server(probed(t.nonce, func() http.Handler { return *f.handler.Load() })))
	t.probe(ctx, l, f)
}

// probe finds out whether an open forward answers.
func (t *tunnel) probe(ctx context.Context, l *link, f *forward) {
	bounded, cancel := context.WithTimeout(ctx, max(t.config.Keepalive.Timeout, minPatience))
	defer cancel()
	kind, _ := network(f.config)
	took, err := l.probe(bounded, kind, nearest(kind, strings.TrimPrefix(f.remote, "unix:")), t.nonce)
	if errors.Is(err, errNoProbe) {
		err = nil // it has to be taken on trust
	}
	if err != nil {
		t.put(f, ForwardSilent, failedAt(StepProbe, "%s is open, and a request sent to it on the host does not arrive here: %s", f.remote, plain(err)))
		return
	}
	t.mu.Lock()
	f.probe = took
	t.mu.Unlock()
	t.put(f, ForwardOpen, nil)
}

func (t *tunnel) put(f *forward, state string, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	f.state, f.err, f.due = state, "", time.Time{}
	if err != nil {
		f.err, f.due = err.Error(), time.Now().Add(t.pause(f.tries))
		f.tries++
		return
	}
	f.tries = 0
}

// report makes the tunnel's state of those of its forwards.
func (t *tunnel) report() {
	t.mu.Lock()
	var wrong []string
	for _, f := range t.forwards {
		if f.state != ForwardOpen {
			wrong = append(wrong, f.err)
		}
	}
	t.mu.Unlock()
	if len(wrong) == 0 {
		t.enter(Up, nil, time.Time{})
		return
	}
	t.enter(Degraded, errors.New(strings.Join(wrong, "; ")), time.Time{})
}

// lost breaks off what the link carried.
func (t *tunnel) lost() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.forwards {
		if f.serving != nil {
			f.serving.abort()
		}
		f.reset()
	}
}

// depart leaves the host in good order: first the addresses are given up, then
// requests under way come to their end, then the connection is closed.
func (t *tunnel) depart(l *link, o *opener, mine session) {
	t.mu.Lock()
	grace := t.grace
	var open []*serving
	for _, f := range t.forwards {
		if f.serving != nil {
			open = append(open, f.serving)
		}
	}
	t.mu.Unlock()
	impatient := time.AfterFunc(max(t.config.Keepalive.Timeout, minPatience), l.close)
	each(open, (*serving).release)
	t.tidy(o)
	if impatient.Stop() {
		t.env.sessions.remove(t.config.Name, mine)
		t.closeReleased()
	}
	each(open, func(s *serving) { s.finish(grace) })
	context.AfterFunc(grace, l.close)
	t.cancelled.Wait()
	t.lost()
}

// tidy removes the files of sockets that were given up: sshd leaves them.
func (t *tunnel) tidy(o *opener) {
	if !o.commands {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), o.patience)
	defer cancel()
	for _, f := range t.forwards {
		o.unlink(ctx, f.config)
	}
}

func each(all []*serving, do func(*serving)) {
	var wg sync.WaitGroup
	for _, s := range all {
		wg.Go(func() { do(s) })
	}
	wg.Wait()
}

// sameConnection says that two blocks differ in forwards at most.
func sameConnection(a, b *config.Tunnel) bool {
	x, y := *a, *b
	x.Forwards, y.Forwards = nil, nil
	return x.Same(&y)
}
