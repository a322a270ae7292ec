package proxy

import (
	"errors"
	"sync"
)

// ErrShutdown is the cause (see [context.Cause]) of a request's context that was
// canceled because the program stops: its stream ends with an error event.
var ErrShutdown = errors.New("aitunnel is stopping")

// attempts are the attempts in flight, in a list, so that they can be interrupted.
type attempts struct {
	mu    sync.Mutex
	first *attempt
}

// neighbours link an attempt into the list.
type neighbours struct{ before, after *attempt }

func (s *attempts) add(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if a.after = s.first; s.first != nil {
		s.first.before = a
	}
	s.first = a
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
