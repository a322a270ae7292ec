package wire

import (
	"context"
	"fmt"
	"net"
	"net/rpc"
	"sync"
	"time"
)

// Handler answers a call. Its context ends at the caller's deadline, with a
// cancellation and with the server's own context.
type Handler func(ctx context.Context, call Call) Reply

// Server passes the calls of one connection to a [Handler], each in its own goroutine. It is
// registered with net/rpc as "Plugin".
type Server struct {
	ctx     context.Context
	handler Handler

	mu      sync.Mutex
	running map[uint64]context.CancelFunc
}

// NewServer returns a server whose handlers stop when ctx ends.
func NewServer(ctx context.Context, handler Handler) *Server {
	return &Server{ctx: ctx, handler: handler, running: make(map[uint64]context.CancelFunc)}
}

// Do is Plugin.Do. Its error is always nil: errors are in the reply, because
// net/rpc would reduce them to strings.
func (s *Server) Do(call Call, reply *Reply) error {
	ctx, cancel := s.begin(call)
	defer s.end(call.ID, cancel)
	*reply = s.answer(ctx, call)
	return nil
}

// Cancel is Plugin.Cancel. A cancellation that overtakes its call, or comes
// too late, does nothing; the call still ends at its own deadline.
func (s *Server) Cancel(id uint64, known *bool) error {
	s.mu.Lock()
	cancel := s.running[id]
	s.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	*known = cancel != nil
	return nil
}

func (s *Server) begin(call Call) (context.Context, context.CancelFunc) {
	ctx, cancel := s.context(call)
	s.mu.Lock()
	s.running[call.ID] = cancel
	s.mu.Unlock()
	return ctx, cancel
}

func (s *Server) context(call Call) (context.Context, context.CancelFunc) {
	if call.TimeoutMS > 0 {
		return context.WithTimeout(s.ctx, clampTimeout(call.TimeoutMS))
	}
	return context.WithCancel(s.ctx)
}

func (s *Server) end(id uint64, cancel context.CancelFunc) {
	cancel()
	s.mu.Lock()
	delete(s.running, id)
	s.mu.Unlock()
}

func (s *Server) answer(ctx context.Context, call Call) (reply Reply) {
	defer func() {
		if p := recover(); p != nil {
			what := LogPanic(fmt.Sprintf("%s of %s", FunctionOf(call.Method), call.Component), p)
			reply = Fail(fmt.Errorf("%w in %s: %s", CodePanic, call.Method, what))
		}
	}()
	return s.handler(ctx, call)
}

// clampTimeout keeps an absurd number of milliseconds from overflowing.
func clampTimeout(ms int64) time.Duration {
	return time.Duration(min(ms, int64(24*time.Hour/time.Millisecond))) * time.Millisecond
}

// ServeConn serves conn until it breaks. Handlers are told of the break, which
// net/rpc alone would not do before all of them have returned.
func ServeConn(ctx context.Context, conn net.Conn, handler Handler) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	server := rpc.NewServer()
	if err := server.RegisterName("Plugin", NewServer(ctx, handler)); err != nil {
		panic(err) // the methods above are what net/rpc asks for
	}
	server.ServeConn(&watchedConn{Conn: conn, broken: cancel})
}

type watchedConn struct {
	net.Conn
	broken func()
}

func (c *watchedConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err != nil {
		c.broken()
	}
	return n, err
}
