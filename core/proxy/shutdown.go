package proxy

import (
	"errors"
	"sync"
	"time"
)

// ErrShutdown is the cause (see [context.Cause]) of a request's context that was
// canceled because the program stops: its stream ends with an error event.
var ErrShutdown = errors.New("aitunnel is stopping")

// followAfter is after how long, or up to twice as long, an attempt begins to follow the
// context of its caller.
const followAfter = 50 * time.Millisecond

// attempts are the attempts in flight, in a list, so that they can be interrupted, and
// follow their callers if they take longer.
type attempts struct {
	mu    sync.Mutex
	first *attempt // the latest
	timer *time.Timer
	set   bool // the timer will fire
}

// neighbors link an attempt into the list.
type neighbors struct {
	before, after *attempt
	age           int8 // how often the timer fired; at the second time the attempt follows its caller
}

func (s *attempts) add(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.after = s.first; s.first != nil {
		s.first.before = a
	}
	s.first = a
	s.wake()
}

// wake sets the timer, unless it is set. The lock must be held.
func (s *attempts) wake() {
	switch {
	case s.set:
		return
	case s.timer == nil:
		s.timer = time.AfterFunc(followAfter, s.follow)
	default:
		s.timer.Reset(followAfter)
	}
	s.set = true
}

// follow has those attempts follow their callers that have lasted for followAfter.
func (s *attempts) follow() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.set = false
	for a := s.first; a != nil && a.age < 2; a = a.after { // those after it are older
		if a.age++; a.age == 2 {
			a.ctx.follow()
		} else {
			s.wake()
		}
	}
}

// remove may be called more than once.
func (s *attempts) remove(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case a.before != nil:
		a.before.after = a.after
	case s.first == a:
		s.first = a.after
	default:
		return
	}
	if a.after != nil {
		a.after.before = a.before
	}
	a.before, a.after = nil, nil
}

// Interrupt ends the requests in flight; a stream that has begun ends with an
// error event of its dialect. A shutdown calls it when the time to drain is over.
func (h *Handler) Interrupt() {
	h.live.mu.Lock()
	defer h.live.mu.Unlock()
	for a := h.live.first; a != nil; a = a.after {
		a.ctx.end(ErrShutdown)
	}
}
