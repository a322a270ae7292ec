package daemon

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/aitunnel/aitunnel/core/daemon/reload"
	"github.com/aitunnel/aitunnel/core/event"
)

// lastTime bounds what is left to do when requests have been drained or cut.
const lastTime = time.Second

// progressEvery is the time between two reports of what a stop waits for.
const progressEvery = 5 * time.Second

// stopping is the wish of somebody to stop the program.
type stopping struct {
	asked chan Ending
	first chan struct{} // closed with the first wish
	now   chan struct{} // closed when requests in flight are to be cut
	once  [2]func()
}

func newStopping() stopping {
	s := stopping{asked: make(chan Ending, 1), first: make(chan struct{}), now: make(chan struct{})}
	s.once = [2]func(){sync.OnceFunc(func() { close(s.first) }), sync.OnceFunc(func() { close(s.now) })}
	return s
}

// check reports why a restart would not succeed.
func (d *Daemon) check(ctx context.Context, e Ending) error {
	if !e.Restart || d.options.BeforeRestart == nil {
		return nil
	}
	return d.options.BeforeRestart(ctx)
}

// ask has the daemon stop. The first to ask says how; to cut what is in flight can
// be asked at any time.
func (d *Daemon) ask(e Ending) {
	d.stop.once[0]()
	if e.Drain == 0 {
		d.stop.once[1]()
	}
	select {
	case d.stop.asked <- e:
	default:
	}
}

// during is ctx until somebody asks to stop.
func (s *stopping) during(ctx context.Context) (context.Context, context.CancelFunc) {
	return until(ctx, s.first, reload.ErrStopping)
}

// until is ctx until the channel is closed.
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

// Wait returns when ctx ends, somebody asks for a stop over the control socket,
// or a port stops serving.
func (d *Daemon) Wait(ctx context.Context) (Ending, error) {
	select {
	case <-ctx.Done():
		return Ending{Drain: DrainAsConfigured}, nil
	case e := <-d.stop.asked:
		return e, nil
	case err := <-d.failed:
		return Ending{Drain: DrainAsConfigured}, err
	}
}

// DrainTime is how long requests in flight may take when the program stops.
func (d *Daemon) DrainTime(e Ending) time.Duration {
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

// Shutdown stops accepting requests, and lets those in flight finish until ctx
// ends or somebody asks to stop at once. Then they are cut. What else is to be
// stopped is given a second. While requests are drained the admin port and the
// control socket answer. A second call waits for the first.
func (d *Daemon) Shutdown(ctx context.Context) (err error) {
	d.shutdown.Do(func() { err = d.shutDown(ctx) })
	return err
}

func (d *Daemon) shutDown(ctx context.Context) error {
	draining, cancel := until(ctx, d.stop.now, errors.New("asked to stop at once"))
	defer cancel()
	d.end()
	if d.reloader != nil {
		last, cancel := context.WithTimeout(context.Background(), lastTime)
		d.reloader.Stop(last)
		cancel()
	}
	d.drain(draining)
	d.endSave()
	d.keeping.Wait()
	last, cancelLast := context.WithTimeout(context.Background(), lastTime)
	defer cancelLast()
	return d.release(last)
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
	// When the time is over, streams end with an error before their connections are
	// cut. The ports see to that themselves.
	cut, stop := context.WithCancel(context.Background())
	defer stop()
	defer context.AfterFunc(ctx, func() {
		d.parts.Proxy.Interrupt()
		time.AfterFunc(interruptTime, stop)
	})()
	var ending sync.WaitGroup
	ending.Go(func() { d.parts.Ports.Shutdown(ctx, d.entry) })
	ending.Go(func() { d.parts.Tunnels.Shutdown(cut) })
	ending.Wait()
}

// interruptTime is how long a stream has to end with an error event.
const interruptTime = 300 * time.Millisecond

// reportDraining says from time to time what a stop waits for.
func (d *Daemon) reportDraining(drained <-chan struct{}) {
	for {
		select {
		case <-drained:
			return
		case <-time.After(progressEvery):
			d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelInfo, Message: fmt.Sprintf("stopping: %d requests in flight", d.parts.Proxy.Active())})
		}
	}
}

// release stops all that is left. What is not done when ctx ends is abandoned.
func (d *Daemon) release(ctx context.Context) error {
	var errs []error
	steps := []func(){
		func() {
			if d.parts.Proxy != nil {
				d.parts.Proxy.Retire()
			}
			if d.reloader != nil {
				d.reloader.Drained(ctx)
			}
			if d.parts.Monitor != nil {
				d.parts.Monitor.Close()
			}
		},
		func() {
			if d.parts.Plugins != nil {
				errs = append(errs, d.parts.Plugins.Close(ctx))
			}
		},
		func() {
			if d.reloader != nil {
				d.reloader.Abandoned(ctx)
			}
		},
		func() {
			if d.parts.Ports != nil {
				d.parts.Ports.Shutdown(ctx, d.panel)
			}
			if d.control != nil {
				d.control.Close()
			}
			if d.unknown != nil {
				errs = append(errs, d.unknown.Close())
			}
			if d.sink != nil {
				d.sink.Close()
			}
			if d.lock != nil {
				errs = append(errs, d.lock.Release())
			}
		},
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, step := range steps {
			step()
		}
	}()
	select {
	case <-done:
		return errors.Join(errs...)
	case <-time.After(2 * lastTime):
		return errors.New("the program did not stop in time; what is left ends with the process")
	}
}
