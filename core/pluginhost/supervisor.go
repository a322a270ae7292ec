package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aitunnel/aitunnel/sdk"
)

// supervisor keeps one plugin's process alive. Its loop runs from the first
// good start until it is stopped.
type supervisor struct {
	host   *Host
	launch launch
	ctx    context.Context // ends with stop
	cancel context.CancelFunc
	ended  chan struct{} // closed when the loop has ended and no process is left

	mu          sync.Mutex
	changed     chan struct{} // closed and replaced at every change of state
	state       State
	process     *process // nil while there is none to be used
	description sdk.Description
	lastError   error
	restarts    int
	instances   map[*Instance]struct{}
	part        part
	again       chan struct{} // asks a quarantined one to try again
	idle        *time.Timer   // ends a third party's process that nobody uses
}

func newSupervisor(h *Host, s spec) *supervisor {
	v := &supervisor{
		host:      h,
		launch:    h.launch(s),
		ended:     make(chan struct{}),
		changed:   make(chan struct{}),
		state:     StateStarting,
		instances: make(map[*Instance]struct{}),
		again:     make(chan struct{}, 1),
	}
	v.ctx, v.cancel = context.WithCancel(h.ctx)
	return v
}

// begin starts the first process; if that fails there is nothing to supervise.
func (v *supervisor) begin(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.ctx, cancel)()
	p, err := v.launch.start(ctx)
	if err != nil {
		v.set(StateStopped, nil, err)
		v.abort()
		v.host.event(Event{Type: EventStartFailed, Plugin: v.launch.spec.name, Message: err.Error()})
		return err
	}
	v.set(StateRunning, p, nil)
	v.tell(EventStarted, p, "started")
	v.rest()
	go v.run(p)
	return nil
}

// abort is the end of a supervisor that has never had a process.
func (v *supervisor) abort() {
	v.cancel()
	close(v.ended)
}

// run replaces process by process until the supervisor is stopped.
func (v *supervisor) run(p *process) {
	defer close(v.ended)
	defer v.host.forget(v)
	failures := crashes{timing: v.launch.timing}
	for p != nil {
		cause := p.watch(v.ctx)
		if cause == nil {
			v.set(StateStopped, nil, nil)
			p.stop(v.host.rush)
			v.tell(EventStopped, p, "stopped")
			return
		}
		v.set(StateRestarting, nil, cause)
		kind := EventExited
		if errors.Is(cause, errUnresponsive) {
			kind = EventUnresponsive
		}
		v.tell(kind, p, cause.Error())
		p.kill()
		p = v.restart(&failures, time.Since(p.started))
	}
	v.set(StateStopped, nil, nil)
}

// restart returns the next process, with all instances configured; nil when
// the supervisor is stopped.
func (v *supervisor) restart(failures *crashes, life time.Duration) *process {
	for {
		pause, ok := failures.add(time.Now(), life)
		if !ok {
			v.quarantine()
			select {
			case <-v.again:
				*failures = crashes{timing: v.launch.timing}
			case <-v.ctx.Done():
				return nil
			}
			v.set(StateRestarting, nil, nil)
		} else if !sleep(v.ctx, pause) {
			return nil
		}
		p, err := v.launch.start(v.ctx)
		if err == nil {
			if err = v.resume(p); err == nil {
				return p
			}
			p.kill()
		}
		if v.ctx.Err() != nil {
			return nil
		}
		v.set(StateRestarting, nil, err)
		v.host.event(Event{Type: EventStartFailed, Plugin: v.launch.spec.name, Message: err.Error()})
		life = 0
	}
}

func (v *supervisor) quarantine() {
	t := v.launch.timing
	message := fmt.Sprintf("quarantined after %d failures within %s", t.Crashes, t.CrashWindow)
	v.mu.Lock()
	if v.lastError != nil {
		message += ", the last one: " + v.lastError.Error()
	}
	v.mu.Unlock()
	v.set(StateQuarantined, nil, nil)
	v.tell(EventQuarantined, nil, message)
}

// resume configures all instances on a new process, then lets it be used. One
// that the plugin now refuses stays unavailable; a plugin that takes too long
// is an error.
func (v *supervisor) resume(p *process) error {
	var all errgroup.Group
	all.SetLimit(16)
	for _, i := range v.snapshot() {
		all.Go(func() error {
			err := i.configure(v.ctx, p)
			if errors.Is(err, context.DeadlineExceeded) || v.ctx.Err() != nil {
				return fmt.Errorf("%s: %s: %w", v.launch.spec, i.purpose, err)
			}
			if err != nil {
				v.tell(EventConfigFailed, p, fmt.Sprintf("%s cannot be configured again: %s", i.purpose, err))
			}
			return nil
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	v.mu.Lock()
	v.restarts++
	v.mu.Unlock()
	v.set(StateRunning, p, nil)
	v.tell(EventRestarted, p, "restarted")
	v.rest()
	return nil
}

// ready waits until there is a process to be used.
func (v *supervisor) ready(ctx context.Context) (*process, error) {
	for {
		v.mu.Lock()
		p, state, changed := v.process, v.state, v.changed
		v.mu.Unlock()
		switch {
		case p != nil:
			return p, nil
		case state == StateQuarantined || state == StateStopped:
			return nil, v.down()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", v.down(), ctx.Err())
		}
	}
}

// revive ends a quarantine.
func (v *supervisor) revive() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.state != StateQuarantined {
		return
	}
	v.state = StateRestarting
	v.again <- struct{}{} // empty, as only this state lets anyone send
}

// down says why there is no process.
func (v *supervisor) down() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.lastError != nil {
		return fmt.Errorf("%w: %s is %s: %w", sdk.ErrUnavailable, v.launch.spec, v.state, v.lastError)
	}
	return fmt.Errorf("%w: %s is %s", sdk.ErrUnavailable, v.launch.spec, v.state)
}

// set changes the state; a nil err keeps the last error.
func (v *supervisor) set(state State, p *process, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state, v.process = state, p
	if p != nil {
		v.description = p.description
	} else {
		for i := range v.instances {
			i.remote.Store(nil)
		}
	}
	if err != nil {
		v.lastError = err
	}
	close(v.changed)
	v.changed = make(chan struct{})
}

func (v *supervisor) snapshot() []*Instance {
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]*Instance, 0, len(v.instances))
	for i := range v.instances {
		all = append(all, i)
	}
	return all
}

// tell reports what happened; p is nil if there is no process.
func (v *supervisor) tell(t EventType, p *process, message string) {
	e := Event{Type: t, Plugin: v.launch.spec.name, Message: v.launch.spec.String() + ": " + message}
	if p != nil {
		e.PID = p.runner.pid()
	}
	v.host.event(e)
}

// rest ends a process after a while without instances: one that others took the
// place of at once, that of the built-ins never.
func (v *supervisor) rest() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.launch.spec.builtin() && v.part != partLeaving {
		return
	}
	if v.idle != nil {
		v.idle.Stop()
	}
	if len(v.instances) == 0 && v.ctx.Err() == nil {
		linger := v.launch.timing.Linger
		if v.part == partLeaving {
			linger = 0
		}
		v.idle = time.AfterFunc(linger, v.retire)
	}
}

// retire ends a supervisor that has no instances.
func (v *supervisor) retire() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.instances) == 0 {
		v.cancel()
	}
}

// stop ends the supervisor and its process.
func (v *supervisor) stop() {
	v.mu.Lock()
	if v.idle != nil {
		v.idle.Stop()
	}
	v.mu.Unlock()
	v.cancel()
	<-v.ended
}

// sleep returns false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
