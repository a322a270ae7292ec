package daemon

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aitunnel/aitunnel/core/channel"
	"github.com/aitunnel/aitunnel/core/daemon/handover"
	"github.com/aitunnel/aitunnel/core/event"
)

// A restart starts a new process next to this one. The new process gets the listening
// sockets and builds its configuration; until it is ready, this one serves, and if it
// fails, this one continues. Then it takes over the state directory, and this one
// finishes its requests in flight.

// Launch starts the new process. It inherits the descriptors, numbered from
// [FirstDescriptor], and the environment variables.
type Launch func(descriptors []int, variables []string) (*os.Process, error)

// FirstDescriptor is the first number after the standard ones.
const FirstDescriptor = 3

const (
	replaceTime = 2 * time.Minute       // until the new process serves
	giveUpTime  = time.Second           // for it to end when the restart is given up
	historyTime = 5 * time.Second       // to write the rest of the history
	tunnelTime  = 20 * time.Second      // for its tunnels to log in; until then those of this process serve
	pollTime    = 20 * time.Millisecond // between two polls
	passQueue   = 4096                  // queued events for the new process
)

// successor is the process that replaces this one.
type successor struct {
	conn     *handover.Conn
	process  *os.Process
	messages chan handover.Message // closed when the process has ended
	events   chan event.Event
	gone     chan struct{}
	passed   chan struct{} // closed when all events have been sent
	failure  string        // why it cannot serve, as it reported
	taken    bool          // it has taken over the state directory from this process
	saved    channel.Saved // the state that it has read from there
}

// Replace starts another process that takes the place of this one, and returns nil
// once that process serves; serving is called just before the new process reports this
// itself. What remains is [Daemon.Shutdown]. After an error this process continues,
// unless ctx has ended or a stop was requested. If the new process ended after it had
// taken over the state directory, [Daemon.Wait] returns the error: without the
// directory this process cannot be reached, so it finishes its requests and ends.
func (d *Daemon) Replace(ctx context.Context, launch Launch, serving func(pid int)) error {
	saving, cancel := context.WithTimeout(ctx, saveTime)
	err := d.save.saveNow(saving) // the new process reads it before taking over
	cancel()
	var s *successor
	if err == nil {
		s, err = d.launch(launch)
	}
	if err == nil {
		err = d.awaitSuccessor(ctx, s, serving)
	}
	if err == nil {
		return nil
	}
	if s != nil && s.taken {
		err = fmt.Errorf("the restart failed after the new process had taken over, so aitunnel ends: %w", err)
		d.failed <- err
		return err
	}
	text := fmt.Sprintf("nothing was restarted: %v", err)
	d.restartError.Store(&text)
	d.parts.Bus.Publish(event.Event{Type: event.TypeLog, Level: event.LevelError, Message: text})
	return err
}

// launch starts the process.
func (d *Daemon) launch(launch Launch) (*successor, error) {
	ours, theirs, err := handover.Pair()
	if err != nil {
		return nil, err
	}
	sockets := d.parts.Ports.CopySockets()
	descriptors := sockets.Descriptors()
	variables := []string{sockets.Variable(FirstDescriptor), fmt.Sprintf("%s=%d", handover.Env, FirstDescriptor+len(descriptors))}
	process, err := launch(append(descriptors, int(theirs.Fd())), variables)
	sockets.Close()
	_ = theirs.Close()
	if err != nil {
		ours.Close()
		return nil, fmt.Errorf("the new process cannot be started: %w", err)
	}
	s := &successor{
		conn: ours, process: process, messages: make(chan handover.Message), events: make(chan event.Event, passQueue),
		gone: make(chan struct{}), passed: make(chan struct{}),
	}
	go s.receive()
	return s, nil
}

func (s *successor) receive() {
	defer close(s.gone)
	defer close(s.messages)
	for {
		m, err := s.conn.Receive()
		if err != nil {
			return
		}
		s.messages <- m
	}
}

// awaitSuccessor follows the process until it serves.
func (d *Daemon) awaitSuccessor(ctx context.Context, s *successor, serving func(pid int)) error {
	ended := make(chan string, 1)
	go func() {
		if state, err := s.process.Wait(); err == nil { // also while it serves, so that no zombie is left
			ended <- state.String()
		}
	}()
	limit := time.NewTimer(replaceTime)
	defer limit.Stop()
	for {
		select {
		case m, there := <-s.messages:
			switch {
			case !there && s.failure != "":
				s.end(ended)
				return fmt.Errorf("the new process cannot serve: %s", s.failure)
			case !there:
				return fmt.Errorf("the new process ended (%s): %s has its messages", s.end(ended), errorOutput())
			case m.Kind == handover.Serving:
				serving(s.process.Pid)
				_ = s.conn.Send(m)
				d.parts.Ports.Leave()
				d.parts.Monitor.Close()
				go d.follow(s)
				return nil
			}
			d.handle(s, m)
		case <-ctx.Done():
			s.giveUp(ended, d.stop.now)
			return context.Cause(ctx)
		case e := <-d.stop.asked:
			if e.Restart {
				continue // this is that restart
			}
			select {
			case d.stop.asked <- e:
			default: // another restart was requested
			}
			s.giveUp(ended, d.stop.now)
			return errors.New("a stop was requested")
		case <-limit.C:
			s.giveUp(ended, d.stop.now)
			return fmt.Errorf("the new process did not serve within %s", replaceTime)
		}
	}
}

// errorOutput returns where processes of this service write their errors.
func errorOutput() string {
	if os.Getenv("JOURNAL_STREAM") != "" {
		return "the journal"
	}
	return "'aitunnel logs' or its standard error"
}

// end waits for the process to end, and returns how it ended.
func (s *successor) end(ended <-chan string) string {
	select {
	case how := <-ended:
		return how
	case <-time.After(giveUpTime):
		_ = s.process.Kill()
		return "it closed its connection"
	}
}

// giveUp ends the process, immediately if now is closed.
func (s *successor) giveUp(ended <-chan string, now <-chan struct{}) {
	_ = s.process.Signal(os.Interrupt)
	limit := time.NewTimer(giveUpTime)
	defer limit.Stop()
	for there := true; there; {
		select {
		case _, there = <-s.messages: // it gets no more answers
		case <-limit.C:
			s.kill()
		case <-now:
			s.kill()
			now = nil
		}
	}
	s.end(ended)
}

// kill kills the process. A child of it may keep the connection open.
func (s *successor) kill() {
	_ = s.process.Kill()
	s.conn.Close()
}

// follow handles the messages of the new process while this one finishes.
func (d *Daemon) follow(s *successor) {
	for m := range s.messages {
		d.handle(s, m)
	}
}

// handle handles a message of the new process.
func (d *Daemon) handle(s *successor, m handover.Message) {
	switch m.Kind {
	case handover.Take:
		d.handOver(s)
		_ = s.conn.Send(m)
		go s.pass()
	case handover.Tunnel:
		go func() {
			d.parts.Tunnels.Release(m.Tunnel)
			_ = s.conn.Send(m)
		}()
	case handover.Failed:
		s.failure = m.Error
	case handover.End:
		time.AfterFunc(m.Drain, d.stop.once[1])
	}
}

// handOver releases the state directory. Later events go to the new process.
func (d *Daemon) handOver(s *successor) {
	d.counting.Lock() // no event is being written to the files that are closed below
	d.successor.Store(s)
	d.counting.Unlock()
	d.endSave()
	d.keeping.Wait()
	s.saved = d.save.saved
	last, cancel := context.WithTimeout(context.Background(), historyTime)
	defer cancel()
	d.history.Close(last)
	d.parts.Tunnels.ForgetSessions()
	d.control.Close()
	d.control = nil
	if err := d.lock.Release(); err != nil {
		d.log.Warn("The lock of the state directory could not be released", "error", err)
	}
	d.lock, s.taken = nil, true
}

// passOn makes the new process publish an event. It returns false if there is no such
// process.
func (d *Daemon) passOn(e event.Event) bool {
	s := d.successor.Load()
	if s == nil {
		return false
	}
	switch e.Type {
	case event.TypeRequest, event.TypeRetry, event.TypeClient, event.TypeLog:
	default:
		return true // this process is no longer responsible for these events
	}
	select {
	case <-s.gone:
		return false
	case s.events <- e:
	default: // it is not reading
	}
	return true
}

// pass sends events until it receives a zero one.
func (s *successor) pass() {
	defer close(s.passed)
	for e := range s.events {
		if e.Type == "" || s.conn.Send(handover.Message{Kind: handover.Event, Event: &e}) != nil {
			return
		}
	}
}

// endPassing waits until all events have been sent or ctx ends, then sends the counts
// of channels and keys, and closes the connection.
func (d *Daemon) endPassing(ctx context.Context) {
	s := d.successor.Load()
	if s == nil {
		return
	}
	defer s.conn.Close()
	select {
	case s.events <- event.Event{}:
	case <-s.passed:
	case <-s.gone:
	case <-ctx.Done():
	}
	select {
	case <-s.passed:
		if all := d.parts.Registry.CountsSince(s.saved); len(all) > 0 {
			_ = s.conn.Send(handover.Message{Kind: handover.Counted, Counted: &all})
		}
	case <-s.gone:
	case <-ctx.Done():
	}
}

// awaitTunnels waits until the tunnels of the new process have taken over the
// addresses of this one.
func (d *Daemon) awaitTunnels(ctx context.Context) {
	s := d.successor.Load()
	if s == nil {
		return
	}
	limit := time.After(tunnelTime)
	for d.parts.Tunnels.Serving() {
		select {
		case <-time.After(pollTime):
		case <-limit:
			return
		case <-s.gone:
			return
		case <-ctx.Done():
			return
		}
	}
}

// RestartError returns why the last restart failed, "" if it did not.
func (d *Daemon) RestartError() string {
	if text := d.restartError.Load(); text != nil {
		return *text
	}
	return ""
}

// replacing is the state of restarts.
type replacing struct {
	successor    atomic.Pointer[successor] // which owns the state directory
	predecessor  *predecessor              // nil: this process replaced no other
	counting     sync.RWMutex              // read-locked while an event is counted
	restartError atomic.Pointer[string]
}
