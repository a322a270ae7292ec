package proxy

import (
	"errors"
	"sync"
)

// ErrShutdown is the cause (see [context.Cause]) of a request's context that was
// canceled because the program stops: its stream ends with an error event.
var ErrShutdown = errors.New("aitunnel is stopping")

// attempts are the attempts in flight, so that they can be interrupted.
type attempts struct {
	mu  sync.Mutex
	all map[*attempt]struct{}
}

func (s *attempts) add(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = map[*attempt]struct{}{}
	}
	s.all[a] = struct{}{}
}

func (s *attempts) remove(a *attempt) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, a)
}

// Interrupt ends the requests in flight; a stream that has begun ends with an
// error event of its dialect. A shutdown calls it when the time to drain is over.
func (h *Handler) Interrupt() {
	h.live.mu.Lock()
	defer h.live.mu.Unlock()
	for a := range h.live.all {
		a.ctx.end(ErrShutdown)
	}
}
