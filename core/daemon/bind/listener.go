package bind

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-hclog"
)

// Limits for callers before their request has been read.
const (
	headerTimeout = 10 * time.Second
	headerSize    = 128 << 10
	idleTimeout   = 3 * time.Minute
)

// interruptTime is how long an interrupted request may take to write the end of its
// answer.
const interruptTime = 500 * time.Millisecond

// SettingError says that the value of a setting is valid, but cannot be used on this
// machine now.
type SettingError struct {
	Setting string
	Err     error
}

func (e *SettingError) Error() string { return e.Setting + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *SettingError) Unwrap() error { return e.Err }

// listener is one address with its server.
type listener struct {
	address   string // as configured
	socket    net.Listener
	server    *Server // nil until it serves
	interrupt context.CancelCauseFunc
	handler   atomic.Pointer[http.Handler]
	done      sync.WaitGroup
	closing   atomic.Bool   // callers are told to reconnect
	handed    atomic.Bool   // another program serves the address
	grace     time.Duration // how long keep-alive connections may be idle then
	open      atomic.Int64
	idle      idle
}

// listen binds an address; setting is its name for users. An address that overlaps
// with those of held listeners, such as all interfaces after a single one, is shared
// with them until they are closed.
func listen(setting, address string, held []*listener) (*listener, error) {
	socket, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		socket, err = share(address, held)
	}
	if errors.Is(err, syscall.EADDRINUSE) {
		holder := "another program"
		if h := holderOf(address); h != "" {
			holder += " (" + h + ")"
		}
		err = fmt.Errorf("%s is in use by %s: stop that program, or choose another port", address, holder)
	}
	if err != nil {
		return nil, &SettingError{setting, err}
	}
	return &listener{address: address, socket: socket}, nil
}

func (l *listener) addr() string { return l.socket.Addr().String() }

// serve makes h answer at the address.
func (l *listener) serve(h http.Handler, o Options) {
	l.handler.Store(&h)
	l.closing.Store(false)
	if l.server != nil {
		return
	}
	l.server = NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if l.closing.Load() {
			w.Header().Set("Connection", "close")
		}
		(*l.handler.Load()).ServeHTTP(w, r)
	}), o.Log)
	base, cancel := context.WithCancelCause(context.Background())
	l.interrupt = cancel
	l.server.BaseContext = func(net.Listener) context.Context { return base }
	l.server.ConnState = func(c net.Conn, s http.ConnState) {
		l.idle.record(c.(*conn), s)
		switch s {
		case http.StateNew:
			l.open.Add(1)
		case http.StateClosed, http.StateHijacked:
			l.open.Add(-1)
		}
	}
	l.done.Go(func() {
		if err := l.server.Serve(newGate(l.socket, &l.idle)); !errors.Is(err, http.ErrServerClosed) && !l.handed.Load() {
			o.Failed <- fmt.Errorf("the port %s stopped serving: %w", l.addr(), err)
		}
	})
}

// Server is an HTTP server with the limits of every entry.
type Server struct{ *http.Server }

// Serve serves the connections of a listener.
func (s *Server) Serve(l net.Listener) error { return s.Server.Serve(following{l}) }

// NewServer returns a server for a handler.
func NewServer(h http.Handler, log hclog.Logger) *Server {
	return &Server{&http.Server{
		Handler:           refuseTwoLengths(h),
		ConnContext:       withConn,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerSize,
		ErrorLog:          log.StandardLogger(&hclog.StandardLoggerOptions{ForceLevel: hclog.Debug}),
	}}
}

// serveAccepted stops accepting, and serves accepted connections until no request is
// in flight and the remaining ones have been idle for a while. A server that shuts
// down closes idle connections immediately, which would lose a request that is on its
// way.
func (l *listener) serveAccepted(ctx context.Context) {
	_ = l.socket.Close() // the other program has the socket too
	l.done.Wait()
	for l.open.Load() > 0 {
		if idle, last := l.idle.count(); idle >= l.open.Load() && time.Since(last) > l.grace {
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// shutdown stops accepting and waits for requests in flight. When ctx ends, it
// interrupts them with the cause, and then closes their connections.
func (l *listener) shutdown(ctx context.Context, cause error) {
	if l.server == nil {
		_ = l.socket.Close() // it has served no connection
		return
	}
	if l.handed.Load() {
		l.serveAccepted(ctx)
	}
	defer l.done.Wait()
	if l.server.Shutdown(ctx) == nil {
		return
	}
	l.interrupt(cause)
	last, cancel := context.WithTimeout(context.Background(), interruptTime)
	defer cancel()
	if l.server.Shutdown(last) != nil {
		_ = l.server.Close() // cuts off what is left
	}
}
