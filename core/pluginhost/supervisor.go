package pluginhost

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/aitunnel/aitunnel/core/config/wording"
	"github.com/aitunnel/aitunnel/sdk"
)

// supervisor keeps one plugin's process running, from the first successful start until it
// is stopped.
type supervisor struct {
	host   *Host
	launch launch
	ctx    context.Context // ends with stop
	cancel context.CancelFunc
	ended  chan struct{} // closed when the loop has ended and no process is left

	mu          sync.Mutex
	changed     chan struct{} // closed and replaced after each event
	state       State
	process     *process // nil unless the state is StateRunning
	description sdk.Description
	lastError   error
	restarts    int
	instances   map[*Instance]struct{}
	role        role
	idle        *time.Timer // stops an unused third-party process
}

func newSupervisor(h *Host, s spec) *supervisor {
	v := &supervisor{
		host:      h,
		launch:    h.launch(s),
		ended:     make(chan struct{}),
		changed:   make(chan struct{}),
		state:     StateStarting,
		instances: make(map[*Instance]struct{}),
	}
	v.ctx, v.cancel = context.WithCancel(h.ctx)
	return v
}

// start starts the first process. If that fails, the supervisor ends.
func (v *supervisor) start(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(v.ctx, cancel)()
	p, err := v.launch.start(ctx)
	if err != nil {
		v.handle(startFailed, nil, err)
		v.finish()
		v.host.event(Event{Type: EventStartFailed, Plugin: v.launch.spec.name, Message: err.Error()})
		return err
	}
	v.handle(processReady, p, nil)
	v.report(EventStarted, p, "started")
	v.stopWhenUnused()
	go v.run(p)
	return nil
}

// finish ends a supervisor that never had a process.
func (v *supervisor) finish() {
	v.cancel()
	close(v.ended)
}

// run replaces processes that have ended until the supervisor is stopped.
func (v *supervisor) run(p *process) {
	defer close(v.ended)
	defer v.host.forget(v)
	failures := crashes{timing: v.launch.timing}
	for p != nil {
		cause := p.watch(v.ctx)
		if cause == nil {
			v.handle(stopRequested, nil, nil)
			p.stop(v.host.forceStop)
			v.report(EventStopped, p, "stopped")
			return
		}
		v.handle(processLost, nil, cause)
		kind := EventExited
		if errors.Is(cause, errUnresponsive) {
			kind = EventUnresponsive
		}
		v.report(kind, p, cause.Error())
		p.kill()
		p = v.restart(&failures, time.Since(p.started))
	}
	v.handle(stopRequested, nil, nil)
}

// restart returns the next process, with all instances configured; nil when the
// supervisor is stopped. uptime is how long the last process ran.
func (v *supervisor) restart(failures *crashes, uptime time.Duration) *process {
	for {
		backoff, ok := failures.add(time.Now(), uptime)
		if !ok {
			if !v.quarantine() {
				return nil
			}
			*failures = crashes{timing: v.launch.timing}
		} else if !sleep(v.ctx, backoff) {
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
		v.handle(startFailed, nil, err)
		v.host.event(Event{Type: EventStartFailed, Plugin: v.launch.spec.name, Message: err.Error()})
		uptime = 0
	}
}

// quarantine waits until the plugin is to be used again. It returns false when the
// supervisor is stopped.
func (v *supervisor) quarantine() bool {
	t := v.launch.timing
	message := fmt.Sprintf("quarantined after %d failures within %s; fix the cause, then run: aitunnel plugin restart %s", t.Crashes, wording.Duration(t.CrashWindow), v.launch.spec.commandName())
	v.mu.Lock()
	if v.lastError != nil {
		message += "; last failure: " + v.lastError.Error()
	}
	v.mu.Unlock()
	v.handle(failedTooOften, nil, nil)
	v.report(EventQuarantined, nil, message)
	for {
		v.mu.Lock()
		state, changed := v.state, v.changed
		v.mu.Unlock()
		if state != StateQuarantined {
			return true
		}
		select {
		case <-changed:
		case <-v.ctx.Done():
			return false
		}
	}
}

// resume configures all instances in a new process, and makes it the one in use. An instance
// whose configuration the plugin now rejects stays unavailable. It is an error if the
// plugin takes too long.
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
				v.report(EventConfigFailed, p, fmt.Sprintf("%s cannot be configured again: %s", i.purpose, err))
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
	v.handle(processReady, p, nil)
	v.report(EventRestarted, p, "restarted")
	v.stopWhenUnused()
	return nil
}

// ready waits for a usable process.
func (v *supervisor) ready(ctx context.Context) (*process, error) {
	for {
		v.mu.Lock()
		p, state, changed := v.process, v.state, v.changed
		v.mu.Unlock()
		switch {
		case p != nil:
			return p, nil
		case state == StateQuarantined || state == StateStopped:
			return nil, v.unavailable()
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w: %w", v.unavailable(), ctx.Err())
		}
	}
}

// retryNow ends a quarantine.
func (v *supervisor) retryNow() { v.handle(restartRequested, nil, nil) }

// unavailable returns why there is no process.
func (v *supervisor) unavailable() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.lastError != nil {
		return fmt.Errorf("%w: %s is %s: %w", sdk.ErrUnavailable, v.launch.spec, v.state, v.lastError)
	}
	return fmt.Errorf("%w: %s is %s", sdk.ErrUnavailable, v.launch.spec, v.state)
}

// handle changes the state; nothing else does. p is the process to use from now on, for
// processReady only. A nil err keeps the last error.
func (v *supervisor) handle(e processEvent, p *process, err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state = v.state.next(e)
	if p != nil {
		v.process, v.description = p, p.description
	} else if v.state != StateRunning {
		v.process = nil
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

// report publishes an event; p is nil if there is no process.
func (v *supervisor) report(t EventType, p *process, message string) {
	e := Event{Type: t, Plugin: v.launch.spec.name, Message: v.launch.spec.String() + ": " + message}
	if p != nil {
		e.PID = p.runner.pid()
	}
	v.host.event(e)
}

// stopWhenUnused stops a process that has had no instances for KeepUnused. A process that
// was replaced is stopped at once, that of the built-ins never.
func (v *supervisor) stopWhenUnused() {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.launch.spec.builtin() && v.role != roleDraining {
		return
	}
	if v.idle != nil {
		v.idle.Stop()
	}
	if len(v.instances) == 0 && v.ctx.Err() == nil {
		keep := v.launch.timing.KeepUnused
		if v.role == roleDraining {
			keep = 0
		}
		v.idle = time.AfterFunc(keep, v.stopIfUnused)
	}
}

// stopIfUnused stops a supervisor without instances.
func (v *supervisor) stopIfUnused() {
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

// sleep waits for d. It returns false if ctx ended first.
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
