package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon/control"
	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/event"
)

// Time limits of the steps after requests have been drained or cut off.
const (
	orderlyTime = 5 * time.Second        // for all steps
	stepTime    = time.Second            // for one step
	hurriedTime = 500 * time.Millisecond // for all steps of an immediate stop
	killTime    = 500 * time.Millisecond // after any of these limits, until a step is abandoned
)

// progressEvery is the time between two reports of what a stop is waiting for.
const progressEvery = 5 * time.Second

// stopping records requests to stop the program.
type stopping struct {
	asked chan control.Ending
	first chan struct{} // closed by the first request
	now   chan struct{} // closed when requests in flight are to be cut off
	final atomic.Bool   // a stop was requested, not a restart
	once  [2]func()
}

func newStopping() *stopping {
	s := &stopping{asked: make(chan control.Ending, 1), first: make(chan struct{}), now: make(chan struct{})}
	s.once = [2]func(){sync.OnceFunc(func() { close(s.first) }), sync.OnceFunc(func() { close(s.now) })}
	return s
}

// ask makes the daemon stop. The first call decides how; later ones can only cut off
// requests in flight, or turn a restart into a stop.
func (d *Daemon) ask(e control.Ending) {
	d.stop.once[0]()
	if !e.Restart {
		d.stop.final.Store(true)
	}
	if e.Drain == 0 && (!e.Restart || d.life.Err() != nil) { // a restart that can still be given up cuts off nothing
		d.stop.once[1]()
	}
	select {
	case d.stop.asked <- e:
	default:
	}
}

// StopRequested reports whether a stop, and not a restart, was requested over the control
// socket.
func (d *Daemon) StopRequested() bool { return d.stop.final.Load() }

// StopNow makes a stop, current or future, cut off requests in flight.
func (d *Daemon) StopNow() { d.stop.once[1]() }

// during returns a context that ends with ctx or when a stop is requested.
func (s *stopping) during(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(ctx, s.first, reload.ErrStopping)
}

// until returns a context that ends with ctx or when the channel is closed.
func until(ctx context.Context, closed <-chan struct{}, cause error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-closed:
			cancel(cause)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// Wait returns when ctx ends, a stop is requested over the control socket, or a port
// stops serving.
func (d *Daemon) Wait(ctx context.Context) (control.Ending, error) {
	select {
	case <-ctx.Done():
		return control.Ending{Drain: control.DrainAsConfigured}, nil
	case e := <-d.stop.asked:
		return e, nil
	case err := <-d.failed:
		return control.Ending{Drain: control.DrainAsConfigured}, err
	}
}

// DrainTime returns how long requests in flight may take when the program stops.
func (d *Daemon) DrainTime(e control.Ending) time.Duration {
	if e.Drain < 0 {
		return d.reloader.Running().Config.Drain
	}
	return e.Drain
}

// HandOver prepares a restart of this process by execve(2): see [bind.Ports.HandOver].
func (d *Daemon) HandOver(ctx context.Context) (env string) {
	ctx, cancel := until(ctx, d.stop.now, errors.New("asked to stop at once"))
	defer cancel()
	return d.parts.Ports.HandOver(ctx)
}

// Shutdown stops accepting requests, and lets those in flight finish until ctx ends or
// an immediate stop is requested. Then they are cut off. All other parts get a few
// seconds to stop, or a moment in an immediate stop. While requests are drained, the
// admin port and the control socket answer. A second call waits for the first.
func (d *Daemon) Shutdown(ctx context.Context) (err error) {
	d.shutdown.Do(func() { err = d.shutDown(ctx) })
	return err
}

func (d *Daemon) shutDown(ctx context.Context) error {
	patient, cancel := until(ctx, d.stop.now, errors.New("asked to stop at once"))
	defer cancel()
	d.end()
	if d.reloader != nil {
		last, cancel := lastTime(patient, stepTime)
		d.reloader.Stop(last)
		cancel()
	}
	d.drain(patient)
	d.endSave()
	last, cancelLast := lastTime(patient, orderlyTime)
	defer cancelLast()
	err := d.release(last)
	if err != nil && patient.Err() != nil && d.log != nil {
		d.log.Warn("Stopped at once", "abandoned", err)
		return nil // as requested
	}
	return err
}

// lastTime returns a context that ends after the limit, or shortly after patient has
// ended.
func lastTime(patient context.Context, limit time.Duration) (context.Context, context.CancelFunc) {
	last, cancel := context.WithTimeout(context.Background(), limit)
	stop := context.AfterFunc(patient, func() {
		select {
		case <-time.After(hurriedTime):
			cancel()
		case <-last.Done():
		}
	})
	return last, func() { stop(); cancel() }
}

// drain waits for the requests in flight until ctx ends.
func (d *Daemon) drain(ctx context.Context) {
	if d.parts.Ports == nil {
		return
	}
	drained := make(chan struct{})
	go d.reportDraining(drained)
	defer close(drained)
	d.parts.Proxy.CloseSockets()
	// When the time is up, streams end with an error before their connections are cut
	// off. The ports do that themselves.
	cut, stop := context.WithCancel(context.Background())
	defer stop()
	defer context.AfterFunc(ctx, func() {
		d.parts.Proxy.Interrupt()
		time.AfterFunc(interruptTime, stop)
	})()
	var ending sync.WaitGroup
	ending.Go(func() { d.parts.Ports.Shutdown(ctx, d.entry) })
	ending.Go(func() {
		d.awaitTunnels(ctx)
		d.parts.Tunnels.Shutdown(cut)
	})
	ending.Go(func() { d.endPredecessor(ctx) })
	ended := make(chan struct{})
	go func() { defer close(ended); ending.Wait() }()
	select {
	case <-ended:
		d.endPassing(ctx)
		return
	case <-cut.Done():
	}
	select {
	case <-ended:
	case <-time.After(killTime):
	}
}

// interruptTime is how long a stream has to end with an error event.
const interruptTime = 300 * time.Millisecond

// reportDraining reports at intervals what a stop is waiting for.
func (d *Daemon) reportDraining(drained <-chan struct{}) {
	for {
		select {
		case <-drained:
			return
		case <-time.After(progressEvery):
			active, text := d.parts.Proxy.Active(), "stopping: %d %s in flight"
			if d.successor.Load() != nil {
				text = "a new process serves; this one finishes %d %s in flight"
			}
			noun := "requests"
			if active == 1 {
				noun = "request"
			}
			if active > 0 {
				d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelInfo, Message: fmt.Sprintf(text, active, noun)})
			}
		}
	}
}

// step is one step of stopping.
type step struct {
	what string
	do   func(context.Context) error
}

// release stops everything that remains. Steps that have not ended shortly after ctx
// are abandoned; the error names the current one.
func (d *Daemon) release(ctx context.Context) error {
	var current atomic.Pointer[step]
	done := make(chan error, 1)
	go func() {
		var errs []error
		for _, s := range d.lastSteps() {
			current.Store(&s)
			limited, cancel := context.WithTimeout(ctx, stepTime)
			errs = append(errs, s.do(limited))
			cancel()
		}
		done <- errors.Join(errs...)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	select {
	case err := <-done:
		return err
	case <-time.After(killTime):
		return fmt.Errorf("%s did not end in time; what is left ends with the process", current.Load().what)
	}
}

// lastSteps returns the steps in order. A failed start has not created all parts.
func (d *Daemon) lastSteps() []step {
	return []step{
		{"saving the state", func(context.Context) error { d.keeping.Wait(); return nil }},
		{"the configuration", d.releaseConfiguration},
		{"a plugin", func(ctx context.Context) error {
			if d.parts.Plugins == nil {
				return nil
			}
			return d.parts.Plugins.Close(ctx)
		}},
		{"a reload", func(ctx context.Context) error {
			if d.reloader != nil {
				d.reloader.WaitAbandoned(ctx)
			}
			return nil
		}},
		{"the admin port", func(ctx context.Context) error {
			if d.parts.Ports != nil {
				d.parts.Ports.Shutdown(ctx, d.panel)
			}
			return nil
		}},
		{"the history", func(ctx context.Context) error {
			if d.history != nil {
				d.history.Close(ctx)
			}
			return nil
		}},
		{"the log", func(context.Context) error { d.reportEnd(); return nil }},
		{"the new process", func(ctx context.Context) error { d.endPassing(ctx); return nil }},
		{"the state directory", func(context.Context) error { return d.releaseDirectory() }},
	}
}

// reportEnd is the counterpart of the report of the start.
func (d *Daemon) reportEnd() {
	if d.reloader != nil && d.reloader.Running() != nil { // otherwise the program has not started
		d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelInfo, Message: fmt.Sprintf("aitunnel %s stopped, process %d", d.options.Version, os.Getpid())})
	}
}

func (d *Daemon) releaseConfiguration(ctx context.Context) error {
	if d.parts.Proxy != nil {
		d.parts.Proxy.Retire()
	}
	if d.reloader != nil {
		d.reloader.WaitDrained(ctx)
	}
	if d.parts.Notifier != nil {
		d.parts.Notifier.Close()
	}
	if d.parts.Monitor != nil {
		d.parts.Monitor.Close()
	}
	return nil
}

// releaseDirectory releases the lock, as the last step: then the stop is complete.
func (d *Daemon) releaseDirectory() (err error) {
	if d.control != nil {
		d.control.Close()
	}
	if d.unknown != nil {
		err = d.unknown.Close()
	}
	if d.sink != nil {
		d.sink.Close()
	}
	if d.lock != nil {
		err = errors.Join(err, d.lock.Release())
	}
	return err
}
